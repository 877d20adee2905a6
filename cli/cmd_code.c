/* cmd_code.c - redemption codes. */
#include "cmd.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "store/code.h"
#include "store/user.h"

struct values {
	const char *name, *user, *state;
	int64_t amount_nusd, count, expires_ms;
};

#define AT(field) offsetof(struct values, field)

struct made {
	const char *code;
};

static const struct out_col made_cols[] = { { "code", "CODE", OUT_TEXT,
					      offsetof(struct made, code) },
					    { .name = NULL } };

static const struct out_col cols[] = {
	{ "id", "ID", OUT_INT, offsetof(struct code, id) },
	{ "hint", "CODE", OUT_TEXT, offsetof(struct code, hint) },
	{ "name", "NAME", OUT_TEXT, offsetof(struct code, name) },
	{ "amount_nusd", "AMOUNT", OUT_MONEY,
	  offsetof(struct code, amount_nusd) },
	{ "state", "STATE", OUT_TEXT, offsetof(struct code, state) },
	{ "expires_ms", "EXPIRES", OUT_TIME,
	  offsetof(struct code, expires_ms) },
	{ "user", "USED BY", OUT_NAME, offsetof(struct code, user) },
	{ "used_ms", "USED", OUT_TIME, offsetof(struct code, used_ms) },
	{ "txn", NULL, OUT_INT, offsetof(struct code, txn_id) },
	{ "actor", NULL, OUT_NAME, offsetof(struct code, actor) },
	{ "created_ms", NULL, OUT_TIME, offsetof(struct code, created_ms) },
	{ .name = NULL }
};

static int create(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const struct code code = {
		.name = v->name,
		.amount_nusd = v->amount_nusd,
		.actor = cli_actor(c),
		.expires_ms =
			v->expires_ms ? clock_wall_ms() + v->expires_ms : 0,
	};
	int n = (int)v->count;
	char(*text)[CODE_TEXT] = arena_alloc(&c->arena, (size_t)n * CODE_TEXT);
	struct made *rows = ARENA_ARRAY(&c->arena, struct made, n);

	if (!cli_db(c, e) || code_create(c->db, &code, n, text, e) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		rows[i].code = text[i];
	out_rows(&c->out, made_cols, rows, sizeof(*rows), n, "");
	if (!c->json)
		cli_say(c, "this is the only time that they are shown");
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct code *rows = NULL;
	int n;

	if (!cli_db(c, e))
		return -1;
	n = code_list(c->db, v->name, v->state, &rows, &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no codes: pontage code create NAME --amount 5.00");
	return 0;
}

static int disable(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	int64_t id = 0;
	bool is_id = !str_int(str_of(v->name), 1, INT64_MAX, &id);
	int n;

	if (!cli_db(c, e))
		return -1;
	n = code_disable(c->db, is_id ? NULL : v->name, id, e);
	if (n < 0)
		return -1;
	cli_say(c, "%d code%s disabled", n, n == 1 ? "" : "s");
	return 0;
}

static int redeem(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	char amount[NUSD_TEXT];
	struct redeem r = { .actor = cli_actor(c) };
	struct user u;
	int n;

	if (!cli_db(c, e) || user_find(c->db, v->user, &u, &c->arena, e) < 0)
		return -1;
	n = cli_secrets(c, "code", &r.typed, 1, e);
	if (n <= 0)
		return n ? -1 :
			   err_set(e, ERR_USAGE, "no code on standard input");
	r.user_id = u.id;
	r.account_id = u.account_id;
	if (code_redeem(c->db, &r, e) < 0) {
		if (r.verdict) /* the words were right, the code is not */
			c->status = EX_DATAERR;
		if (r.verdict > CODE_MISTYPED) /* an administrator asks */
			cli_say(c, "this code %s", code_why(r.verdict));
		return -1;
	}
	cli_say(c, "%s: $%s redeemed", u.name,
		nusd_text(r.amount_nusd, amount));
	return 0;
}

static const struct arg create_args[] = {
	ARG("NAME", ARG_WORD, AT(name), NULL, "of the batch, for lists",
	    .max = CODE_NAME_MAX, .required = true),
	ARG("--amount", ARG_MONEY, AT(amount_nusd), "DOLLARS",
	    "what each is worth", .min = 1, .max = NUSD_MAX, .required = true),
	ARG("--count", ARG_INT, AT(count), "N", "how many (1)", .def = 1,
	    .min = 1, .max = CODE_BATCH),
	ARG("--expires", ARG_DURATION, AT(expires_ms), "TIME",
	    "good for so long, like 30d (for ever)", .min = 1),
	{ .name = NULL }
};

static const struct arg list_args[] = {
	ARG("--name", ARG_WORD, AT(name), "NAME", "of this batch only",
	    .max = CODE_NAME_MAX),
	ARG("--state", ARG_WORD, AT(state), "STATE",
	    "open, used, disabled or expired ones only", .max = 16),
	{ .name = NULL }
};

static const struct arg disable_args[] = {
	ARG("NAME|ID", ARG_WORD, AT(name), NULL,
	    "all unused ones of a batch, or the one with this number",
	    .max = CODE_NAME_MAX, .required = true),
	{ .name = NULL }
};

static const struct arg redeem_args[] = {
	ARG("--user", ARG_WORD, AT(user), "NAME", "who gets the money",
	    .max = USER_NAME_MAX, .required = true),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("create", "NAME --amount DOLLARS [--count N] [--expires TIME]",
	    "make codes and print them, once", NULL, create_args,
	    sizeof(struct values), create),
	CMD("list", "[--name NAME] [--state STATE]", "codes, newest first",
	    NULL, list_args, sizeof(struct values), list),
	CMD("disable", "NAME|ID", "make unused codes worthless", NULL,
	    disable_args, sizeof(struct values), disable),
	CMD("redeem", "--user NAME",
	    "give a user what the code on standard input is worth", NULL,
	    redeem_args, sizeof(struct values), redeem),
	{ .name = NULL }
};

const struct cmd cmd_code = {
	.name = "code",
	.words = "",
	.what = "redemption codes: create, list, disable, redeem",
	.args = NO_ARGS,
	.subs = subs,
};

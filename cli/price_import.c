/* price_import.c - price import and export. */
#include "price.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "policy/tariff.h"
#include "store/channel.h"
#include "json/jw.h"

#define FILE_MAX ((size_t)64 << 20)

#define AT(field)  offsetof(struct price_import, field)
#define COL(field) offsetof(struct change, field)

/* What an import would do with one price. */
enum fate { NEW, CHANGED, SAME, DOUBTED, REFUSED, FATE__COUNT };

static const char *const fates[] = {
	[NEW] = "new",          [CHANGED] = "changed", [SAME] = "same",
	[DOUBTED] = "doubtful", [REFUSED] = "refused",
};

struct change {
	enum fate fate;
	const char *word, *model, *channel;
	const char *was, *is, *why;
	struct price price;
};

struct changes {
	struct change *p;
	int n, count[FATE__COUNT];
};

static const struct out_col cols[] = {
	{ "what", "", OUT_TEXT, COL(word) },
	{ "model", "MODEL", OUT_TEXT, COL(model) },
	{ "channel", NULL, OUT_NAME, COL(channel) },
	{ "was", "WAS", OUT_TEXT, COL(was) },
	{ "is", "IS", OUT_TEXT, COL(is) },
	{ "why", "WHY NOT", OUT_TEXT, COL(why) },
	{ .name = NULL }
};

/* --- the file -------------------------------------------------------------- */

static int read_all(FILE *f, struct buf *to, struct err *e)
{
	size_t got;

	do {
		char *at = buf_room(to, 65536);

		if (!at)
			return err_set(e, ERR_TOO_LARGE,
				       "the file is longer than 64 MB");
		got = fread(at, 1, 65536, f);
		buf_grew(to, got);
	} while (got);
	return ferror(f) ? err_set(e, ERR_IO, "%s", strerror(errno)) : 0;
}

static int read_file(const char *path, struct buf *to, struct err *e)
{
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	int rc;

	if (!f)
		return err_set(e, ERR_NOT_FOUND, "%.120s: %s", path,
			       strerror(errno));
	rc = read_all(f, to, e);
	if (f != stdin)
		fclose(f);
	return rc;
}

static int read_tariff(struct cli *c, const struct price_import *v,
		       struct tariff *t, struct err *e)
{
	const struct tariff_ask ask = { .provider = v->provider };
	struct buf text;
	int rc;

	if (v->builtin)
		return tariff_builtin(&c->arena, t, e);
	if (!v->file)
		return err_set(e, ERR_USAGE,
			       "want a FILE, - for standard input, or "
			       "--builtin");
	buf_init(&text, FILE_MAX);
	rc = read_file(v->file, &text, e);
	if (rc == 0)
		rc = tariff_read(buf_span(&text), &ask, &c->arena, t, e);
	buf_release(&text);
	return rc;
}

/* --- the difference ---------------------------------------------------------- */

static void put_factor(struct buf *b, const char *name, int64_t ppm)
{
	char at[NUSD_TEXT];

	if (ppm)
		buf_printf(b, ", %s x %s", name,
			   nusd_text(ppm * (NUSD_PER_USD / 1000000), at));
}

/* "input 0.15, cache_read 0.075, output 0.6" */
static const char *price_text(struct cli *c, const struct price *p)
{
	char at[NUSD_TEXT];
	const char *text;
	struct buf b;

	if (p->free)
		return "free";
	buf_init(&b, 65536);
	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *l = &p->lines[i];

		buf_printf(&b, "%s%s%s%s", i ? ", " : "",
			   line_info(l->line)->name, *l->variant ? " " : "",
			   l->variant);
		if (l->from_tok)
			buf_printf(&b, " @%lld", (long long)l->from_tok);
		buf_printf(&b, " %s", nusd_text(l->nusd, at));
	}
	put_factor(&b, "batch", p->batch_ppm);
	put_factor(&b, "flex", p->flex_ppm);
	put_factor(&b, "priority", p->priority_ppm);
	if (p->context_tok || p->max_output_tok)
		buf_printf(&b, " (%lld/%lld)", (long long)p->context_tok,
			   (long long)p->max_output_tok);
	text = arena_dup(&c->arena, buf_span(&b));
	buf_release(&b);
	return text;
}

static const struct price *find(const struct price *p, int n,
				const struct price *like)
{
	for (int i = 0; i < n; i++)
		if (p[i].channel_id == like->channel_id &&
		    !strcmp(p[i].model, like->model))
			return &p[i];
	return NULL;
}

static int64_t channel_of(const struct channel_all *all, const char *name)
{
	for (int i = 0; i < all->n_channels; i++)
		if (!strcmp(all->channels[i].name, name))
			return all->channels[i].id;
	return -1;
}

static enum fate fate_of(const struct price_import *v,
			 const struct tariff_row *row, const struct price *had)
{
	if (row->refused)
		return REFUSED;
	if (had && (v->missing || tariff_same(had, &row->price)))
		return SAME;
	if (row->doubt && !v->force)
		return DOUBTED;
	return had ? CHANGED : NEW;
}

static bool is_wanted(const struct price_import *v, const char *model)
{
	struct str rest = str_of(v->models), one;

	while (str_next(&rest, ',', &one))
		if (str_eq(one, model))
			return true;
	return !v->models;
}

struct present { /* what there is */
	struct price *p;
	int n;
	struct channel_all channels;
};

static void compare(struct cli *c, const struct price_import *v,
		    const struct present *is, struct tariff_row *row,
		    struct changes *to)
{
	struct change *ch = &to->p[to->n];
	const struct price *had;

	if (!is_wanted(v, row->price.model))
		return;
	if (*row->channel) {
		row->price.channel_id = channel_of(&is->channels, row->channel);
		if (row->price.channel_id < 0 && !row->refused)
			row->refused = "there is no such channel";
	}
	had = find(is->p, is->n, &row->price);
	*ch = (struct change){ .fate = fate_of(v, row, had),
			       .model = row->price.model,
			       .channel = row->channel,
			       .was = had ? price_text(c, had) : "",
			       .is = price_text(c, &row->price),
			       .why = "",
			       .price = row->price };
	if (ch->fate == REFUSED)
		ch->why = row->refused;
	if (ch->fate == DOUBTED)
		ch->why = row->doubt;
	ch->word = fates[ch->fate];
	to->count[ch->fate]++;
	to->n += ch->fate != SAME;
}

static int compare_all(struct cli *c, const struct price_import *v,
		       const struct tariff *t, struct changes *to,
		       struct err *e)
{
	struct present is = { .p = NULL };

	is.n = price_list(c->db, clock_wall_ms(), &is.p, &c->arena, e);
	if (is.n < 0 || channel_all(c->db, &is.channels, &c->arena, e) < 0)
		return -1;
	*to = (struct changes){
		.p = ARENA_ARRAY(&c->arena, struct change, t->n + 1),
	};
	for (int i = 0; i < t->n; i++)
		compare(c, v, &is, &t->rows[i], to);
	return 0;
}

/* --- doing it ---------------------------------------------------------------- */

static int set_changes(struct cli *c, const struct changes *to, struct err *e)
{
	for (int i = 0; i < to->n; i++) {
		struct price *p = &to->p[i].price;

		if (to->p[i].fate != NEW && to->p[i].fate != CHANGED)
			continue;
		p->actor = cli_actor(c);
		if (price_set(c->db, p, e) < 0)
			return -1;
	}
	return 0;
}

/* All of it or nothing. */
static int apply(struct cli *c, const struct changes *to, struct err *e)
{
	if (db_begin(c->db, e) < 0)
		return -1;
	if (set_changes(c, to, e) < 0) {
		db_rollback(c->db);
		return -1;
	}
	return db_commit(c->db, e);
}

static void say(struct cli *c, const struct price_import *v,
		const struct tariff *t, const struct changes *to)
{
	const int *n = to->count;

	cli_say(c,
		"%s: %d new, %d changed, %d as they are, %d doubtful, %d "
		"refused%s",
		t->shape, n[NEW], n[CHANGED], n[SAME], n[DOUBTED], n[REFUSED],
		v->apply ? "; the new and the changed ones count from now on" :
			   "; nothing was changed: --apply does it");
	if (n[DOUBTED])
		cli_say(c, "doubtful ones are left out; --force takes them");
}

int price_import(struct cli *c, const void *values, struct err *e)
{
	const struct price_import *v = values;
	struct tariff t = { .shape = "" };
	struct changes to;

	if (read_tariff(c, v, &t, e) < 0 || !cli_db(c, e) ||
	    compare_all(c, v, &t, &to, e) < 0)
		return -1;
	if (v->apply && apply(c, &to, e) < 0)
		return -1;
	out_rows(&c->out, cols, to.p, sizeof(*to.p), to.n,
		 "no difference to the prices that count");
	say(c, v, &t, &to);
	return 0;
}

int price_seed(struct cli *c, struct err *e)
{
	const struct price_import v = { .builtin = true };
	struct price *had = NULL;
	struct tariff t = { .shape = "" };
	struct changes to;
	int n = price_all(c->db, 0, &had, &c->arena, e);

	if (n)
		return MIN(n, 0);
	if (tariff_builtin(&c->arena, &t, e) < 0 ||
	    compare_all(c, &v, &t, &to, e) < 0 || apply(c, &to, e) < 0)
		return -1;
	return to.count[NEW];
}

const struct arg price_import_args[] = {
	ARG("FILE", ARG_TEXT, AT(file), NULL, "JSON; - is standard input",
	    .max = 4096),
	ARG("--builtin", ARG_FLAG, AT(builtin), NULL,
	    "the prices that come with this version instead of a file"),
	ARG("--apply", ARG_FLAG, AT(apply), NULL,
	    "do it; without, only show what would change"),
	ARG("--missing", ARG_FLAG, AT(missing), NULL,
	    "only models that have no price yet"),
	ARG("--provider", ARG_TEXT, AT(provider), "ID",
	    "only this provider's prices, as the file calls it", .max = 64),
	ARG("--models", ARG_LIST, AT(models), "LIST", "only these models"),
	ARG("--force", ARG_FLAG, AT(force), NULL,
	    "also prices that look wrong"),
	{ .name = NULL }
};

/* --- export ------------------------------------------------------------------- */

int price_export(struct cli *c, const void *values, struct err *e)
{
	struct price *rows = NULL;
	struct out json = c->out;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = price_list(c->db, clock_wall_ms(), &rows, &c->arena, e);
	if (n < 0)
		return -1;
	json.json = true;
	c->out = json;
	return price_print(c, rows, n, "", e);
}

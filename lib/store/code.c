/* code.c - see code.h. */
#include "store/code.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/nusd.h"
#include "base/rand.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "db/db.h"
#include "sql.h"
#include "store/moves.h"

static const char digits[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

#define BASE  31 /* a prime: any weight below it shows any change */
#define GROUP 5

/* --- their texts ------------------------------------------------------------- */

static int value_of(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Each place has a weight of its own, 1 to 24. */
static char check_digit(const char *code)
{
	int sum = 0;

	for (int i = 0; i < CODE_LENGTH - 1; i++)
		sum += (i + 1) * value_of(code[i]);
	return digits[sum % BASE];
}

/* "7Q3HXKM..." to "7Q3HX-KM..." */
static char *dashed(const char *code, char at[static CODE_TEXT])
{
	char *to = at;

	for (int i = 0; i < CODE_LENGTH; i++) {
		if (i && i % GROUP == 0)
			*to++ = '-';
		*to++ = code[i];
	}
	*to = '\0';
	return at;
}

char *code_new(char at[static CODE_TEXT])
{
	char code[CODE_LENGTH + 1];

	for (int i = 0; i < CODE_LENGTH - 1; i++)
		code[i] = digits[rand_below(BASE)];
	code[CODE_LENGTH - 1] = check_digit(code);
	code[CODE_LENGTH] = '\0';
	dashed(code, at);
	secret_wipe(code, sizeof(code));
	return at;
}

int code_read(struct str typed, char at[static CODE_LENGTH + 1])
{
	int n = 0;

	for (size_t i = 0; i < typed.n; i++) {
		int v = value_of(typed.p[i]);

		if (typed.p[i] == '-' || typed.p[i] == ' ')
			continue;
		if (v < 0 || n == CODE_LENGTH)
			return -1;
		at[n++] = digits[v];
	}
	at[n] = '\0';
	if (n != CODE_LENGTH || at[n - 1] != check_digit(at))
		return -1;
	return 0;
}

/* "7Q...6B": of 119 bits it gives 15. */
static void hint_of(const char *text, char hint[static 8])
{
	snprintf(hint, 8, "%.2s...%s", text, text + CODE_TEXT - 3);
}

/* --- batches ----------------------------------------------------------------- */

static int add(struct db *db, const struct code *c, const char *text,
	       struct err *e)
{
	unsigned char hash[KEY_HASH];
	char code[CODE_LENGTH + 1], hint[8];
	struct sqlite3_stmt *st;

	if (code_read(str_of(text), code) < 0)
		return err_set(e, ERR_INTERNAL, "a code that is none");
	key_hash(str_of(code), hash);
	secret_wipe(code, sizeof(code));
	hint_of(text, hint);
	st = db_bind(db, ST_CODE_ADD, "bssisii", hash, sizeof(hash), hint,
		     c->name, c->amount_nusd, c->actor ? c->actor : "",
		     clock_wall_ms(), c->expires_ms);
	return db_run(db, st, e) < 0 ? -1 : 0;
}

static int check(const struct code *c, int n, struct err *e)
{
	size_t length = strlen(c->name);

	if (length < 1 || length > CODE_NAME_MAX)
		return err_param(e, ERR_VALUE, "name",
				 "a name has 1 to %d bytes", CODE_NAME_MAX);
	if (c->amount_nusd <= 0 || c->amount_nusd > NUSD_MAX)
		return err_param(e, ERR_VALUE, "amount",
				 "a code is worth something");
	if (n < 1 || n > CODE_BATCH)
		return err_param(e, ERR_VALUE, "count", "1 to %d at once",
				 CODE_BATCH);
	return 0;
}

int code_create(struct db *db, const struct code *c, int n,
		char (*out)[CODE_TEXT], struct err *e)
{
	int rc = 0;

	if (check(c, n, e) < 0 || db_begin(db, e) < 0)
		return -1;
	for (int i = 0; i < n && rc == 0; i++)
		rc = add(db, c, code_new(out[i]), e);
	if (rc == 0 && db_commit(db, e) == 0)
		return 0;
	db_rollback(db);
	secret_wipe(out, (size_t)n * sizeof(*out));
	return -1;
}

static const struct db_cols cols = DB_COLS(
	struct code, DB_INT(code, id), DB_STR(code, hint), DB_STR(code, name),
	DB_INT(code, amount_nusd), DB_INT(code, enabled), DB_STR(code, actor),
	DB_INT(code, created_ms), DB_INT(code, expires_ms),
	DB_INT(code, used_ms), DB_INT(code, user_id), DB_INT(code, txn_id),
	DB_STR(code, user), DB_STR(code, state));

int code_list(struct db *db, const char *name, const char *state,
	      struct code **out, struct arena *arena, struct err *e)
{
	return db_rows(
		db,
		db_bind(db, ST_CODE_LIST, "iss", clock_wall_ms(), name, state),
		&cols, out, arena, e);
}

int code_disable(struct db *db, const char *name, int64_t id, struct err *e)
{
	int64_t there = 0;
	int n = db_run(db, db_bind(db, ST_CODE_DISABLE, "si", name, id), e);

	if (n)
		return n;
	if (db_int(db, db_bind(db, ST_CODE_IS_THERE, "si", name, id), &there,
		   e) < 0)
		return -1;
	if (there)
		return 0; /* all of them are used */
	return name ? err_set(e, ERR_NOT_FOUND, "there are no codes %s", name) :
		      err_set(e, ERR_NOT_FOUND, "there is no code %lld",
			      (long long)id);
}

/* --- redeeming ------------------------------------------------------------------ */

struct found {
	int64_t id;
	const char *name;
	int64_t amount_nusd;
	bool enabled;
	int64_t expires_ms, used_ms;
};

static const struct db_cols found_cols =
	DB_COLS(struct found, DB_INT(found, id), DB_STR(found, name),
		DB_INT(found, amount_nusd), DB_INT(found, enabled),
		DB_INT(found, expires_ms), DB_INT(found, used_ms));

const char *code_why(enum code_verdict v)
{
	static const char *const words[CODE__COUNT] = {
		[CODE_OK] = "is good",
		[CODE_MISTYPED] = "is mistyped",
		[CODE_UNKNOWN] = "is not known",
		[CODE_USED] = "has been used",
		[CODE_EXPIRED] = "has expired",
		[CODE_DISABLED] = "is disabled",
	};

	return words[v];
}

static int refuse(struct redeem *r, enum code_verdict why, struct err *e)
{
	r->verdict = why;
	if (why == CODE_MISTYPED)
		return err_set(e, ERR_VALUE,
			       "the code is mistyped: it has 25 letters and "
			       "digits, and no 0, 1, I, L or O");
	return err_set(e, ERR_VALUE,
		       "the code cannot be redeemed: it is not known, has been "
		       "used, or is no longer valid");
}

static enum code_verdict judge(const struct found *f, int64_t now_ms)
{
	if (f->used_ms)
		return CODE_USED;
	if (!f->enabled)
		return CODE_DISABLED;
	if (f->expires_ms && f->expires_ms <= now_ms)
		return CODE_EXPIRED;
	return CODE_OK;
}

static int64_t use(struct db *db, const struct found *f, struct redeem *r,
		   int64_t now_ms, struct err *e)
{
	char reason[CODE_NAME_MAX + 8], ref[32];
	struct move m = { .kind = "redeem",
			  .account_id = r->account_id,
			  .amount_nusd = f->amount_nusd,
			  .actor = r->actor,
			  .reason = reason,
			  .ref = ref };
	int64_t txn_id;
	int n;

	snprintf(reason, sizeof(reason), "code %s", f->name);
	snprintf(ref, sizeof(ref), "code:%lld", (long long)f->id);
	txn_id = moves_post(db, &m, e);
	if (txn_id < 0)
		return -1;
	n = db_run(db,
		   db_bind(db, ST_CODE_USE, "iiii", now_ms, r->user_id, txn_id,
			   f->id),
		   e);
	if (n <= 0 || m.again)
		return n < 0 ? -1 : refuse(r, CODE_USED, e);
	r->amount_nusd = f->amount_nusd;
	return txn_id;
}

static int64_t redeem(struct db *db, const unsigned char *hash,
		      struct redeem *r, struct arena *arena, struct err *e)
{
	int64_t now_ms = clock_wall_ms();
	struct found f;
	int rc = db_row(db,
			db_bind(db, ST_CODE_FIND, "b", hash, (size_t)KEY_HASH),
			&found_cols, &f, arena, e);

	if (rc <= 0)
		return rc ? -1 : refuse(r, CODE_UNKNOWN, e);
	r->verdict = judge(&f, now_ms);
	if (r->verdict != CODE_OK)
		return refuse(r, r->verdict, e);
	return use(db, &f, r, now_ms, e);
}

int64_t code_redeem(struct db *db, struct redeem *r, struct err *e)
{
	unsigned char hash[KEY_HASH];
	char code[CODE_LENGTH + 1];
	struct arena arena;
	int64_t id;

	r->verdict = CODE_OK;
	r->amount_nusd = 0;
	if (code_read(r->typed, code) < 0)
		return refuse(r, CODE_MISTYPED, e);
	key_hash(str_of(code), hash);
	secret_wipe(code, sizeof(code));
	if (db_begin(db, e) < 0)
		return -1;
	arena_init(&arena);
	id = redeem(db, hash, r, &arena, e);
	arena_release(&arena);
	if (id >= 0)
		return db_commit(db, e) < 0 ? -1 : id;
	db_rollback(db);
	return -1;
}

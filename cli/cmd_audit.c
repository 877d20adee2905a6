/* cmd_audit.c - the ledger's checks; exits 1 where one finds something. */
#include "cmd.h"

#include "base/clock.h"
#include "db/db.h"
#include "store/audit.h"
#include "json/jw.h"

#define AUDIT_OUT_MAX (4 << 20)

struct values {
	const char *db;
};

struct printing {
	struct cli *c;
	struct jw w;
};

static void print_finding(const struct audit_finding *f)
{
	printf("%s: %s: %s", f->check, f->what, f->sentence);
	if (f->want || f->got)
		printf(" (want %lld, got %lld)", (long long)f->want,
		       (long long)f->got);
	putchar('\n');
}

static void on_finding(void *arg, const struct audit_finding *f)
{
	struct printing *p = arg;

	if (!p->c->json) {
		print_finding(f);
		return;
	}
	jw_object(&p->w, NULL);
	jw_str(&p->w, "check", f->check);
	jw_str(&p->w, "what", f->what);
	jw_str(&p->w, "sentence", f->sentence);
	jw_int(&p->w, "want", f->want);
	jw_int(&p->w, "got", f->got);
	jw_end(&p->w);
}

static int count_checks(void)
{
	const char *name, *sentence;
	int n = 0;

	while (audit_check(n, &name, &sentence))
		n++;
	return n;
}

static int audit(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct printing p = { .c = c };
	int64_t ms = clock_mono_ms();
	struct buf b;
	int n;

	if (v->db && !(c->db = db_open(v->db, DB_FROZEN, false, e)))
		return -1;
	if (!cli_db(c, e))
		return -1;
	buf_init(&b, AUDIT_OUT_MAX);
	jw_start(&p.w, &b);
	jw_object(&p.w, NULL);
	jw_int(&p.w, "checks", count_checks());
	jw_array(&p.w, "findings");
	n = audit_run(c->db, audit_open_since_ms(&c->conf, clock_wall_ms()),
		      on_finding, &p, e);
	ms = clock_mono_ms() - ms;
	jw_end(&p.w);
	jw_bool(&p.w, "clean", n == 0);
	jw_int(&p.w, "ms", ms);
	jw_end(&p.w);
	if (n >= 0 && c->json)
		printf("%s\n", b.p);
	else if (!n)
		printf("clean: %d checks found nothing in %lld ms\n",
		       count_checks(), (long long)ms);
	else if (n > 0)
		printf("%d finding%s\n", n, n == 1 ? "" : "s");
	buf_release(&b);
	c->status = n > 0;
	return n < 0 ? -1 : 0;
}

const struct cmd cmd_audit = {
	.name = "audit",
	.words = "[--db FILE]",
	.what = "check that every balance, hold, key and request agrees with "
		"the ledger",
	.help = "Exits 1 where something does not.  It may run at any time, "
		"under load too.\n",
	.args = (const struct arg[]){ ARG("--db", ARG_TEXT,
					  offsetof(struct values, db), "FILE",
					  "an archived month instead"),
				      { .name = NULL } },
	.size = sizeof(struct values),
	.run = audit,
};

/* cmd_audit.c - the ledger's checks; exits 1 where one finds something. */
#include "cmd.h"

#include "base/clock.h"
#include "db/db.h"
#include "store/audit.h"
#include "json/jw.h"

#define AUDIT_OUT_MAX (4 << 20)

struct values {
	const char *db;
	bool quick, times;
};

struct printing {
	struct cli *c;
	struct jw w;
	int checks; /* that were run */
	struct spent {
		const char *check;
		int64_t ms;
	} spent[64];
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

static void on_time(void *arg, const char *check, int64_t ms)
{
	struct printing *p = arg;

	if (p->checks < (int)COUNT(p->spent))
		p->spent[p->checks] = (struct spent){ check, ms };
	p->checks++;
}

static void print_times(const struct printing *p)
{
	for (int i = 0; i < p->checks && i < (int)COUNT(p->spent); i++)
		printf("%8lld ms  %s\n", (long long)p->spent[i].ms,
		       p->spent[i].check);
}

static void put_times(struct printing *p)
{
	jw_object(&p->w, "times_ms");
	for (int i = 0; i < p->checks && i < (int)COUNT(p->spent); i++)
		jw_int(&p->w, p->spent[i].check, p->spent[i].ms);
	jw_end(&p->w);
}

static void print_end(const struct printing *p, int n, int64_t ms)
{
	if (!n)
		printf("clean: %d checks found nothing in %lld ms\n", p->checks,
		       (long long)ms);
	else
		printf("%d finding%s\n", n, n == 1 ? "" : "s");
}

static int audit(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct printing p = { .c = c };
	const struct audit_how how = {
		.open_since_ms = audit_open_since_ms(&c->conf, clock_wall_ms()),
		.quick = v->quick,
		.on = on_finding,
		.on_time = on_time,
		.arg = &p,
	};
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
	jw_array(&p.w, "findings");
	n = audit_do(c->db, &how, e);
	ms = clock_mono_ms() - ms;
	jw_end(&p.w);
	jw_int(&p.w, "checks", p.checks);
	jw_bool(&p.w, "clean", n == 0);
	jw_int(&p.w, "ms", ms);
	if (v->times)
		put_times(&p);
	jw_end(&p.w);
	if (v->times && !c->json)
		print_times(&p);
	if (n >= 0 && c->json)
		printf("%s\n", b.p);
	else if (n >= 0)
		print_end(&p, n, ms);
	buf_release(&b);
	c->status = n > 0;
	return n < 0 ? -1 : 0;
}

const struct cmd cmd_audit = {
	.name = "audit",
	.words = "[--db FILE] [--quick] [--times]",
	.what = "check that every balance, hold, key and request agrees with "
		"the ledger",
	.help = "Exits 1 where something does not.  It may run at any time, "
		"under load too.\n",
	.args =
		(const struct arg[]){
			ARG("--db", ARG_TEXT, offsetof(struct values, db),
			    "FILE", "an archived month instead"),
			ARG("--quick", ARG_FLAG, offsetof(struct values, quick),
			    NULL,
			    "the books alone, not the whole file "
			    "for damage"),
			ARG("--times", ARG_FLAG, offsetof(struct values, times),
			    NULL, "how long each check took"),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = audit,
};

/* cmd_doctor.c - looks at the installation, and says what to change. */
#include "doctor.h"

#include <sysexits.h>

struct values {
	const char *url;
};

struct row {
	const char *check, *verdict, *what, *cure;
};

#define ROWS_MAX 64

static const struct out_col cols[] = {
	{ "check", NULL, OUT_TEXT, offsetof(struct row, check) },
	{ "verdict", NULL, OUT_TEXT, offsetof(struct row, verdict) },
	{ "what", NULL, OUT_TEXT, offsetof(struct row, what) },
	{ "cure", NULL, OUT_NAME, offsetof(struct row, cure) },
	{ .name = NULL }
};

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_BAD] = "bad",
};

struct finding finding(enum verdict verdict, const char *what, const char *cure)
{
	return (struct finding){ verdict, what, cure ? cure : "" };
}

static void print(const struct row *r)
{
	printf("%-5s %-10s %s\n", r->verdict, r->check, r->what);
	if (*r->cure)
		printf("%16s -> %s\n", "", r->cure);
}

static int look(struct doctor *d, const struct check *checks, struct row *rows,
		int n, int *bad)
{
	for (; checks->name && n < ROWS_MAX; checks++) {
		struct finding f = checks->look(d);

		rows[n] = (struct row){ checks->name, verdicts[f.verdict],
					f.what, f.cure };
		if (!d->c->json)
			print(&rows[n]);
		*bad += f.verdict == DOCTOR_BAD;
		n++;
	}
	return n;
}

static int doctor(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct doctor d = { .c = c, .url = v->url };
	struct row rows[ROWS_MAX];
	int bad = 0, n;

	(void)e;
	if (!d.url)
		d.url = *c->conf.public_url ? c->conf.public_url :
					      "http://127.0.0.1:8080";
	n = look(&d, doctor_files, rows, 0, &bad);
	n = look(&d, doctor_running, rows, n, &bad);
	if (c->json)
		out_rows(&c->out, cols, rows, sizeof(rows[0]), n, "");
	else if (bad)
		printf("\n%d of %d checks found something to change\n", bad, n);
	else
		printf("\nall is well\n");
	c->status = bad ? EX_UNAVAILABLE : EX_OK;
	return 0;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.words = "[--url URL]",
	.what = "look at this installation, and say what to change",
	.help = "Exits 69 where something is to be changed.\n",
	.args =
		(const struct arg[]){
			ARG("--url", ARG_TEXT, offsetof(struct values, url),
			    "URL",
			    "where the web server answers (public_url, or "
			    "http://127.0.0.1:8080)"),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = doctor,
};

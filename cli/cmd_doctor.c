/* cmd_doctor.c - looks at the installation, and says what to change. */
#include "doctor.h"

#include <sysexits.h>

#include "crypto/hash.h"
#include "net/fetch.h"

struct values {
	const char *url, *model;
	bool key_stdin, slow;
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

static int read_key(struct doctor *d, struct err *e)
{
	struct str key;
	int n = cli_secrets(d->c, "a key of this gateway", &key, 1, e);

	if (n < 0)
		return -1;
	if (!n || key.n >= sizeof(d->key))
		return err_set(e, ERR_USAGE,
			       "--key-stdin: give a key on standard input");
	snprintf(d->key, sizeof(d->key), "%.*s", STR_FMT(key));
	return 0;
}

static int begin(struct doctor *d, const struct values *v, struct err *e)
{
	const struct conf *c = &d->c->conf;
	const char *url = v->url ? v->url : c->public_url;
	size_t n;

	d->model = v->model;
	d->slow = v->slow;
	if (!*url)
		url = "http://127.0.0.1:8080";
	n = strlen(url);
	while (n && url[n - 1] == '/')
		n--;
	d->url = arena_dup(&d->c->arena, (struct str){ url, n });
	d->http = fetcher_new(c->ca_file, NULL);
	return v->key_stdin ? read_key(d, e) : 0;
}

static void finish(struct doctor *d)
{
	if (d->token_id)
		doctor_key_end(d);
	secret_wipe(d->key, sizeof(d->key));
	fetcher_free(d->http);
}

static int doctor(struct cli *c, const void *values, struct err *e)
{
	struct doctor d = { .c = c };
	struct row rows[ROWS_MAX];
	int bad = 0, n;

	if (begin(&d, values, e) < 0) {
		finish(&d);
		return -1;
	}
	n = look(&d, doctor_files, rows, 0, &bad);
	n = look(&d, doctor_running, rows, n, &bad);
	n = look(&d, doctor_public, rows, n, &bad);
	finish(&d);
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
	.words = "[--url URL] [--model NAME] [--key-stdin] [--slow]",
	.what = "look at this installation, and say what to change",
	.help = "Asks through the public address, too: does the key arrive, do "
		"events come one\nby one, how large may a body be.  For that it "
		"makes a key for one cent, which it\nrevokes at its end; a "
		"stream is asked of a channel of the test provider, or of\n"
		"--model.  Exits 69 where something is to be changed.\n",
	.args =
		(const struct arg[]){
			ARG("--url", ARG_TEXT, offsetof(struct values, url),
			    "URL",
			    "where the web server answers (public_url, or "
			    "http://127.0.0.1:8080)"),
			ARG("--model", ARG_TEXT, offsetof(struct values, model),
			    "NAME",
			    "ask this model for a stream; it costs what it "
			    "costs"),
			ARG("--key-stdin", ARG_FLAG,
			    offsetof(struct values, key_stdin), NULL,
			    "take the key from standard input"),
			ARG("--slow", ARG_FLAG, offsetof(struct values, slow),
			    NULL,
			    "also wait out a long silence (some minutes)"),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = doctor,
};

/* cmd_count.c - how many tokens a text is, or a request. */
#include "cmd.h"

#include <errno.h>

#include "count/count_files.h"
#include "count/prompt.h"
#include "json/scan.h"

struct values {
	const char *model;
	bool request;
};

#define INPUT_MAX ((size_t)1 << 30)

struct line {
	const char *model, *encoding, *count, *ranks;
	int64_t tok, bound, bytes, tool_tok, image_tok, audio_tok, file_tok;
};

static const struct out_col text_cols[] = {
	{ "model", "model", OUT_TEXT, offsetof(struct line, model) },
	{ "tokens", "tokens", OUT_INT, offsetof(struct line, tok) },
	{ "count", "count", OUT_TEXT, offsetof(struct line, count) },
	{ "encoding", "encoding", OUT_TEXT, offsetof(struct line, encoding) },
	{ "ranks", "ranks", OUT_NAME, offsetof(struct line, ranks) },
	{ "bytes", "bytes", OUT_INT, offsetof(struct line, bytes) },
	{ .name = NULL }
};

static const struct out_col request_cols[] = {
	{ "model", "model", OUT_TEXT, offsetof(struct line, model) },
	{ "tokens", "tokens", OUT_INT, offsetof(struct line, tok) },
	{ "count", "count", OUT_TEXT, offsetof(struct line, count) },
	{ "encoding", "encoding", OUT_TEXT, offsetof(struct line, encoding) },
	{ "ranks", "ranks", OUT_NAME, offsetof(struct line, ranks) },
	{ "at_most", "at most", OUT_INT, offsetof(struct line, bound) },
	{ "tool_tokens", "tools", OUT_INT, offsetof(struct line, tool_tok) },
	{ "image_tokens", "images", OUT_INT, offsetof(struct line, image_tok) },
	{ "audio_tokens", "audio", OUT_INT, offsetof(struct line, audio_tok) },
	{ "file_tokens", "files", OUT_INT, offsetof(struct line, file_tok) },
	{ "bytes", "bytes", OUT_INT, offsetof(struct line, bytes) },
	{ .name = NULL }
};

static int read_input(struct buf *text, struct err *e)
{
	char piece[65536];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), stdin)))
		buf_add(text, piece, n);
	if (ferror(stdin))
		return err_set(e, ERR_IO, "standard input: %s",
			       strerror(errno));
	if (!buf_ok(text))
		return err_set(e, ERR_USAGE,
			       "standard input: more than a gigabyte");
	return 0;
}

static void count_plain(const struct count *c, const struct count_model *m,
			struct str text, struct line *out)
{
	struct count_stream s;

	count_stream_init(&s, c, m);
	count_stream_whole(&s, text);
	count_stream_cut(&s);
	out->tok = count_stream_tok(&s);
	count_stream_release(&s);
}

static int count_request(const struct count *c, const struct count_model *m,
			 struct str body, struct line *out, struct err *e)
{
	struct scan_limits limits = { .depth = 512 };
	struct count_prompt p;
	struct scan s;
	int r;

	scan_init(&s, NULL, &limits, NULL, NULL);
	r = scan_text(&s, body, e);
	scan_release(&s);
	if (r < 0)
		return -1;
	count_prompt(&p, c, m, body, (int64_t)INPUT_MAX);
	out->tok = p.tok;
	out->bound = p.bound;
	out->tool_tok = p.tool_tok;
	out->image_tok = p.image_tok;
	out->audio_tok = p.audio_tok;
	out->file_tok = p.file_tok;
	return 0;
}

static int count_input(struct cli *c, const struct values *v,
		       const struct count *count, const struct buf *text,
		       struct err *e)
{
	const struct count_model *m = count_model(str_of(v->model));
	enum count_by by = count_has(count, m->by) ? m->by : COUNT_GUESS;
	struct line l = {
		.model = v->model,
		.encoding = count_by_name(by),
		.count = by == COUNT_GUESS ? "estimate" : "exact",
		.ranks = count_source(count, by),
		.bytes = (int64_t)text->len,
	};

	if (by != m->by)
		cli_say(c, "The rank file of %s is not here: see `make ranks`.",
			count_by_name(m->by));
	if (!v->request)
		count_plain(count, m, buf_span(text), &l);
	else if (count_request(count, m, buf_span(text), &l, e) < 0)
		return -1;
	out_one(&c->out, v->request ? request_cols : text_cols, &l);
	return 0;
}

static int count(struct cli *c, const void *values, struct err *e)
{
	struct buf text;
	int damaged, r = -1;
	struct count *count = count_open_for(&c->conf, &damaged, e);

	buf_init(&text, INPUT_MAX);
	if (!damaged && read_input(&text, e) == 0)
		r = count_input(c, values, count, &text, e);
	buf_release(&text);
	count_close(count);
	return r;
}

const struct cmd cmd_count = {
	.name = "count",
	.words = "MODEL [--request]",
	.what = "how many tokens the text on standard input is for a model",
	.help = "The count is exact for OpenAI's published encodings, if their "
		"rank files are\nhere (make ranks), and an estimate for the "
		"rest.\n",
	.args =
		(const struct arg[]){
			ARG("MODEL", ARG_WORD, offsetof(struct values, model),
			    NULL, "as callers name it", .max = 256,
			    .required = true),
			ARG("--request", ARG_FLAG,
			    offsetof(struct values, request), NULL,
			    "the input is a request's JSON: "
			    "count as it is billed"),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = count,
};

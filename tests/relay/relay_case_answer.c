/* relay_case_answer.c - the `== answer N` of a case; see relay_case.h. */
#include "relay_case_in.h"

struct answer_reader {
	struct reader *r;
	struct case_answer *a;
	struct buf bytes; /* that are not yet an op */
	bool crlf;
};

static int add_op(struct answer_reader *ar, enum case_op_kind kind, int64_t ms)
{
	struct case_answer *a = ar->a;

	if (a->n_ops + 2 > CASE_OPS)
		return case_complain(ar->r, "too many directives");
	if (ar->bytes.len)
		a->ops[a->n_ops++] = (struct case_op){
			.kind = OP_BYTES, .bytes = case_copy(ar->r, &ar->bytes)
		};
	buf_clear(&ar->bytes);
	if (kind != OP_BYTES)
		a->ops[a->n_ops++] = (struct case_op){ .kind = kind, .ms = ms };
	return 0;
}

static int do_pause(struct answer_reader *ar, struct str rest)
{
	int64_t ms;

	if (str_int(rest, 0, 600000, &ms) < 0)
		return case_complain(ar->r, "want milliseconds");
	return add_op(ar, OP_PAUSE, ms);
}

static int do_bytes(struct answer_reader *ar, struct str rest)
{
	struct str word;
	char byte;

	while (case_next_word(&rest, &word)) {
		if (word.n != 2 || !case_next_hex(word, 0, &byte))
			return case_complain(ar->r, "want bytes in hex");
		buf_char(&ar->bytes, byte);
	}
	return 0;
}

static int do_fill(struct answer_reader *ar, struct str rest)
{
	struct str word;
	int64_t n;

	if (!str_next(&rest, ' ', &word) ||
	    str_int(word, 1, 100 << 20, &n) < 0 || !rest.n)
		return case_complain(ar->r, "want a count and a text");
	while (n--)
		buf_add(&ar->bytes, rest.p, rest.n);
	return 0;
}

static int do_crlf(struct answer_reader *ar, struct str rest)
{
	(void)rest;
	ar->crlf = true;
	return 0;
}

#define END(name, kind)                                                 \
	static int do_##name(struct answer_reader *ar, struct str rest) \
	{                                                               \
		(void)rest;                                             \
		return add_op(ar, kind, 0);                             \
	}
END(close, OP_CLOSE)
END(reset, OP_RESET)
END(silence, OP_SILENCE)
END(gone, OP_GONE)
END(refuse, OP_REFUSE)
#undef END

static const struct {
	const char *name;
	int (*run)(struct answer_reader *ar, struct str rest);
} directives[] = {
	{ "pause", do_pause },     { "bytes", do_bytes },
	{ "fill", do_fill },       { "crlf", do_crlf },
	{ "close", do_close },     { "reset", do_reset },
	{ "silence", do_silence }, { "gone", do_gone },
	{ "refuse", do_refuse },
};

static int run_directive(struct answer_reader *ar, struct str word,
			 struct str rest)
{
	for (size_t i = 0; i < COUNT(directives); i++)
		if (str_eq(word, directives[i].name))
			return directives[i].run(ar, rest);
	return case_complain(ar->r, "no such directive here");
}

static int read_bytes(struct answer_reader *ar)
{
	struct reader *r = ar->r;
	struct str word, rest;

	while (case_next_line(r)) {
		bool joined = r->line.n && r->line.p[r->line.n - 1] == '\\';

		if (case_directive(r->line, &word, &rest)) {
			if (run_directive(ar, word, rest) < 0)
				return -1;
			continue;
		}
		buf_add(&ar->bytes, r->line.p, r->line.n - joined);
		if (!joined)
			buf_str(&ar->bytes, ar->crlf ? "\r\n" : "\n");
	}
	return add_op(ar, OP_BYTES, 0);
}

static int read_status(struct reader *r, struct case_answer *a)
{
	struct str rest = r->line, word;
	int64_t v;

	if (!str_starts(rest, "HTTP/1.1 ") || !str_next(&rest, ' ', &word) ||
	    !str_next(&rest, ' ', &word) || str_int(word, 100, 999, &v) < 0)
		return case_complain(r, "want HTTP/1.1 and a status");
	a->status = (int)v;
	a->status_line = r->line;
	return 0;
}

int case_read_answer(struct reader *r, int n)
{
	struct case_answer *a = &r->c->answer[n - 1];
	struct answer_reader ar = { .r = r, .a = a };
	struct str word, rest;
	int got = -1;

	a->given = true;
	if (!case_next_line(r))
		return case_complain(r, "an answer says something");
	buf_init(&ar.bytes, SIZE_MAX / 2);
	if (!case_directive(r->line, &word, &rest)) {
		got = read_status(r, a);
		if (got == 0)
			got = case_read_headers(r, &a->headers);
		rest = case_value(&a->headers, "content-type");
		a->stream = str_starts(rest, "text/event-stream");
	} else {
		a->raw = true;
		got = str_eq(word, "raw") ? 0 : run_directive(&ar, word, rest);
	}
	if (got == 0)
		got = read_bytes(&ar);
	buf_release(&ar.bytes);
	return got;
}

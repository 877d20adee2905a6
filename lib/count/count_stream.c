/* count_stream.c - text that arrives in pieces, and whole ones; see count.h. */
#include "count/count_in.h"

#include "text/utf8.h"

/* Less than this is not worth looking at: answers come in small pieces. */
#define LOOK ((size_t)1 << 10)
/* Held at most: what is seen, what came since, and a cut character. */
#define HELD_MAX (4 * COUNT_SEE)

void count_stream_init(struct count_stream *s, const struct count *c,
		       const struct count_model *m)
{
	*s = (struct count_stream){ .c = c, .model = m, .look_at = LOOK };
	buf_init(&s->held, HELD_MAX);
}

void count_stream_release(struct count_stream *s)
{
	re_at_free(s->at);
	s->at = NULL;
	buf_release(&s->held);
}

bool count_stream_exact(const struct count_stream *s)
{
	return count_has(s->c, s->model->by);
}

/* Each byte a token: nothing better is known. */
static void eat_bytes(struct count_stream *s, const char *p, size_t n)
{
	const struct vocab *v = &s->c->of[s->model->by].vocab;

	for (size_t i = 0; s->on && i < n; i++)
		s->on(s->arg, vocab_rank(v, p + i, 1));
	s->tok += (int64_t)n;
}

/* The next piece of a valid text; 0: more must come.  open: more may. */
static size_t next_piece(struct count_stream *s, struct str text, bool open)
{
	const struct re *re = s->c->of[s->model->by].re;
	bool beyond = text.n > COUNT_SEE;
	enum re_found found;
	size_t n = 0;

	text.n = utf8_floor(text, MIN(text.n, COUNT_SEE));
	found = re_match(re, s->at, text, open || beyond, &n);
	if (found == RE_MORE && !beyond)
		return 0;
	if (found == RE_MORE)
		found = re_match(re, s->at, text, false, &n);
	if (found != RE_YES || !n) {
		n = utf8_floor(text, MIN(text.n, 4));
		eat_bytes(s, text.p, n);
		return n;
	}
	s->tok += (int64_t)bpe_count(&s->c->of[s->model->by].vocab,
				     (struct str){ text.p, n }, s->on, s->arg);
	return n;
}

static size_t eat_valid(struct count_stream *s, struct str text, bool open)
{
	size_t at = 0, n;

	while (at < text.n) {
		n = next_piece(s, (struct str){ text.p + at, text.n - at },
			       open);
		if (!n)
			break;
		at += n;
	}
	return at;
}

/* How much of the text is decided.  last: nothing follows it. */
static size_t eat(struct count_stream *s, struct str text, bool last)
{
	size_t at = 0, run, n;
	struct str rest;
	bool cut;

	if (!s->at)
		s->at = re_at_new(s->c->of[s->model->by].re);
	while (at < text.n) {
		rest = (struct str){ text.p + at, text.n - at };
		run = utf8_valid(rest);
		cut = !last &&
		      (run == rest.n ||
		       utf8_is_cut((struct str){ rest.p + run, rest.n - run }));
		n = eat_valid(s, (struct str){ rest.p, run }, cut);
		at += n;
		if (n < run || (cut && run < rest.n))
			break;
		if (run < rest.n) {
			eat_bytes(s, rest.p + run, 1);
			at++;
		}
	}
	return at;
}

/* What is looked at in vain is not looked at again before there is twice as
 * much, so that the work stays linear. */
static void look(struct count_stream *s)
{
	size_t n = eat(s, buf_span(&s->held), false);

	buf_eat(&s->held, n);
	s->look_at = MAX(LOOK, s->held.len * 2);
	s->guess = (struct guess){ 0 };
	guess_add(&s->guess, s->held.p, s->held.len);
}

void count_stream_feed(struct count_stream *s, const char *p, size_t n)
{
	size_t room;

	if (!count_stream_exact(s)) {
		guess_add(&s->guess, p, n);
		return;
	}
	while (n) {
		room = MIN(n, COUNT_SEE);
		buf_add(&s->held, p, room);
		guess_add(&s->guess, p, room);
		p += room;
		n -= room;
		if (s->held.len >= s->look_at)
			look(s);
	}
}

void count_stream_cut(struct count_stream *s)
{
	if (!count_stream_exact(s)) {
		guess_cut(&s->guess);
		return;
	}
	if (s->held.len)
		eat(s, buf_span(&s->held), true);
	buf_clear(&s->held);
	s->guess = (struct guess){ 0 };
	s->look_at = LOOK;
}

void count_stream_whole(struct count_stream *s, struct str text)
{
	count_stream_cut(s);
	if (!count_stream_exact(s))
		guess_add(&s->guess, text.p, text.n);
	else if (text.n)
		eat(s, text, true);
}

void count_stream_guess(struct count_stream *s, struct str text)
{
	struct guess g = { 0 };

	count_stream_cut(s);
	guess_add(&g, text.p, text.n);
	s->tok += guess_tok(&g, s->model->guess);
}

int64_t count_stream_tok(const struct count_stream *s)
{
	return s->tok + guess_tok(&s->guess, s->model->guess);
}

/* dialect.c - see dialect.h: what all dialects share. */
#include "dialect/dialect.h"

/* A text of an answer that is collected whole: above what any model says. */
#define TEXT_MAX (64u << 20)

static const struct dialect *const dialects[] = {
	&dialect_openai,
	&dialect_anthropic,
	&dialect_gemini,
	&dialect_responses,
};

const struct dialect *dialect_find(const char *name)
{
	for (size_t i = 0; i < COUNT(dialects); i++)
		if (!strcmp(dialects[i]->name, name))
			return dialects[i];
	return NULL;
}

/* --- decoding --------------------------------------------------------------
 */

void dec_init(struct dec *d, const struct dialect *dialect, struct arena *mem,
	      enum shape shape, bool stream,
	      void (*sink)(void *arg, const struct ev *ev), void *arg)
{
	*d = (struct dec){
		.dialect = dialect,
		.mem = mem,
		.shape = shape,
		.stream = stream,
		.sink = sink,
		.arg = arg,
		.id = "",
	};
	usage_init(&d->usage);
	usage_heard_init(&d->said);
}

int dec_feed(struct dec *d, const char *event, const char *p, size_t n,
	     struct err *e)
{
	if (d->ended || d->failed)
		return 0; /* what comes after the end is nobody's business */
	return d->dialect->decode(d, event, p, n, e);
}

int dec_eof(struct dec *d, struct err *e)
{
	if (d->ended || d->failed)
		return 0;
	if (!d->started)
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer is empty");
	if (d->n_finished < MAX(d->n_choices, 1))
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer was cut off");
	dec_emit(d, &(struct ev){ .kind = EV_END });
	return 0;
}

static void note_usage(struct dec *d, const struct ev *ev)
{
	if (!usage_sane(&ev->usage)) {
		d->usage_refused = true;
		return;
	}
	usage_merge(&d->usage, &ev->usage);
	d->sink(d->arg, ev);
}

void dec_emit(struct dec *d, const struct ev *ev)
{
	if (d->ended || d->failed)
		return;
	if (ev->kind == EV_USAGE) {
		note_usage(d, ev);
		return;
	}
	if (ev->kind == EV_START) {
		if (d->started)
			return;
		d->started = true;
		d->id = arena_dup(d->mem, str_of(ev->id ? ev->id : ""));
	}
	d->ended = ev->kind == EV_END;
	d->failed = ev->kind == EV_ERROR;
	d->sink(d->arg, ev);
}

struct dec_choice *dec_choice(struct dec *d, int64_t index)
{
	struct dec_choice *c;

	if (index < 0 || index >= DEC_CHOICES)
		return NULL;
	c = d->choices[index];
	if (!c) {
		c = d->choices[index] = ARENA_NEW(d->mem, struct dec_choice);
		c->open = -1;
		d->n_choices++;
	}
	return c;
}

void dec_close(struct dec *d, int choice)
{
	struct dec_choice *c = dec_choice(d, choice);

	if (!c || c->open < 0)
		return;
	dec_emit(d, &(struct ev){ .kind = EV_BLOCK_END,
				  .choice = choice,
				  .part = c->open });
	c->open = -1;
}

int dec_open(struct dec *d, int choice, enum ev_kind kind)
{
	struct dec_choice *c = dec_choice(d, choice);

	if (!c)
		return -1;
	if (c->open >= 0 && c->open_kind == kind && kind != EV_TOOL_START)
		return c->open;
	dec_close(d, choice);
	if (c->n_parts >= DEC_PARTS)
		return -1;
	c->open_kind = kind;
	return c->open = c->n_parts++;
}

int dec_too_many(struct err *e)
{
	return err_set(e, ERR_UP_BROKEN,
		       "the upstream's answer has too many parts");
}

int dec_say(struct dec *d, int choice, enum ev_kind kind, struct str s,
	    struct err *e)
{
	int part;

	if (!s.n)
		return 0;
	part = dec_open(d, choice, kind);
	if (part < 0)
		return dec_too_many(e);
	dec_emit(d, &(struct ev){ .kind = kind,
				  .choice = choice,
				  .part = part,
				  .s = s.p,
				  .n = s.n });
	return 0;
}

void dec_finish(struct dec *d, int choice, enum finish f)
{
	struct dec_choice *c = dec_choice(d, choice);

	if (c->finished)
		return;
	dec_close(d, choice);
	if (f == FINISH_STOP && c->tools)
		f = FINISH_TOOLS;
	c->finished = true;
	d->n_finished++;
	dec_emit(d, &(struct ev){
			    .kind = EV_FINISH, .choice = choice, .finish = f });
}

/* --- encoding --------------------------------------------------------------
 */

void enc_init(struct enc *x, const struct dialect *dialect, struct arena *mem,
	      enum shape shape, bool stream)
{
	*x = (struct enc){
		.dialect = dialect,
		.mem = mem,
		.shape = shape,
		.stream = stream,
		.max_bytes = TEXT_MAX,
	};
	usage_init(&x->usage);
	buf_init(&x->vectors, TEXT_MAX);
	buf_init(&x->blocks, TEXT_MAX);
}

static void choice_release(struct enc_choice *c)
{
	struct buf *bufs[] = { &c->text,        &c->reasoning, &c->refusal,
			       &c->annotations, &c->logprobs,  &c->signature,
			       &c->parts };

	for (size_t i = 0; i < COUNT(bufs); i++)
		buf_release(bufs[i]);
	for (struct enc_tool *t = c->tools; t; t = t->next)
		buf_release(&t->args);
}

void enc_release(struct enc *x)
{
	for (int i = 0; i < x->n_choices; i++)
		if (x->choices[i])
			choice_release(x->choices[i]);
	x->n_choices = 0;
	buf_release(&x->vectors);
	buf_release(&x->blocks);
}

void enc_put(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (x->ended || x->failed)
		return;
	x->dialect->encode(x, ev, out);
}

struct enc_choice *enc_choice(struct enc *x, int index)
{
	struct enc_choice *c;
	struct buf *bufs[7];

	if (index < 0 || index >= DEC_CHOICES)
		return NULL;
	if (x->choices[index])
		return x->choices[index];
	c = x->choices[index] = ARENA_NEW(x->mem, struct enc_choice);
	bufs[0] = &c->text;
	bufs[1] = &c->reasoning;
	bufs[2] = &c->refusal;
	bufs[3] = &c->annotations;
	bufs[4] = &c->logprobs;
	bufs[5] = &c->signature;
	bufs[6] = &c->parts;
	for (size_t i = 0; i < COUNT(bufs); i++)
		buf_init(bufs[i], x->max_bytes);
	x->n_choices = MAX(x->n_choices, index + 1);
	return c;
}

void enc_stop(const struct dialect *dialect, struct arena *mem,
	      const struct enc_stop *s, struct buf *out)
{
	struct ev finish = { .kind = EV_FINISH, .finish = FINISH_LENGTH };
	struct ev usage = { .kind = EV_USAGE, .usage = s->usage };
	struct enc x;

	enc_init(&x, dialect, mem, s->shape, true);
	x.include_usage = s->include_usage;
	dialect->resume(&x, s->event.p, s->event.n);
	for (int i = 0; i < MIN(s->n_choices, DEC_CHOICES); i++) {
		finish.choice = i;
		enc_choice(&x, i)->has_role = true;
		if (!(s->finished[i / 64] >> (i % 64) & 1))
			enc_put(&x, &finish, out);
	}
	enc_put(&x, &usage, out);
	enc_put(&x, &(struct ev){ .kind = EV_END }, out);
	enc_release(&x);
}

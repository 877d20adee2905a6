/* listen.c - see listen.h. */
#include "dialect/listen_in.h"

#include <ctype.h>
#include <stdatomic.h>
#include <strings.h>

#include "json/text.h"

/* Half a character in each of two events is what some servers make of an
 * emoji; a client puts it together or shows a mark for it. */
#define HALVES ((uint64_t)1 << SCAN_LONE_HIGH | (uint64_t)1 << SCAN_LONE_LOW)

#define RECOUNT_MAX ((size_t)1 << 20) /* of a whole answer */

typedef void hear_fn(struct listen *l, const struct scan_hit *hit, int arg);

/* --- what is heard ---------------------------------------------------------
 */

/* Which text goes on: of which choice, member, part or call. */
static uint32_t key_of(const struct scan_hit *hit, int choice)
{
	uint32_t key = (uint32_t)hit->path * 131 + (uint32_t)choice;

	for (int i = 0; i < hit->n_index; i++)
		key = key * 131 + (uint32_t)hit->index[i];
	return key;
}

static void tell(struct listen *l, const struct scan_hit *hit, int choice)
{
	l->counted = true;
	l->counter->text(l->counter->arg, key_of(hit, choice),
			 scan_hit_text(hit));
}

static void hear_text(struct listen *l, const struct scan_hit *hit, int arg)
{
	(void)arg;
	if (hit->kind != SCAN_STRING || hit->to - hit->from <= 2)
		return;
	l->text->note.content = true;
	if (l->counter && !l->whole)
		tell(l, hit, l->text->choice);
	l->text->note.text_bytes +=
		(int64_t)json_text_bytes(scan_hit_text(hit));
}

/* An array or object is content where it is not empty. */
static void hear_some(struct listen *l, const struct scan_hit *hit, int arg)
{
	(void)arg;
	if ((hit->kind == SCAN_ARRAY || hit->kind == SCAN_OBJECT) &&
	    !hit->open && hit->count)
		l->text->note.content = true;
}

/* "content" is a text, or Mistral's array. */
static void hear_either(struct listen *l, const struct scan_hit *hit, int arg)
{
	hear_text(l, hit, arg);
	hear_some(l, hit, arg);
}

static void hear_finish(struct listen *l, const struct scan_hit *hit, int arg)
{
	char word[40];

	(void)arg;
	if (hit->kind != SCAN_STRING)
		return;
	json_unescape_cut(scan_hit_text(hit), word, sizeof(word));
	l->text->pending = finish_named(word);
}

static void hear_index(struct listen *l, const struct scan_hit *hit, int arg)
{
	int64_t v;

	(void)arg;
	if (hit->kind == SCAN_NUMBER &&
	    !json_int(scan_hit_text(hit), 0, 127, &v))
		l->text->choice = (int)v;
}

static void hear_choice(struct listen *l, const struct scan_hit *hit, int arg)
{
	struct listen_text *t = l->text;
	int i;

	(void)arg;
	if (hit->open) {
		t->choice = hit->index[0];
		t->pending = FINISH_NONE;
		return;
	}
	i = t->choice & 127;
	if (t->pending == FINISH_NONE || (l->ended[i / 64] >> (i % 64) & 1))
		return;
	l->ended[i / 64] |= (uint64_t)1 << (i % 64);
	l->finish = t->pending;
	t->note.finished++;
}

static void hear_choices(struct listen *l, const struct scan_hit *hit, int arg)
{
	(void)arg;
	if (hit->kind != SCAN_ARRAY || hit->open)
		return;
	l->has_choices = true;
	l->text->choices_full = hit->count > 0;
}

static void hear_data(struct listen *l, const struct scan_hit *hit, int arg)
{
	(void)arg;
	if (hit->kind != SCAN_ARRAY || hit->open)
		return;
	l->has_choices = true;
	l->text->data = true;
	if (hit->count)
		l->text->note.content = true;
}

/* The span of a member and the comma before it. */
static void note_null(struct listen_note *note, const struct scan_hit *hit)
{
	size_t from = hit->member_from;

	while (from && isspace((unsigned char)hit->base[from - 1]))
		from--;
	if (from && hit->base[from - 1] == ',')
		from--;
	else
		return; /* it comes first: nobody writes that */
	note->null_from = from;
	note->null_to = hit->to;
}

static void hear_usage(struct listen *l, const struct scan_hit *hit, int only)
{
	if (hit->kind == SCAN_NULL && hit->member && hit->depth == 2)
		note_null(&l->text->note, hit);
	if (only && l->whole) /* x_groq.usage: something else in the whole */
		return;
	if (hit->kind != SCAN_OBJECT || hit->open || !hit->count)
		return;
	l->text->usage_object = true;
	l->text->usage = (struct listen_span){ hit->from, hit->to };
}

/* "flex", at the top of every answer and chunk. */
static void hear_tier(struct listen *l, const struct scan_hit *hit, int arg)
{
	struct str word = scan_hit_text(hit);

	(void)arg;
	if (hit->kind == SCAN_STRING)
		l->said.tier = service_tier_named(json_inside(word));
}

/* A string or a number that may tell what went wrong. */
static void hear_word(struct listen *l, const struct scan_hit *hit, int which)
{
	if (hit->kind == SCAN_OBJECT && !hit->open && hit->count &&
	    (which == LISTEN_ERROR || which == LISTEN_CHOICE_MESSAGE))
		l->text->error_object = true;
	if ((hit->kind != SCAN_STRING && hit->kind != SCAN_NUMBER) ||
	    hit->to - hit->from == 0 ||
	    (hit->kind == SCAN_STRING && hit->to - hit->from == 2) ||
	    (l->text->heard & BIT(which)))
		return;
	l->text->heard |= BIT(which);
	l->text->words[which].from = hit->from;
	l->text->words[which].to = hit->to;
}

static void hear_object(struct listen *l, const struct scan_hit *hit, int arg)
{
	(void)arg;
	if (hit->kind == SCAN_STRING &&
	    json_text_is(scan_hit_text(hit), STR("error")))
		l->text->object_is_error = true;
}

static void hear_base(struct listen *l, const struct scan_hit *hit, int which)
{
	if (hit->kind == SCAN_NUMBER && json_compare(scan_hit_text(hit), 0)) {
		l->text->base_failed = true;
		hear_word(l, hit, which);
	}
}

/* --- where -----------------------------------------------------------------
 */

#define TOLD(in)                                                              \
	{ "choices[]." in ".content", hear_either, 0 },                       \
		{ "choices[]." in ".content[].text", hear_text, 0 },          \
		{ "choices[]." in ".reasoning_content", hear_text, 0 },       \
		{ "choices[]." in ".reasoning", hear_text, 0 },               \
		{ "choices[]." in ".refusal", hear_text, 0 },                 \
		{ "choices[]." in ".tool_calls", hear_some, 0 },              \
		{ "choices[]." in ".tool_calls[].function.name", hear_text,   \
		  0 },                                                        \
		{ "choices[]." in ".tool_calls[].function.arguments",         \
		  hear_text, 0 },                                             \
		{ "choices[]." in ".tool_calls[].custom.input", hear_text,    \
		  0 },                                                        \
		{ "choices[]." in ".function_call", hear_some, 0 },           \
		{ "choices[]." in ".function_call.arguments", hear_text, 0 }, \
		{ "choices[]." in ".audio", hear_some, 0 },                   \
	{                                                                     \
		"choices[]." in ".images", hear_some, 0                       \
	}

static const struct hear {
	const char *path;
	hear_fn *fn;
	int arg;
} table[] = {
	/* clang-format off */
	{ "choices",                 hear_choices, 0 },
	{ "choices[]",               hear_choice, 0 },
	{ "choices[].index",         hear_index, 0 },
	TOLD("delta"),
	{ "choices[].finish_reason", hear_finish, 0 },
	{ "choices[].text",          hear_text, 0 },
	TOLD("message"),
	{ "data",                    hear_data, 0 },
	{ "usage",                   hear_usage, 0 },
	{ "choices[].usage",         hear_usage, 0 },
	{ "x_groq.usage",            hear_usage, 1 },
	{ "service_tier",            hear_tier, 0 },
	{ "error",                   hear_word, LISTEN_ERROR },
	{ "error.message",           hear_word, LISTEN_ERROR_MESSAGE },
	{ "error.msg",               hear_word, LISTEN_ERROR_MSG },
	{ "error.type",              hear_word, LISTEN_ERROR_TYPE },
	{ "error.code",              hear_word, LISTEN_ERROR_CODE },
	{ "error.status",            hear_word, LISTEN_ERROR_STATUS },
	{ "choices[].error",         hear_word, LISTEN_CHOICE_MESSAGE },
	{ "choices[].error.message", hear_word, LISTEN_CHOICE_MESSAGE },
	{ "choices[].error.code",    hear_word, LISTEN_CHOICE_CODE },
	{ "x_groq.error",            hear_word, LISTEN_GROQ },
	{ "base_resp.status_code",   hear_base, LISTEN_BASE_CODE },
	{ "base_resp.status_msg",    hear_word, LISTEN_BASE },
	{ "errors[].message",        hear_word, LISTEN_ERRORS },
	{ "errors[]",                hear_word, LISTEN_ERRORS },
	{ "message",                 hear_word, LISTEN_MESSAGE },
	{ "msg",                     hear_word, LISTEN_MSG },
	{ "detail",                  hear_word, LISTEN_DETAIL },
	{ "detail.error",            hear_word, LISTEN_DETAIL_ERROR },
	{ "detail.message",          hear_word, LISTEN_DETAIL_ERROR },
	{ "detail[].msg",            hear_word, LISTEN_DETAIL_MSG },
	{ "type",                    hear_word, LISTEN_TYPE },
	{ "code",                    hear_word, LISTEN_CODE },
	{ "object",                  hear_object, 0 },
	/* clang-format on */
};

static int on_hit(void *arg, const struct scan_hit *hit, struct err *e)
{
	const struct hear *h = &table[hit->path];

	(void)e;
	h->fn(arg, hit, h->arg);
	return 0;
}

/* Compiled once; whoever loses a race throws his away. */
static const struct scan_paths *paths(void)
{
	static const struct scan_paths *_Atomic compiled;
	const struct scan_paths *p = atomic_load(&compiled), *none = NULL;
	const char *names[COUNT(table)];

	if (p)
		return p;
	for (size_t i = 0; i < COUNT(table); i++)
		names[i] = table[i].path;
	p = scan_paths_new(names, (int)COUNT(table));
	if (atomic_compare_exchange_strong(&compiled, &none, p))
		return p;
	free((void *)(uintptr_t)p);
	return none;
}

/* --- one text --------------------------------------------------------------
 */

void listen_init(struct listen *l, enum shape shape, bool reasoning_apart)
{
	*l = (struct listen){
		.shape = shape,
		.words = reasoning_apart ? USAGE_XAI : USAGE_OPENAI,
	};
	usage_init(&l->usage);
	usage_heard_init(&l->said);
	buf_init(&l->usage_raw, USAGE_RAW_MAX + 1);
}

void listen_count(struct listen *l, const struct listen_counter *counter)
{
	l->counter = counter;
	if (counter)
		counter->begin(counter->arg);
}

/* Between two events, where a stream is most of the time, there is none. */
void listen_text_begin(struct listen *l, struct listen_text *t)
{
	scan_init(&t->scan, paths(), &scan_answer_limits, on_hit, l);
	t->scan.skip = HALVES;
	l->text = t;
}

void listen_text_end(struct listen *l)
{
	scan_release(&l->text->scan);
	l->text = NULL;
}

/* Of a whole answer. */
static void drop_text(struct listen *l)
{
	struct listen_text *t = l->text;

	if (!t)
		return;
	listen_text_end(l);
	free(t);
}

void listen_release(struct listen *l)
{
	drop_text(l);
	buf_release(&l->usage_raw);
	free(l->error);
	l->error = NULL;
}

static void word(const struct listen *l, const char *base,
		 enum listen_word which, char *to, size_t size)
{
	struct str s = { base + l->text->words[which].from,
			 l->text->words[which].to -
				 l->text->words[which].from };

	if (*s.p == '"')
		json_unescape_cut(s, to, size);
	else
		snprintf(to, size, "%.*s", STR_FMT(s));
}

/* The first of these that was heard. */
static void first_word(const struct listen *l, const char *base, int from,
		       int to, char *out, size_t size)
{
	for (int i = from; i <= to; i++)
		if (l->text->heard & BIT(i)) {
			word(l, base, i, out, size);
			return;
		}
}

void listen_take_error(const struct listen *l, const char *base,
		       struct listen_error *out)
{
	int64_t status;

	*out = (struct listen_error){ 0 };
	first_word(l, base, 0, LISTEN_DETAIL_MSG, out->message,
		   sizeof(out->message));
	first_word(l, base, LISTEN_ERROR_TYPE, LISTEN_TYPE, out->type,
		   sizeof(out->type));
	first_word(l, base, LISTEN_ERROR_CODE, LISTEN_BASE_CODE, out->code,
		   sizeof(out->code));
	if (!str_int(str_of(out->code), 400, 599, &status))
		out->status = (int)status;
}

static bool is_error(const struct listen_text *t)
{
	const unsigned int sure = BIT(LISTEN_ERROR) | BIT(LISTEN_GROQ) |
				  BIT(LISTEN_CHOICE_MESSAGE);
	const unsigned int perhaps =
		BIT(LISTEN_MESSAGE) | BIT(LISTEN_MSG) | BIT(LISTEN_DETAIL) |
		BIT(LISTEN_DETAIL_ERROR) | BIT(LISTEN_DETAIL_MSG) |
		BIT(LISTEN_ERRORS);

	if (t->error_object || t->base_failed || (t->heard & sure))
		return true;
	return !t->choices_full && !t->data && !t->usage_object &&
	       ((t->heard & perhaps) || t->object_is_error);
}

static void take_usage(struct listen *l, const char *base)
{
	struct listen_text *t = l->text;
	struct str object = { base + t->usage.from,
			      t->usage.to - t->usage.from };
	enum usage_needs needs = l->shape == SHAPE_EMBEDDING ?
					 USAGE_NEEDS_INPUT :
					 USAGE_NEEDS_BOTH;
	struct usage u;

	if (!t->usage_object)
		return;
	switch (usage_hear(l->words, needs, object, &l->said, &u)) {
	case USAGE_SAID_NOTHING: return;
	case USAGE_GOOD:
		l->usage_suspicious = false;
		l->usage = u;
		break;
	case USAGE_UNUSABLE:
		l->usage_suspicious = true;
		l->why = u.flag;
		break;
	}
	t->note.usage = true;
	usage_raw(object, &l->usage_raw);
}

/* All of the text was read. */
static void text_over(struct listen *l, const char *base)
{
	struct listen_text *t = l->text;

	take_usage(l, base);
	t->note.error = is_error(t);
	t->note.usage_only = t->usage_object && !t->choices_full && !t->data &&
			     !t->note.error;
	if (t->note.error && !l->failed) {
		l->error = mem_alloc(sizeof(*l->error));
		listen_take_error(l, base, l->error);
		l->failed = true;
	}
	l->content = l->content || t->note.content;
	l->text_bytes += t->note.text_bytes;
	l->finished += t->note.finished;
}

struct str listen_trimmed(const char *p, size_t n)
{
	while (n && isspace((unsigned char)*p)) {
		p++;
		n--;
	}
	while (n && isspace((unsigned char)p[n - 1]))
		n--;
	return (struct str){ p, n };
}

static bool read_event(struct listen *l, struct str s)
{
	struct scan *scan = &l->text->scan;
	struct err e = { 0 };

	if (scan_feed(scan, s.p, s.n, &e) < 0 ||
	    scan_end(scan, s.p, s.n, &e) < 0)
		return false;
	text_over(l, s.p);
	return true;
}

bool listen_event(struct listen *l, const char *data, size_t n,
		  struct listen_note *note)
{
	struct str s = listen_trimmed(data, n);
	struct listen_text t = { 0 };
	bool good;

	*note = (struct listen_note){ 0 };
	if (!s.n)
		return true;
	if (*s.p == '[' && str_eq(s, "[DONE]")) {
		l->done = note->done = true;
		return true;
	}
	listen_text_begin(l, &t);
	good = read_event(l, s);
	listen_text_end(l);
	*note = good ? t.note : (struct listen_note){ .broken = true };
	return good;
}

bool listen_whole_feed(struct listen *l, const char *p, size_t n)
{
	struct err e = { 0 };

	l->whole = true;
	if (!l->text)
		listen_text_begin(l, mem_alloc(sizeof(*l->text)));
	return scan_feed(&l->text->scan, p, n, &e) == 0;
}

/* --- what to charge --------------------------------------------------------
 */

static bool plausible(const struct listen *l, int64_t prompt_tok,
		      int64_t out_tok)
{
	struct usage_own own = l->own;

	own.prompt_tok = prompt_tok;
	own.out_tok = out_tok;
	own.out_bytes = l->text_bytes;
	return !own.prompt_bytes || usage_plausible(&l->usage, &own);
}

/* Why what the upstream said is not charged; FLAG_NONE: it is. */
static enum usage_flag refused(const struct listen *l, int64_t prompt_tok,
			       int64_t out_tok, bool complete)
{
	if (l->usage_suspicious)
		return l->why;
	if (l->usage.source != USAGE_UPSTREAM)
		return complete ? FLAG_MISSING : FLAG_NONE;
	return plausible(l, prompt_tok, out_tok) ? l->usage.flag : FLAG_ABSURD;
}

void listen_usage(const struct listen *l, int64_t prompt_tok, bool complete,
		  struct usage *out)
{
	int64_t ours = l->counted ? l->counter->tok(l->counter->arg) :
				    count_estimate_tok(l->text_bytes);
	enum usage_flag flag = refused(l, prompt_tok, ours, complete);
	bool usable = l->usage.source == USAGE_UPSTREAM &&
		      (flag == FLAG_NONE || flag == FLAG_CLAMPED);

	if (usable) {
		*out = l->usage;
	} else {
		usage_init(out);
		out->in_tok = prompt_tok;
	}
	out->flag = flag;
	out->tier = l->said.tier;
	if (usable && complete)
		return;
	/* What was said before the end are totals of an earlier moment. */
	out->out_tok = MAX(out->out_tok, ours);
	out->source = complete ? USAGE_COUNTED : USAGE_PARTIAL;
}

/* --- the end of a whole answer ---------------------------------------------
 */

static int on_said(void *arg, const struct scan_hit *hit, struct err *e)
{
	hear_fn *fn = table[hit->path].fn;

	(void)e;
	if ((fn == hear_text || fn == hear_either) &&
	    hit->kind == SCAN_STRING && hit->to - hit->from > 2)
		tell(arg, hit, 0);
	return 0;
}

/* Most answers need no count of ours: this is the second time that it is
 * read, at once, while others wait; the bytes of a long one must do. */
static void count_whole(struct listen *l, struct str text)
{
	int64_t guess = count_estimate_tok(l->text_bytes);
	struct err e = { 0 };
	struct scan s;

	if (!l->counter || !l->text_bytes || text.n > RECOUNT_MAX ||
	    refused(l, guess, guess, true) == FLAG_NONE)
		return;
	scan_init(&s, paths(), &scan_answer_limits, on_said, l);
	s.skip = HALVES;
	scan_text(&s, text, &e);
	scan_release(&s);
}

bool listen_whole_end(struct listen *l, const char *p, size_t n,
		      struct listen_note *note)
{
	struct err e = { 0 };

	*note = (struct listen_note){ 0 };
	if (!listen_whole_feed(l, p, n) ||
	    scan_end(&l->text->scan, p, n, &e) < 0) {
		note->broken = true;
		return false;
	}
	text_over(l, p);
	*note = l->text->note;
	count_whole(l, (struct str){ p, n });
	drop_text(l);
	return true;
}

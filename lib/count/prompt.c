/* prompt.c - see prompt.h: one scan over a request's body. */
#include "count/prompt_in.h"

#include "count/image.h"
#include "json/scan.h"
#include "json/text.h"

#include <stdatomic.h>

/* The rules, in tokens. */
enum {
	MESSAGE = 3,      /* published: around each message */
	NAME = 1,         /* published: for its name */
	REPLY = 3,        /* published: before the answer */
	CALL = 9,         /* seen: around a call in a message */
	CALL_MORE = 24,   /* of the bound: before the first call, seen */
	REQUEST = 16,     /* of the bound: a vendor's own template */
	FOREIGN = 64,     /* of the bound: the same of one we cannot count */
	FOREIGN_EACH = 8, /* ... and around each message */
	FILE_BYTES = 10,  /* bytes of a document for a token of tok */
	FILE_UNSEEN = 100000, /* a document that is not in the request */
};

void prompt_add(struct prompt *p, int64_t tok, int64_t bound)
{
	p->out->tok += tok;
	p->out->bound += bound;
}

int64_t prompt_tokens_of(struct prompt *p, struct str s)
{
	int64_t before = count_stream_tok(&p->stream);

	count_stream_whole(&p->stream, s);
	count_stream_cut(&p->stream);
	return count_stream_tok(&p->stream) - before;
}

/* Each place where a run that is too long is cut may hide a few tokens. */
static int64_t cuts(const struct prompt *p, size_t n)
{
	return p->out->exact ? (int64_t)(n / COUNT_SEE) * 4 : 0;
}

void prompt_text(struct prompt *p, struct str s)
{
	struct guess g = { 0 };
	struct str head = { s.p, MIN(s.n, (size_t)p->left) };
	int64_t n = prompt_tokens_of(p, head);

	p->left -= (int64_t)head.n;
	p->out->text_bytes += (int64_t)s.n;
	prompt_add(p, n, p->out->exact ? n + cuts(p, head.n) : (int64_t)head.n);
	if (head.n == s.n)
		return;
	guess_add(&g, s.p + head.n, s.n - head.n);
	prompt_add(p, guess_tok(&g, p->model->guess), (int64_t)(s.n - head.n));
	p->out->capped = true;
	p->out->exact = false;
}

/* --- what stands in the body -------------------------------------------------- */

typedef void on_fn(struct prompt *p, const struct scan_hit *h);

/* What a JSON string stands for; it lies there until the next one. */
static struct str plain(struct prompt *p, struct str json, size_t most)
{
	struct str inside = json_inside(json);

	inside.n = MIN(inside.n, most);
	if (!memchr(inside.p, '\\', inside.n))
		return inside;
	buf_clear(&p->text);
	json_unescape_to(json, &p->text);
	return (struct str){ p->text.p, MIN(p->text.len, most) };
}

static void on_text(struct prompt *p, const struct scan_hit *h)
{
	if (h->kind == SCAN_STRING)
		prompt_text(p, plain(p, scan_hit_text(h), SIZE_MAX));
}

static void on_name(struct prompt *p, const struct scan_hit *h)
{
	on_text(p, h);
	if (h->kind == SCAN_STRING)
		prompt_add(p, NAME, NAME);
}

static void on_message(struct prompt *p, const struct scan_hit *h)
{
	if (h->open)
		prompt_add(p, MESSAGE,
			   p->model->by == COUNT_GUESS ? FOREIGN_EACH :
							 MESSAGE);
}

static void on_messages(struct prompt *p, const struct scan_hit *h)
{
	if (h->open)
		prompt_add(p, REPLY, REPLY);
}

static void on_call(struct prompt *p, const struct scan_hit *h)
{
	if (!h->open)
		return;
	prompt_add(p, CALL, CALL + (p->calls ? 0 : CALL_MORE));
	p->calls = true;
}

static void on_number(struct prompt *p, const struct scan_hit *h)
{
	if (h->kind == SCAN_NUMBER)
		prompt_add(p, 1, 1);
	else
		on_text(p, h);
}

static void on_url(struct prompt *p, const struct scan_hit *h)
{
	p->is_image = true;
	if (h->kind == SCAN_STRING)
		p->url = scan_hit_text(h);
}

static void on_detail(struct prompt *p, const struct scan_hit *h)
{
	if (h->kind == SCAN_STRING)
		p->detail = scan_hit_text(h);
}

static void on_sound(struct prompt *p, const struct scan_hit *h)
{
	if (h->kind == SCAN_STRING)
		p->sound = scan_hit_text(h);
}

static void on_file(struct prompt *p, const struct scan_hit *h)
{
	p->is_file = true;
	if (h->kind == SCAN_STRING)
		p->file = scan_hit_text(h);
}

static void take(struct prompt *p, int64_t *sum, struct media_tok m)
{
	*sum += m.tok;
	prompt_add(p, m.tok, m.bound);
}

static void end_image(struct prompt *p)
{
	char detail[16] = "";
	struct image_size size = { 0 };

	if (p->detail.n)
		json_unescape_cut(p->detail, detail, sizeof(detail));
	if (p->url.n)
		size = image_size_of_url(plain(p, p->url, IMAGE_HEAD));
	take(p, &p->out->image_tok, image_tok(p->model, size, str_of(detail)));
}

static void end_sound(struct prompt *p)
{
	unsigned char head[64];
	size_t n = image_base64(plain(p, p->sound, 2 * sizeof(head)), head,
				sizeof(head));

	take(p, &p->out->audio_tok,
	     audio_tok(p->model, head, n, (int64_t)p->sound.n / 4 * 3));
}

static void end_file(struct prompt *p)
{
	int64_t bytes = (int64_t)p->file.n / 4 * 3;
	struct media_tok m = { bytes / FILE_BYTES, bytes };

	if (!bytes)
		m = (struct media_tok){ 0, FILE_UNSEEN };
	take(p, &p->out->file_tok, m);
}

static void on_part(struct prompt *p, const struct scan_hit *h)
{
	if (h->kind != SCAN_OBJECT) {
		on_text(p, h);
		return;
	}
	if (!h->open && p->is_image)
		end_image(p);
	if (!h->open && p->sound.n)
		end_sound(p);
	if (!h->open && p->is_file)
		end_file(p);
	p->url = p->detail = p->sound = p->file = STR_NONE;
	p->is_image = p->is_file = false;
}

static void on_tools(struct prompt *p, const struct scan_hit *h)
{
	if (!h->open && h->count)
		p->tools = scan_hit_text(h);
}

static void on_functions(struct prompt *p, const struct scan_hit *h)
{
	if (!h->open && h->count)
		p->functions = scan_hit_text(h);
}

static void on_format(struct prompt *p, const struct scan_hit *h)
{
	if (!h->open && h->count)
		p->format = scan_hit_text(h);
}

static const struct {
	const char *path;
	on_fn *on;
} table[] = {
	{ "messages", on_messages },
	{ "messages[]", on_message },
	{ "messages[].role", on_text },
	{ "messages[].name", on_name },
	{ "messages[].content", on_text },
	{ "messages[].reasoning_content", on_text },
	{ "messages[].refusal", on_text },
	{ "messages[].content[]", on_part },
	{ "messages[].content[].text", on_text },
	{ "messages[].content[].refusal", on_text },
	{ "messages[].content[].image_url", on_url },
	{ "messages[].content[].image_url.url", on_url },
	{ "messages[].content[].image_url.detail", on_detail },
	{ "messages[].content[].input_audio.data", on_sound },
	{ "messages[].content[].file", on_file },
	{ "messages[].content[].file.file_data", on_file },
	{ "messages[].content[].video_url", on_file },
	{ "messages[].content[].video_url.url", on_file },
	{ "messages[].tool_calls[]", on_call },
	{ "messages[].tool_calls[].function.name", on_text },
	{ "messages[].tool_calls[].function.arguments", on_text },
	{ "messages[].tool_calls[].custom.name", on_text },
	{ "messages[].tool_calls[].custom.input", on_text },
	{ "messages[].function_call", on_call },
	{ "messages[].function_call.name", on_text },
	{ "messages[].function_call.arguments", on_text },
	{ "tools", on_tools },
	{ "functions", on_functions },
	{ "response_format.json_schema", on_format },
	{ "prompt", on_text },
	{ "prompt[]", on_number },
	{ "prompt[][]", on_number },
	{ "suffix", on_text },
	{ "input", on_text },
	{ "input[]", on_number },
	{ "input[][]", on_number },
};

static int on_hit(void *arg, const struct scan_hit *h, struct err *e)
{
	(void)e;
	table[h->path].on(arg, h);
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

static void read_body(struct prompt *p)
{
	struct scan_limits limits = { .depth = 512, .duplicates_ok = true };
	struct err e = { 0 };
	struct scan s;

	scan_init(&s, paths(), &limits, on_hit, p);
	scan_text(&s, p->body, &e); /* it has been judged already */
	scan_release(&s);
}

void count_prompt(struct count_prompt *out, const struct count *c,
		  const struct count_model *m, struct str body,
		  int64_t max_bytes)
{
	struct prompt p = {
		.out = out, .model = m, .body = body, .left = max_bytes
	};
	bool guess = !count_has(c, m->by);

	*out = (struct count_prompt){ .by = guess ? COUNT_GUESS : m->by,
				      .exact = !guess };
	buf_init(&p.text, body.n + 1);
	count_stream_init(&p.stream, c, m);
	read_body(&p);
	if (p.tools.n)
		prompt_tools(&p, p.tools);
	if (p.functions.n)
		prompt_tools(&p, p.functions);
	/* A schema is written out for the model; nobody says how. */
	if (p.format.n)
		prompt_text(&p, p.format);
	prompt_add(&p, 0, m->by == COUNT_GUESS ? FOREIGN : REQUEST);
	count_stream_release(&p.stream);
	buf_release(&p.text);
}

/* testprov.c - see testprov.h. */
#include "provider/testprov.h"

#include "provider/testprov_in.h"
#include "json/js.h"
#include "json/jw.h"

#define PIECES_MAX     1000000
#define GAP_MAX_MS     60000
#define DIMENSIONS     16
#define DIMENSIONS_MAX 8192
#define BODY_MAX       (256u << 20)
#define STEP_BYTES     4000 /* of pieces without a gap that go together */

#define JSON_TYPE  "Content-Type: application/json\r\n"
#define EVENT_TYPE "Content-Type: text/event-stream\r\n"

static const struct testprov_model models[] = {
	/* clang-format off */
	{ "test-echo", "says what the last message of the user says",
	  .say = SAY_ECHO },
	{ "test-fixed", "says one sentence; 20 tokens in (8 cached), 10 out",
	  .say = SAY_FIXED },
	{ "test-stream-N-MS", "counts to N, a number every MS milliseconds",
	  .say = SAY_COUNT, .n = 10, .gap_ms = 100 },
	{ "test-slow", "counts to 20, a number every half second",
	  .say = SAY_COUNT, .n = 20, .gap_ms = 500 },
	{ "test-long-N", "counts to N at once",
	  .say = SAY_COUNT, .n = 10000 },
	{ "test-tools", "calls the first tool, or the one of \"call NAME {..}\"",
	  .say = SAY_TOOL },
	{ "test-json", "answers in JSON, to the schema if there is one",
	  .say = SAY_JSON },
	{ "test-reason", "thinks first, then says what the user said",
	  .say = SAY_REASON },
	{ "test-embed", "vectors that depend on the text alone",
	  .say = SAY_EMBED },
	{ "test-empty", "ends in order without having said anything",
	  .say = SAY_EMPTY },
	{ "test-no-usage", "says what the user said, and no usage",
	  .say = SAY_ECHO, .no_usage = true },
	{ "test-cut", "the connection dies after three numbers of ten",
	  .say = SAY_COUNT, .n = 10, .gap_ms = 20, .fault = FAULT_CUT,
	  .fault_at = 3 },
	{ "test-stall", "silence after three numbers of ten",
	  .say = SAY_COUNT, .n = 10, .gap_ms = 20, .fault = FAULT_STALL,
	  .fault_at = 3 },
	{ "test-error-event", "status 200, and the first event is an error",
	  .say = SAY_COUNT, .n = 10, .fault = FAULT_ERROR, .type = "server_error",
	  .message = "The test provider fails at once." },
	{ "test-late-error", "an error after three numbers of ten",
	  .say = SAY_COUNT, .n = 10, .gap_ms = 20, .fault = FAULT_ERROR,
	  .fault_at = 3, .type = "server_error",
	  .message = "The test provider fails late." },
	{ "test-hang", "accepts the request and says nothing, ever",
	  .fault = FAULT_STALL },
	{ "test-400", "refuses the request",
	  .status = 400, .type = "invalid_request_error", .code = "invalid_value",
	  .message = "The test provider refuses this request." },
	{ "test-401", "refuses the key, and shows a part of it",
	  .status = 401, .type = "invalid_request_error", .code = "invalid_api_key",
	  .message = "Incorrect API key provided: sk-te***st." },
	{ "test-429", "too many requests, Retry-After: 2",
	  .status = 429, .type = "requests", .code = "rate_limit_exceeded",
	  .message = "Rate limit reached. Try again in 2 seconds." },
	{ "test-500", "fails, and shows an address",
	  .status = 500, .type = "server_error",
	  .message = "The worker at http://10.0.0.3:8000/x failed." },
	{ "test-502", "fails with a page of HTML",
	  .status = 502 },
	{ "test-503", "is overloaded",
	  .status = 503, .type = "server_error", .code = "overloaded",
	  .message = "The test provider is overloaded." },
	/* clang-format on */
};

bool testprov_row(int i, const char **name, const char **help)
{
	if (i < 0 || i >= (int)COUNT(models))
		return false;
	*name = models[i].name;
	*help = models[i].help;
	return true;
}

/* --- which model -----------------------------------------------------------
 */

/* One word of a name beside one of a row: the same, or a number in its place.
 */
static bool match_word(struct testprov *t, struct str want, struct str got)
{
	if (str_eq(want, "N"))
		return !str_int(got, 0, PIECES_MAX, &t->n_pieces);
	if (str_eq(want, "MS"))
		return !str_int(got, 0, GAP_MAX_MS, &t->gap_ms);
	return str_same(want, got);
}

/* Numbers may be left out: the row has what they are then. */
static bool match(struct testprov *t, const struct testprov_model *m,
		  struct str name)
{
	struct str row = str_of(m->name), want, got;

	t->n_pieces = m->n;
	t->gap_ms = m->gap_ms;
	while (str_next(&row, '-', &want)) {
		if (!str_next(&name, '-', &got))
			return str_eq(want, "N") || str_eq(want, "MS");
		if (!match_word(t, want, got))
			return false;
	}
	return !name.p;
}

static const struct testprov_model *find(struct testprov *t, struct str name)
{
	for (size_t i = 0; i < COUNT(models); i++)
		if (match(t, &models[i], name))
			return &models[i];
	return NULL;
}

/* --- answers that are one body ---------------------------------------------
 */

enum phase { BEGIN, REASONING, TEXT, TOOL, FINISH, WHOLE, OVER };

static void refuse(struct testprov *t, int status, const char *message,
		   const char *type, const char *param, const char *code)
{
	t->status = status;
	t->headers = JSON_TYPE;
	dialect_error_body(&t->out, message, type, param, code);
	t->phase = WHOLE;
}

static void refuse_by_row(struct testprov *t)
{
	const struct testprov_model *m = t->model;

	refuse(t, m->status, m->message, m->type, NULL, m->code);
	if (m->status == 429)
		t->headers = JSON_TYPE "Retry-After: 2\r\n";
	if (m->message)
		return;
	t->headers = "Content-Type: text/html\r\n";
	buf_clear(&t->out);
	buf_str(&t->out, "<html><head><title>Bad Gateway</title></head>"
			 "<body>test-gateway.internal</body></html>\n");
}

static void list_models(struct testprov *t, int64_t now_s)
{
	struct jw w;

	t->status = 200;
	t->headers = JSON_TYPE;
	t->phase = WHOLE;
	jw_start(&w, &t->out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "list");
	jw_array(&w, "data");
	for (size_t i = 0; i < COUNT(models); i++) {
		jw_object(&w, NULL);
		jw_str(&w, "id", models[i].name);
		jw_str(&w, "object", "model");
		jw_int(&w, "created", now_s);
		jw_str(&w, "owned_by", "test");
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
}

/* --- answers ---------------------------------------------------------------
 */

static void put(struct testprov *t, const struct ev *ev)
{
	enc_put(&t->enc, ev, &t->out);
}

static void say(struct testprov *t, enum ev_kind kind, int choice, int part,
		struct str s)
{
	t->out_bytes += (int64_t)s.n;
	put(t, &(struct ev){ .kind = kind,
			     .choice = choice,
			     .part = part,
			     .s = s.p,
			     .n = s.n });
}

/* The next word of a text, with the space before it. */
static struct str word(struct str s, size_t *at)
{
	size_t from = *at, to = from;

	while (to < s.n && s.p[to] == ' ')
		to++;
	while (to < s.n && s.p[to] != ' ')
		to++;
	*at = to;
	return (struct str){ s.p + from, to - from };
}

static void usage(struct testprov *t)
{
	struct ev ev = { .kind = EV_USAGE };

	if (t->model->no_usage)
		return;
	usage_init(&ev.usage);
	ev.usage.in_tok = count_estimate_tok(t->prompt_bytes);
	if (t->chat.shape != SHAPE_EMBEDDING)
		ev.usage.out_tok = count_estimate_tok(t->out_bytes);
	if (t->reasoning_bytes)
		ev.usage.reasoning_tok = count_estimate_tok(t->reasoning_bytes);
	if (t->model->say == SAY_FIXED) {
		ev.usage.in_tok = 12;
		ev.usage.cache_read_tok = 8;
		ev.usage.out_tok = 10;
	}
	put(t, &ev);
}

static enum phase on_begin(struct testprov *t)
{
	const char *id =
		arena_printf(&t->mem, "chatcmpl-test-%016llx",
			     (unsigned long long)testprov_hash(t->chat.model));

	put(t, &(struct ev){ .kind = EV_START,
			     .id = id,
			     .name = arena_dup(&t->mem, t->chat.model) });
	return REASONING;
}

static enum phase on_reasoning(struct testprov *t)
{
	struct str s;

	if (t->reasoning_at >= t->reasoning.n)
		return TEXT;
	s = word(t->reasoning, &t->reasoning_at);
	for (int i = 0; i < t->n_choices; i++) {
		t->reasoning_bytes += (int64_t)s.n;
		say(t, EV_REASONING, i, 0, s);
	}
	t->piece++;
	return REASONING;
}

static enum phase on_text(struct testprov *t)
{
	int part = t->reasoning.n > 0;
	bool more = false;

	for (int i = 0; i < t->n_choices; i++) {
		if (t->at[i] >= t->texts[i].n)
			continue;
		say(t, EV_TEXT, i, part, word(t->texts[i], &t->at[i]));
		more = true;
	}
	t->piece += more;
	return more ? TEXT : TOOL;
}

#define ARGS_PIECE 5 /* bytes of a tool's arguments that come at once */

static enum phase on_tool(struct testprov *t)
{
	struct str s = { t->args.p + t->args_at,
			 MIN(t->args.n - t->args_at, ARGS_PIECE) };
	const char *name;

	if (!t->tool.p || t->args_at >= t->args.n)
		return FINISH;
	name = arena_dup(&t->mem, t->tool);
	for (int i = 0; i < t->n_choices; i++) {
		if (!t->args_at)
			put(t, &(struct ev){ .kind = EV_TOOL_START,
					     .choice = i,
					     .id = "call_test_1",
					     .name = name });
		say(t, EV_TOOL_ARGS, i, 0, s);
	}
	t->args_at += s.n;
	t->piece++;
	return TOOL;
}

static enum phase on_finish(struct testprov *t)
{
	enum finish f = t->tool.p    ? FINISH_TOOLS :
			t->cut_short ? FINISH_LENGTH :
				       FINISH_STOP;

	for (int i = 0; i < t->n_choices; i++)
		put(t, &(struct ev){
			       .kind = EV_FINISH, .choice = i, .finish = f });
	usage(t);
	put(t, &(struct ev){ .kind = EV_END });
	return OVER;
}

static enum phase on_whole(struct testprov *t)
{
	(void)t; /* the body is in out already */
	return OVER;
}

static enum phase (*const phases[])(struct testprov *t) = {
	[BEGIN] = on_begin, [REASONING] = on_reasoning, [TEXT] = on_text,
	[TOOL] = on_tool,   [FINISH] = on_finish,       [WHOLE] = on_whole,
};

/* Time for what the row's fault says?  The answer is over then. */
static bool fault(struct testprov *t)
{
	const struct testprov_model *m = t->model;

	if (!m || m->fault == FAULT_NONE || t->phase == WHOLE ||
	    t->phase == BEGIN || t->piece < m->fault_at)
		return false;
	t->phase = OVER;
	if (m->fault == FAULT_ERROR) {
		put(t, &(struct ev){ .kind = EV_ERROR,
				     .s = m->message,
				     .n = strlen(m->message),
				     .name = m->type,
				     .id = m->code });
	} else {
		t->end = m->fault == FAULT_CUT ? TESTPROV_CUT : TESTPROV_HANG;
		if (!t->chat.stream) /* of a body in the making: its head */
			buf_str(&t->out, "{\"id\":\"chatcmpl-test\",\"cho");
	}
	return true;
}

static void embed(struct testprov *t)
{
	int64_t n = t->chat.dimensions;
	struct buf b;
	int i = 0;

	n = n < 1 ? DIMENSIONS : MIN(n, DIMENSIONS_MAX);
	buf_init(&b, sizeof(float) * DIMENSIONS_MAX);
	on_begin(t);
	for (const struct chat_msg *m = t->chat.msgs; m; m = m->next, i++) {
		const struct chat_part *p = m->parts.first;

		buf_clear(&b);
		testprov_vector(p ? p->text : STR(""), n, &b);
		put(t, &(struct ev){ .kind = EV_VECTOR,
				     .choice = i,
				     .s = b.p,
				     .n = b.len });
	}
	usage(t);
	put(t, &(struct ev){ .kind = EV_END });
	t->phase = WHOLE;
	buf_release(&b);
}

/* --- the verbs -------------------------------------------------------------
 */

static const struct {
	const char *path;
	enum shape shape;
} paths[] = {
	{ "/chat/completions", SHAPE_CHAT },
	{ "/completions", SHAPE_COMPLETION },
	{ "/embeddings", SHAPE_EMBEDDING },
};

static void begin(struct testprov *t, int64_t now_s)
{
	enum shape shape = t->chat.shape;
	bool embeds = t->model->say == SAY_EMBED;

	if (embeds != (shape == SHAPE_EMBEDDING)) {
		refuse(t, 400,
		       embeds ? "test-embed makes vectors; call /embeddings." :
				"This model makes no vectors; take test-embed.",
		       "invalid_request_error", "model", "invalid_value");
		return;
	}
	enc_init(&t->enc, &dialect_openai, &t->mem, shape, t->chat.stream);
	t->opened = true;
	t->enc.created_s = now_s;
	t->enc.include_usage = t->chat.include_usage;
	t->enc.functions = t->chat.functions;
	t->enc.base64 = t->chat.base64;
	t->status = 200;
	t->headers = t->chat.stream ? EVENT_TYPE : JSON_TYPE;
	testprov_prepare(t);
	if (embeds)
		embed(t);
}

static void choose(struct testprov *t, int64_t now_s)
{
	t->model = find(t, t->chat.model.p ? t->chat.model : STR(""));
	if (!t->model) {
		refuse(t, 404,
		       "The test provider has no such model; "
		       "docs/test-provider.md lists them.",
		       "invalid_request_error", "model", "model_not_found");
	} else if (t->model->say != SAY_NOTHING) {
		begin(t, now_s);
	} else if (t->model->status) {
		refuse_by_row(t);
	} else {
		t->end = TESTPROV_HANG;
		t->phase = OVER;
	}
}

void testprov_open(struct testprov *t, const char *path, struct str body,
		   int64_t now_s)
{
	struct err e = { 0 };
	struct json_object *o;
	size_t i = 0;

	*t = (struct testprov){ .headers = "" };
	arena_init(&t->mem);
	buf_init(&t->out, BODY_MAX);
	if (!strcmp(path, "/models")) {
		list_models(t, now_s);
		return;
	}
	while (i < COUNT(paths) && strcmp(paths[i].path, path))
		i++;
	if (i == COUNT(paths)) {
		refuse(t, 404, "The test provider has no such endpoint.",
		       "invalid_request_error", NULL, "unknown_url");
		return;
	}
	chat_init(&t->chat, &t->mem, paths[i].shape);
	o = js_parse(body.p, body.n, &e);
	if (!o || dialect_openai.read(o, &t->chat, &e) < 0)
		refuse(t, 400, e.msg, "invalid_request_error", e.param,
		       err_info(e.code)->code);
	else
		choose(t, now_s);
	js_free(o);
}

/* Steps that take no time go together, up to what fits one write. */
bool testprov_next(struct testprov *t, struct testprov_step *step)
{
	bool one_body = t->phase == WHOLE;
	bool streams = t->chat.stream && !one_body;
	int64_t before = t->piece;

	if (t->phase == OVER)
		return false;
	if (!one_body)
		buf_clear(&t->out);
	step->after_ms = t->piece && streams ? t->gap_ms : 0;
	do {
		if (fault(t))
			break;
		t->phase = (int)phases[t->phase](t);
	} while (t->phase != OVER &&
		 (!streams ||
		  (t->gap_ms ? t->piece == before : t->out.len < STEP_BYTES)));
	if (!streams && !one_body)
		step->after_ms = t->gap_ms * MAX(t->piece - 1, 0);
	step->bytes = buf_span(&t->out);
	return true;
}

void testprov_close(struct testprov *t)
{
	if (t->opened)
		enc_release(&t->enc);
	t->opened = false;
	buf_release(&t->out);
	arena_release(&t->mem);
}

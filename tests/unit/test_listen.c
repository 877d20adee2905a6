/* test_listen.c - lib/dialect/listen: what is heard of a passing answer. */
#include "dialect/listen.h"

#include "base/buf.h"
#include "rows.h"

/* "content 2 bytes, finished 1, usage 21+2, ..." */
static void say(const struct listen *l, const struct listen_note *n,
		struct buf *b)
{
	const struct usage *u = &l->usage;

	if (n->broken)
		buf_str(b, "broken ");
	if (n->done)
		buf_str(b, "done ");
	if (n->content)
		buf_str(b, "content ");
	if (n->text_bytes)
		buf_printf(b, "%lld bytes ", (long long)n->text_bytes);
	if (n->finished)
		buf_printf(b, "finished %d ", n->finished);
	if (n->usage_only)
		buf_str(b, "only ");
	if (n->usage && !l->usage_suspicious)
		buf_printf(b, "usage %lld/%lld+%lld ", (long long)u->in_tok,
			   (long long)u->cache_read_tok, (long long)u->out_tok);
	if (l->usage_suspicious)
		buf_str(b, "suspicious ");
	if (n->error)
		buf_printf(b, "error %s|%s|%s ", l->error->message,
			   l->error->type, l->error->code);
}

#define DELTA(d) "{\"choices\":[{\"index\":0,\"delta\":" d "}]}"
#define USAGE(u) "{\"choices\":[],\"usage\":" u "}"

static const struct {
	const char *label, *in, *want;
} events[] = {
	{ "done", "[DONE]", "done " },
	{ "done with spaces", " [DONE]\n", "done " },
	{ "role only", DELTA("{\"role\":\"assistant\",\"content\":\"\"}"), "" },
	{ "delta null", DELTA("null"), "" },
	{ "content null", DELTA("{\"content\":null}"), "" },
	{ "text", DELTA("{\"content\":\"Li\"}"), "content 2 bytes " },
	{ "escaped", DELTA("{\"content\":\"\\u00e9\\n\"}"),
	  "content 3 bytes " },
	{ "half a character", DELTA("{\"content\":\"\\ud83d\"}"),
	  "content 3 bytes " },
	{ "array", DELTA("{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"),
	  "content 1 bytes " },
	{ "reasoning", DELTA("{\"reasoning_content\":\"hm\"}"),
	  "content 2 bytes " },
	{ "refusal", DELTA("{\"refusal\":\"no\"}"), "content 2 bytes " },
	{ "a call begins",
	  DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":"
		"{\"name\":\"fn\",\"arguments\":\"\"}}]}"),
	  "content 2 bytes " },
	{ "no calls", DELTA("{\"tool_calls\":[]}"), "" },
	{ "arguments",
	  DELTA("{\"tool_calls\":[{\"index\":0,\"function\":"
		"{\"arguments\":\"{\\\"a\\\"\"}}]}"),
	  "content 4 bytes " },
	{ "completion", "{\"choices\":[{\"text\":\"abc\"}]}",
	  "content 3 bytes " },
	{ "finish", "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}",
	  "finished 1 " },
	{ "finish of two, index last",
	  "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":4},"
	  "{\"finish_reason\":\"length\",\"index\":7}]}",
	  "finished 2 " },
	{ "finish twice",
	  "{\"choices\":[{\"finish_reason\":\"stop\"},"
	  "{\"index\":0,\"finish_reason\":\"stop\"}]}",
	  "finished 1 " },
	{ "an empty reason", "{\"choices\":[{\"finish_reason\":\"\"}]}", "" },

	{ "usage only", USAGE("{\"prompt_tokens\":21,\"completion_tokens\":2}"),
	  "only usage 21/-1+2 " },
	{ "choices null",
	  "{\"choices\":null,\"usage\":{\"prompt_tokens\":1,"
	  "\"completion_tokens\":2}}",
	  "only usage 1/-1+2 " },
	{ "no choices",
	  "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
	  "only usage 1/-1+2 " },
	{ "usage with content",
	  "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":"
	  "{\"prompt_tokens\":1,\"completion_tokens\":2}}",
	  "content 1 bytes usage 1/-1+2 " },
	{ "cached",
	  USAGE("{\"prompt_tokens\":21,\"completion_tokens\":2,"
		"\"prompt_tokens_details\":{\"cached_tokens\":20}}"),
	  "only usage 1/20+2 " },
	{ "cached, DeepSeek",
	  USAGE("{\"prompt_tokens\":21,\"completion_tokens\":2,"
		"\"prompt_cache_hit_tokens\":20}"),
	  "only usage 1/20+2 " },
	{ "cached, Moonshot",
	  USAGE("{\"prompt_tokens\":21,\"completion_tokens\":2,"
		"\"cached_tokens\":0}"),
	  "only usage 21/0+2 " },
	{ "in x_groq",
	  "{\"choices\":[{\"delta\":{}}],\"x_groq\":{\"usage\":"
	  "{\"prompt_tokens\":1,\"completion_tokens\":2}}}",
	  "usage 1/-1+2 " },
	{ "in the choice",
	  "{\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":1,"
	  "\"completion_tokens\":2}}]}",
	  "usage 1/-1+2 " },
	{ "null", USAGE("null"), "" },
	{ "nothing said", USAGE("{}"), "" },
	{ "zeros", USAGE("{\"prompt_tokens\":0,\"completion_tokens\":0}"),
	  "only usage 0/-1+0 " },
	{ "as floats",
	  USAGE("{\"prompt_tokens\":3.0,\"completion_tokens\":2e0}"),
	  "only usage 3/-1+2 " },
	{ "negative", USAGE("{\"prompt_tokens\":3,\"completion_tokens\":-2}"),
	  "only suspicious " },
	{ "a string",
	  USAGE("{\"prompt_tokens\":\"3\",\"completion_tokens\":2}"),
	  "only suspicious " },
	{ "absurd",
	  USAGE("{\"prompt_tokens\":1000000000000000000,"
		"\"completion_tokens\":2}"),
	  "only suspicious " },
	{ "half missing", USAGE("{\"prompt_tokens\":3}"), "only suspicious " },
	{ "more cached than there is",
	  USAGE("{\"prompt_tokens\":3,\"completion_tokens\":2,"
		"\"cached_tokens\":4}"),
	  "only usage 0/3+2 " },

	{ "error",
	  "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}",
	  "error m|t|c " },
	{ "error, a number",
	  "{\"error\":{\"message\":\"m\",\"code\":502},"
	  "\"choices\":[{\"delta\":{\"content\":\"\"},"
	  "\"finish_reason\":\"error\"}]}",
	  "finished 1 error m||502 " },
	{ "error, a text", "{\"error\":\"m\",\"code\":\"c\"}", "error m||c " },
	{ "error null", "{\"error\":null,\"choices\":[]}", "" },
	{ "error {}", "{\"error\":{},\"choices\":[]}", "" },
	{ "error in the choice",
	  "{\"choices\":[{\"error\":{\"message\":\"m\",\"code\":1}}]}",
	  "error m||1 " },
	{ "x_groq.error", "{\"choices\":[],\"x_groq\":{\"error\":\"m\"}}",
	  "error m|| " },
	{ "message", "{\"message\":\"m\",\"code\":\"c\"}", "error m||c " },
	{ "object error",
	  "{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\","
	  "\"code\":400}",
	  "error m|t|400 " },
	{ "detail", "{\"detail\":[{\"msg\":\"m\"}]}", "error m|| " },
	{ "base_resp",
	  "{\"base_resp\":{\"status_code\":1004,\"status_msg\":\"m\"}}",
	  "error m||1004 " },
	{ "base_resp 0", "{\"choices\":[],\"base_resp\":{\"status_code\":0}}",
	  "" },

	{ "not JSON", "hello", "broken " },
	{ "cut off", "{\"choices\":[", "broken " },
	{ "empty", "", "" },
};

static void an_event_is_heard(void **state)
{
	struct listen_note note;
	struct listen l;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(events); i++) {
		size_t n = strlen(events[i].in);
		/* no byte behind it may be read */
		char *p = memcpy(mem_alloc(n + 1), events[i].in, n);

		row("%s", events[i].label);
		p = mem_realloc(p, MAX(n, 1));
		buf_clear(&b);
		listen_init(&l, SHAPE_CHAT, false);
		ROW_TRUE(listen_event(&l, p, n, &note) != note.broken);
		say(&l, &note, &b);
		ROW_STR(b.len ? b.p : "", events[i].want);
		listen_release(&l);
		free(p);
	}
	buf_release(&b);
	rows_done();
}

static const struct {
	const char *label, *in, *want;
} wholes[] = {
	{ "an answer",
	  "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
	  "\"assistant\",\"content\":\"Lima\"},\"finish_reason\":\"stop\"}],"
	  "\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":12,"
	  "\"prompt_tokens_details\":{\"cached_tokens\":1}}}",
	  "content 4 bytes finished 1 usage 20/1+12 " },
	{ "blank lines first", "\n\n {\"choices\":[],\"usage\":null} \n", "" },
	{ "embeddings",
	  "{\"object\":\"list\",\"data\":[{\"embedding\":[0.1]}],\"usage\":"
	  "{\"prompt_tokens\":2,\"total_tokens\":2}}",
	  "content usage 2/-1+-1 " },
	{ "x_groq is not usage here",
	  "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":1,"
	  "\"completion_tokens\":2}}}",
	  "" },
	{ "an error in a 200", "{\"error\":{\"message\":\"m\"}}",
	  "error m|| " },
	{ "HTML", "<html>", "broken " },
	{ "empty", "", "broken " },
	{ "cut off", "{\"choices\":[{\"message\":{\"content\":\"Li",
	  "broken " },
};

static void a_whole_answer_is_heard_however_cut(void **state)
{
	struct listen_note note;
	struct listen l;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(wholes); i++) {
		size_t n = strlen(wholes[i].in);
		enum shape shape = strstr(wholes[i].in, "embedding") ?
					   SHAPE_EMBEDDING :
					   SHAPE_CHAT;

		for (size_t cut = 0; cut <= n; cut++) {
			row("%s, cut at %zu", wholes[i].label, cut);
			buf_clear(&b);
			listen_init(&l, shape, false);
			if (listen_whole_feed(&l, wholes[i].in, cut))
				listen_whole_end(&l, wholes[i].in, n, &note);
			else
				note = (struct listen_note){ .broken = true };
			say(&l, &note, &b);
			ROW_STR(b.len ? b.p : "", wholes[i].want);
			listen_release(&l);
		}
	}
	buf_release(&b);
	rows_done();
}

static const struct {
	const char *label, *in, *message, *code;
	int status;
} bodies[] = {
	{ "OpenAI's", "{\"error\":{\"message\":\"m\",\"code\":\"c\"}}", "m",
	  "c", 500 },
	{ "a text", "{\"error\":\"m\"}", "m", "", 500 },
	{ "vLLM's", "{\"object\":\"error\",\"message\":\"m\",\"code\":404}",
	  "m", "404", 404 },
	{ "FastAPI's", "{\"detail\":\"m\"}", "m", "", 500 },
	{ "FastAPI's list", "{\"detail\":[{\"loc\":[1],\"msg\":\"m\"}]}", "m",
	  "", 500 },
	{ "DeepInfra's", "{\"detail\":{\"error\":\"m\"}}", "m", "", 500 },
	{ "a code and msg", "{\"code\":1,\"msg\":\"m\"}", "m", "1", 500 },
	{ "errors", "{\"errors\":[{\"message\":\"m\"},{\"message\":\"o\"}]}",
	  "m", "", 500 },
	{ "errors, texts", "{\"errors\":[\"m\"]}", "m", "", 500 },
	{ "wrapped", "[{\"error\":{\"message\":\"m\",\"code\":429}}]\n", "m",
	  "429", 429 },
	{ "cut off", "{\"error\":{\"message\":\"m\",\"type\":\"t", "m", "",
	  500 },
	{ "plain", " upstream connect error\n", "upstream connect error", "",
	  500 },
	{ "HTML", "<html><title>502</title>", "status 500 with an HTML page",
	  "", 500 },
	{ "nothing", "", "status 500 without a message", "", 500 },
	{ "no message", "{}", "{}", "", 500 },
};

static void an_error_body_gives_words(void **state)
{
	struct listen_error e;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		row("%s", bodies[i].label);
		listen_error_body(bodies[i].in, strlen(bodies[i].in), 500, &e);
		ROW_STR(e.message, bodies[i].message);
		ROW_STR(e.code, bodies[i].code);
		ROW_INT(e.status, bodies[i].status);
	}
	rows_done();
}

static void feed(struct listen *l, const char *s)
{
	struct listen_note note;

	assert_true(listen_event(l, s, strlen(s), &note));
}

static void usage_falls_back_to_our_count(void **state)
{
	struct listen l;
	struct usage u;

	(void)state;
	listen_init(&l, SHAPE_CHAT, false);
	feed(&l, DELTA("{\"content\":\"12345\"}"));
	listen_usage(&l, 7, true, &u);
	assert_int_equal(u.in_tok, 7);
	assert_int_equal(u.out_tok, 2);
	assert_int_equal(u.source, USAGE_COUNTED);
	listen_usage(&l, 7, false, &u);
	assert_int_equal(u.source, USAGE_PARTIAL);
	feed(&l, USAGE("{\"prompt_tokens\":3,\"completion_tokens\":1}"));
	listen_usage(&l, 7, true, &u);
	assert_int_equal(u.in_tok, 3);
	assert_int_equal(u.out_tok, 1);
	assert_int_equal(u.source, USAGE_UPSTREAM);
	feed(&l, USAGE("{\"prompt_tokens\":3,\"completion_tokens\":-1}"));
	listen_usage(&l, 7, true, &u);
	assert_int_equal(u.in_tok, 7);
	assert_int_equal(u.source, USAGE_COUNTED);
	listen_release(&l);
}

static const struct {
	const char *label, *events[3], *raw;
	enum usage_flag flag;
	enum service_tier tier;
	int64_t in, out;
} flagged[] = {
	{ "as it was said",
	  { DELTA("{\"content\":\"12345\"}"),
	    USAGE("{ \"prompt_tokens\": 3,\n\"completion_tokens\": 1 }") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":1}",
	  .in = 3,
	  .out = 1 },
	{ "the last one",
	  { USAGE("{\"prompt_tokens\":3,\"completion_tokens\":1}"),
	    USAGE("{\"prompt_tokens\":3,\"completion_tokens\":2}") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":2}",
	  .in = 3,
	  .out = 2 },
	{ "nothing said",
	  { DELTA("{\"content\":\"12345\"}") },
	  "",
	  .flag = FLAG_MISSING,
	  .in = 7,
	  .out = 2 },
	{ "half of it",
	  { USAGE("{\"prompt_tokens\":3}") },
	  "{\"prompt_tokens\":3}",
	  .flag = FLAG_MISSING,
	  .in = 7 },
	{ "a string",
	  { USAGE("{\"prompt_tokens\":\"3\",\"completion_tokens\":1}") },
	  "{\"prompt_tokens\":\"3\",\"completion_tokens\":1}",
	  .flag = FLAG_ABSURD,
	  .in = 7 },
	{ "more than the prompt has bytes",
	  { USAGE("{\"prompt_tokens\":9000,\"completion_tokens\":1}") },
	  "{\"prompt_tokens\":9000,\"completion_tokens\":1}",
	  .flag = FLAG_ABSURD,
	  .in = 7 },
	{ "more than was read",
	  { DELTA("{\"content\":\"12345\"}"),
	    USAGE("{\"prompt_tokens\":3,\"completion_tokens\":9000}") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":9000}",
	  .flag = FLAG_ABSURD,
	  .in = 7,
	  .out = 2 },
	{ "but it was thinking",
	  { DELTA("{\"content\":\"12345\"}"),
	    USAGE("{\"prompt_tokens\":3,\"completion_tokens\":9000,"
		  "\"completion_tokens_details\":"
		  "{\"reasoning_tokens\":8999}}") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":9000,"
	  "\"completion_tokens_details\":{\"reasoning_tokens\":8999}}",
	  .in = 3,
	  .out = 9000 },
	{ "cut to fit",
	  { USAGE("{\"prompt_tokens\":3,\"completion_tokens\":1,"
		  "\"cached_tokens\":4}") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":1,"
	  "\"cached_tokens\":4}",
	  .flag = FLAG_CLAMPED,
	  .out = 1 },
	{ "how it was served",
	  { "{\"service_tier\":\"flex\",\"choices\":[{\"delta\":{}}]}",
	    USAGE("{\"prompt_tokens\":3,\"completion_tokens\":1}") },
	  "{\"prompt_tokens\":3,\"completion_tokens\":1}",
	  .tier = TIER_FLEX,
	  .in = 3,
	  .out = 1 },
};

static void what_was_said_is_kept_and_flagged(void **state)
{
	struct listen l;
	struct usage u;

	(void)state;
	for (size_t i = 0; i < COUNT(flagged); i++) {
		row("%s", flagged[i].label);
		listen_init(&l, SHAPE_CHAT, false);
		l.own = (struct usage_own){ .prompt_bytes = 28 };
		for (int k = 0; k < 3 && flagged[i].events[k]; k++)
			feed(&l, flagged[i].events[k]);
		listen_usage(&l, 7, true, &u);
		ROW_INT(u.flag, flagged[i].flag);
		ROW_INT(u.tier, flagged[i].tier);
		ROW_INT(u.in_tok, flagged[i].in);
		ROW_INT(u.out_tok, flagged[i].out);
		ROW_INT(u.source,
			flagged[i].flag == FLAG_NONE ||
					flagged[i].flag == FLAG_CLAMPED ?
				USAGE_UPSTREAM :
				USAGE_COUNTED);
		ROW_STR(buf_span(&l.usage_raw).p, flagged[i].raw);
		listen_release(&l);
	}
	rows_done();
}

static void reasoning_may_stand_apart(void **state)
{
	struct listen l;

	(void)state;
	listen_init(&l, SHAPE_CHAT, true);
	feed(&l, USAGE("{\"prompt_tokens\":3,\"completion_tokens\":1,"
		       "\"prompt_tokens_details\":{\"cached_tokens\":9},"
		       "\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":5}}"));
	assert_int_equal(l.usage.out_tok, 6);
	assert_int_equal(l.usage.reasoning_tok, 5);
	assert_int_equal(l.usage.in_tok, 3);
	assert_int_equal(l.usage.cache_read_tok, 9);
	listen_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_heard),
		cmocka_unit_test(a_whole_answer_is_heard_however_cut),
		cmocka_unit_test(an_error_body_gives_words),
		cmocka_unit_test(usage_falls_back_to_our_count),
		cmocka_unit_test(what_was_said_is_kept_and_flagged),
		cmocka_unit_test(reasoning_may_stand_apart),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}

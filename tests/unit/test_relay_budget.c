/* test_relay_budget.c - streams that grow beyond what is held for them. */
#include "rows.h"

#include "relay_story.h"

struct growth {
	const char *label;
	const char *ask, *script;
	int64_t held_tok, step_tok, most_tok;
	const char *client; /* what it got */
	bool stopped;
	int64_t out_tok; /* owed */
	int asks;
	const char *code; /* of the end; "": none */
};

static void look(const struct growth *g, const struct world *w)
{
	const struct relay_end *end = &w->relay.end;
	struct usage u;
	char got[4096];

	relay_usage(&w->relay, &u);
	ROW_STR(story_letters(w, got), g->client);
	ROW_INT(end->stopped, g->stopped);
	ROW_INT(u.out_tok, g->out_tok);
	ROW_INT(w->n_asks, g->asks);
	ROW_STR(end->code ? err_info(end->code)->code : "", g->code);
	ROW_INT(w->n_ends, 1);
	ROW_INT(w->n_after_end, 0);
	ROW_INT(w->timer_ms, 0);
	ROW_TRUE(!w->calling);
}

static void read_growths(const struct growth *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct growth *g = &rows[i];
		struct world w;

		row("%s: %s", g->label, g->script);
		world_init(&w, g->ask, 2);
		w.plan.money = (struct relay_money){ .prompt_tok = 5,
						     .held_tok = g->held_tok,
						     .step_tok = g->step_tok,
						     .most_tok = g->most_tok };
		story_tell(&w, g->script);
		look(g, &w);
		world_release(&w);
	}
	rows_done();
}

/* clang-format off */
static const struct growth money_comes_in_time_rows[] = {
	{ "nobody asks", ask_stream, "HrTTTsd.", 4, 4, 0, "rTTTsd", false, 3, 0, "" },
	{ "near the end", ask_stream, "HrTTTT$TTsd.", 4, 4, 0, "rTTTTTTsd", false, 6, 1, "" },
	{ "twice", ask_stream, "HrTTTT$TTTT$TTsd.", 4, 4, 0, "rTTTTTTTTTTsd", false, 10, 2, "" },
	{ "any amount", ask_stream, "HrTTTTTTTTTTTTsd.", 0, 4, 0, "rTTTTTTTTTTTTsd", false, 12, 0, "" },
	{ "up to what the model can", ask_stream, "HrTTTTTTTTTTTTsd.", 8, 4, 8, "rTTTTTTTTTTTTsd", false, 8, 0, "" },
	{ "its usage counts", ask_stream, "HrTTTT$TTsud.", 4, 4, 0, "rTTTTTTsd", false, 12, 1, "" },
};

static const struct growth money_comes_late_rows[] = {
	{ "one waits", ask_stream, "HrTTTTT$Tsd.", 4, 4, 0, "rTTTTTTsd", false, 6, 1, "" },
	{ "all wait", ask_stream, "HrTTTTTTsd$.", 4, 4, 0, "rTTTTTTsd", false, 6, 1, "" },
	{ "and again", ask_stream, "HrTTTTTTTTTTsd$$.", 4, 4, 0, "rTTTTTTTTTTsd", false, 10, 2, "" },
	{ "seconds", ask_stream, "HrTTTTT99999$Tsd.", 4, 4, 0, "rTTTTkkkTTsd", false, 6, 1, "" },
	{ "a comment keeps its place", ask_stream, "HrTTTTTmT$sd.", 4, 4, 0, "rTTTTTmTsd", false, 6, 1, "" },
	{ "a null of usage is hidden", ask_stream, "HrTTTTTn$sd.", 4, 4, 0, "rTTTTTvsd", false, 6, 1, "" },
	{ "the upstream has ended", ask_stream, "HrTTTTTTsd.$", 4, 4, 0, "rTTTTTTsd", false, 6, 1, "" },
	{ "without [DONE]", ask_stream, "HrTTTTTTs.$", 4, 4, 0, "rTTTTTTsd", false, 6, 1, "" },
	{ "in an open event", ask_stream, "HrTTTTo.$", 4, 4, 0, "rTTTTo+d", false, 5, 1, "" },
	{ "in the second open event", ask_stream, "HrTTTTTo.$", 4, 4, 0, "rTTTTTo+d", false, 6, 1, "" },
	{ "it broke off", ask_stream, "HrTTTTTTx$", 4, 4, 0, "rTTTTTTE", false, 6, 1, "bad_upstream_response" },
	{ "an error waits", ask_stream, "HrTTTTTe$", 4, 4, 0, "rTTTTTE", false, 5, 1, "upstream_failed" },
	{ "what waits is no JSON", ask_stream, "HrTTTTTb$", 4, 4, 0, "rTTTTTE", false, 5, 1, "bad_upstream_response" },
	{ "what waits breaks off", ask_stream, "HrTTTTT/.$", 4, 4, 0, "rTTTTTE", false, 5, 1, "bad_upstream_response" },
};

static const struct growth no_money_ends_with_length_rows[] = {
	{ "at once", ask_stream, "HrTTTT%T", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "late", ask_stream, "HrTTTTT%", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "late, with more", ask_stream, "HrTTTTTTTsd%", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "the second time", ask_stream, "HrTTTT$TTTTT%", 4, 4, 0, "rTTTTTTTT>d", true, 8, 2, "" },
	{ "and it ends in time", ask_stream, "HrTTTT%sd.", 4, 4, 0, "rTTTTsd", false, 4, 1, "" },
	{ "the first is too much", ask_stream, "HrtttT%", 1, 4, 0, "rtt>d", true, 1, 1, "" },
	{ "it was the last", ask_stream, "HrTTTTp%", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "the upstream has ended", ask_stream, "HrTTTTTTsd.%", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "it broke off", ask_stream, "HrTTTTTTx%", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "two answers", ask_two, "HrTTyyT%", 4, 4, 0, "rTTyy>}d", true, 4, 1, "" },
	{ "one of them has ended", ask_two, "HrTTyysy%", 4, 4, 0, "rTTyys}d", true, 4, 1, "" },
	{ "the other has", ask_two, "HrTTyyYTyT%", 4, 4, 0, "rTTyyY>d", true, 4, 1, "" },
	{ "a tool call is open", ask_stream, "HrcaaTaa%", 4, 4, 0, "rcaaTa>d", true, 4, 1, "" },
	{ "the client reads slowly", ask_stream, "HrSTTTTT%R", 4, 4, 0, "rTTTT>d", true, 4, 1, "" },
	{ "the database cannot say", ask_stream, "HrTTTTT&", 4, 4, 0, "rTTTTE", false, 4, 1, "overloaded" },
	{ "cannot say, in time", ask_stream, "HrTTTT&sd.", 4, 4, 0, "rTTTTsd", false, 4, 1, "" },
	{ "it says so, and content comes", ask_stream, "HrTTTT&T", 4, 4, 0, "rTTTTE", false, 4, 1, "overloaded" },
};

static const struct growth it_ends_while_asking_rows[] = {
	{ "the client leaves", ask_stream, "HrTTTTTTq$", 4, 4, 0, "rTTTT", false, 4, 1, "client_closed_request" },
	{ "leaves before the limit", ask_stream, "HrTTTTq%", 4, 4, 0, "rTTTT", false, 4, 1, "client_closed_request" },
	{ "it breaks off", ask_stream, "HrTTTTx$", 4, 4, 0, "rTTTTE", false, 4, 1, "bad_upstream_response" },
	{ "it ends well", ask_stream, "HrTTTTsd.%", 4, 4, 0, "rTTTTsd", false, 4, 1, "" },
};

static const struct growth a_named_limit_is_the_upstreams_rows[] = {
	{ "kept to", ask_stream, "HrTTTTsd.", 4, 0, 0, "rTTTTsd", false, 4, 0, "" },
	{ "by another count", ask_stream, "HrTTTTTTsd.", 4, 0, 0, "rTTTTTTsd", false, 4, 0, "" },
	{ "by its own", ask_stream, "HrTTTTTTsud.", 4, 0, 0, "rTTTTTTsd", false, 12, 0, "" },
	{ "left halfway", ask_stream, "HrTTTTTTq", 4, 0, 0, "rTTTTTT", false, 4, 0, "client_closed_request" },
	{ "ignored", ask_stream, "HrTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT", 4, 0, 0,
	  "rTTTTTTTTTTTTTTTTTTTTTT>d", true, 4, 0, "" },
};
/* clang-format on */

#define READ(name)                                             \
	static void name(void **state)                         \
	{                                                      \
		(void)state;                                   \
		read_growths(name##_rows, COUNT(name##_rows)); \
	}

READ(money_comes_in_time)
READ(money_comes_late)
READ(no_money_ends_with_length)
READ(it_ends_while_asking)
READ(a_named_limit_is_the_upstreams)

/* --- what the letters do not show ------------------------------------------- */

static void begin(struct world *w, const char *ask, const char *script)
{
	world_init(w, ask, 1);
	w->plan.money = (struct relay_money){ .prompt_tok = 5,
					      .held_tok = 4,
					      .step_tok = 4 };
	story_tell(w, script);
}

static void the_upstream_is_paused_only_when_it_must(void **state)
{
	struct world w;

	(void)state;
	row("asked in time");
	begin(&w, ask_stream, "HrTTTT");
	ROW_TRUE(w.asking && w.on);
	story_step(&w, 'T');
	ROW_TRUE(!w.on);
	ROW_INT(w.relay.state, RELAY_SHORT);
	world_pass(&w, 100000); /* three times idle_ms: the silence is ours */
	ROW_INT(w.n_ends, 0);
	story_step(&w, '$');
	ROW_TRUE(w.on);
	ROW_INT(w.relay.state, RELAY_BODY);
	world_pass(&w, 29999);
	ROW_INT(w.n_ends, 0);
	world_pass(&w, 1);
	ROW_STR(err_info(w.relay.end.code)->code, "upstream_timeout");
	world_release(&w);

	row("and the client does not read");
	begin(&w, ask_stream, "HrSTTTTTTTTTT");
	w.relay.paused = true; /* as its queue would be */
	story_step(&w, '$');
	ROW_TRUE(!w.on);
	story_step(&w, 'R');
	world_leave(&w);
	world_release(&w);
	rows_done();
}

static void one_piece_holds_many_events(void **state)
{
	static const char *const answers[] = { "$", "%" };
	static const char *const want[] = { "rTTTTTTTsd", "rTTTT>d" };

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct world w, all;
		char got[4096];

		row("%s", answers[i]);
		begin(&all, ask_stream, "H");
		buf_clear(&all.got);
		begin(&w, ask_stream, "H");
		all.plan.money.held_tok = all.relay.budget.held_tok = 0;
		for (const char *c = "rTTTTTTTsd"; *c; c++)
			story_step(&all, *c);
		world_say(&w, buf_span(&all.got));
		ROW_TRUE(!w.on && w.asking);
		story_step(&w, *answers[i]);
		if (w.calling)
			story_step(&w, '.');
		ROW_STR(story_letters(&w, got), want[i]);
		ROW_INT(w.n_ends, 1);
		story_step(&all, '.');
		world_release(&all);
		world_release(&w);
	}
	rows_done();
}

static void usage_is_that_of_what_was_delivered(void **state)
{
	struct world w;

	(void)state;
	row("asked for");
	begin(&w, ask_usage, "HrTTTTT%");
	ROW_TRUE(world_got(&w, "\"finish_reason\":\"length\"}],"
			       "\"usage\":null}\n\n"));
	ROW_TRUE(world_got(&w, "\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
			       "\"completion_tokens\":4,\"total_tokens\":9}}"
			       "\n\ndata: [DONE]\n\n"));
	world_release(&w);

	row("asked for, and nothing fits");
	begin(&w, ask_usage, "Hr");
	w.relay.budget.held_tok = 1;
	world_say(&w, STR("data: {\"id\":\"c\",\"choices\":[{\"index\":0,"
			  "\"delta\":{\"content\":\"Lima, Peru\"}}]}\n\n"));
	story_step(&w, '%');
	ROW_TRUE(!world_got(&w, "Peru"));
	ROW_TRUE(world_got(&w, "\"completion_tokens\":0,"));
	ROW_TRUE(world_got(&w, "data: [DONE]\n\n"));
	world_release(&w);

	row("not asked for");
	begin(&w, ask_stream, "HrTTTTT%");
	ROW_TRUE(!world_got(&w, "usage"));
	world_release(&w);
	rows_done();
}

static void the_end_carries_on_what_came(void **state)
{
	struct world w;

	(void)state;
	row("id, model, time");
	begin(&w, ask_stream, "HrTTTT");
	world_say(&w, STR("data: {\"id\":\"chatcmpl-7\",\"object\":"
			  "\"chat.completion.chunk\",\"created\":1795262400,"
			  "\"model\":\"m1-1\",\"system_fingerprint\":\"fp_1\","
			  "\"choices\":[{\"index\":0,\"delta\":{\"content\":"
			  "\"Peru\"}}]}\n\n"));
	story_step(&w, '%');
	ROW_TRUE(world_got(&w, "data: {\"id\":\"chatcmpl-7\",\"object\":"
			       "\"chat.completion.chunk\",\"created\":"
			       "1795262400,\"model\":\"m1-1\","
			       "\"system_fingerprint\":\"fp_1\",\"choices\":[{"
			       "\"index\":0,\"delta\":{},\"logprobs\":null,"
			       "\"finish_reason\":\"length\"}]}\n\ndata: "
			       "[DONE]\n\n"));
	ROW_INT(w.n_cancels, 1);
	ROW_INT(w.status, 200);
	world_release(&w);
	rows_done();
}

static void a_worker_stops_while_it_asks(void **state)
{
	struct err why = { 0 };
	struct world w;
	char got[512];

	(void)state;
	row("it waits");
	err_set(&why, ERR_SHUTDOWN, "going down");
	begin(&w, ask_stream, "HrTTTTTT");
	relay_on_stop(&w.relay, w.now_ms, &why);
	story_step(&w, '$');
	ROW_STR(story_letters(&w, got), "rTTTTE");
	ROW_INT(w.relay.end.code, ERR_SHUTDOWN);
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.n_after_end, 0);
	world_release(&w);
	rows_done();
}

/* A world that pours on is not kept for ever. */
static void what_is_kept_has_a_limit(void **state)
{
	struct world w;

	(void)state;
	row("too much");
	begin(&w, ask_stream, "HrTTTT");
	for (int i = 0; i < 20000 && w.calling; i++)
		story_step(&w, 'T');
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.relay.end.code, ERR_UP_BROKEN);
	world_release(&w);
	rows_done();
}

/* --- whatever happens --------------------------------------------------------- */

/* Tokens in what the client got, read as it would. */
static int64_t delivered_tok(const struct world *w, struct arena *arena)
{
	struct str rest = buf_span(&w->got), line;
	struct listen_note note;
	struct listen l;
	int64_t tok;

	listen_init(&l, SHAPE_CHAT, false);
	while (str_next(&rest, '\n', &line))
		if (str_starts(line, "data: {"))
			listen_event(&l, arena_dup(arena, line) + 6, line.n - 6,
				     &note);
	tok = count_estimate_tok(l.text_bytes);
	listen_release(&l);
	return tok;
}

/* A step; two calls may not be under way, so an attempt begins with a head. */
static void any_step(struct world *w, unsigned int *seed)
{
	static const char steps[] = "rTTTTTTTTTTTTTTtyyyaaccnmpsYuod/"
				    "e$$$$$$$$%&19SRRR.xHWq";

	*seed = *seed * 1103515245 + 12345;
	story_step(w, steps[(*seed >> 16) % (sizeof(steps) - 1)]);
}

/* Each answer has a reason to have ended, and the stream its end. */
static bool ends_well(const struct world *w)
{
	static const char done[] = "data: [DONE]\n\n";
	size_t n = strlen(done);
	int reasons = 0;

	for (const char *at = w->got.p; (at = strstr(at, "finish_reason\":\""));
	     at++)
		reasons++;
	return reasons >= w->ask.n && w->got.len > n &&
	       !strcmp(w->got.p + w->got.len - n, done);
}

/* Steps to some end; how often the stream waited. */
static int any_story(struct world *w, unsigned int *seed)
{
	int waited = 0;

	for (int k = 0; k < 60 && !w->n_ends; k++) {
		any_step(w, seed);
		waited += w->relay.state == RELAY_SHORT;
		ROW_TRUE(delivered_tok(w, &w->arena) <=
			 w->relay.budget.held_tok);
	}
	if (!w->n_ends)
		world_leave(w);
	return waited;
}

static void look_at_any_end(const struct world *w)
{
	struct usage u;

	relay_usage(&w->relay, &u);
	ROW_TRUE(u.source == USAGE_UPSTREAM ||
		 u.out_tok <= w->relay.budget.held_tok);
	ROW_INT(w->n_ends, 1);
	ROW_INT(w->n_after_end, 0);
	ROW_INT(w->timer_ms, 0);
	ROW_TRUE(!w->calling);
	ROW_TRUE(!w->relay.end.stopped || ends_well(w));
}

static void nothing_passes_that_is_not_paid_for(void **state)
{
	unsigned int seed = 1;
	int stopped = 0, waited = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct world w;

		row("story %d", i);
		begin(&w, i % 3 ? ask_stream : ask_two, "H");
		waited += any_story(&w, &seed);
		look_at_any_end(&w);
		stopped += w.relay.end.stopped;
		world_release(&w);
	}
	row("there were such");
	ROW_TRUE(stopped > 20 && waited > 200);
	rows_done();
}

/* --- who owes what ------------------------------------------------------------ */

/* As the table of what is charged says, row by row. */
static const struct {
	const char *label, *ask, *script;
	int64_t prompt_tok, out_tok; /* -1: nothing */
	enum usage_source source;
} charges[] = {
	/* clang-format off */
	{ "upstream error before any token", ask_stream, "HrxHre", -1, -1, USAGE_NONE },
	{ "the same, whole", ask_whole, "F.F.", -1, -1, USAGE_NONE },
	{ "the same, whole, half a body", ask_whole, "JhxJhx", -1, -1, USAGE_NONE },
	{ "silence before any token", ask_stream, "HrWWWW", -1, -1, USAGE_NONE },
	{ "upstream error in mid-stream", ask_stream, "HrTTx", 5, 2, USAGE_PARTIAL },
	{ "an error event in mid-stream", ask_stream, "HrTTe", 5, 2, USAGE_PARTIAL },
	{ "it had given its usage", ask_stream, "HrTTsux", 9, 12, USAGE_PARTIAL },
	{ "client gone, no head", ask_stream, "q", -1, -1, USAGE_NONE },
	{ "client gone, no head, whole", ask_whole, "q", -1, -1, USAGE_NONE },
	{ "client gone before the first token", ask_stream, "Hrq", 5, 0, USAGE_PARTIAL },
	{ "client gone before a whole answer", ask_whole, "Jq", 5, 0, USAGE_PARTIAL },
	{ "client gone in a whole answer", ask_whole, "Jhq", 5, 0, USAGE_PARTIAL },
	{ "client gone, it was refused", ask_whole, "Fhq", -1, -1, USAGE_NONE },
	{ "client gone in mid-stream", ask_stream, "HrTTq", 5, 2, USAGE_PARTIAL },
	{ "client gone after the end", ask_stream, "HrTTsudq", 9, 12, USAGE_UPSTREAM },
	{ "usage given", ask_stream, "HrTTsud.", 9, 12, USAGE_UPSTREAM },
	{ "usage given, whole", ask_whole, "J#.", 9, 12, USAGE_UPSTREAM },
	{ "usage missing", ask_stream, "HrTTsd.", 5, 2, USAGE_COUNTED },
	{ "usage missing, whole", ask_whole, "J1.", 5, 1, USAGE_COUNTED },
	{ "all zeros", ask_stream, "HrTT0.", 0, 0, USAGE_UPSTREAM },
	{ "below zero", ask_stream, "HrTT2.", 5, 2, USAGE_COUNTED },
	{ "beyond belief", ask_stream, "HrTT3.", 5, 2, USAGE_COUNTED },
	{ "only the last attempt", ask_stream, "HrxHrTTsud.", 9, 12, USAGE_UPSTREAM },
	{ "only the last, which was not reached", ask_stream, "Hrxq", -1, -1, USAGE_NONE },
	{ "refused by the upstream", ask_whole, "4.", -1, -1, USAGE_NONE },
	/* clang-format on */
};

static const char *said_by_digit(char c)
{
#define USAGE(counts)                                                 \
	"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{}," \
	"\"finish_reason\":\"stop\"}],\"usage\":{" counts "}}\n\n"    \
	"data: [DONE]\n\n"
	switch (c) {
	case '0': return USAGE("\"prompt_tokens\":0,\"completion_tokens\":0");
	case '1':
		return "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
		       "\"Lima\"},\"finish_reason\":\"stop\"}]}";
	case '2': return USAGE("\"prompt_tokens\":-9,\"completion_tokens\":-1");
	case '3':
		return USAGE("\"prompt_tokens\":9,\"completion_tokens\":"
			     "1000000000000000000");
	default: return NULL;
	}
#undef USAGE
}

static void every_end_is_charged_by_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(charges); i++) {
		struct usage u;
		struct world w;

		row("%s", charges[i].label);
		world_init(&w, charges[i].ask, 2);
		w.plan.money.prompt_tok = 5;
		world_start(&w);
		for (const char *c = charges[i].script; *c; c++)
			if (said_by_digit(*c))
				world_say(&w, str_of(said_by_digit(*c)));
			else if (*c == '4')
				world_head(&w, 400, "");
			else
				story_step(&w, *c);
		relay_usage(&w.relay, &u);
		ROW_INT(usage_prompt_tok(&u), charges[i].prompt_tok);
		ROW_INT(u.out_tok, charges[i].out_tok);
		ROW_INT(u.source, charges[i].source);
		ROW_INT(w.n_ends, 1);
		world_release(&w);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_comes_in_time),
		cmocka_unit_test(money_comes_late),
		cmocka_unit_test(no_money_ends_with_length),
		cmocka_unit_test(it_ends_while_asking),
		cmocka_unit_test(a_named_limit_is_the_upstreams),
		cmocka_unit_test(the_upstream_is_paused_only_when_it_must),
		cmocka_unit_test(one_piece_holds_many_events),
		cmocka_unit_test(usage_is_that_of_what_was_delivered),
		cmocka_unit_test(the_end_carries_on_what_came),
		cmocka_unit_test(a_worker_stops_while_it_asks),
		cmocka_unit_test(what_is_kept_has_a_limit),
		cmocka_unit_test(nothing_passes_that_is_not_paid_for),
		cmocka_unit_test(every_end_is_charged_by_its_row),
	};

	return cmocka_run_group_tests_name("relay budget", tests, NULL, NULL);
}

/* trial.c - see trial.h. */
#include "trial.h"

#include <poll.h>
#include <sys/socket.h>

#include "../relay/fcgi.h"
#include "base/clock.h"
#include "json/js.h"

#define PATIENCE_MS 20000
#define OUT_MAX     (256 << 20)

const char *trial_seen(enum seen seen)
{
	static const char *const names[SEEN__COUNT] = {
		[SEEN_NOTHING] = "nothing", [SEEN_ANSWER] = "answer",
		[SEEN_ERROR] = "error",     [SEEN_BROKEN] = "error event",
		[SEEN_CUT] = "cut",         [SEEN_WRONG] = "not allowed",
	};

	return names[seen];
}

/* --- what the caller got ---------------------------------------------------------- */

static enum seen wrong(struct trial *t, const char *what)
{
	snprintf(t->what, sizeof(t->what), "%s", what);
	return SEEN_WRONG;
}

static void note_code(struct trial *t, struct json_object *tree)
{
	snprintf(t->what, sizeof(t->what), "%s",
		 js_str(js_get(tree, "error"), "code", ""));
}

static enum seen judge_whole(struct trial *t, struct str body)
{
	struct err e = { 0 };
	struct json_object *tree = js_parse(body.p, body.n, &e);
	enum seen seen = SEEN_WRONG;

	if (!tree)
		return wrong(t, "what came is no JSON");
	if (t->status == 200 && js_get(tree, "choices"))
		seen = SEEN_ANSWER;
	else if (t->status != 200 && js_get(tree, "error"))
		seen = SEEN_ERROR;
	else
		wrong(t, "neither an answer nor an error");
	if (seen == SEEN_ERROR)
		note_code(t, tree);
	js_free(tree);
	return seen;
}

struct stream {
	bool done, error, content, after;
};

/* False: no event of ours. */
static bool take_event(struct trial *t, struct str data, struct stream *s)
{
	struct err e = { 0 };
	struct json_object *tree;

	s->after |= s->done || s->error;
	if (str_eq(data, "[DONE]")) {
		s->done = true;
		return true;
	}
	tree = js_parse(data.p, data.n, &e);
	if (!tree)
		return false;
	if (js_get(tree, "error")) {
		s->error = true;
		note_code(t, tree);
	}
	s->content |= js_len(js_get(tree, "choices")) > 0;
	js_free(tree);
	return true;
}

static enum seen judge_stream(struct trial *t, struct str body)
{
	struct stream s = { 0 };
	size_t at = 0;

	while (at < body.n) {
		size_t n = 0;
		struct str line;

		while (at + n < body.n && body.p[at + n] != '\n' &&
		       body.p[at + n] != '\r')
			n++;
		line = (struct str){ body.p + at, n };
		at += n + 1;
		if (str_starts(line, "data:") &&
		    !take_event(
			    t, str_trim((struct str){ line.p + 5, line.n - 5 }),
			    &s))
			return wrong(t, "an event is no JSON");
	}
	if (s.after)
		return wrong(t, "something came after the end");
	if (s.done)
		return SEEN_ANSWER;
	if (s.error)
		return SEEN_BROKEN;
	snprintf(t->what, sizeof(t->what), "a stream without an end");
	return SEEN_CUT;
}

static struct str header_of(struct str head, const char *name)
{
	struct str line;

	while (str_next(&head, '\n', &line)) {
		struct str key;

		if (!str_next(&line, ':', &key) || !str_ieq(key, name))
			continue;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		return str_trim(line);
	}
	return STR_NONE;
}

static void judge(struct trial *t, struct str out, bool stream)
{
	const char *end = memmem(out.p, out.n, "\r\n\r\n", 4);
	struct str head, body, id;
	int64_t n;

	if (!out.n)
		return;
	t->seen = wrong(t, "the answer has no head");
	if (!end)
		return;
	head = (struct str){ out.p, (size_t)(end - out.p) };
	body = (struct str){ end + 4, out.n - head.n - 4 };
	id = header_of(head, "x-request-id");
	snprintf(t->id, sizeof(t->id), "%.*s", STR_FMT(id));
	if (head.n < 11 ||
	    str_int((struct str){ head.p + 8, 3 }, 100, 599, &n) < 0)
		return;
	t->status = (int)n;
	if (str_int(header_of(head, "retry-after"), 0, INT32_MAX, &n) == 0)
		t->retry_after_s = n;
	t->what[0] = '\0';
	if (memmem(out.p, out.n, "sk-upstream", 11))
		t->seen = wrong(t, "it shows the provider's key");
	else
		t->seen = stream && t->status == 200 ? judge_stream(t, body) :
						       judge_whole(t, body);
}

/* --- asking -------------------------------------------------------------------------- */

static void put_request(const struct place *p, const struct trial_ask *ask,
			struct buf *out)
{
	char key[160], deadline[24], body[400];
	struct fcgi_request r = { .method = STR("POST"),
				  .uri = STR("/v1/chat/completions") };
	struct case_pairs *h = &r.headers;

	snprintf(key, sizeof(key), "Bearer %s", p->key);
	snprintf(deadline, sizeof(deadline), "%lld",
		 (long long)ask->deadline_ms);
	snprintf(body, sizeof(body),
		 "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":"
		 "\"user\",\"content\":\"one two three four\"}]}",
		 ask->model, ask->stream ? "true" : "false");
	h->at[h->n++] = (struct case_pair){ STR("Content-Type"),
					    STR("application/json") };
	h->at[h->n++] = (struct case_pair){ STR("Authorization"), str_of(key) };
	if (ask->deadline_ms)
		h->at[h->n++] =
			(struct case_pair){ STR("X-Pontage-Deadline-Ms"),
					    str_of(deadline) };
	r.body = str_of(body);
	fcgi_request(out, &r, false, SIZE_MAX, SIZE_MAX);
}

static void receive(int fd, const struct trial_ask *ask, struct fcgi_answer *a,
		    struct err *e)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	bool told = false;
	struct buf in;
	ssize_t n = 1;

	buf_init(&in, 64 << 20);
	while (!a->ended && n > 0 && !e->code) {
		struct pollfd w = { .fd = fd, .events = POLLIN };
		int64_t took;

		if (poll(&w, 1, (int)MAX(until_ms - clock_mono_ms(), 0)) <= 0)
			break;
		n = recv(fd, buf_room(&in, 65536), 65536, 0);
		if (n <= 0)
			break;
		buf_grew(&in, (size_t)n);
		took = fcgi_read(a, buf_span(&in), e);
		if (took > 0)
			buf_eat(&in, (size_t)took);
		if (a->out.len && !told && ask->at_content)
			ask->at_content(ask->arg);
		told |= a->out.len > 0;
		if (ask->leave_bytes && a->out.len >= (size_t)ask->leave_bytes)
			break;
	}
	buf_release(&in);
}

int trial_run(const struct place *p, const struct trial_ask *ask,
	      struct trial *t, struct err *e)
{
	int64_t began_ms = clock_mono_ms();
	struct fcgi_answer a = { .ended = false };
	int fd = place_connect(p, e);
	struct buf out;

	*t = (struct trial){ .retry_after_s = -1 };
	if (fd < 0)
		return -1;
	buf_init(&out, 1 << 20);
	buf_init(&a.out, OUT_MAX);
	buf_init(&a.err, 1 << 20);
	put_request(p, ask, &out);
	if (send(fd, out.p, out.len, MSG_NOSIGNAL) == (ssize_t)out.len)
		receive(fd, ask, &a, e);
	close(fd);
	t->ms = clock_mono_ms() - began_ms;
	judge(t, buf_span(&a.out), ask->stream);
	if (!a.ended && !ask->leave_bytes && t->seen == SEEN_ANSWER)
		t->seen = wrong(t, "the answer did not end");
	buf_release(&out);
	buf_release(&a.out);
	buf_release(&a.err);
	return e->code ? -1 : 0;
}

/* --- the log ---------------------------------------------------------------------------- */

static void copy(struct json_object *row, const char *name, char *to,
		 size_t size)
{
	snprintf(to, size, "%s", js_str(row, name, ""));
}

static bool read_row(struct trial *t, struct str text)
{
	struct err e = { 0 };
	struct json_object *row = js_parse(text.p, text.n, &e);

	copy(row, "channel", t->channel, sizeof(t->channel));
	copy(row, "error", t->error, sizeof(t->error));
	copy(row, "state", t->state, sizeof(t->state));
	t->attempts = js_int(row, "attempts", -1);
	t->cost_nusd = js_int(row, "cost_nusd", -1);
	t->logged = row && strcmp(t->state, "open") != 0;
	js_free(row);
	return t->logged;
}

int trial_log(const struct place *p, struct trial *t, struct err *e)
{
	const char *args[] = { t->id, NULL };
	int64_t until_ms = clock_mono_ms() + 3000;

	if (!t->id[0])
		return err_set(e, ERR_NOT_FOUND, "the answer had no id");
	for (;;) {
		struct err not_yet = { 0 };
		struct buf out;
		bool there;

		buf_init(&out, 1 << 20);
		there = !place_say(p, "log show % --json", args, "", &out,
				   &not_yet) &&
			read_row(t, buf_span(&out));
		buf_release(&out);
		if (there)
			return 0;
		if (clock_mono_ms() > until_ms)
			return err_set(e, ERR_NOT_FOUND,
				       "the log has no end of it");
		poll(NULL, 0, 20);
	}
}

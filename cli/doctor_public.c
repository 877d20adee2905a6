/* doctor_public.c - what callers meet at the public address. */
#include "doctor.h"

#include "base/clock.h"
#include "net/fetch.h"

#define WAIT_MS    15000L  /* for an answer */
#define ANSWER_MAX 1048576 /* bytes of it */
#define CLOCK_S    5       /* that two clocks may differ by */
#define EVENTS     4       /* of a stream that are looked at */
#define GAP_MS     100     /* less between events: they came together */

#define TEXT(d, ...) arena_printf(&(d)->c->arena, __VA_ARGS__)

static const char *at(struct doctor *d, const char *path)
{
	return TEXT(d, "%s%s", d->url, path);
}

/* The headers of a caller, with the key; NULL at the end. */
struct caller {
	char key[300];
	const char *all[3];
};

static const char *const *caller(const struct doctor *d, struct caller *h)
{
	snprintf(h->key, sizeof(h->key), "Authorization: Bearer %s", d->key);
	h->all[0] = h->key;
	h->all[1] = "Content-Type: application/json";
	h->all[2] = NULL;
	return h->all;
}

static struct finding not_asked(struct doctor *d)
{
	if (!d->answers)
		return finding(DOCTOR_NOTE, "not asked: nobody answers", NULL);
	return finding(DOCTOR_NOTE, TEXT(d, "not asked: %s", d->no_key),
		       "pontage doctor --key-stdin");
}

/* In the shape of the API, not a page. */
static bool is_ours(const struct fetched *r)
{
	return !strncmp(r->request_id, "req_", 4) &&
	       strstr(r->body.p, "\"error\"");
}

/* Where a redirect sends us, without the path we asked for. */
static const char *moved_to(struct doctor *d, const struct fetched *r)
{
	size_t n = strlen(r->location), tail = sizeof("/readyz") - 1;

	if (n > tail && !strcmp(r->location + n - tail, "/readyz"))
		n -= tail;
	return TEXT(d, "%.*s", (int)n, r->location);
}

static struct finding readyz(struct doctor *d, const struct fetched *r)
{
	if (r->status == 200)
		return finding(DOCTOR_OK,
			       TEXT(d, "%s/readyz answers 200 (%s)", d->url,
				    *d->server ? d->server : "no Server"),
			       NULL);
	if (r->status >= 301 && r->status <= 308 && *r->location)
		return finding(DOCTOR_BAD,
			       TEXT(d, "%s/readyz answers %d, go to %s", d->url,
				    r->status, r->location),
			       TEXT(d, "public_url = %s", moved_to(d, r)));
	if (r->status == 502 || r->status == 504)
		return finding(
			DOCTOR_BAD,
			TEXT(d, "%s/readyz answers %d", d->url, r->status),
			"the web server does not reach admin.sock: is "
			"its path right, may it connect?");
	return finding(DOCTOR_BAD,
		       TEXT(d, "%s/readyz answers %d", d->url, r->status),
		       r->status == 503 ?
			       TEXT(d, "curl -s %s/readyz says why", d->url) :
			       "another site answers there: look at the web "
			       "server's configuration");
}

static struct finding answers(struct doctor *d)
{
	const struct fetch ask = { .url = at(d, "/readyz"),
				   .limit_ms = WAIT_MS,
				   .max_bytes = ANSWER_MAX };
	struct err e = { 0 };
	struct fetched r;
	struct finding f;

	if (fetch(d->http, &ask, &r, &e) < 0 && r.untrusted) {
		f = finding(DOCTOR_BAD,
			    TEXT(d, "no caller trusts %s: %s", d->url, e.msg),
			    "a certificate for this name, and the whole chain; "
			    "of an authority of your own: put that into the "
			    "ca_file of the settings");
	} else if (e.code) {
		f = finding(DOCTOR_BAD,
			    TEXT(d, "nobody answers at %s: %s", d->url, e.msg),
			    "start the web server, or give --url");
	} else {
		d->answers = true;
		snprintf(d->server, sizeof(d->server), "%s", r.server);
		if (!*d->key)
			doctor_key_make(d);
		f = readyz(d, &r);
	}
	buf_release(&r.body);
	return f;
}

static struct finding clocks(struct doctor *d)
{
	const struct fetch ask = { .url = at(d, "/livez"),
				   .limit_ms = WAIT_MS,
				   .max_bytes = ANSWER_MAX };
	struct err e = { 0 };
	long long differs;
	struct fetched r;

	if (!d->answers)
		return not_asked(d);
	fetch(d->http, &ask, &r, &e);
	buf_release(&r.body);
	if (!r.at_s)
		return finding(DOCTOR_NOTE, "its answers have no Date", NULL);
	differs = (long long)(r.at_s - clock_wall_ms() / 1000);
	if (differs >= -CLOCK_S && differs <= CLOCK_S)
		return finding(DOCTOR_OK, "the same as the web server's", NULL);
	return finding(
		DOCTOR_BAD,
		TEXT(d, "%lld s away from the web server's Date", differs),
		"let a time service set both clocks (timedatectl "
		"set-ntp true)");
}

static struct finding keep_alive(struct doctor *d)
{
	const struct fetch ask = { .url = at(d, "/livez"),
				   .limit_ms = WAIT_MS,
				   .max_bytes = ANSWER_MAX };
	bool kept = false;

	if (!d->answers)
		return not_asked(d);
	for (int i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct fetched r;

		fetch(d->http, &ask, &r, &e);
		kept = r.kept;
		buf_release(&r.body);
	}
	if (kept)
		return finding(DOCTOR_OK, "a connection is used again", NULL);
	return finding(DOCTOR_NOTE,
		       "every request wants a new connection, and a new TLS "
		       "handshake",
		       doctor_cure(d, CURE_KEEP));
}

static struct finding authorization(struct doctor *d)
{
	struct caller h;
	const struct fetch ask = { .url = at(d, "/v1/models"),
				   .headers = caller(d, &h),
				   .limit_ms = WAIT_MS,
				   .max_bytes = ANSWER_MAX };
	struct err e = { 0 };
	struct fetched r;
	int status;

	if (!d->answers || !*d->key)
		return not_asked(d);
	fetch(d->http, &ask, &r, &e);
	status = r.status;
	buf_release(&r.body);
	if (status == 200)
		return finding(DOCTOR_OK, "the key arrives", NULL);
	if (status == 401)
		return finding(DOCTOR_BAD,
			       "a good key is answered with 401: Authorization "
			       "does not arrive",
			       doctor_cure(d, CURE_AUTH));
	return finding(DOCTOR_BAD,
		       TEXT(d, "%s/v1/models answers %d", d->url, status),
		       "let the web server pass /v1 to relay.sock");
}

/* --- bodies ---------------------------------------------------------------- */

/* A body of n bytes that the gateway reads whole, and refuses for what it
 * lacks: it costs nothing. */
static struct finding body_of(struct doctor *d, size_t n)
{
	static const char head[] = "{\"pad\":\"", tail[] = "\"}";
	struct caller h;
	struct fetch ask = { .url = at(d, "/v1/chat/completions"),
			     .headers = caller(d, &h),
			     .limit_ms = 4 * WAIT_MS,
			     .max_bytes = ANSWER_MAX };
	struct err e = { 0 };
	char *text = mem_alloc(n);
	struct fetched r;
	bool ours;

	memset(text, 'x', n);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + n - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
	ask.post = (struct str){ text, n };
	fetch(d->http, &ask, &r, &e);
	free(text);
	ours = r.status == 400 && is_ours(&r);
	buf_release(&r.body);
	if (ours)
		return finding(DOCTOR_OK, TEXT(d, "%zu bytes arrive", n), NULL);
	return finding(DOCTOR_BAD,
		       r.status ? TEXT(d, "%zu bytes: %d from the web server",
				       n, r.status) :
				  TEXT(d, "%zu bytes: %s", n, e.msg),
		       doctor_cure(d, CURE_BODY));
}

static struct finding body_small(struct doctor *d)
{
	if (!d->answers || !*d->key)
		return not_asked(d);
	return body_of(d, MIN(1 << 20, (size_t)d->c->conf.max_body_bytes));
}

static struct finding body_large(struct doctor *d)
{
	if (!d->answers || !*d->key)
		return not_asked(d);
	return body_of(d, (size_t)d->c->conf.max_body_bytes);
}

/* --- streams --------------------------------------------------------------- */

struct watch {
	int n;                 /* events */
	int64_t at_ms[EVENTS]; /* when the first of them came */
};

static bool on_piece(void *arg, struct str piece)
{
	struct watch *w = arg;

	for (size_t i = 0; i + 5 <= piece.n && w->n < EVENTS; i++)
		if (!memcmp(piece.p + i, "data:", 5))
			w->at_ms[w->n++] = clock_mono_ms();
	return w->n < EVENTS;
}

static struct str chat(struct doctor *d, const char *model, bool stream)
{
	return str_of(TEXT(d,
			   "{\"model\":\"%s\",\"stream\":%s,\"max_tokens\":64,"
			   "\"messages\":[{\"role\":\"user\",\"content\":"
			   "\"Count to ten.\"}]}",
			   model, stream ? "true" : "false"));
}

static struct finding judge_stream(struct doctor *d, const struct watch *w,
				   const struct fetched *r)
{
	int64_t span_ms = w->n ? w->at_ms[w->n - 1] - w->at_ms[0] : 0;

	if (r->status != 200 || w->n < 2)
		return finding(DOCTOR_NOTE,
			       TEXT(d,
				    "a stream was answered with %d, %d "
				    "events",
				    r->status, w->n),
			       "pontage log list says why");
	if (span_ms >= GAP_MS)
		return finding(DOCTOR_OK,
			       TEXT(d, "%d events in %lld ms, one by one", w->n,
				    (long long)span_ms),
			       NULL);
	return finding(DOCTOR_BAD,
		       TEXT(d,
			    "%d events came together, %lld ms after the "
			    "request: streams are buffered",
			    w->n, (long long)r->ms),
		       doctor_cure(d, CURE_STREAM));
}

static struct finding stream(struct doctor *d)
{
	const char *model =
		d->model ? d->model : doctor_test_model(d, "test-slow");
	struct watch w = { 0 };
	struct caller h;
	struct fetch ask = { .url = at(d, "/v1/chat/completions"),
			     .headers = caller(d, &h),
			     .limit_ms = 4 * WAIT_MS,
			     .max_bytes = ANSWER_MAX,
			     .on_data = on_piece,
			     .arg = &w };
	struct err e = { 0 };
	struct finding f;
	struct fetched r;

	if (!d->answers || !*d->key)
		return not_asked(d);
	if (!model)
		return finding(DOCTOR_NOTE,
			       "not asked: no channel of the test provider "
			       "has test-slow with a price",
			       "pontage doctor --model NAME asks one of yours");
	ask.post = chat(d, model, true);
	fetch(d->http, &ask, &r, &e);
	f = judge_stream(d, &w, &r);
	buf_release(&r.body);
	return f;
}

/* An answer that never comes: the gateway's own limit is to end it, not the
 * web server's. */
static struct finding silence(struct doctor *d)
{
	const char *model = doctor_test_model(d, "test-hang");
	int64_t limit_ms = d->c->conf.upstream_first_token_ms;
	struct caller h;
	struct fetch ask = { .url = at(d, "/v1/chat/completions"),
			     .headers = caller(d, &h),
			     .limit_ms = limit_ms + 2 * WAIT_MS,
			     .max_bytes = ANSWER_MAX };
	struct err e = { 0 };
	struct fetched r;
	bool ours;

	if (!d->slow)
		return finding(DOCTOR_OK,
			       TEXT(d,
				    "not waited for; --slow does, for %lld s",
				    (long long)(limit_ms / 1000)),
			       NULL);
	if (!d->answers || !*d->key)
		return not_asked(d);
	if (!model)
		return finding(DOCTOR_NOTE,
			       "not asked: no channel of the test provider "
			       "has test-hang with a price",
			       NULL);
	ask.post = chat(d, model, false);
	fetch(d->http, &ask, &r, &e);
	ours = is_ours(&r) && r.ms >= limit_ms;
	buf_release(&r.body);
	if (ours)
		return finding(DOCTOR_OK,
			       TEXT(d, "%lld s of it are allowed",
				    (long long)(r.ms / 1000)),
			       NULL);
	return finding(DOCTOR_BAD,
		       TEXT(d, "a silent answer was ended after %lld s",
			    (long long)(r.ms / 1000)),
		       doctor_cure(d, CURE_IDLE));
}

const struct check doctor_public[] = { { "address", answers },
				       { "clock", clocks },
				       { "keep-alive", keep_alive },
				       { "key", authorization },
				       { "body", body_small },
				       { "body", body_large },
				       { "stream", stream },
				       { "silence", silence },
				       { .name = NULL } };

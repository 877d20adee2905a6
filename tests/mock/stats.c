/* stats.c - see stats.h. */
#include "stats.h"

#include "answer.h"

#define KEPT   65536
#define MODELS 512

static struct entry {
	char id[72], model[72], path[40], key[24];
	size_t bytes;
	bool stream;
	enum outcome outcome;
} ring[KEPT];

static struct model {
	char name[72];
	uint64_t requests;
} models[MODELS];

static uint64_t requests, answered, cut, cancelled, accepted;
static int64_t open_now;
static struct buf last = { .p = (char[1]){ 0 }, .max = SIZE_MAX / 2 };

/* Cut to fit, and what JSON would not bear replaced. */
static void copy(char *to, size_t max, struct str s)
{
	size_t n = MIN(s.n, max - 1);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		to[i] = c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' :
								      (char)c;
	}
	to[n] = '\0';
}

/* The rows past the table are counted as one, "others". */
static void count_model(const char *name)
{
	unsigned h = 5381;

	for (const char *p = name; *p; p++)
		h = h * 33 + (unsigned char)*p;
	for (unsigned i = 0; i < MODELS - 1; i++) {
		struct model *m = &models[(h + i) % (MODELS - 1)];

		if (!*m->name)
			memcpy(m->name, name, sizeof(m->name));
		else if (strcmp(m->name, name) != 0)
			continue;
		m->requests++;
		return;
	}
	memcpy(models[MODELS - 1].name, "others", sizeof("others"));
	models[MODELS - 1].requests++;
}

uint64_t stats_request(const struct request *r, const struct ask *a)
{
	struct entry *e = &ring[requests++ % KEPT];

	*e = (struct entry){ .bytes = r->head_bytes + r->body_bytes,
			     .stream = a->stream };
	copy(e->id, sizeof(e->id), r->id.n ? r->id : a->text);
	copy(e->model, sizeof(e->model), a->model);
	copy(e->path, sizeof(e->path), r->path);
	copy(e->key, sizeof(e->key), r->key);
	count_model(e->model);
	return requests;
}

void stats_end(uint64_t number, enum outcome outcome)
{
	if (!number || number > requests)
		return; /* from before a reset */
	if (requests - number < KEPT)
		ring[(number - 1) % KEPT].outcome = outcome;
	answered += outcome == OUT_DONE;
	cut += outcome == OUT_CUT;
	cancelled += outcome == OUT_CANCELLED;
}

void stats_opened(void)
{
	open_now++;
	accepted++;
}

void stats_closed(void)
{
	open_now--;
}

void stats_reset(void)
{
	memset(ring, 0, sizeof(ring));
	memset(models, 0, sizeof(models));
	requests = answered = cut = cancelled = accepted = 0;
	buf_clear(&last);
}

void stats_keep(struct str bytes)
{
	buf_clear(&last);
	buf_add(&last, bytes.p, bytes.n);
}

struct str stats_last(void)
{
	return buf_span(&last);
}

static void member(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, "\"%s\":%llu,", name, (unsigned long long)v);
}

void stats_json(struct buf *b)
{
	const char *comma = "";

	buf_char(b, '{');
	member(b, "requests", requests);
	member(b, "answered", answered);
	member(b, "cut", cut);
	member(b, "aborted", cancelled);
	member(b, "in_flight", requests - answered - cut - cancelled);
	member(b, "connections", accepted);
	member(b, "open", (uint64_t)open_now);
	buf_str(b, "\"models\":{");
	for (size_t i = 0; i < MODELS; i++) {
		if (!models[i].requests)
			continue;
		buf_printf(b, "%s\"%s\":%llu", comma, models[i].name,
			   (unsigned long long)models[i].requests);
		comma = ",";
	}
	buf_str(b, "}}\n");
}

void stats_requests(struct buf *b)
{
	static const char *const words[] = { "open", "answered", "cut",
					     "cancelled" };
	uint64_t n = requests > KEPT ? requests - KEPT : 0;

	buf_char(b, '[');
	for (uint64_t i = n; i < requests; i++) {
		const struct entry *e = &ring[i % KEPT];

		buf_printf(b,
			   "%s\n{\"n\":%llu,\"id\":\"%s\",\"path\":\"%s\","
			   "\"key\":\"%s\",\"model\":\"%s\",\"bytes\":%zu,"
			   "\"stream\":%s,\"end\":\"%s\",\"cancelled\":%s}",
			   i > n ? "," : "", (unsigned long long)i + 1, e->id,
			   e->path, e->key, e->model, e->bytes,
			   e->stream ? "true" : "false", words[e->outcome],
			   e->outcome == OUT_CANCELLED ? "true" : "false");
	}
	buf_str(b, "]\n");
}

/* log.c - see log.h. */
#include "base/log.h"

#include "base/clock.h"

#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#define LINE_BYTES  504
#define SLOTS       2048 /* a power of two */
#define PATIENCE_MS 100  /* of who has no ring with a pipe that is full */

/* A bounded queue for many writers and one reader, after Dmitry Vyukov: a
 * slot's turn says whether it may be written (turn == position) or read
 * (turn == position + 1). */
struct slot {
	_Atomic uint64_t turn;
	char line[LINE_BYTES];
};

static const char *const names[LOG__COUNT] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

static enum log_level least = LOG_INFO;
static _Thread_local char request_id[40];
static struct slot *ring; /* NULL: straight to stderr */
static _Atomic uint64_t head, dropped;
static uint64_t tail, dropped_told;

struct log_field log_text(const char *key, const char *s)
{
	return (struct log_field){ key, s ? s : "", s ? strlen(s) : 0, 0 };
}

void log_level_set(enum log_level level)
{
	least = level;
}

int log_level_named(const char *name)
{
	for (int i = 0; i < LOG__COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

void log_request(const char *id)
{
	snprintf(request_id, sizeof(request_id), "%s", id ? id : "");
}

struct line {
	char p[LINE_BYTES];
	size_t n;
};

static void put(struct line *l, const char *p, size_t n)
{
	n = MIN(n, sizeof(l->p) - 2 - l->n); /* "\n" and the end fit */
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void put_str(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static bool plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

/* Bytes over 0x7f are escaped too: bidirectional marks hide in them. */
static void put_value(struct line *l, const char *p, size_t n)
{
	bool quote = !n;
	char hex[8];

	for (size_t i = 0; i < n && !quote; i++)
		quote = !plain((unsigned char)p[i]);
	if (!quote) {
		put(l, p, n);
		return;
	}
	put_str(l, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (plain(c) || c == ' ' || c == '=') {
			put(l, p + i, 1);
		} else {
			snprintf(hex, sizeof(hex), "\\x%02x", c);
			put_str(l, hex);
		}
	}
	put_str(l, "\"");
}

static void put_field(struct line *l, const struct log_field *f)
{
	char number[24];

	put_str(l, " ");
	put_str(l, f->key);
	put_str(l, "=");
	if (f->s) {
		put_value(l, f->s, f->n);
		return;
	}
	snprintf(number, sizeof(number), "%lld", (long long)f->i);
	put_str(l, number);
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without waiting.  It
 * is shared with other processes, so it must not be made non-blocking. */
static bool has_room(int wait_ms)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, wait_ms) == 1;
}

static void to_stderr(const char *p, size_t n)
{
	ssize_t written = write(STDERR_FILENO, p, n);

	(void)written; /* there is nobody left to tell */
}

static void tell_lost(void)
{
	uint64_t lost = log_dropped();
	char note[64];

	if (lost == dropped_told)
		return;
	snprintf(note, sizeof(note), "lv=warn ev=log.dropped n=%llu\n",
		 (unsigned long long)(lost - dropped_told));
	to_stderr(note, strlen(note));
	dropped_told = lost;
}

/* Where somebody has stopped reading, the line is lost, not the process. */
static void to_stderr_soon(const struct line *l)
{
	if (!has_room(PATIENCE_MS)) {
		atomic_fetch_add(&dropped, 1);
		return;
	}
	to_stderr(l->p, l->n);
	if (log_dropped() != dropped_told && has_room(0))
		tell_lost();
}

static void to_ring(const struct line *l)
{
	uint64_t at = atomic_load(&head);
	struct slot *s;

	for (;;) {
		uint64_t turn;

		s = &ring[at & (SLOTS - 1)];
		turn = atomic_load(&s->turn);
		if (turn < at) { /* not yet read: the ring is full */
			atomic_fetch_add(&dropped, 1);
			return;
		}
		if (turn > at)
			at = atomic_load(&head);
		else if (atomic_compare_exchange_weak(&head, &at, at + 1))
			break;
	}
	memcpy(s->line, l->p, l->n + 1);
	atomic_store(&s->turn, at + 1);
}

void log_write(enum log_level level, const char *event,
	       const struct log_field *fields)
{
	struct line l = { .n = 0 };
	char time[CLOCK_TEXT];

	if (level < least)
		return;
	put_str(&l, "t=");
	put_str(&l, clock_text(clock_wall_ms(), time));
	put_str(&l, " lv=");
	put_str(&l, names[level]);
	put_str(&l, " ev=");
	put_str(&l, event);
	if (request_id[0]) {
		put_str(&l, " req=");
		put_str(&l, request_id);
	}
	for (; fields->key; fields++)
		put_field(&l, fields);
	l.p[l.n++] = '\n';
	l.p[l.n] = '\0';
	if (ring)
		to_ring(&l);
	else
		to_stderr_soon(&l);
}

void log_ring_start(void)
{
	struct slot *r = mem_alloc(sizeof(*r) * SLOTS);

	for (uint64_t i = 0; i < SLOTS; i++)
		atomic_store(&r[i].turn, i);
	ring = r;
}

uint64_t log_dropped(void)
{
	return atomic_load(&dropped);
}

/* As many lines as there are up to n bytes; what was read may be written. */
static size_t take_lines(char *to, size_t n)
{
	size_t len = 0;

	for (; n - len >= LINE_BYTES; tail++) {
		struct slot *s = &ring[tail & (SLOTS - 1)];
		size_t line;

		if (atomic_load(&s->turn) != tail + 1)
			break;
		line = strlen(s->line);
		memcpy(to + len, s->line, line);
		len += line;
		atomic_store(&s->turn, tail + SLOTS);
	}
	return len;
}

bool log_ring_drain(void)
{
	char lines[PIPE_BUF];
	bool any = false;
	size_t n;

	while (ring && has_room(0) && (n = take_lines(lines, sizeof(lines)))) {
		to_stderr(lines, n);
		any = true;
	}
	if (log_dropped() != dropped_told && has_room(0))
		tell_lost();
	return any;
}

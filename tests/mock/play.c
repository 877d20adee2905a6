/* play.c - see play.h. */
#include "play.h"

#include <assert.h>

#include "base/clock.h"

#define ENOUGH (64 << 10) /* bytes in out before they are sent */

/* The parts of an answer are put together here; one thread. */
static struct buf scratch = { .p = (char[1]){ 0 }, .max = SIZE_MAX / 2 };

static struct answer answer_of(const struct play *p)
{
	return (struct answer){ &p->ask, p->fault, p->arg };
}

/* --- framing --------------------------------------------------------------- */

static void piece(struct play *p, struct buf *out, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char size[20], *at = size + sizeof(size);
	size_t left = n;

	if (!p->chunked) {
		buf_add(out, s, n);
		return;
	}
	if (!n)
		return;
	*--at = '\n';
	*--at = '\r';
	for (; left; left >>= 4)
		*--at = digits[left & 15];
	buf_add(out, at, (size_t)(size + sizeof(size) - at));
	buf_add(out, s, n);
	buf_add(out, "\r\n", 2);
}

static const char *line_end(struct play *p)
{
	static const char *const ends[] = { "\n", "\r\n", "\r" };

	if (p->fault->flags & FAULT_CRLF)
		return ends[1];
	if (p->fault->flags & FAULT_CR)
		return ends[2];
	if (p->fault->flags & FAULT_MIX)
		return ends[p->lines++ % COUNT(ends)];
	return ends[0];
}

static void event_open(void)
{
	buf_clear(&scratch);
	buf_add(&scratch, "data: ", 6);
}

static void event_send(struct play *p, struct buf *out)
{
	const char *end = line_end(p);

	/* CR and LF of two lines in a row would read as one CRLF. */
	buf_str(&scratch, end);
	buf_str(&scratch, p->fault->flags & FAULT_MIX ? end : line_end(p));
	piece(p, out, scratch.p, scratch.len);
}

void play_plain(struct buf *out, int64_t status, const char *headers,
		struct str body)
{
	buf_add(out, "HTTP/1.1 ", 9);
	answer_int(out, answer_status(status));
	buf_char(out, ' ');
	buf_str(out, answer_reason(status));
	buf_str(out, "\r\nContent-Type: application/json\r\n"
		     "x-request-id: req_mock\r\nContent-Length: ");
	answer_int(out, (int64_t)body.n);
	buf_add(out, "\r\n", 2);
	buf_str(out, headers);
	buf_add(out, "\r\n", 2);
	buf_add(out, body.p, body.n);
}

/* --- steps ----------------------------------------------------------------- */

static enum play_next run_end(struct play *p, struct buf *out,
			      const struct step *s)
{
	(void)s;
	if (p->chunked)
		buf_add(out, "0\r\n\r\n", 5);
	return p->close ? PLAY_CLOSE : PLAY_END;
}

static enum play_next whole(struct play *p, struct buf *out,
			    const struct step *s, int64_t bytes)
{
	struct answer a = answer_of(p);

	buf_clear(&scratch);
	answer_body(&scratch, &a, bytes);
	play_plain(out, 200, s->text ? s->text : "", buf_span(&scratch));
	return PLAY_ON;
}

static enum play_next run_whole(struct play *p, struct buf *out,
				const struct step *s)
{
	return whole(p, out, s, -1);
}

static enum play_next run_sized(struct play *p, struct buf *out,
				const struct step *s)
{
	return whole(p, out, s, MIN(p->arg[0], 1 << 30));
}

static enum play_next run_head(struct play *p, struct buf *out,
			       const struct step *s)
{
	buf_str(out, "HTTP/1.1 ");
	buf_str(out, s->text);
	if (s->n >= 0) {
		buf_printf(out, "Content-Length: %lld\r\n", (long long)s->n);
	} else if (s->n == FRAME_CHUNKED && !p->plain) {
		buf_str(out, "Transfer-Encoding: chunked\r\n");
		p->chunked = true;
	} else {
		buf_str(out, "Connection: close\r\n");
		p->close = true;
	}
	buf_str(out, "\r\n");
	return PLAY_ON;
}

static enum play_next run_body(struct play *p, struct buf *out,
			       const struct step *s)
{
	struct answer a = answer_of(p);

	(void)s;
	buf_clear(&scratch);
	answer_body(&scratch, &a, -1);
	piece(p, out, scratch.p, scratch.len);
	return PLAY_ON;
}

static enum play_next run_piece(struct play *p, struct buf *out,
				const struct step *s)
{
	piece(p, out, s->text, strlen(s->text));
	return PLAY_ON;
}

static enum play_next run_raw(struct play *p, struct buf *out,
			      const struct step *s)
{
	(void)p;
	buf_str(out, s->text);
	return PLAY_ON;
}

static enum play_next run_fill(struct play *p, struct buf *out,
			       const struct step *s)
{
	int64_t all = s->n < 0 ? p->arg[0] : s->n;
	size_t n = strlen(s->text);

	buf_clear(&scratch);
	for (; p->count < all && scratch.len < ENOUGH / 2; p->count += n)
		buf_add(&scratch, s->text, n);
	piece(p, out, scratch.p, scratch.len);
	return p->count < all ? PLAY_FULL : PLAY_ON;
}

static enum play_next run_rawfill(struct play *p, struct buf *out,
				  const struct step *s)
{
	for (; p->count < s->n && out->len < ENOUGH; p->count++)
		buf_str(out, s->text);
	return p->count < s->n ? PLAY_FULL : PLAY_ON;
}

/* gzip (RFC 1952) around one fixed-Huffman block (RFC 1951) of a zero byte and
 * then "258 bytes, from 1 back" for ever: 13 bits each, so 13 bytes are 8. */
static enum play_next run_bomb(struct play *p, struct buf *out,
			       const struct step *s)
{
	static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";
	static const char first[] = "11000110000";   /* final, fixed, 0x00 */
	static const char again[] = "1100010100000"; /* 285, distance 0 */
	char bits[11 + 8 * 13 + 5] = "", byte;
	size_t n = 0;

	for (; n < 11; n++)
		bits[n] = first[n] == '1';
	for (; n < sizeof(bits); n++)
		bits[n] = again[(n - 11) % 13] == '1';
	buf_clear(&scratch);
	if (!p->count)
		buf_add(&scratch, head, sizeof(head) - 1);
	for (n = p->count ? 2 : 0; n < sizeof(bits) / 8; n++) {
		byte = 0;
		for (int i = 0; i < 8; i++)
			byte |= (char)(bits[n * 8 + (size_t)i] << i);
		buf_char(&scratch, byte);
	}
	piece(p, out, scratch.p, scratch.len);
	p->count += (int64_t)scratch.len;
	return p->count < s->n ? PLAY_FULL : PLAY_ON;
}

static enum play_next run_event(struct play *p, struct buf *out,
				const struct step *s)
{
	event_open();
	buf_str(&scratch, s->text);
	event_send(p, out);
	return PLAY_ON;
}

static enum play_next run_role(struct play *p, struct buf *out,
			       const struct step *s)
{
	struct answer a = answer_of(p);

	(void)s;
	if (p->ask.kind == ASK_COMPLETION)
		return PLAY_ON;
	for (int64_t i = 0; i < p->ask.n; i++) {
		event_open();
		answer_role(&scratch, &a, i);
		event_send(p, out);
	}
	return PLAY_ON;
}

static enum play_next run_content(struct play *p, struct buf *out,
				  const struct step *s)
{
	struct answer a = answer_of(p);

	for (int64_t i = 0; i < p->ask.n; i++) {
		event_open();
		if (!answer_piece(&scratch, &a, i, p->count))
			return PLAY_ON;
		event_send(p, out);
	}
	p->count++;
	if (s->n && p->count >= s->n)
		return PLAY_ON;
	return PLAY_FULL;
}

static enum play_next run_paced(struct play *p, struct buf *out,
				const struct step *s)
{
	struct answer a = answer_of(p);
	int64_t pace_us = MIN(p->arg[1], 3600000) * 1000;

	(void)s;
	if (!p->start_us)
		p->start_us = clock_mono_us();
	while (p->count < p->arg[0] && out->len < ENOUGH) {
		event_open();
		answer_paced(&scratch, &a, p->count++);
		event_send(p, out);
		p->due_us = p->start_us + p->count * pace_us;
		if (pace_us)
			return PLAY_WAIT;
	}
	return p->count < p->arg[0] ? PLAY_FULL : PLAY_ON;
}

static enum play_next run_finish(struct play *p, struct buf *out,
				 const struct step *s)
{
	struct answer a = answer_of(p);

	(void)s;
	for (int64_t i = 0; i < p->ask.n; i++) {
		event_open();
		answer_finish(&scratch, &a, i);
		event_send(p, out);
	}
	return PLAY_ON;
}

static enum play_next run_usage(struct play *p, struct buf *out,
				const struct step *s)
{
	struct answer a = answer_of(p);

	(void)s;
	if (!p->ask.include_usage ||
	    p->fault->flags & (FAULT_USAGE_EVERY | FAULT_USAGE_LAST) ||
	    (p->fault->usage && !*p->fault->usage))
		return PLAY_ON;
	event_open();
	answer_usage(&scratch, &a);
	event_send(p, out);
	return PLAY_ON;
}

static enum play_next run_done(struct play *p, struct buf *out,
			       const struct step *s)
{
	(void)s;
	event_open();
	buf_str(&scratch, "[DONE]");
	event_send(p, out);
	return PLAY_ON;
}

static enum play_next refuse(struct buf *out, int64_t status,
			     const char *headers, struct str key)
{
	buf_clear(&scratch);
	answer_error(&scratch, status, key);
	play_plain(out, status, headers, buf_span(&scratch));
	return PLAY_ON;
}

static enum play_next run_error(struct play *p, struct buf *out,
				const struct step *s)
{
	(void)p;
	return refuse(out, s->n, s->text, STR_NONE);
}

static enum play_next run_arg_error(struct play *p, struct buf *out,
				    const struct step *s)
{
	(void)s;
	return refuse(out, p->arg[0], "", STR_NONE);
}

static enum play_next run_keyed(struct play *p, struct buf *out,
				const struct step *s)
{
	return refuse(out, s->n, "",
		      p->request->key.p ? p->request->key : STR("no key"));
}

static enum play_next wait_ms(struct play *p, int64_t ms)
{
	if (p->count++)
		return PLAY_ON;
	p->due_us = clock_mono_us() + MIN(ms, 86400000) * 1000;
	return PLAY_WAIT;
}

static enum play_next run_pause(struct play *p, struct buf *out,
				const struct step *s)
{
	(void)out;
	return wait_ms(p, s->n);
}

static enum play_next run_wait(struct play *p, struct buf *out,
			       const struct step *s)
{
	(void)out;
	(void)s;
	return wait_ms(p, p->arg[0]);
}

static enum play_next run_drip(struct play *p, struct buf *out,
			       const struct step *s)
{
	(void)out;
	p->drip_ms = s->n;
	return PLAY_ON;
}

static enum play_next run_loop(struct play *p, struct buf *out,
			       const struct step *s)
{
	(void)out;
	p->at = (int)s->n - 1; /* play_run() adds one */
	return PLAY_ON;
}

static enum play_next run_silence(struct play *p, struct buf *out,
				  const struct step *s)
{
	(void)p;
	(void)out;
	(void)s;
	return PLAY_SILENT;
}

static enum play_next run_close(struct play *p, struct buf *out,
				const struct step *s)
{
	(void)p;
	(void)out;
	(void)s;
	return PLAY_CLOSE;
}

static enum play_next run_reset(struct play *p, struct buf *out,
				const struct step *s)
{
	(void)p;
	(void)out;
	(void)s;
	return PLAY_RESET;
}

static enum play_next (*const run[STEP__COUNT])(struct play *, struct buf *,
						const struct step *) = {
	[STEP_END] = run_end,
	[STEP_WHOLE] = run_whole,
	[STEP_SIZED] = run_sized,
	[STEP_HEAD] = run_head,
	[STEP_BODY] = run_body,
	[STEP_PIECE] = run_piece,
	[STEP_RAW] = run_raw,
	[STEP_FILL] = run_fill,
	[STEP_RAWFILL] = run_rawfill,
	[STEP_BOMB] = run_bomb,
	[STEP_EVENT] = run_event,
	[STEP_ROLE] = run_role,
	[STEP_CONTENT] = run_content,
	[STEP_PACED] = run_paced,
	[STEP_FINISH] = run_finish,
	[STEP_USAGE] = run_usage,
	[STEP_DONE] = run_done,
	[STEP_ERROR] = run_error,
	[STEP_ARG_ERROR] = run_arg_error,
	[STEP_KEYED] = run_keyed,
	[STEP_PAUSE] = run_pause,
	[STEP_WAIT] = run_wait,
	[STEP_DRIP] = run_drip,
	[STEP_LOOP] = run_loop,
	[STEP_SILENCE] = run_silence,
	[STEP_CLOSE] = run_close,
	[STEP_RESET] = run_reset,
};

/* --- the whole play -------------------------------------------------------- */

static const struct fault *flaky(struct play *p, uint64_t n)
{
	bool fails = p->arg[0] && n % (uint64_t)p->arg[0] == 0;

	return fails ? fault_find(STR("mock-500"), p->arg) : p->fault;
}

static const struct fault *once(struct play *p, uint64_t n)
{
	static uint64_t times;
	static const struct step later[] = {
		{ STEP_ERROR, "Retry-After: 1\r\n", 429 }, { STEP_END, NULL, 0 }
	};
	static const struct fault first = { .name = "mock-429-once",
					    .whole = later };

	(void)n;
	return times++ % 2 ? p->fault : &first;
}

static const struct fault *flip(struct play *p, uint64_t n)
{
	static const char *const moods[] = { "mock-echo", "mock-429",
					     "mock-silence", "mock-500" };
	int64_t turn = clock_mono_ms() / MAX(p->arg[0], 1);

	(void)n;
	return fault_find(str_of(moods[turn % (int64_t)COUNT(moods)]), p->arg);
}

/* Those that are another row at times. */
static const struct {
	const char *name;
	const struct fault *(*is)(struct play *p, uint64_t n);
} moody[] = {
	{ "mock-flaky-", flaky },
	{ "mock-429-once", once },
	{ "mock-flip-", flip },
};

static const struct fault *choose(struct play *p, uint64_t n, uint64_t chance)
{
	p->fault = fault_find(p->ask.model, p->arg);
	if (p->fault->flags & FAULT_ANY)
		return fault_any(chance);
	for (size_t i = 0; i < COUNT(moody); i++)
		if (!strcmp(moody[i].name, p->fault->name))
			return moody[i].is(p, n);
	return p->fault;
}

void play_start(struct play *p, const struct request *r, enum ask_kind kind,
		uint64_t n, uint64_t chance)
{
	static const struct step bad[] = { { STEP_ERROR, "", 400 },
					   { STEP_END, NULL, 0 } };
	int ok;

	*p = (struct play){ .request = r, .plain = r->old };
	ok = ask_read(&p->ask, kind, r->body);
	p->fault = choose(p, n, chance);
	p->steps = ok < 0 ? bad : fault_steps(p->fault, p->ask.stream);
	if (kind == ASK_EMBEDDING && ok == 0)
		p->steps = fault_steps(p->fault, false);
	p->close = !r->keep;
}

enum play_next play_run(struct play *p, struct buf *out, int64_t now_us)
{
	enum play_next next;

	if (p->due_us > now_us)
		return PLAY_WAIT;
	while (out->len < ENOUGH) {
		next = run[p->steps[p->at].kind](p, out, &p->steps[p->at]);
		if (next == PLAY_ON) {
			p->at++;
			p->count = p->start_us = 0;
		} else if (next != PLAY_FULL) {
			return next;
		}
	}
	return PLAY_FULL;
}

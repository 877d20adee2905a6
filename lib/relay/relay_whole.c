/* relay_whole.c - a whole answer, and what errors say; see inner.h. */
#include "relay/inner.h"

#include "dialect/scrub.h"
#include "dialect/verdict.h"

/* --- errors ------------------------------------------------------------------ */

static void error_words(const char *before, const char *said, char *out,
			size_t size)
{
	char clean[SCRUB_SIZE];

	scrub_words(str_of(said), clean, sizeof(clean));
	if (*before)
		snprintf(out, size, "%s%s%s", before, *clean ? ": " : ".",
			 clean);
	else
		snprintf(out, size, "%s",
			 *clean ? clean : "The upstream refused the request.");
}

/* Whose fault it is; of a bad request also what the caller is told. */
static enum err_code judge(struct relay *r, const struct listen_error *said,
			   char *words, size_t size)
{
	struct verdict v = verdict_of(r->up_status, said);
	const char *code = v.asked ? v.asked : said->code;

	r->said = arena_dup(r->arena, str_of(said->message));
	error_words(v.before, said->message, words, size);
	r->refusal_status = v.status;
	/* A code is a word; anything else is not passed on. */
	if (*code && strspn(code, "abcdefghijklmnopqrstuvwxyz_0123456789") ==
			     strlen(code))
		r->refusal_code = arena_dup(r->arena, str_of(code));
	return v.code;
}

enum err_code relay_said_error(struct relay *r, char *words, size_t size)
{
	return judge(r, r->listen.error, words, size);
}

static void upstream_error(struct relay *r, int64_t now_ms)
{
	struct listen_error said;
	enum err_code code;
	char words[240];

	listen_error_body(r->held.p, r->held.len, r->up_status, &said);
	code = judge(r, &said, words, sizeof(words));
	relay_attempt_failed(r, now_ms, code, words);
}

/* --- a whole answer ------------------------------------------------------------ */

static void deliver_whole(struct relay *r, int64_t now_ms)
{
	r->end.delivered = true;
	r->end.first_ms = now_ms - r->began_ms;
	relay_send_head(r, 200, "application/json");
	r->sent_ms = now_ms;
	r->io->data(r->arg, r->held.p, r->held.len, true);
	relay_complete(r, now_ms);
}

void relay_whole_over(struct relay *r, int64_t now_ms, struct relay_result res)
{
	struct listen_note note;
	char words[240];

	if (r->up_status < 200 || r->up_status > 299) {
		upstream_error(r, now_ms);
		return;
	}
	if (res.code) {
		snprintf(words, sizeof(words), "The upstream failed: %s.",
			 res.why);
		relay_attempt_failed(r, now_ms, res.code, words);
	} else if (!listen_whole_end(&r->listen, r->held.p, r->held.len,
				     &note)) {
		relay_attempt_failed(r, now_ms, ERR_UP_BROKEN,
				     "The upstream's answer is not JSON.");
	} else if (note.error) {
		relay_attempt_failed(r, now_ms,
				     relay_said_error(r, words, sizeof(words)),
				     words);
	} else if (r->plan->ask->stream || !r->listen.has_choices) {
		relay_attempt_failed(r, now_ms, ERR_UP_BROKEN,
				     "The upstream's answer is not of the kind "
				     "that was asked for.");
	} else {
		deliver_whole(r, now_ms);
	}
}

void relay_whole_feed(struct relay *r, int64_t now_ms, const char *p, size_t n)
{
	bool error = r->up_status < 200 || r->up_status > 299;

	if (error) /* what it says stands at its beginning */
		n = MIN(n, r->held.max - r->held.len);
	buf_add(&r->held, p, n);
	if (!buf_ok(&r->held))
		relay_attempt_failed(r, now_ms, ERR_UP_BROKEN,
				     "The upstream's answer is too large.");
	else if (!error &&
		 !listen_whole_feed(&r->listen, r->held.p, r->held.len))
		relay_attempt_failed(r, now_ms, ERR_UP_BROKEN,
				     "The upstream's answer is not JSON.");
}

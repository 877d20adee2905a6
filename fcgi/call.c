/* call.c - see call.h. */
#include "call_in.h"

#include "base/log.h"

#include <sys/epoll.h>

/* --- what became of it ------------------------------------------------------ */

static const struct meaning {
	CURLcode curl;
	enum err_code code;
	const char *why;
} meanings[] = {
	/* clang-format off */
	{ CURLE_COULDNT_RESOLVE_HOST,     ERR_UP_CONNECT, "its name does not resolve" },
	{ CURLE_COULDNT_RESOLVE_PROXY,    ERR_UP_CONNECT, "the name of its proxy does not resolve" },
	{ CURLE_PROXY,                    ERR_UP_CONNECT, "its proxy refused" },
	{ CURLE_COULDNT_CONNECT,          ERR_UP_CONNECT, "it refused the connection" },
	{ CURLE_SSL_CONNECT_ERROR,        ERR_UP_CONNECT, "the TLS handshake failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_UP_CONNECT, "its TLS certificate is not valid for it" },
	{ CURLE_SSL_CACERT_BADFILE,       ERR_UP_CONNECT, "the CA file cannot be read" },
	{ CURLE_OPERATION_TIMEDOUT,       ERR_UP_CONNECT, "no connection in time" },
	{ CURLE_GOT_NOTHING,              ERR_UP_BROKEN,  "it closed the connection without an answer" },
	{ CURLE_SEND_ERROR,               ERR_UP_BROKEN,  "the connection broke while sending" },
	{ CURLE_RECV_ERROR,               ERR_UP_BROKEN,  "the connection broke" },
	{ CURLE_PARTIAL_FILE,             ERR_UP_BROKEN,  "the answer ended early" },
	{ CURLE_WEIRD_SERVER_REPLY,       ERR_UP_BROKEN,  "what it sent is not HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL,     ERR_UP_BROKEN,  "what it sent is not HTTP/1.1" },
	/* clang-format on */
};

static struct relay_result meaning_of(const struct call *c, CURLcode r)
{
	if (c->result.code)
		return c->result;
	if (c->forbidden && r != CURLE_OK)
		return (struct relay_result){ c->forbidden->code,
					      c->forbidden->msg };
	if (r == CURLE_OK && c->head_done)
		return (struct relay_result){ ERR_NONE, "" };
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].curl == r)
			return (struct relay_result){ meanings[i].code,
						      meanings[i].why };
	return (struct relay_result){ ERR_UP_BROKEN, "the call failed" };
}

/* The call leaves libcurl; its memory goes at the end of the turn. */
static void leave(struct call *c)
{
	struct calls *cs = c->calls;

	c->state = CALL_ENDED;
	c->next = cs->ended;
	cs->ended = c;
}

void call_finish(struct call *c, struct relay_result r)
{
	leave(c);
	if (!c->dead)
		c->hooks->end(c->arg, r);
	c->dead = true;
}

static void on_done(struct call *c, CURLcode code)
{
	struct relay_result r = meaning_of(c, code);

	if (code != CURLE_OK && !c->dead)
		log_debug("call.end", LOG_I("curl", code),
			  LOG_S("said", c->calls->said), LOG_S("why", r.why));
	curl_multi_remove_handle(c->lane->multi, c->easy);
	call_name_failed(c, r); /* if it ended before the name was known */
	call_finish(c, r);
}

static void take_done(struct lane *l)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(l->multi, &left))) {
		struct call *c = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		on_done(c, code);
	}
}

/* --- the loop's side --------------------------------------------------------- */

static void act(struct lane *l, curl_socket_t fd, int what)
{
	int running;

	l->calls->busy++;
	curl_multi_socket_action(l->multi, fd, what, &running);
	l->calls->busy--;
	take_done(l);
}

static void on_socket(struct watch *w, uint32_t events)
{
	struct sock *s = OWNER(w, struct sock, watch);
	int what = 0;

	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	act(s->lane, w->fd, what);
}

static void on_lane_timer(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	act(OWNER(t, struct lane, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
		       void *sock)
{
	struct lane *l = arg;
	struct sock *s = sock;
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
			  (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			poller_watch(l->calls->poller, &s->watch, 0);
			curl_multi_assign(l->multi, fd, NULL);
			poller_bury(l->calls->poller, s);
		}
		return 0;
	}
	if (!s) {
		s = mem_alloc(sizeof(*s));
		*s = (struct sock){ .watch = { .fn = on_socket, .fd = fd },
				    .lane = l };
		curl_multi_assign(l->multi, fd, s);
	}
	poller_watch(l->calls->poller, &s->watch, events);
	return 0;
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct lane *l = arg;

	(void)multi;
	timer_set(&l->calls->poller->timers, &l->timer,
		  ms < 0 ? 0 : l->calls->poller->now_ms + ms);
	return 0;
}

static void open_lane(struct calls *cs, struct lane *l)
{
	l->calls = cs;
	l->timer.fn = on_lane_timer;
	l->multi = curl_multi_init();
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

struct calls *calls_open(struct poller *p, const struct conf *conf)
{
	struct calls *cs = mem_alloc(sizeof(*cs));

	curl_global_init(CURL_GLOBAL_ALL);
	*cs = (struct calls){ .poller = p,
			      .conf = conf,
			      .n_lanes = 1 + (int)conf->stream_multis };
	cs->fresh_last = &cs->fresh;
	cs->resting_last = &cs->resting;
	cs->share = curl_share_init();
	curl_share_setopt(cs->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	cs->lanes = mem_alloc(sizeof(*cs->lanes) * (size_t)cs->n_lanes);
	for (int i = 0; i < cs->n_lanes; i++)
		open_lane(cs, &cs->lanes[i]);
	return cs;
}

static void give_easy(struct calls *cs, bool stream, CURL *easy)
{
	struct spare *s = &cs->spare[stream];

	if (s->n == SPARE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	s->easy[s->n++] = easy;
}

static void bury(struct call *c)
{
	call_wake(c);
	if (c->easy)
		give_easy(c->calls, c->stream, c->easy);
	if (c->lines != c->few)
		free(c->lines);
	free(c->joined);
	free(c->forbidden);
	buf_release(&c->head);
	free(c);
}

void calls_close(struct calls *cs)
{
	for (int i = 0; i < cs->n_lanes; i++) {
		curl_multi_cleanup(cs->lanes[i].multi);
		timer_set(&cs->poller->timers, &cs->lanes[i].timer, 0);
	}
	call_names_release(cs);
	for (int i = 0; i < 2; i++)
		while (cs->spare[i].n)
			curl_easy_cleanup(cs->spare[i].easy[--cs->spare[i].n]);
	curl_share_cleanup(cs->share);
	free(cs->lanes);
	free(cs);
}

/* --- one call ------------------------------------------------------------------ */

/* A handle is dear to make and to set up: those of calls that ended are used
 * again. */
static CURL *take_easy(struct calls *cs, bool stream)
{
	struct spare *s = &cs->spare[stream];
	CURL *easy;

	if (s->n)
		return s->easy[--s->n];
	easy = curl_easy_init();
	call_set_once(cs, easy, stream);
	return easy;
}

static void begin(struct call *c)
{
	struct calls *cs = c->calls;

	if (c->dead) {
		leave(c);
		return;
	}
	if (!call_name_known(c))
		return;
	c->easy = take_easy(cs, c->stream);
	call_set_each(c);
	c->lane = &cs->lanes[0];
	if (c->what->stream) {
		cs->next_lane = cs->next_lane % (cs->n_lanes - 1) + 1;
		c->lane = &cs->lanes[cs->next_lane];
	}
	c->state = CALL_RUNNING;
	if (curl_multi_add_handle(c->lane->multi, c->easy) != CURLM_OK)
		call_finish(c,
			    (struct relay_result){ ERR_UP_CONNECT,
						   "the call cannot be made" });
}

void call_put_fresh(struct calls *cs, struct call *c)
{
	c->state = CALL_FRESH;
	c->next = NULL;
	*cs->fresh_last = c;
	cs->fresh_last = &c->next;
}

struct call *call_start(struct calls *cs, const struct relay_call *what,
			const struct call_hooks *hooks, void *arg)
{
	struct call *c = mem_alloc(sizeof(*c));

	*c = (struct call){ .calls = cs,
			    .what = what,
			    .stream = what->stream,
			    .egress = what->to->channel->egress,
			    .hooks = hooks,
			    .arg = arg };
	buf_init(&c->head, (size_t)cs->conf->max_upstream_head_bytes);
	call_put_fresh(cs, c);
	return c;
}

void call_cancel(struct call *c)
{
	c->dead = true;
	/* Waiting ones are dropped when their turn comes; one that looks a
	 * name up is left alone until the resolver has answered. */
	if (c->state != CALL_RUNNING || c->host)
		return;
	if (c->calls->busy) { /* its callback refuses what comes next */
		timer_set(&c->calls->poller->timers, &c->lane->timer,
			  c->calls->poller->now_ms);
		return;
	}
	curl_multi_remove_handle(c->lane->multi, c->easy);
	leave(c);
}

void call_resume(struct call *c)
{
	c->hold = false;
	if (c->state != CALL_RUNNING || c->dead)
		return;
	c->calls->busy++;
	curl_easy_pause(c->easy, CURLPAUSE_CONT);
	c->calls->busy--;
	/* What libcurl had kept was too much: it would not look again. */
	if (c->dead && c->state == CALL_RUNNING) {
		curl_multi_remove_handle(c->lane->multi, c->easy);
		leave(c);
	}
}

void calls_turn(struct calls *cs)
{
	calls_end_rest(cs);
	while (cs->fresh) {
		struct call *c = cs->fresh;

		cs->fresh = c->next;
		if (!cs->fresh)
			cs->fresh_last = &cs->fresh;
		begin(c);
	}
	while (cs->ended) {
		struct call *c = cs->ended;

		cs->ended = c->next;
		bury(c);
	}
}

/* call_name.c - one look-up of a name at a time; see call_in.h.
 *
 * libcurl starts a thread for every look-up: a thousand calls of a host whose
 * name is not known yet would start a thousand.
 */
#include "call_in.h"

#include "http/url.h"

#define FRESH_MS 55000 /* less than libcurl keeps an address */

/* A host whose addresses are known, or are being looked up by one call. */
struct host {
	struct host *next;
	int64_t fresh_until_ms;
	struct call *looking, *waiting, **last;
	char name[];
};

static struct host *host_of(struct calls *cs, const char *name)
{
	struct host *h;
	size_t n = strlen(name) + 1;

	for (h = cs->hosts; h; h = h->next)
		if (!strcmp(h->name, name))
			return h;
	h = mem_alloc(sizeof(*h) + n);
	memcpy(h->name, name, n);
	h->last = &h->waiting;
	h->next = cs->hosts;
	cs->hosts = h;
	return h;
}

/* Whose name is looked up here: the proxy looks up the upstream's. */
static bool host_called(const struct call *c, struct url *u)
{
	struct str at = str_of(c->what->url), scheme;
	char plain[URL_MAX];
	struct err e = { 0 };

	if (!*call_proxy(c))
		return !url_parse(u, at, &e);
	at = str_of(call_proxy(c));
	if (!str_next(&at, ':', &scheme) || at.n < 3)
		return false;
	snprintf(plain, sizeof(plain), "http:%.*s", STR_FMT(at));
	return !url_parse(u, str_of(plain), &e);
}

bool call_name_known(struct call *c)
{
	struct calls *cs = c->calls;
	struct url u;
	struct host *h;

	if (!host_called(c, &u) || url_is_literal(&u))
		return true;
	h = host_of(cs, u.host);
	if (h->fresh_until_ms > cs->poller->now_ms)
		return true;
	if (!h->looking) {
		h->looking = c;
		c->host = h;
		return true;
	}
	c->state = CALL_WAITING;
	c->next = NULL;
	*h->last = c;
	h->last = &c->next;
	return false;
}

/* The call looks no more; those that waited, as a list. */
static struct call *look_over(struct call *c)
{
	struct host *h = c->host;
	struct call *waiting;

	if (!h)
		return NULL;
	waiting = h->waiting;
	c->host = NULL;
	h->looking = h->waiting = NULL;
	h->last = &h->waiting;
	return waiting;
}

void call_name_found(struct call *c)
{
	struct call *w;

	if (c->host)
		c->host->fresh_until_ms = c->calls->poller->now_ms + FRESH_MS;
	w = look_over(c);
	while (w) {
		struct call *next = w->next;

		call_put_fresh(c->calls, w);
		w = next;
	}
}

void call_name_failed(struct call *c, struct relay_result r)
{
	struct call *w = look_over(c);

	while (w) {
		struct call *next = w->next;

		call_finish(w, r);
		w = next;
	}
}

void call_names_release(struct calls *cs)
{
	while (cs->hosts) {
		struct host *h = cs->hosts;

		cs->hosts = h->next;
		free(h);
	}
}

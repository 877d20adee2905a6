/* front_head.c - see front_head.h. */
#include "front_head.h"

#include "base/clock.h"

static const struct wanted {
	const char *name;
	size_t at;
} wanted[] = {
	{ "REQUEST_METHOD", offsetof(struct head, method) },
	{ "REQUEST_URI", offsetof(struct head, uri) },
	{ "SCRIPT_NAME", offsetof(struct head, script) },
	{ "REMOTE_ADDR", offsetof(struct head, address) },
	{ "HTTP_AUTHORIZATION", offsetof(struct head, authorization) },
	{ "CONTENT_TYPE", offsetof(struct head, content_type) },
	{ "CONTENT_LENGTH", offsetof(struct head, content_length) },
	{ "HTTP_CONTENT_ENCODING", offsetof(struct head, content_encoding) },
	{ "HTTP_IDEMPOTENCY_KEY", offsetof(struct head, idempotency_key) },
	{ "HTTP_X_PONTAGE_CHANNEL", offsetof(struct head, channel) },
	{ "HTTP_X_PONTAGE_DEADLINE_MS", offsetof(struct head, deadline) },
	{ "HTTP_ACCEPT", offsetof(struct head, accept) },
	{ "PONTAGE_T0", offsetof(struct head, waited_from) },
	{ "HTTP_X_PONTAGE_T0", offsetof(struct head, waited_header) },
};

/* A header that came twice would let two readers see two requests. */
static int read_param(struct head *h, const char *line, struct err *e)
{
	const char *equals = strchr(line, '=');

	for (size_t i = 0; equals && i < COUNT(wanted); i++) {
		struct str *to = (struct str *)((char *)h + wanted[i].at);
		size_t n = strlen(wanted[i].name);

		if ((size_t)(equals - line) != n ||
		    memcmp(line, wanted[i].name, n))
			continue;
		if (to->p && to == &h->accept)
			return 0; /* a list, which may come in parts */
		if (to->p)
			return err_set(e, ERR_BAD_HTTP,
				       "the header %s came twice",
				       wanted[i].name);
		*to = str_of(equals + 1);
	}
	return 0;
}

static void skip(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool begins(struct str s, const char *with, size_t n)
{
	return s.n >= n && !memcmp(s.p, with, n);
}

/* "http://host/v1" is "/v1". */
static void drop_host(struct str *uri)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (!begins(*uri, schemes[i], n))
			continue;
		skip(uri, n);
		while (uri->n && *uri->p != '/')
			skip(uri, 1);
	}
}

static bool is_program(struct str script)
{
	return script.n > 5 && (!memcmp(script.p + script.n - 4, ".cgi", 4) ||
				!memcmp(script.p + script.n - 5, ".fcgi", 5));
}

/* "/pontage/v1" is "/v1" where the program is /pontage/relay.cgi. */
static void drop_folder(struct str *uri, struct str script)
{
	size_t n = script.n;

	if (!is_program(script))
		return;
	while (n && script.p[n - 1] != '/')
		n--;
	if (n > 1 && begins(*uri, script.p, n))
		skip(uri, n - 1);
}

int head_read(struct head *h, char *const *envp, int64_t max_bytes,
	      struct err *e)
{
	int64_t bytes = 0;
	struct str rest;

	for (; envp && *envp; envp++) {
		bytes += (int64_t)strlen(*envp);
		if (read_param(h, *envp, e) < 0)
			return -1;
	}
	if (h->uri.p) {
		drop_host(&h->uri);
		while (begins(h->uri, "//", 2))
			skip(&h->uri, 1);
		drop_folder(&h->uri, h->script);
	}
	h->path = h->uri;
	rest = h->uri;
	if (rest.p)
		str_next(&rest, '?', &h->path);
	h->query = rest;
	if (bytes > max_bytes)
		return err_set(e, ERR_BAD_HTTP,
			       "the request's head is larger than %lld bytes",
			       (long long)max_bytes);
	/* CGI has "" for what the client did not say. */
	if (h->content_length.p && !h->content_length.n)
		h->content_length = STR_NONE;
	if (h->content_type.p && !h->content_type.n)
		h->content_type = STR_NONE;
	return 0;
}

void head_now(struct head *h)
{
	h->read_wall_ms = clock_wall_ms();
	h->read_mono_ms = clock_mono_ms();
}

int head_length(const struct head *h, int64_t *n, struct err *e)
{
	*n = -1;
	if (h->content_length.p &&
	    str_int(h->content_length, 0, INT64_MAX, n) < 0)
		return err_set(e, ERR_BAD_HTTP,
			       "Content-Length is not a number");
	return 0;
}

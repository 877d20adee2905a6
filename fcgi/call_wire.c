/* call_wire.c - one call as libcurl sees it: what it is told, and what it
 * calls; see call_in.h. */
#include "call_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define HEADERS_MAX  256
#define STREAM_BYTES 1024  /* of a stream's events that are read at once */
#define JOIN_BYTES   65536 /* bodies up to this go out in one piece */

/* --- what libcurl calls ---------------------------------------------------- */

static void forbid(struct call *c, const struct err *e)
{
	free(c->forbidden);
	c->forbidden = NULL;
	if (!e->code)
		return;
	c->forbidden = mem_alloc(sizeof(*e));
	*c->forbidden = *e;
}

static int check_address(struct call *c, const struct sockaddr *sa)
{
	struct err e = { 0 };

	call_name_found(c);
	if (c->dead)
		return -1;
	egress_judge(sa, &c->egress, &e);
	forbid(c, &e);
	return e.code ? -1 : 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype type,
				 struct curl_sockaddr *a)
{
	struct call *c = arg;
	struct err e = { 0 };
	int fd;

	(void)type;
	if (check_address(c, &a->addr) < 0)
		return CURL_SOCKET_BAD;
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		err_set(&e, ERR_OVERLOADED,
			"this gateway has no descriptors left");
		forbid(c, &e);
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* Asked before each request, also on a connection that is used again. */
static int before_request(void *arg, char *ip, char *local_ip, int port,
			  int local_port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct call *c = arg;
	const struct sockaddr *sa = NULL;

	(void)local_ip, (void)port, (void)local_port;
	if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
		sa = (const struct sockaddr *)&v4;
	else if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1)
		sa = (const struct sockaddr *)&v6;
	return sa && !check_address(c, sa) ? CURL_PREREQFUNC_OK :
					     CURL_PREREQFUNC_ABORT;
}

/* From the first byte of an answer libcurl sends nothing again, so what has
 * been sent is not needed any more. */
static void drop_body(struct call *c)
{
	curl_off_t sent = 0;

	curl_easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	c->sent = !c->what->body || sent >= (curl_off_t)c->what->body->len;
	if (!c->sent || !c->joined)
		return;
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, NULL);
	free(c->joined);
	c->joined = NULL;
}

bool call_sent(const struct call *c)
{
	return c->sent;
}

static void give_head(struct call *c)
{
	struct relay_header h[HEADERS_MAX];
	const char *p = c->head.p;
	int n = 0;

	for (; n < c->n_head; n++) {
		size_t len = strlen(p);
		struct str value = { p, len }, name;

		str_next(&value, ':', &name);
		((char *)(uintptr_t)p)[name.n] = '\0';
		h[n] = (struct relay_header){ p, value.p ? str_trim(value) :
							   STR("") };
		p += len + 1;
	}
	c->head_done = true;
	c->hooks->head(c->arg, c->status, h, n);
	buf_release(&c->head);
	drop_body(c);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct call *c = arg;
	size_t len = n * size;

	if (c->dead)
		return 0;
	if (c->head_done) /* trailers */
		return len;
	while (len && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len > 9 && !memcmp(p, "HTTP/", 5)) {
		long status = 0;

		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		c->status = (int)status;
		c->n_head = 0;
		buf_clear(&c->head);
	} else if (len) {
		buf_add(&c->head, p, len);
		buf_char(&c->head, '\0');
		if (!buf_ok(&c->head) || c->n_head == HEADERS_MAX) {
			c->result = (struct relay_result){
				ERR_UP_BROKEN, "the answer's head is too large"
			};
			return 0;
		}
		c->n_head++;
	} else if (c->status >= 200) {
		give_head(c);
	}
	return c->dead ? 0 : n * size;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct call *c = arg;

	if (c->dead)
		return 0;
	if (c->hold)
		return CURL_WRITEFUNC_PAUSE;
	if (!call_may_read(c, n * size)) {
		call_rest(c);
		return CURL_WRITEFUNC_PAUSE;
	}
	c->hold = !c->hooks->data(c->arg, p, n * size);
	return c->dead ? 0 : n * size;
}

static size_t read_body(char *p, size_t size, size_t n, void *arg)
{
	struct call *c = arg;
	size_t got;

	if (c->dead)
		return CURL_READFUNC_ABORT;
	got = rope_read(c->what->body, c->body_at, p, n * size);
	c->body_at += got;
	return got;
}

static int seek_body(void *arg, curl_off_t at, int origin)
{
	struct call *c = arg;

	if (origin != SEEK_SET || at < 0 || (size_t)at > c->what->body->len)
		return CURL_SEEKFUNC_FAIL;
	c->body_at = (size_t)at;
	return CURL_SEEKFUNC_OK;
}

/* --- what it is told -------------------------------------------------------- */

const char *call_proxy(const struct call *c)
{
	const char *proxy = c->what->to->channel->proxy;

	return proxy ? proxy : "";
}

static void set_body(struct call *c)
{
	struct rope *body = c->what->body;

	if (!body) {
		curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)body->len);
	if (body->len <= JOIN_BYTES) {
		c->joined = mem_alloc(body->len + 1);
		rope_read(body, 0, c->joined, body->len);
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->joined);
		return;
	}
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, NULL);
}

/* What is alike for all calls. */
void call_set_once(const struct calls *cs, CURL *h, bool stream)
{
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NOPROXY, "");
	curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_SHARE, cs->share);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_READFUNCTION, read_body);
	curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, seek_body);
	if (stream)
		curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)STREAM_BYTES);
}

/* A list in place: curl_slist_append() would copy each line. */
static void set_head(struct call *c)
{
	const char *const *head = c->what->head;
	int n = 0;

	while (head[n])
		n++;
	c->lines = n < HEAD_LINES ?
			   c->few :
			   mem_alloc(sizeof(*c->lines) * (size_t)(n + 1));
	for (int i = 0; i < n; i++)
		c->lines[i].data = (char *)(uintptr_t)head[i];
	/* Without it a large body waits a second for "100 Continue". */
	c->lines[n].data = (char *)(uintptr_t) "Expect:";
	for (int i = 0; i < n; i++)
		c->lines[i].next = &c->lines[i + 1];
	c->lines[n].next = NULL;
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->lines);
}

/* Each that is set is kept twice for as long as the call runs. */
static void set_authorities(struct call *c)
{
	const char *file = c->calls->conf->ca_file;
	bool tls = str_starts(str_of(c->what->url), "https:");

	curl_easy_setopt(c->easy, CURLOPT_CAINFO, tls ? file : NULL);
	curl_easy_setopt(c->easy, CURLOPT_PROXY_CAINFO,
			 *call_proxy(c) ? file : NULL);
}

void call_set_each(struct call *c)
{
	CURL *h = c->easy;

	set_head(c);
	set_authorities(c);
	curl_easy_setopt(h, CURLOPT_URL, c->what->url);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)c->what->connect_ms);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->calls->said);
	curl_easy_setopt(h, CURLOPT_PRIVATE, c);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(h, CURLOPT_PREREQDATA, c);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(h, CURLOPT_READDATA, c);
	curl_easy_setopt(h, CURLOPT_SEEKDATA, c);
	/* "": none, also where the environment names one. */
	curl_easy_setopt(h, CURLOPT_PROXY, call_proxy(c));
	set_body(c);
}

/* fetch.c - see fetch.h. */
#include "net/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"

#define CONNECT_MS 10000

struct fetcher {
	CURL *h;
	const struct egress_rule *rule;
	struct err refused; /* by the rule */
};

struct reading {
	const struct fetch *ask;
	struct fetched *out;
};

/* Judged is each address that is connected to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
				 struct curl_sockaddr *to)
{
	struct fetcher *f = arg;

	(void)purpose;
	if (f->rule) {
		err_clear(&f->refused);
		if (egress_judge(&to->addr, f->rule, &f->refused) < 0)
			return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct reading *r = arg;
	struct str piece = { p, size * n };

	buf_add(&r->out->body, piece.p, piece.n);
	if (!buf_ok(&r->out->body))
		return 0;
	if (r->ask->on_data && !r->ask->on_data(r->ask->arg, piece)) {
		r->out->enough = true;
		return 0;
	}
	return piece.n;
}

struct fetcher *fetcher_new(const char *ca_file, const struct egress_rule *rule)
{
	struct fetcher *f = mem_alloc(sizeof(*f));

	f->rule = rule;
	f->h = curl_easy_init();
	if (!f->h)
		abort(); /* no memory */
	curl_easy_setopt(f->h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(f->h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->h, CURLOPT_PROXY, "");
	curl_easy_setopt(f->h, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(f->h, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(f->h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(f->h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(f->h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(f->h, CURLOPT_OPENSOCKETDATA, f);
	/* A connection that is used again is not judged again. */
	curl_easy_setopt(f->h, CURLOPT_FORBID_REUSE, rule ? 1L : 0L);
	curl_easy_setopt(f->h, CURLOPT_WRITEFUNCTION, on_body);
	return f;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	curl_easy_cleanup(f->h);
	free(f);
}

static void copy_header(CURL *h, const char *name, char *at, size_t size)
{
	struct curl_header *found;

	if (curl_easy_header(h, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK)
		snprintf(at, size, "%s", found->value);
}

static void look(CURL *h, struct fetched *out)
{
	char date[FETCH_SERVER] = "";
	long status = 0, fresh = 0;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h, CURLINFO_NUM_CONNECTS, &fresh);
	out->status = (int)status;
	out->kept = status && !fresh;
	copy_header(h, "Server", out->server, sizeof(out->server));
	copy_header(h, "x-request-id", out->request_id,
		    sizeof(out->request_id));
	copy_header(h, "Location", out->location, sizeof(out->location));
	copy_header(h, "Date", date, sizeof(date));
	out->at_s = *date ? MAX(curl_getdate(date, NULL), 0) : 0;
}

static struct curl_slist *headers_of(const struct fetch *ask)
{
	/* curl waits a second for the answer to one. */
	struct curl_slist *all = curl_slist_append(NULL, "Expect:");

	for (const char *const *h = ask->headers; h && *h; h++)
		all = curl_slist_append(all, *h);
	return all;
}

static CURLcode perform(struct fetcher *f, const struct fetch *ask,
			struct reading *r)
{
	struct curl_slist *headers = headers_of(ask);
	CURLcode rc;

	curl_easy_setopt(f->h, CURLOPT_URL, ask->url);
	curl_easy_setopt(f->h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(f->h, CURLOPT_TIMEOUT_MS, (long)ask->limit_ms);
	curl_easy_setopt(f->h, CURLOPT_WRITEDATA, r);
	if (ask->post.p) {
		curl_easy_setopt(f->h, CURLOPT_POST, 1L);
		curl_easy_setopt(f->h, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)ask->post.n);
		curl_easy_setopt(f->h, CURLOPT_POSTFIELDS, ask->post.p);
	} else {
		curl_easy_setopt(f->h, CURLOPT_HTTPGET, 1L);
	}
	rc = curl_easy_perform(f->h);
	curl_easy_setopt(f->h, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(f->h, CURLOPT_POSTFIELDS, NULL);
	curl_slist_free_all(headers);
	return rc;
}

int fetch(struct fetcher *f, const struct fetch *ask, struct fetched *out,
	  struct err *e)
{
	struct reading r = { ask, out };
	int64_t began_ms = clock_mono_ms();
	CURLcode rc;

	memset(out, 0, sizeof(*out));
	buf_init(&out->body, ask->max_bytes);
	err_clear(&f->refused);
	rc = perform(f, ask, &r);
	out->ms = clock_mono_ms() - began_ms;
	look(f->h, out);
	out->untrusted = rc == CURLE_PEER_FAILED_VERIFICATION ||
			 rc == CURLE_SSL_CACERT_BADFILE;
	if (rc == CURLE_OK || out->enough)
		return 0;
	if (f->refused.code)
		return err_set(e, f->refused.code, "%s", f->refused.msg);
	if (!buf_ok(&out->body))
		return err_set(e, ERR_UP_CONNECT,
			       "the answer is larger than %zu bytes",
			       ask->max_bytes);
	return err_set(e, ERR_UP_CONNECT, "%s", curl_easy_strerror(rc));
}

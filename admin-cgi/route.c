/* route.c - see route.h. */
#include "route.h"

#include "health.h"
#include "metrics.h"
#include "pages.h"

#include "http/cidr.h"

static void front(const struct admin *a, struct reply *reply)
{
	(void)a;
	buf_add(&reply->body, page_front, page_front_n);
}

static const struct route {
	const char *method, *path;
	void (*answer)(const struct admin *a, struct reply *reply);
	bool inside; /* for those in metrics_allow alone */
} routes[] = {
	{ "GET", "/", front, false },
	{ "GET", "/livez", health_live, false },
	{ "GET", "/readyz", health_ready, false },
	{ "GET", "/health", health_ready, false },
	{ "GET", "/metrics", metrics_show, true },
};

static void not_found(struct reply *reply)
{
	reply->status = 404;
	buf_add(&reply->body, page_not_found, page_not_found_n);
}

static void not_yours(struct reply *reply)
{
	reply->status = 403;
	reply->type = "text/plain; charset=utf-8";
	buf_str(&reply->body, "Not from your address: the setting "
			      "metrics_allow says who may.\n");
}

static void not_allowed(struct reply *reply)
{
	reply->status = 405;
	reply->allow = "GET, HEAD"; /* no route takes anything else yet */
	buf_add(&reply->body, page_not_allowed, page_not_allowed_n);
}

void route_answer(const struct admin *a, const struct ask *ask,
		  struct reply *reply)
{
	const char *method = strcmp(ask->method, "HEAD") ? ask->method : "GET";
	bool path_known = false;

	*reply = (struct reply){ .status = 200,
				 .type = "text/html; charset=utf-8" };
	buf_init(&reply->body, REPLY_MAX);
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (strcmp(routes[i].path, ask->path))
			continue;
		path_known = true;
		if (strcmp(routes[i].method, method))
			continue;
		if (routes[i].inside && !cidr_list_has(a->conf->metrics_allow,
						       str_of(ask->address)))
			not_yours(reply);
		else
			routes[i].answer(a, reply);
		return;
	}
	if (path_known)
		not_allowed(reply);
	else
		not_found(reply);
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Internal Server Error";
}

/* No page needs more than this; script and style come from /static only. */
static const char page_headers[] =
	"Content-Security-Policy: default-src 'none'; style-src 'self'; "
	"script-src 'self'; img-src 'self' data:; connect-src 'self'; "
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: same-origin\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Permissions-Policy: camera=(), geolocation=(), microphone=(), "
	"payment=(), usb=()\r\n"
	"Cache-Control: no-store\r\n";

void route_write(const struct ask *ask, const struct reply *reply,
		 struct buf *out)
{
	buf_printf(out, "Status: %d %s\r\nContent-Type: %s\r\n", reply->status,
		   reason(reply->status), reply->type);
	buf_printf(out, "Content-Length: %zu\r\nx-request-id: %s\r\n",
		   reply->body.len, ask->request_id);
	if (reply->allow)
		buf_printf(out, "Allow: %s\r\n", reply->allow);
	buf_str(out, page_headers);
	buf_str(out, "\r\n");
	if (strcmp(ask->method, "HEAD"))
		buf_add(out, reply->body.p, reply->body.len);
}

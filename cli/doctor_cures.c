/* doctor_cures.c - what to write into the configuration of a web server. */
#include "doctor.h"

#include <strings.h>

/* By the start of the Server header; the last row is for all others. */
static const struct {
	const char *server;
	const char *cures[CURE__COUNT];
} rows[] = {
	{ "nginx",
	  { [CURE_AUTH] = "fastcgi_pass_request_headers on; and nothing about "
			  "HTTP_AUTHORIZATION in the site",
	    [CURE_STREAM] = "fastcgi_buffering off; in the location of /v1",
	    [CURE_BODY] = "client_max_body_size 32m;",
	    [CURE_IDLE] = "fastcgi_read_timeout 3600s; in the location of /v1",
	    [CURE_KEEP] = "keepalive_timeout 65s;" } },
	{ "Apache",
	  { [CURE_AUTH] = "CGIPassAuth On",
	    [CURE_STREAM] = "mod_proxy_fcgi: ProxySet flushpackets=on (in the "
			    "<Proxy> of relay.sock); "
			    "mod_fcgid: FcgidOutputBufferSize 0",
	    [CURE_BODY] = "LimitRequestBody 33554432; mod_fcgid: "
			  "FcgidMaxRequestLen 33554432",
	    [CURE_IDLE] = "mod_proxy_fcgi: ProxySet timeout=3600 (in the "
			  "<Proxy> of relay.sock); mod_fcgid: "
			  "FcgidIOTimeout 3600; CGI: CGIDScriptTimeout 3600s "
			  "(the host's, not .htaccess)",
	    [CURE_KEEP] = "KeepAlive On" } },
	{ "",
	  { [CURE_AUTH] = "let the web server pass the Authorization header",
	    [CURE_STREAM] = "turn the buffering and the compression of "
			    "answers off for /v1",
	    [CURE_BODY] = "raise the web server's limit for request bodies "
			  "to 32 MiB",
	    [CURE_IDLE] = "raise the web server's time limit for a silent "
			  "answer to an hour",
	    [CURE_KEEP] = "let connections be used again" } },
};

const char *doctor_cure(const struct doctor *d, enum cure cure)
{
	size_t i = 0;

	while (strncasecmp(d->server, rows[i].server, strlen(rows[i].server)))
		i++;
	return rows[i].cures[cure];
}

/* fuzz_url.c - lib/http/url: what is accepted has an origin that reads back
 * as itself, and a host that is a name or one spelling of an address. */
#include "http/url.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	char origin[URL_ORIGIN], again[URL_ORIGIN];
	struct err e = { 0 };
	struct url u, v;
	struct buf b;
	struct ip ip;

	if (url_parse(&u, s, &e) < 0) {
		assert(e.code == ERR_VALUE && *e.msg);
		return 0;
	}
	assert(u.port >= 1 && u.port <= 65535);
	assert(!strpbrk(u.host, "/@?#[]\\% \r\n"));
	assert(u.literal == !ip_parse(str_of(u.host), &ip));
	assert(!u.path.n || u.path.p[0] == '/');
	assert(!url_parse(&v, str_of(url_origin(&u, origin)), &e));
	assert(strcmp(origin, url_origin(&v, again)) == 0);
	buf_init(&b, URL_MAX + 16);
	url_join(&b, s, STR("/x"));
	if (b.len <= URL_MAX) {
		assert(!url_parse(&v, buf_span(&b), &e));
		assert(strcmp(origin, url_origin(&v, again)) == 0);
	}
	buf_release(&b);
	return 0;
}

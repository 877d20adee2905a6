/* fuzz_cidr.c - lib/http/cidr: what is accepted prints and reads back as the
 * same network, and holds its own address. */
#include "http/cidr.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	char text[IP_TEXT + 8], list[128];
	struct cidr net, again, many[8];
	struct ip ip;

	if (!ip_parse(s, &ip)) {
		struct ip same;

		assert(!ip_parse(str_of(ip_text(&ip, text)), &same));
		assert(!memcmp(&same.b, &ip.b, 16) && same.v6 == ip.v6);
		cidr_private(&ip);
	}
	if (!cidr_parse(s, &net)) {
		ip_text(&net.ip, text);
		snprintf(text + strlen(text), 8, "/%d", net.bits);
		assert(!cidr_parse(str_of(text), &again));
		assert(again.bits == net.bits);
		assert(cidr_has(&again, &net.ip));
	}
	if (n < sizeof(list)) {
		memcpy(list, data, n);
		list[n] = '\0';
		cidr_list_has(list, STR("10.0.0.1"));
	}
	cidr_list(s, many, COUNT(many));
	return 0;
}

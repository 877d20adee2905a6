/* fuzz_cidr.c - lib/http/cidr: what is accepted prints and reads back as the
 * same network, and holds its own address. */
#include "http/cidr.h"

#include <assert.h>

static void check_address(struct str s)
{
	struct ip ip, same;
	char text[IP_TEXT];

	if (ip_parse(s, &ip) < 0)
		return;
	assert(!ip_parse(str_of(ip_text(&ip, text)), &same));
	assert(!memcmp(&same.b, &ip.b, 16));
	assert(same.v6 == ip.v6);
	cidr_private(&ip);
}

static void check_network(struct str s)
{
	struct cidr net, again;
	char text[IP_TEXT + 8];

	if (cidr_parse(s, &net) < 0)
		return;
	ip_text(&net.ip, text);
	snprintf(text + strlen(text), 8, "/%d", net.bits);
	assert(!cidr_parse(str_of(text), &again));
	assert(again.bits == net.bits);
	assert(cidr_has(&again, &net.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	struct cidr many[8];
	char list[128];

	check_address(s);
	check_network(s);
	cidr_list(s, many, COUNT(many));
	if (n < sizeof(list)) {
		memcpy(list, data, n);
		list[n] = '\0';
		cidr_list_has(list, STR("10.0.0.1"));
	}
	return 0;
}

/* test_cidr.c - lib/http/cidr: addresses, networks, what is not public. */
#include "http/cidr.h"

#include "rows.h"

#include <netinet/in.h>
#include <sys/socket.h>

static const struct {
	const char *in, *want; /* want: as it is printed; NULL: refused */
} addresses[] = {
	/* clang-format off */
	{ "1.2.3.4", "1.2.3.4" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "2001:DB8::A", "2001:db8::a" },
	{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "::ffff:1.2.3.4", "1.2.3.4" },
	{ "::ffff:7f00:1", "127.0.0.1" },
	{ "0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1" },
	{ "::fffe:1.2.3.4", "::fffe:102:304" },
	{ "", NULL }, { "1", NULL }, { "1.2.3", NULL }, { "1.2.3.4.5", NULL },
	{ "256.1.1.1", NULL }, { "01.2.3.4", NULL }, { "1.2.3.04", NULL },
	{ "0x7f.0.0.1", NULL }, { "2130706433", NULL }, { "127.1", NULL },
	{ " 1.2.3.4", NULL }, { "1.2.3.4 ", NULL }, { "1.2.3.4\n", NULL },
	{ "1.2.3.-4", NULL }, { "1.2.3.+4", NULL }, { "1..3.4", NULL },
	{ "1.2.3.4/8", NULL }, { ":::", NULL }, { "1::2::3", NULL },
	{ "12345::", NULL }, { "fe80::1%eth0", NULL }, { "[::1]", NULL },
	{ "::ffff:01.2.3.4", NULL }, { "1:2:3:4:5:6:7:8:9", NULL },
	{ "unix:", NULL }, { "localhost", NULL },
	{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", NULL },
	/* clang-format on */
};

static void addresses_are_read_strictly(void **state)
{
	char text[IP_TEXT];
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		int r = ip_parse(str_of(addresses[i].in), &ip);

		row("%s", addresses[i].in);
		ROW_INT(r, addresses[i].want ? 0 : -1);
		if (!r && addresses[i].want)
			ROW_STR(ip_text(&ip, text), addresses[i].want);
	}
	row("a NUL");
	ROW_INT(ip_parse((struct str){ "1.2.3.4\0", 8 }, &ip), -1);
	ROW_INT(ip_parse(STR_NONE, &ip), -1);
	rows_done();
}

static const struct {
	const char *in, *net; /* NULL: refused */
	int bits;
} networks[] = {
	/* clang-format off */
	{ "10.0.0.0/8", "10.0.0.0", 8 },
	{ "10.1.2.3/8", "10.0.0.0", 8 },
	{ "10.1.2.3/31", "10.1.2.2", 31 },
	{ "10.1.2.3", "10.1.2.3", 32 },
	{ "0.0.0.0/0", "0.0.0.0", 0 },
	{ "2001:db8::1/32", "2001:db8::", 32 },
	{ "2001:db8::ff/121", "2001:db8::80", 121 },
	{ "::1", "::1", 128 },
	{ "::/0", "::", 0 },
	{ "::ffff:10.1.2.3/104", "10.0.0.0", 8 },
	{ "::ffff:10.1.2.3", "10.1.2.3", 32 },
	{ "::ffff:10.1.2.3/95", NULL, 0 },
	{ "10.0.0.0/33", NULL, 0 }, { "::/129", NULL, 0 },
	{ "10.0.0.0/", NULL, 0 }, { "10.0.0.0/08", NULL, 0 },
	{ "10.0.0.0/-0", NULL, 0 }, { "10.0.0.0/+8", NULL, 0 },
	{ "10.0.0.0/8/8", NULL, 0 }, { "10.0.0.0/ 8", NULL, 0 },
	{ "10.0.0.0/8 ", NULL, 0 }, { "10/8", NULL, 0 }, { "/8", NULL, 0 },
	{ "", NULL, 0 }, { "10.0.0.0/255.0.0.0", NULL, 0 },
	{ "10.0.0.0/99999999999999999999", NULL, 0 },
	/* clang-format on */
};

static void networks_are_read_strictly(void **state)
{
	char text[IP_TEXT];
	struct cidr net;

	(void)state;
	for (size_t i = 0; i < COUNT(networks); i++) {
		int r = cidr_parse(str_of(networks[i].in), &net);

		row("%s", networks[i].in);
		ROW_INT(r, networks[i].net ? 0 : -1);
		if (r || !networks[i].net)
			continue;
		ROW_STR(ip_text(&net.ip, text), networks[i].net);
		ROW_INT(net.bits, networks[i].bits);
	}
	rows_done();
}

static const struct {
	const char *list, *address;
	bool want;
} lists[] = {
	/* clang-format off */
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/9", "10.127.0.1", true },
	{ "10.0.0.0/9", "10.128.0.1", false },
	{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
	{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
	{ "1.2.3.4", "1.2.3.4", true },
	{ "1.2.3.4", "1.2.3.5", false },
	{ "0.0.0.0/0", "9.9.9.9", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "9.9.9.9", false },
	{ "::/0", "fe80::1", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "1.2.3.4, 10.0.0.0/8 ,::1", "10.2.2.2", true },
	{ "1.2.3.4, 10.0.0.0/8 ,::1", "::1", true },
	{ "1.2.3.4,,10.0.0.0/8", "1.2.3.4", false },
	{ "1.2.3.4,junk", "1.2.3.4", false },
	{ "1.2.3.4", "junk", false },
	{ "1.2.3.4", "", false },
	{ "", "1.2.3.4", false },
	/* clang-format on */
};

static void lists_let_in_whom_they_name(void **state)
{
	struct cidr at[2];

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		row("%s in %s", lists[i].address, lists[i].list);
		ROW_INT(cidr_list_has(lists[i].list, str_of(lists[i].address)),
			lists[i].want);
	}
	row("into places");
	ROW_INT(cidr_list(STR("1.1.1.1, ::1"), at, 2), 2);
	ROW_TRUE(at[1].ip.v6);
	ROW_INT(cidr_list(STR("1.1.1.1,::1,::2"), at, 2), -1);
	ROW_INT(cidr_list(STR("1.1.1.1,"), at, 2), -1);
	ROW_INT(cidr_list(STR(" "), at, 2), 0);
	ROW_INT(cidr_list(STR_NONE, at, 2), 0);
	rows_done();
}

static const struct {
	const char *address;
	bool is_private;
} known[] = {
	/* clang-format off */
	{ "0.0.0.0", true }, { "0.1.2.3", true }, { "1.1.1.1", false },
	{ "9.255.255.255", false }, { "10.0.0.0", true },
	{ "10.255.255.255", true }, { "11.0.0.0", false },
	{ "100.63.255.255", false }, { "100.64.0.1", true },
	{ "100.127.255.255", true }, { "100.128.0.0", false },
	{ "127.0.0.1", true }, { "127.255.255.254", true },
	{ "128.0.0.1", false }, { "169.253.1.1", false },
	{ "169.254.169.254", true }, { "172.15.255.255", false },
	{ "172.16.0.1", true }, { "172.31.255.255", true },
	{ "172.32.0.0", false }, { "192.0.0.1", true },
	{ "192.0.2.1", true }, { "192.0.1.1", false },
	{ "192.88.99.1", true }, { "192.168.1.1", true },
	{ "192.169.0.1", false }, { "198.18.0.1", true },
	{ "198.19.255.255", true }, { "198.20.0.0", false },
	{ "198.51.100.1", true }, { "203.0.113.9", true },
	{ "223.255.255.255", false }, { "224.0.0.1", true },
	{ "239.255.255.255", true }, { "240.0.0.1", true },
	{ "255.255.255.255", true }, { "8.8.8.8", false },
	{ "::", true }, { "::1", true }, { "::7f00:1", true },
	{ "::ffff:127.0.0.1", true }, { "::ffff:8.8.8.8", false },
	{ "64:ff9b::7f00:1", true }, { "64:ff9b::a9fe:a9fe", true },
	{ "64:ff9b::808:808", false }, { "64:ff9b:1::808:808", true },
	{ "100::1", true }, { "1fff::1", true },
	{ "2001::1", true }, { "2001:20::1", true },
	{ "2001:1ff:ffff::1", true }, { "2001:200::1", false },
	/* Teredo, whose client is 8.8.8.8, then 10.0.0.1 */
	{ "2001:0:808:808::f7f7:f7f7", false },
	{ "2001:0:808:808::f5ff:fffe", true },
	{ "2001:db8::1", true }, { "2001:db7::1", false },
	{ "2002:7f00:1::", true }, { "2002:a00:1::1", true },
	{ "2002:808:808::1", false },
	{ "2606:4700::6810:1", false }, { "2a00:1450:4001::200e", false },
	{ "3fff::1", true }, { "3fff:1000::1", false },
	{ "4000::1", true }, { "5f00::1", true }, { "fc00::1", true },
	{ "fdff::1", true }, { "fe80::1", true }, { "fec0::1", true },
	{ "ff02::1", true },
	/* clang-format on */
};

static void what_is_not_public_is_known(void **state)
{
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		row("%s", known[i].address);
		ROW_INT(ip_parse(str_of(known[i].address), &ip), 0);
		ROW_INT(cidr_private(&ip), known[i].is_private);
	}
	rows_done();
}

static void socket_addresses_are_read(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(0x0a000001) };
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_addr.s6_addr = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
	};
	struct sockaddr other = { .sa_family = AF_UNIX };
	char text[IP_TEXT];
	struct ip ip;

	(void)state;
	assert_int_equal(ip_of_sockaddr((struct sockaddr *)&v4, &ip), 0);
	assert_string_equal(ip_text(&ip, text), "10.0.0.1");
	assert_int_equal(ip_of_sockaddr((struct sockaddr *)&v6, &ip), 0);
	assert_string_equal(ip_text(&ip, text), "10.0.0.2");
	assert_int_equal(ip_of_sockaddr(&other, &ip), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(lists_let_in_whom_they_name),
		cmocka_unit_test(what_is_not_public_is_known),
		cmocka_unit_test(socket_addresses_are_read),
	};

	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}

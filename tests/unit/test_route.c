/* test_route.c - what admin.fcgi answers, without a web server. */
#include "rows.h"

#include "../../admin-cgi/route.h"
#include "db/db.h"
#include "shared/shared.h"

static char folder[] = "/tmp/pontage-route-XXXXXX";

struct world {
	struct conf conf;
	struct admin admin;
};

static int set_up(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	struct err e = { 0 };
	struct buf text;

	if (!mkdtemp(folder))
		return -1;
	buf_init(&text, 4096);
	buf_printf(&text, "state_dir = %s\ndb_path = %s/pontage.db\n", folder,
		   folder);
	if (conf_parse(&w->conf, buf_span(&text), &e) < 0)
		return -1;
	buf_release(&text);
	w->admin.conf = &w->conf;
	w->admin.shared = shared_open(folder, true, &e);
	*state = w;
	return w->admin.shared ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "pontage.db", "pontage.db-wal",
					     "pontage.db-shm", "shared" };
	struct world *w = *state;

	shared_close(w->admin.shared);
	conf_release(&w->conf);
	free(w);
	for (size_t i = 0; i < COUNT(files); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
	return 0;
}

static const char *address = "127.0.0.1"; /* who asks */

/* The whole answer, to be released. */
static struct buf ask(struct world *w, const char *method, const char *path)
{
	struct ask a = { .method = method,
			 .path = path,
			 .address = address,
			 .request_id = "req_0123456789012345678901" };
	struct reply reply;
	struct buf out;

	buf_init(&out, 2 * REPLY_MAX);
	route_answer(&w->admin, &a, &reply);
	route_write(&a, &reply, &out);
	buf_release(&reply.body);
	return out;
}

static void every_address_has_its_status(void **state)
{
	static const struct {
		const char *method, *path, *status, *holds;
	} cases[] = {
		{ "GET", "/", "200", "pontage token create" },
		{ "GET", "/livez", "200", "{\"status\":\"ok\"}" },
		{ "GET", "/readyz", "503", "\"status\":\"failing\"" },
		{ "GET", "/health", "503", "\"relay\":{\"ok\":false" },
		{ "GET", "/metrics", "200", "pontage_database_up 0\n" },
		{ "POST", "/metrics", "405", "Allow: GET, HEAD\r\n" },
		{ "GET", "/nothing", "404", "Not found" },
		{ "GET", "/livez/", "404", "Not found" },
		{ "GET", "", "404", "Not found" },
		{ "POST", "/nothing", "404", "Not found" },
		{ "POST", "/", "405", "Allow: GET, HEAD\r\n" },
		{ "get", "/", "405", "Not that way" },
		{ "DELETE", "/livez", "405", "Allow: GET, HEAD\r\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = ask(*state, cases[i].method, cases[i].path);

		row("%s %s", cases[i].method, cases[i].path);
		ROW_TRUE(buf_ok(&out));
		ROW_TRUE(!strncmp(out.p, "Status: ", 8));
		ROW_TRUE(!strncmp(out.p + 8, cases[i].status, 3));
		ROW_TRUE(strstr(out.p, cases[i].holds));
		ROW_TRUE(strstr(out.p, "x-request-id: req_0123"));
		ROW_TRUE(strstr(out.p, "Content-Security-Policy: default-src "
				       "'none'"));
		ROW_TRUE(strstr(out.p, "X-Content-Type-Options: nosniff"));
		ROW_TRUE(!strstr(out.p, folder));
		buf_release(&out);
	}
	rows_done();
}

static void head_is_get_without_the_body(void **state)
{
	static const char *const paths[] = { "/", "/livez", "/nothing" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct buf get = ask(*state, "GET", paths[i]);
		struct buf head = ask(*state, "HEAD", paths[i]);

		row("%s", paths[i]);
		ROW_TRUE(head.len < get.len);
		ROW_TRUE(!memcmp(get.p, head.p, head.len));
		ROW_STR(head.p + head.len - 4, "\r\n\r\n");
		buf_release(&get);
		buf_release(&head);
	}
	rows_done();
}

static void ready_once_a_relay_says_so(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	struct db *db = db_open(w->conf.db_path, DB_TOOL, true, &e);
	struct shared_slot *slot;
	struct buf out;

	assert_non_null(db);
	assert_true(db_migrate(db, &e) >= 0);
	db_close(db);
	slot = shared_slot_take(w->admin.shared, SHARED_RELAY, 1, &e);
	assert_non_null(slot);
	out = ask(w, "GET", "/readyz");
	assert_memory_equal(out.p, "Status: 503", 11);
	buf_release(&out);
	shared_enter(slot, SHARED_READY);
	shared_beat(slot);
	out = ask(w, "GET", "/readyz");
	assert_memory_equal(out.p, "Status: 200", 11);
	assert_non_null(strstr(out.p, "\"state\":\"ready\""));
	buf_release(&out);
	shared_slot_free(w->admin.shared, slot);
}

/* --- numbers for Prometheus -------------------------------------------------------- */

/* The name at the start of s, of what a metric may be called; its length. */
static size_t name_of(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz_");

	return strncmp(s, "pontage_", 8) != 0 ? 0 : n;
}

/* After a name: {label="value",...}, or nothing.  NULL: neither. */
static const char *after_labels(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	if (*s != '{')
		return s;
	do {
		s++;
		s += strspn(s, letters);
		if (strncmp(s, "=\"", 2) != 0)
			return NULL;
		s += 2;
		s += strcspn(s, "\"\\\n");
		if (*s++ != '"')
			return NULL;
	} while (*s == ',');
	return *s == '}' ? s + 1 : NULL;
}

/* "NAME{LABELS} 12", where NAME is the one that HELP and TYPE have named. */
static bool is_sample(const char *line, const char *name)
{
	size_t n = name_of(line);
	const char *s;

	if (!n || n != strlen(name) || strncmp(line, name, n) != 0)
		return false;
	s = after_labels(line + n);
	if (!s || *s++ != ' ')
		return false;
	s += *s == '-';
	return *s && s[strspn(s, "0123456789")] == '\0';
}

/* What promtool says of a text: HELP, TYPE, samples; each name once. */
struct metric {
	char name[80];
	enum { NO_LINE, HELP, TYPE, SAMPLE } last;
	struct buf seen;
};

static void check_help(struct metric *m, const char *line)
{
	size_t n = name_of(line);
	char key[84];

	ROW_TRUE(n && n < sizeof(m->name) && line[n] == ' ');
	ROW_TRUE(m->last == NO_LINE || m->last >= TYPE);
	snprintf(m->name, sizeof(m->name), "%.*s", (int)n, line);
	snprintf(key, sizeof(key), " %s ", m->name);
	ROW_TRUE(!strstr(m->seen.p, key));
	buf_str(&m->seen, key);
	m->last = HELP;
}

static void check_type(struct metric *m, const char *line)
{
	size_t n = strlen(m->name);
	const char *kind = line + n;

	ROW_TRUE(m->last == HELP && !strncmp(line, m->name, n));
	ROW_TRUE(!strcmp(kind, " gauge") ||
		 (!strcmp(kind, " counter") &&
		  !strcmp(m->name + n - 6, "_total")));
	m->last = TYPE;
}

static void check_line(struct metric *m, const char *line)
{
	if (!strncmp(line, "# HELP ", 7)) {
		check_help(m, line + 7);
	} else if (!strncmp(line, "# TYPE ", 7)) {
		check_type(m, line + 7);
	} else {
		ROW_TRUE(m->last >= TYPE && is_sample(line, m->name));
		m->last = SAMPLE;
	}
}

static void check_metrics(char *text)
{
	struct metric m = { .last = NO_LINE };
	char *save = NULL;

	buf_init(&m.seen, 0);
	ROW_TRUE(*text && text[strlen(text) - 1] == '\n');
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		row("%s", line);
		check_line(&m, line);
	}
	buf_release(&m.seen);
}

static void metrics_are_as_prometheus_wants(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	struct shared_slot *slot, *dead;
	struct buf out;
	char *body;

	dead = shared_slot_take(w->admin.shared, SHARED_RELAY, 1, &e);
	slot = shared_slot_take(w->admin.shared, SHARED_RELAY, 2, &e);
	assert_non_null(dead);
	assert_non_null(slot);
	shared_count(dead, SHARED_settled, 5);
	shared_slot_free(w->admin.shared, dead);
	shared_count(slot, SHARED_settled, 2);
	shared_load(slot, 3, 1);
	shared_enter(slot, SHARED_READY);
	out = ask(w, "GET", "/metrics");
	assert_memory_equal(out.p, "Status: 200", 11);
	assert_non_null(strstr(out.p, "text/plain; version=0.0.4"));
	assert_non_null(strstr(out.p, "pontage_database_up 1\n"));
	assert_non_null(strstr(out.p, "pontage_open_reservations 0\n"));
	assert_non_null(strstr(out.p, "pontage_settled_total 7\n"));
	assert_non_null(strstr(out.p, "generation=\"2\"} 3\n"));
	assert_non_null(strstr(out.p, "build_info{version=\"" PONTAGE_VERSION));
	body = strstr(out.p, "\r\n\r\n");
	assert_non_null(body);
	check_metrics(body + 4);
	buf_release(&out);
	shared_slot_free(w->admin.shared, slot);
	rows_done();
}

static void metrics_are_for_those_inside(void **state)
{
	static const struct {
		const char *address, *status;
	} cases[] = {
		{ "127.0.0.1", "200" },
		{ "::1", "200" },
		{ "::ffff:127.0.0.1", "200" },
		{ "10.0.0.1", "403" },
		{ "192.0.2.7", "403" },
		{ "2001:db8::1", "403" },
		{ "", "403" },
		{ "localhost", "403" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out;

		address = cases[i].address;
		out = ask(*state, "GET", "/metrics");
		row("%s", cases[i].address);
		ROW_TRUE(!strncmp(out.p + 8, cases[i].status, 3));
		ROW_TRUE(!!strstr(out.p, "pontage_") ==
			 !strcmp(cases[i].status, "200"));
		buf_release(&out);
	}
	address = "127.0.0.1";
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_has_its_status),
		cmocka_unit_test(head_is_get_without_the_body),
		cmocka_unit_test(ready_once_a_relay_says_so),
		cmocka_unit_test(metrics_are_as_prometheus_wants),
		cmocka_unit_test(metrics_are_for_those_inside),
	};

	return cmocka_run_group_tests_name("route", tests, set_up, tear_down);
}

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

/* The whole answer, to be released. */
static struct buf ask(struct world *w, const char *method, const char *path)
{
	struct ask a = { .method = method,
			 .path = path,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_has_its_status),
		cmocka_unit_test(head_is_get_without_the_body),
		cmocka_unit_test(ready_once_a_relay_says_so),
	};

	return cmocka_run_group_tests_name("route", tests, set_up, tear_down);
}

/* test_sandbox.c - what a worker can no longer do; each case in a child. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fixture.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/sandbox.h"
#include "shared/shared.h"
#include "store/archive.h"
#include "store/upkeep.h"

struct world {
	struct fixture fx;
	struct conf conf;
	char master[96], sub[96];
};

/* Each says what errno it got; 0: it could. */

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_passwd(struct world *w)
{
	(void)w;
	return opened("/etc/passwd", O_RDONLY);
}

static int read_master(struct world *w)
{
	return opened(w->master, O_RDONLY);
}

static int write_passwd(struct world *w)
{
	(void)w;
	return opened("/etc/passwd", O_WRONLY);
}

static int make_elsewhere(struct world *w)
{
	(void)w;
	return opened("/tmp/pontage-sandbox", O_WRONLY | O_CREAT);
}

static int read_names(struct world *w)
{
	(void)w;
	return opened("/etc/hosts", O_RDONLY);
}

static int read_self(struct world *w)
{
	(void)w;
	return opened("/proc/self/smaps_rollup", O_RDONLY);
}

static int use_sub(struct world *w)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/new", w->sub);
	return opened(path, O_RDWR | O_CREAT | O_TRUNC);
}

static int write_database(struct world *w)
{
	struct db *db = db_open(w->fx.path, DB_WRITE, false, &w->fx.e);
	int r = !db || moves_grant(db, w->fx.account, 1, "test", "", NULL,
				   &w->fx.e) < 0;

	r = r || db_checkpoint(db, NULL, &w->fx.e) < 0;
	db_close(db);
	return r;
}

#define YEAR_MS 31536000000LL

/* What `pontage tick` does, at a time when this month is over. */
static int keep_house(struct world *w)
{
	struct err e = { 0 };
	struct db *db = db_open(w->fx.path, DB_WRITE, false, &e);
	struct shared *sh = shared_open(w->conf.state_dir, true, &e);
	struct upkeep u = { .conf = &w->conf, .shared = sh };
	int64_t now_ms = clock_wall_ms();
	char month[CLOCK_TEXT];
	struct buf lock;
	int rc = -1;

	ageing_lock_path(&w->conf, &lock);
	clock_text(now_ms, month);
	month[strlen("2026-11")] = '\0';
	if (db && sh && !upkeep_round(&u, db))
		rc = archive_month(db, &w->conf, lock.p, month,
				   now_ms + YEAR_MS, &e);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	ageing_stop(&u.ageing);
	shared_close(sh);
	db_close(db);
	buf_release(&lock);
	return rc == 1 ? 0 : 1;
}

static int execute(struct world *w)
{
	char *argv[] = { NULL };

	(void)w;
	execv("/bin/true", argv);
	return errno;
}

static int execute_raw(struct world *w)
{
	(void)w;
	return syscall(SYS_execveat, -1, "/bin/true", NULL, NULL, 0) ? errno :
								       0;
}

static int make_socket(int family, int kind)
{
	int fd = socket(family, kind | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int socket_unix(struct world *w)
{
	(void)w;
	return make_socket(AF_UNIX, SOCK_STREAM);
}

static int socket_inet(struct world *w)
{
	(void)w;
	return make_socket(AF_INET, SOCK_STREAM);
}

static int socket_netlink(struct world *w)
{
	(void)w;
	return make_socket(AF_NETLINK, SOCK_RAW);
}

static int socket_packet(struct world *w)
{
	(void)w;
	return make_socket(AF_PACKET, SOCK_RAW);
}

static int look_up(struct world *w)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int r = getaddrinfo("localhost", "80", &hints, &all);

	(void)w;
	if (!r)
		freeaddrinfo(all);
	return r;
}

static int open_namespace(struct world *w)
{
	(void)w;
	return syscall(SYS_unshare, 0) ? errno : 0;
}

static int new_key(struct world *w)
{
	(void)w;
	return syscall(SYS_keyctl, 0, -3, 0) < 0 ? errno : 0;
}

static const struct {
	const char *label;
	int (*fn)(struct world *w);
	int want;
	bool by_seccomp; /* else by Landlock, or allowed */
} cases[] = {
	/* clang-format off */
	{ "reads /etc/passwd",       read_passwd,    EACCES, false },
	{ "writes /etc/passwd",      write_passwd,   EACCES, false },
	{ "reads master.key",        read_master,    EACCES, false },
	{ "makes a file in /tmp",    make_elsewhere, EACCES, false },
	{ "reads /etc/hosts",        read_names,     0,      false },
	{ "reads its own memory",    read_self,      0,      false },
	{ "a file in a folder",      use_sub,        0,      false },
	{ "writes the database",     write_database, 0,      false },
	{ "keeps house",             keep_house,     0,      false },
	{ "looks localhost up",      look_up,        0,      false },
	{ "executes",                execute,        EPERM,  true },
	{ "executes otherwise",      execute_raw,    EPERM,  true },
	{ "a unix socket",           socket_unix,    0,      false },
	{ "an internet socket",      socket_inet,    0,      false },
	{ "a netlink socket",        socket_netlink, EAFNOSUPPORT, true },
	{ "a packet socket",         socket_packet,  EAFNOSUPPORT, true },
	{ "a namespace",             open_namespace, EPERM,  true },
	{ "the kernel's keys",       new_key,        EPERM,  true },
	/* clang-format on */
};

static void world_init(struct world *w, const char *text)
{
	struct shared *sh;
	char conf[256];
	int fd;

	memset(w, 0, sizeof(*w));
	fixture_init(&w->fx, NULL);
	fixture_user(&w->fx, 100, -1);
	snprintf(w->master, sizeof(w->master), "%s/master.key", w->fx.dir);
	snprintf(w->sub, sizeof(w->sub), "%s/sub", w->fx.dir);
	assert_int_equal(mkdir(w->sub, 0700), 0);
	fd = open(w->master, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	assert_true(fd >= 0);
	close(fd);
	snprintf(conf, sizeof(conf),
		 "state_dir = %s\ndb_path = %s\nmaster_key_path = %s\n"
		 "admin_key_path = %s/admin.key\n%s",
		 w->fx.dir, w->fx.path, w->master, w->fx.dir, text);
	MUST(&w->fx, conf_parse(&w->conf, str_of(conf), &w->fx.e));
	MUST(&w->fx, upkeep_prepare(&w->conf, &w->fx.e));
	sh = shared_open(w->conf.state_dir, true, &w->fx.e);
	assert_non_null(sh);
	shared_close(sh);
}

static int drop(const char *path, const struct stat *st, int type,
		struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void world_release(struct world *w)
{
	conf_release(&w->conf);
	fixture_release(&w->fx);
	assert_int_equal(nftw(w->fx.dir, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* What the case's errno is in a child that has entered; -1: it could not. */
static int in_child(struct world *w, int (*fn)(struct world *w))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct err e = { 0 };

		if (sandbox_enter(&w->conf, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			_exit(255);
		}
		_exit(fn(w) & 0xff);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) != 255 ?
		       WEXITSTATUS(status) :
		       -1;
}

/* A bare chroot has no /etc/hosts to be read. */
static bool there_is_nothing_to_judge(size_t i)
{
	bool judged =
		cases[i].by_seccomp ? sandbox_seccomp() : sandbox_landlock();
	bool hosts = cases[i].fn == read_names || cases[i].fn == look_up;

	return !judged || (hosts && access("/etc/hosts", R_OK));
}

static void a_worker_does_only_what_it_is_for(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "");
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("%s", cases[i].label);
		if (there_is_nothing_to_judge(i))
			printf("not judged here: %s\n", cases[i].label);
		else
			ROW_INT(in_child(&w, cases[i].fn), cases[i].want);
	}
	world_release(&w);
	rows_done();
}

static void without_it_nothing_is_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "sandbox = no\n");
	assert_int_equal(in_child(&w, read_passwd), 0);
	assert_int_equal(in_child(&w, read_master), 0);
	world_release(&w);
}

static void it_says_what_there_is(void **state)
{
	char text[SANDBOX_TEXT];

	(void)state;
	sandbox_text(text);
	assert_non_null(strstr(text, "Landlock"));
	assert_non_null(strstr(text, "seccomp"));
	assert_int_equal(!strncmp(text, "no Landlock", 11),
			 !sandbox_landlock());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_does_only_what_it_is_for),
		cmocka_unit_test(without_it_nothing_is_refused),
		cmocka_unit_test(it_says_what_there_is),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}

/* sandbox.c - Landlock, and the order of giving things up; see sandbox.h. */
#include "base/sandbox.h"
#include "base/log.h"
#include "base/sandbox_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than some headers that we build with. */
#define FS_TRUNCATE (1ULL << 14)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_CHANGE_FILE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define FS_CHANGE_DIR                                                \
	(LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* All rights of the first version: EXECUTE (bit 0) to MAKE_SYM (bit 12). */
#define FS_ALL ((1ULL << 13) - 1)

/* Names, certificates, libraries that looking names up loads, our own memory.
 * Not /etc as a whole: keys may lie there. */
static const char *const readable[] = {
	"/proc",
	"/sys/devices/system/cpu",
	"/usr/lib",
	"/lib",
	"/lib64",
	"/usr/local/lib",
	"/usr/share/zoneinfo",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/localtime",
	"/etc/ld.so.cache",
	"/etc/ssl",
	"/etc/pki",
	"/run/systemd/resolve",
	"/dev/urandom",
	"/dev/random",
};

struct fence {
	int fd; /* the rule set */
	uint64_t handled;
	struct stat closed[2]; /* the key files; st_ino 0: is not there */
};

int sandbox_landlock(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0,
			 LANDLOCK_CREATE_RULESET_VERSION);

	return v > 0 ? (int)v : 0;
}

static int cannot(const char *path, struct err *e)
{
	return err_set(e, ERR_CONFIG,
		       "Landlock: %s: %s; set sandbox = false to run without",
		       path, strerror(errno));
}

static int allow_fd(struct fence *f, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & f->handled,
		.parent_fd = fd,
	};
	struct stat st;

	/* What only folders have is refused for a file. */
	if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_CHANGE_FILE | FS_TRUNCATE;
	return (int)syscall(SYS_landlock_add_rule, f->fd,
			    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* What is not there needs no rule. */
static int allow(struct fence *f, int at, const char *path, uint64_t rights,
		 struct err *e)
{
	int fd = openat(at, path, O_PATH | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : cannot(path, e);
	r = allow_fd(f, fd, rights);
	if (r < 0)
		cannot(path, e);
	close(fd);
	return r;
}

static bool is_closed(const struct fence *f, int at, const char *name)
{
	struct stat st;

	if (fstatat(at, name, &st, 0))
		return true;
	for (size_t i = 0; i < COUNT(f->closed); i++)
		if (f->closed[i].st_ino && st.st_ino == f->closed[i].st_ino &&
		    st.st_dev == f->closed[i].st_dev)
			return true;
	return false;
}

/* A folder's files one by one: a rule for the whole cannot leave one out. */
static int allow_folder(struct fence *f, const char *path, struct err *e)
{
	const uint64_t rights = FS_CHANGE_FILE | FS_CHANGE_DIR | FS_TRUNCATE;
	DIR *dir = opendir(path);
	struct dirent *d;
	int r;

	if (!dir)
		return cannot(path, e);
	r = allow_fd(f, dirfd(dir), FS_CHANGE_DIR);
	if (r < 0)
		cannot(path, e);
	while (!r && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") &&
		    !is_closed(f, dirfd(dir), d->d_name))
			r = allow(f, dirfd(dir), d->d_name, rights, e);
	closedir(dir);
	return r;
}

/* Locks are made on first use, which would be too late: a rule is about a file
 * that is there. */
static void make_lock(const char *at, const char *name)
{
	struct buf path;
	int fd;

	buf_init(&path, 4096);
	buf_printf(&path, "%s%s", at, name);
	fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (fd >= 0)
		close(fd);
	buf_release(&path);
}

static int allow_state(struct fence *f, const struct conf *c, struct err *e)
{
	char *copy = mem_dup(c->db_path);
	int r;

	make_lock(c->db_path, ".lock");
	make_lock(c->state_dir, "/tick.lock");
	make_lock(c->state_dir, "/ageing.lock");
	r = allow_folder(f, c->state_dir, e);
	if (!r)
		r = allow_folder(f, dirname(copy), e);
	free(copy);
	return r;
}

static int fill(struct fence *f, const struct conf *c, struct err *e)
{
	if (stat(c->master_key_path, &f->closed[0]))
		f->closed[0].st_ino = 0;
	if (stat(c->admin_key_path, &f->closed[1]))
		f->closed[1].st_ino = 0;
	for (size_t i = 0; i < COUNT(readable); i++)
		if (allow(f, AT_FDCWD, readable[i], FS_READ, e) < 0)
			return -1;
	if (allow(f, AT_FDCWD, c->ca_file, FS_READ, e) < 0 ||
	    allow(f, AT_FDCWD, "/dev/null", FS_CHANGE_FILE, e) < 0)
		return -1;
	return allow_state(f, c, e);
}

static int landlock_enter(const struct conf *c, struct err *e)
{
	struct fence f = { .handled = FS_ALL };
	struct landlock_ruleset_attr attr;
	int version = sandbox_landlock(), r;

	if (!version)
		return 0;
	if (version >= 3)
		f.handled |= FS_TRUNCATE;
	attr = (struct landlock_ruleset_attr){ .handled_access_fs = f.handled };
	f.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr),
			    0);
	if (f.fd < 0)
		return cannot("rules", e);
	r = fill(&f, c, e);
	if (!r && syscall(SYS_landlock_restrict_self, f.fd, 0))
		r = cannot("restrict", e);
	close(f.fd);
	return r < 0 ? -1 : 1;
}

/* What a worker has no use for. */
static void lower_limits(void)
{
	static const int none[] = { RLIMIT_MSGQUEUE, RLIMIT_RTPRIO, RLIMIT_NICE,
				    RLIMIT_MEMLOCK };
	const struct rlimit zero = { 0, 0 };

	for (size_t i = 0; i < COUNT(none); i++)
		setrlimit(none[i], &zero);
}

int sandbox_enter(const struct conf *c, struct err *e)
{
	int files, calls;

	if (!c->sandbox)
		return 0;
	lower_limits();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(e, ERR_CONFIG, "no_new_privs: %s",
			       strerror(errno));
	files = landlock_enter(c, e);
	if (files < 0)
		return -1;
	calls = seccomp_enter(e);
	if (calls < 0)
		return -1;
	if (!files || !calls)
		log_info("worker.sandbox",
			 LOG_S("landlock", files ? "on" : "missing"),
			 LOG_S("seccomp", calls ? "on" : "missing"));
	return 0;
}

bool sandbox_seccomp(void)
{
	return seccomp_here();
}

const char *sandbox_text(char text[static SANDBOX_TEXT])
{
	char landlock[32] = "no Landlock";
	int version = sandbox_landlock();

	if (version)
		snprintf(landlock, sizeof(landlock), "Landlock %d", version);
	snprintf(text, SANDBOX_TEXT, "%s, %s", landlock,
		 sandbox_seccomp() ? "seccomp" : "no seccomp");
	return text;
}

/* listen.c - see listen.h. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define BACKLOG      4096
#define FIRST_FD     3 /* of those that systemd passes */
#define MODE_SOCKET  0660
#define INHERIT_MOST 16

static void write_pid(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return; /* it only helps whoever finds the lock taken */
}

static int served_already(int fd, struct err *e)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
	close(fd);
	return err_set(e, ERR_OVERLOADED,
		       "another pontage serves this installation already%s%s; "
		       "stop it first",
		       *text ? ", as process " : "", text);
}

int listen_lock(const char *state_dir, struct err *e)
{
	struct buf path;
	int fd;

	buf_init(&path, 4096);
	buf_printf(&path, "%s/serve.lock", state_dir);
	fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err_set(e, ERR_CONFIG,
			"%s: %s; is state_dir right, and was pontage init run?",
			path.p, strerror(errno));
	buf_release(&path);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return served_already(fd, e);
	write_pid(fd);
	return fd;
}

static int address(const char *path, struct sockaddr_un *a, struct err *e)
{
	size_t n = strlen(path);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n >= sizeof(a->sun_path))
		return err_set(e, ERR_CONFIG,
			       "%s: longer than the %zu bytes of a socket's "
			       "name; set relay_socket and admin_socket",
			       path, sizeof(a->sun_path) - 1);
	memcpy(a->sun_path, path, n + 1);
	return 0;
}

/* Who listens there, if somebody does: workers that a dead supervisor left
 * keep its socket open, but nothing new is for them. */
static pid_t listener(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred who = { 0 };
	socklen_t n = sizeof(who);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (!connect(fd, (const struct sockaddr *)a, sizeof(*a)) &&
	    !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
		pid = who.pid;
	close(fd);
	return pid > 0 && (!kill(pid, 0) || errno == EPERM) ? pid : 0;
}

static int check_free(const char *path, const struct sockaddr_un *a,
		      struct err *e)
{
	struct stat st;
	pid_t pid;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 :
					 err_set(e, ERR_CONFIG, "%s: %s", path,
						 strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG,
			       "%s is there and no socket; remove it, or set "
			       "another name",
			       path);
	pid = listener(a);
	if (pid)
		return err_set(e, ERR_CONFIG,
			       "process %d listens on %s; stop it, or set "
			       "another name",
			       (int)pid, path);
	return 0;
}

static int give_to_group(const char *path, const char *group, struct err *e)
{
	struct group *gr;

	if (!*group)
		return 0;
	gr = getgrnam(group);
	if (!gr)
		return err_set(e, ERR_CONFIG,
			       "socket_group: there is no group \"%s\"", group);
	if (chown(path, (uid_t)-1, gr->gr_gid))
		return err_set(e, ERR_CONFIG,
			       "socket_group: cannot give %s to the group %s: "
			       "%s; is this user a member?",
			       path, group, strerror(errno));
	return 0;
}

/* Binds beside the name and moves it there: mode and group are right from
 * its first moment on. */
static int bind_and_move(int fd, const char *path, const char *group,
			 struct err *e)
{
	struct sockaddr_un a;
	struct buf beside;
	int r = -1;

	buf_init(&beside, 4096);
	buf_printf(&beside, "%s.new", path);
	if (address(beside.p, &a, e) < 0)
		goto out;
	unlink(beside.p);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (give_to_group(beside.p, group, e) < 0)
		;
	else if (chmod(beside.p, MODE_SOCKET) || listen(fd, BACKLOG) ||
		 rename(beside.p, path))
		err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
	else
		r = 0;
	if (r < 0)
		unlink(beside.p);
out:
	buf_release(&beside);
	return r;
}

int listen_open(const char *path, const char *group, struct err *e)
{
	struct sockaddr_un a;
	int fd;

	if (address(path, &a, e) < 0 || check_free(path, &a, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, ERR_IO, "no socket: %s", strerror(errno));
	if (bind_and_move(fd, path, group, e) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int number_of(const char *name, int64_t max)
{
	int64_t v = 0;

	str_int(str_of(getenv(name)), 0, max, &v);
	return (int)v;
}

static bool is_at(int fd, const char *path)
{
	struct sockaddr_un a = { 0 };
	socklen_t n = sizeof(a);

	return !getsockname(fd, (struct sockaddr *)&a, &n) &&
	       a.sun_family == AF_UNIX && !strcmp(a.sun_path, path);
}

/* FileDescriptorName= of the units, in the order of the places. */
static const char *const unit_names[] = { "relay", "admin" };

/* The descriptor that systemd gave this name; -1: none. */
static int named(const char *name)
{
	struct str rest = str_of(getenv("LISTEN_FDNAMES")), piece;

	for (int fd = FIRST_FD; str_next(&rest, ':', &piece); fd++)
		if (str_eq(piece, name))
			return fd;
	return -1;
}

int listen_inherited(const char *path, int place)
{
	int n = number_of("LISTEN_FDS", INHERIT_MOST), found = -1, fd;

	if (number_of("LISTEN_PID", INT32_MAX) != getpid())
		return -1;
	for (fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (is_at(fd, path))
			return fd;
		if (fd - FIRST_FD == place)
			found = fd;
	}
	fd = place < (int)COUNT(unit_names) ? named(unit_names[place]) : -1;
	return fd >= 0 && fd < FIRST_FD + n ? fd : found;
}

int64_t listen_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	int64_t us = 0;

	if (pid && number_of("WATCHDOG_PID", INT32_MAX) != getpid())
		return 0;
	str_int(str_of(getenv("WATCHDOG_USEC")), 0, INT64_MAX, &us);
	return us > 2000 ? us / 2000 : 0;
}

void listen_forget(void)
{
	static const char *const names[] = { "LISTEN_FDS",     "LISTEN_PID",
					     "LISTEN_FDNAMES", "NOTIFY_SOCKET",
					     "WATCHDOG_USEC",  "WATCHDOG_PID" };

	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

void listen_notify(const char *what)
{
	static struct sockaddr_un to;
	static size_t n;
	const char *name = getenv("NOTIFY_SOCKET");
	int fd;

	if (name && *name && strlen(name) < sizeof(to.sun_path)) {
		to.sun_family = AF_UNIX;
		n = strlen(name);
		memcpy(to.sun_path, name, n);
		if (name[0] == '@') /* an abstract name */
			to.sun_path[0] = '\0';
	}
	fd = n ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return;
	if (sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		n = 0; /* nobody listens: once is enough */
	close(fd);
}

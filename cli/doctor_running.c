/* doctor_running.c - what runs, what listens. */
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "shared/shared.h"

#define TEXT(d, ...) arena_printf(&(d)->c->arena, __VA_ARGS__)

static const char start_it[] = "start pontage serve";

static struct finding count(struct doctor *d, enum shared_kind kind,
			    const char *name)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(d->c->conf.state_dir, false, &e);
	struct shared_view v;
	int64_t late_ms = 0;
	int n = 0;

	if (!sh)
		return finding(DOCTOR_BAD, TEXT(d, "no %s runs", name),
			       start_it);
	shared_reap(sh);
	for (int i = 0; i < SHARED_SLOTS; i++)
		if (shared_look(sh, i, &v) && v.kind == kind &&
		    v.state == SHARED_READY) {
			late_ms =
				MAX(late_ms, clock_mono_ms() - v.beat_mono_ms);
			n++;
		}
	shared_close(sh);
	if (!n)
		return finding(DOCTOR_BAD, TEXT(d, "no %s is ready", name),
			       start_it);
	if (late_ms > MAX(5000, 3 * d->c->conf.heartbeat_ms))
		return finding(DOCTOR_BAD,
			       TEXT(d, "a %s has been silent for %lld ms", name,
				    (long long)late_ms),
			       "its log says what it waits for");
	return finding(DOCTOR_OK, TEXT(d, "%d %s ready", n, name), NULL);
}

static struct finding relays(struct doctor *d)
{
	return count(d, SHARED_RELAY, "relay.fcgi");
}

static struct finding admins(struct doctor *d)
{
	return count(d, SHARED_ADMIN, "admin.fcgi");
}

static struct finding ticks(struct doctor *d)
{
	return count(d, SHARED_TICK, "tick");
}

/* Under systemd the sockets are root's, and ours is another user. */
static const char *group_cure(struct doctor *d, const char *path)
{
	struct stat st;
	const struct group *g;

	if (stat(path, &st) || !(g = getgrgid(st.st_gid)))
		return "the web server's user must be in socket_group";
	return TEXT(d, "the web server's user must be in the group %s",
		    g->gr_name);
}

static struct finding socket_at(struct doctor *d, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	r = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0)
		r = errno ? errno : EIO;
	if (fd >= 0)
		close(fd);
	if (!r)
		return finding(DOCTOR_OK, path, NULL);
	if (r == EACCES)
		return finding(DOCTOR_NOTE,
			       TEXT(d, "%s is not for this user to try", path),
			       group_cure(d, path));
	return finding(DOCTOR_BAD, TEXT(d, "%s: %s", path, strerror(r)),
		       start_it);
}

static struct finding relay_socket(struct doctor *d)
{
	return socket_at(d, d->c->conf.relay_socket);
}

static struct finding admin_socket(struct doctor *d)
{
	return socket_at(d, d->c->conf.admin_socket);
}

const struct check doctor_running[] = {
	{ "relay", relays },        { "admin", admins },
	{ "tick", ticks },          { "socket", relay_socket },
	{ "socket", admin_socket }, { .name = NULL }
};

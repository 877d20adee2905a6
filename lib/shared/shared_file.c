/* shared_file.c - makes and maps the file of shared.h. */
#include "shared/shared_in.h"

#include "base/buf.h"
#include "base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LAYOUT 2
#define NAME   "shared"

int shared_read(const char *path, char *at, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, at, size - 1);
	close(fd);
	at[n < 0 ? 0 : n] = '\0';
	return (int)n;
}

static struct shared_head head_now(void)
{
	struct shared_head h = { .magic = SHARED_MAGIC,
				 .layout = LAYOUT,
				 .n_slots = SHARED_SLOTS,
				 .n_counters = SHARED_COUNTER__COUNT };

	shared_read("/proc/sys/kernel/random/boot_id", h.kernel,
		    sizeof(h.kernel));
	return h;
}

/* Of this boot and this layout? */
static bool is_ours(int fd, const struct stat *st)
{
	struct shared_head want = head_now(), got;

	if (st->st_size != sizeof(struct shared_file) ||
	    pread(fd, &got, sizeof(got), 0) != sizeof(got))
		return false;
	return !memcmp(got.magic, want.magic, sizeof(got.magic)) &&
	       got.layout == want.layout && got.n_slots == want.n_slots &&
	       got.n_counters == want.n_counters &&
	       !memcmp(got.kernel, want.kernel, sizeof(got.kernel)) && got.boot;
}

/* Fills an empty file; the head comes last, so half a file is none. */
static int make(int fd, const char *path, struct err *e)
{
	struct shared_head h = head_now();
	int r = posix_fallocate(fd, 0, sizeof(struct shared_file));

	h.boot = 1 + (int64_t)rand_below(INT64_MAX);
	if (r)
		return err_set(e, ERR_CONFIG, "no room for %s: %s", path,
			       strerror(r));
	if (pwrite(fd, &h, sizeof(h), 0) != sizeof(h))
		return err_set(e, ERR_CONFIG, "cannot write %s: %s", path,
			       strerror(errno));
	return 0;
}

static struct shared *map(int fd, const char *path, struct err *e)
{
	void *p = mmap(NULL, sizeof(struct shared_file), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);
	struct shared *sh;

	if (p == MAP_FAILED) {
		err_set(e, ERR_CONFIG, "cannot map %s: %s", path,
			strerror(errno));
		return NULL;
	}
	sh = mem_alloc(sizeof(*sh));
	sh->file = p;
	return sh;
}

static int lock(int fd)
{
	int r;

	do
		r = flock(fd, LOCK_EX);
	while (r < 0 && errno == EINTR);
	return r;
}

enum turn { DONE, FAILED, AGAIN };

/* One try, the file locked.  AGAIN: it was replaced meanwhile, or has been
 * now; who has the old one mapped keeps it. */
static enum turn try_map(int fd, const char *path, bool create,
			 struct shared **out, struct err *e)
{
	struct stat here, there;

	if (lock(fd) < 0 || fstat(fd, &here) < 0) {
		err_set(e, ERR_CONFIG, "cannot lock %s: %s", path,
			strerror(errno));
		return FAILED;
	}
	if (lstat(path, &there) < 0 || here.st_ino != there.st_ino ||
	    here.st_dev != there.st_dev)
		return AGAIN;
	if (!is_ours(fd, &here)) {
		if (!create) {
			err_set(e, ERR_NOT_FOUND,
				"nothing has run since the boot");
			return FAILED;
		}
		if (here.st_size)
			return unlink(path) < 0 ? FAILED : AGAIN;
		if (make(fd, path, e) < 0)
			return FAILED;
	}
	*out = map(fd, path, e);
	return *out ? DONE : FAILED;
}

struct shared *shared_open(const char *state_dir, bool create, struct err *e)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
	enum turn turn = AGAIN;
	struct shared *sh = NULL;
	struct buf path;

	buf_init(&path, 4096);
	buf_printf(&path, "%s/" NAME, state_dir);
	for (int tries = 0; tries < 100 && turn == AGAIN; tries++) {
		int fd = open(path.p, flags, 0660);

		if (fd < 0)
			break;
		turn = try_map(fd, path.p, create, &sh, e);
		/* Closing would not: the mapping holds the file open. */
		flock(fd, LOCK_UN);
		close(fd);
	}
	if (!sh && !e->code)
		err_set(e,
			!create && errno == ENOENT ? ERR_NOT_FOUND : ERR_CONFIG,
			"cannot open %s: %s", path.p, strerror(errno));
	buf_release(&path);
	return sh;
}

void shared_close(struct shared *sh)
{
	if (!sh)
		return;
	munmap(sh->file, sizeof(*sh->file));
	free(sh->own_meters);
	free(sh);
}

int64_t shared_boot(const struct shared *sh)
{
	return sh->file->head.boot;
}

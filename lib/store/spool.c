/* spool.c - writing it; see spool.h. */
#include "store/spool_in.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "shared/shared.h"
#include "store/ledger_in.h"
#include "json/jw.h"

#define LINE_MAX_BYTES ((size_t)16 << 20)
#define PAUSE_MS       1000 /* between two tries to replay */

struct spool {
	char dir[SPOOL_PATH], name[SPOOL_NAME];
	struct shared_slot *slot;
	int fd;         /* -1: none */
	bool locked;    /* from the first put to the sync */
	int64_t n_put;  /* since the last sync */
	bool waiting;   /* something is in the file */
	int64_t try_ms; /* clock_mono_ms() of the next replay */
};

/* --- the folder ------------------------------------------------------------------ */

void spool_path(char at[static SPOOL_PATH], const char *state_dir,
		const char *name)
{
	struct buf b;

	buf_init(&b, SPOOL_PATH - 1);
	buf_printf(&b, "%s/spool%s%s", state_dir, *name ? "/" : "", name);
	assert(buf_ok(&b));
	memcpy(at, b.p, b.len + 1);
	buf_release(&b);
}

void spool_ballast(const char *state_dir)
{
	char path[SPOOL_PATH];
	struct statvfs v;
	int fd;

	spool_path(path, state_dir, "ballast");
	if (!access(path, F_OK) || statvfs(state_dir, &v) ||
	    (uint64_t)v.f_bavail * v.f_frsize < (uint64_t)4 * SPOOL_BALLAST)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, SPOOL_BALLAST))
		unlink(path);
	close(fd);
}

int spool_prepare(const char *state_dir, struct err *e)
{
	char path[SPOOL_PATH];

	if (strlen(state_dir) > SPOOL_PATH - 64)
		return err_set(e, ERR_CONFIG, "state_dir is too long");
	spool_path(path, state_dir, "");
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
	spool_ballast(state_dir);
	return 0;
}

struct spool *spool_open(const char *state_dir, struct shared_slot *slot,
			 int64_t worker_id)
{
	struct spool *s = mem_alloc(sizeof(*s));

	spool_path(s->dir, state_dir, "");
	snprintf(s->name, sizeof(s->name), "%lld" SPOOL_SUFFIX,
		 (long long)worker_id);
	s->slot = slot;
	s->fd = -1;
	return s;
}

static bool ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

void spool_waiting(const char *state_dir, int64_t *files, int64_t *bad)
{
	char path[SPOOL_PATH];
	struct dirent *d;
	DIR *dir;

	*files = *bad = 0;
	spool_path(path, state_dir, "");
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		*files += ends(d->d_name, SPOOL_SUFFIX);
		*bad += ends(d->d_name, SPOOL_SUFFIX ".bad");
	}
	if (dir)
		closedir(dir);
}

void spool_close(struct spool *s)
{
	if (s && s->fd >= 0)
		close(s->fd);
	free(s);
}

void spool_room(void *spool)
{
	const struct spool *s = spool;
	char path[SPOOL_PATH + 16];

	snprintf(path, sizeof(path), "%s/ballast", s->dir);
	if (!unlink(path))
		log_error("spool.room", LOG_I("bytes", SPOOL_BALLAST));
}

/* --- a line ------------------------------------------------------------------------ */

static const struct spool_field fields[] = {
#define S(field) { #field, DB_STR(request, field) },
#define I(field) { #field, DB_INT(request, field) },
#include "store/settle.def"
#undef S
#undef I
	{ "request_id", DB_STR(request, request_id) },
	{ NULL, { DB_KIND_INT, 0, 0 } },
};

const struct spool_field *spool_fields(void)
{
	return fields;
}

void spool_sum(struct str text, char at[static SPOOL_SUM + 1])
{
	unsigned char hash[HASH_SHA256];

	hash_sha256(text.p, text.n, hash);
	for (size_t i = 0; i < SPOOL_SUM / 2; i++)
		snprintf(at + 2 * i, 3, "%02x", hash[i]);
}

static void put_field(struct jw *w, const struct spool_field *f,
		      const void *row)
{
	const char *p = (const char *)row + f->col.at;

	if (f->col.kind == DB_KIND_STR) {
		const char *text = *(const char *const *)(const void *)p;

		jw_str(w, f->name, text ? text : "");
	} else if (f->col.size == sizeof(bool)) {
		jw_int(w, f->name, *(const bool *)p);
	} else {
		jw_int(w, f->name, *(const int64_t *)(const void *)p);
	}
}

static void make_line(struct buf *out, const struct request *r)
{
	char sum[SPOOL_SUM + 1];
	struct buf json;
	struct jw w;

	buf_init(&json, LINE_MAX_BYTES);
	jw_start(&w, &json);
	jw_object(&w, NULL);
	for (const struct spool_field *f = fields; f->name; f++)
		put_field(&w, f, r);
	jw_end(&w);
	spool_sum(buf_span(&json), sum);
	buf_printf(out, "%s ", sum);
	buf_add(out, json.p, json.len);
	buf_char(out, '\n');
	if (!buf_ok(&json))
		out->bad = true;
	buf_release(&json);
}

/* --- writing ------------------------------------------------------------------------- */

static int failed(const struct spool *s, const char *what, struct err *e)
{
	int code = errno == ENOSPC || errno == EDQUOT ? ERR_STORAGE : ERR_IO;

	return err_set(e, (enum err_code)code, "spool: %s %s: %s", what,
		       s->name, strerror(errno));
}

/* Who replays it removes it: then it is made anew. */
static int open_and_lock(struct spool *s, struct err *e)
{
	char path[SPOOL_PATH + SPOOL_NAME];
	struct stat st;

	if (s->locked)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", s->dir, s->name);
	for (int i = 0; i < 10; i++) {
		if (s->fd < 0)
			s->fd = open(path,
				     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				     0600);
		if (s->fd < 0)
			return failed(s, "open", e);
		if (flock(s->fd, LOCK_EX | LOCK_NB))
			return failed(s, "lock", e);
		if (!fstat(s->fd, &st) && st.st_nlink) {
			s->locked = true;
			return 0;
		}
		close(s->fd);
		s->fd = -1;
	}
	return failed(s, "open", e);
}

static void unlock(struct spool *s)
{
	flock(s->fd, LOCK_UN);
	s->locked = false;
}

/* All of it, or the file is as it was. */
static int append_line(struct spool *s, struct str line, struct err *e)
{
	off_t end = lseek(s->fd, 0, SEEK_END);
	size_t done = 0;

	while (done < line.n) {
		ssize_t n = write(s->fd, line.p + done, line.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			failed(s, "write", e);
			if (ftruncate(s->fd, end))
				log_error("spool.cut",
					  LOG_S("why", strerror(errno)));
			return -1;
		}
		done += (size_t)n;
	}
	return 0;
}

static int put_line(struct spool *s, struct str line, struct err *e)
{
	if (append_line(s, line, e) == 0)
		return 0;
	if (e->code != ERR_STORAGE)
		return -1;
	spool_room(s);
	err_clear(e);
	return append_line(s, line, e);
}

int spool_put(void *spool, struct write_op *op, struct err *e)
{
	struct spool *s = spool;
	const struct request *r = ledger_settle_row(op);
	struct buf line;
	int rc;

	if (!r)
		return err_set(e, ERR_IO, "spool: it takes settles only");
	if (open_and_lock(s, e) < 0)
		return -1;
	buf_init(&line, 2 * LINE_MAX_BYTES);
	make_line(&line, r);
	rc = buf_ok(&line) ? put_line(s, buf_span(&line), e) :
			     err_set(e, ERR_IO, "spool: a line is too long");
	buf_release(&line);
	if (rc == 0)
		s->n_put++;
	else if (!s->n_put)
		unlock(s);
	return rc;
}

/* The name of a new file is on the disk when its folder is. */
static int sync_folder(const struct spool *s)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int spool_sync(void *spool, struct err *e)
{
	struct spool *s = spool;
	int rc = 0;

	if (fsync(s->fd) || sync_folder(s))
		rc = failed(s, "sync", e);
	unlock(s);
	s->waiting = true;
	if (rc == 0) {
		shared_count(s->slot, SHARED_spooled, s->n_put);
		log_error("spool.put", LOG_I("settles", s->n_put));
	}
	s->n_put = 0;
	return rc;
}

/* --- the way back ------------------------------------------------------------------- */

void spool_catch_up(struct spool *s, struct db *db)
{
	struct spool_replayed out = { 0 };
	int64_t now_ms = clock_mono_ms();
	struct err e = { 0 };

	if (!s->waiting || now_ms < s->try_ms)
		return;
	s->try_ms = now_ms + PAUSE_MS;
	if (spool_replay_file(s->dir, s->name, db, s->slot, &out, &e) < 0)
		log_warn("spool.waits", LOG_S("why", e.msg));
	else if (!out.busy)
		s->waiting = false;
}

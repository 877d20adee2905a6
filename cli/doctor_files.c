/* doctor_files.c - what lies on the disk: state, keys, database, limits. */
#include "doctor.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/sandbox.h"
#include "count/count_files.h"
#include "crypto/box.h"
#include "db/db.h"
#include "store/meta.h"

#define FREE_LEAST_MB 512
#define WAL_MOST      (256LL << 20) /* a reader is stuck */
#define FILES_LEAST   4096

/* Free of the WAL-reset bug (sqlite.org/wal.html#walresetbug). */
#define GOOD_MAJOR 3
#define GOOD_MINOR 51
#define GOOD_PATCH 3

#define TEXT(d, ...) arena_printf(&(d)->c->arena, __VA_ARGS__)

static struct finding sqlite_version(struct doctor *d)
{
	struct str rest = str_of(db_version()), piece;
	int64_t v[3] = { 0 };
	int64_t good = GOOD_MAJOR * 1000000 + GOOD_MINOR * 1000 + GOOD_PATCH;

	for (size_t i = 0; i < COUNT(v) && str_next(&rest, '.', &piece); i++)
		str_int(piece, 0, 999, &v[i]);
	if (v[0] * 1000000 + v[1] * 1000 + v[2] >= good)
		return finding(DOCTOR_OK, TEXT(d, "SQLite %s", db_version()),
			       NULL);
	return finding(DOCTOR_NOTE,
		       TEXT(d,
			    "SQLite %s has the WAL-reset bug; Pontage "
			    "checkpoints under one lock, which keeps clear of "
			    "it",
			    db_version()),
		       "let no other program write to the database");
}

static struct finding sandbox(struct doctor *d)
{
	char *text = arena_alloc(&d->c->arena, SANDBOX_TEXT);

	sandbox_text(text);
	if (!d->c->conf.sandbox)
		return finding(DOCTOR_NOTE, TEXT(d, "off; here is %s", text),
			       "sandbox = true");
	if (sandbox_landlock() && sandbox_seccomp())
		return finding(DOCTOR_OK, text, NULL);
	return finding(DOCTOR_NOTE, text,
		       sandbox_landlock() ?
			       "install libseccomp-dev and build again" :
			       "a kernel with Landlock (5.13, lsm=landlock) "
			       "keeps workers from files they do not need");
}

static struct finding tokens(struct doctor *d)
{
	char *text = arena_alloc(&d->c->arena, COUNT_TEXT);
	struct err e = { 0 };
	int damaged;
	struct count *c = count_open_for(&d->c->conf, &damaged, &e);
	bool all = count_has(c, COUNT_CL100K) && count_has(c, COUNT_O200K);

	count_text(c, text);
	count_close(c);
	if (damaged)
		return finding(DOCTOR_BAD, TEXT(d, "%s", e.msg),
			       "without it tokens are estimated");
	if (all)
		return finding(DOCTOR_OK, TEXT(d, "counted by %s", text), NULL);
	return finding(DOCTOR_NOTE, TEXT(d, "of prompts: %s", text),
		       "make ranks (with npm) lets OpenAI's be counted");
}

static struct finding state_folder(struct doctor *d)
{
	const char *dir = d->c->conf.state_dir;
	struct stat st;

	if (stat(dir, &st))
		return finding(DOCTOR_BAD,
			       TEXT(d, "%s: %s", dir, strerror(errno)),
			       "run pontage init, or set state_dir");
	if (st.st_mode & S_IWOTH)
		return finding(DOCTOR_BAD,
			       TEXT(d, "%s can be written by everybody", dir),
			       TEXT(d, "chmod 700 %s", dir));
	if (access(dir, W_OK))
		return finding(
			DOCTOR_BAD,
			TEXT(d, "%s cannot be written by this user", dir),
			"run as the user that runs pontage serve");
	return finding(DOCTOR_OK, dir, NULL);
}

static struct finding key_file(struct doctor *d, const char *path)
{
	struct err e = { 0 };
	struct box_key *k = box_key_load(path, &e);
	struct stat st;

	if (!k && !stat(path, &st) && st.st_mode & 077)
		return finding(DOCTOR_BAD, TEXT(d, "others may read %s", path),
			       TEXT(d, "chmod 400 %s", path));
	if (!k)
		return finding(DOCTOR_BAD, TEXT(d, "%s", e.msg),
			       "put the old file back; pontage init makes one "
			       "for a new installation");
	box_key_wipe(k);
	return finding(DOCTOR_OK, path, NULL);
}

static struct finding master_key(struct doctor *d)
{
	return key_file(d, d->c->conf.master_key_path);
}

static struct finding admin_key(struct doctor *d)
{
	return key_file(d, d->c->conf.admin_key_path);
}

static struct finding database(struct doctor *d)
{
	struct err e = { 0 };
	struct db *db = cli_db(d->c, &e);
	int schema = db ? db_schema(db, &e) : -1;

	if (schema < 0)
		return finding(DOCTOR_BAD, TEXT(d, "%s", e.msg),
			       "pontage init makes or migrates it");
	return finding(DOCTOR_OK,
		       TEXT(d, "%s, schema %d", d->c->conf.db_path, schema),
		       NULL);
}

/* Does master.key open what the database's public key seals? */
static struct finding key_match(struct doctor *d)
{
	struct err e = { 0 };
	char text[BOX_PUBLIC_TEXT];
	struct box_public public;
	struct box_key *k;
	const char *known = NULL;

	if (d->c->db)
		known = meta_get(d->c->db, "public_key", &d->c->arena, &e);
	k = box_key_load(d->c->conf.master_key_path, &(struct err){ 0 });
	if (!known || !k) {
		box_key_wipe(k);
		return finding(DOCTOR_BAD, "the database or its key is missing",
			       "see above");
	}
	box_key_public(k, &public);
	box_key_wipe(k);
	if (strcmp(known, box_public_text(&public, text)))
		return finding(DOCTOR_BAD,
			       "master.key is not the one that this database "
			       "was made with",
			       "put the old file back: nothing else opens the "
			       "keys of providers");
	return finding(DOCTOR_OK, "master.key opens what the database holds",
		       NULL);
}

static struct finding wal(struct doctor *d)
{
	int64_t bytes = d->c->db ? db_wal_bytes(d->c->db) : 0;
	const char *what =
		TEXT(d, "the WAL has %lld MB", (long long)(bytes >> 20));

	if (bytes <= WAL_MOST)
		return finding(DOCTOR_OK, what, NULL);
	return finding(DOCTOR_BAD, what,
		       "a reader is stuck, or tick does not run: restart "
		       "pontage serve, look for sqlite3 sessions");
}

static struct finding disk(struct doctor *d)
{
	struct statvfs fs;
	long long mb;

	if (statvfs(d->c->conf.state_dir, &fs))
		return finding(DOCTOR_BAD, TEXT(d, "%s", strerror(errno)),
			       "set state_dir");
	mb = (long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20);
	if (mb < FREE_LEAST_MB)
		return finding(DOCTOR_BAD,
			       TEXT(d, "%lld MB free beside the database", mb),
			       "make room: with a full disk requests get 503");
	return finding(DOCTOR_OK,
		       TEXT(d, "%lld MB free beside the database", mb), NULL);
}

static struct finding files(struct doctor *d)
{
	struct rlimit r;
	long long n;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return finding(DOCTOR_NOTE, TEXT(d, "%s", strerror(errno)),
			       NULL);
	n = r.rlim_max == RLIM_INFINITY ? INT32_MAX : (long long)r.rlim_max;
	if (n < FILES_LEAST)
		return finding(DOCTOR_BAD,
			       TEXT(d, "%lld open files: %lld requests at once",
				    n, n / 3),
			       "LimitNOFILE=65536 in the unit, or ulimit -Hn");
	return finding(DOCTOR_OK, TEXT(d, "%lld open files in a process", n),
		       NULL);
}

static struct finding ca_file(struct doctor *d)
{
	const char *file = d->c->conf.ca_file;
	struct stat st;

	if (!stat(file, &st) && st.st_size > 0 && !access(file, R_OK))
		return finding(DOCTOR_OK, file, NULL);
	return finding(DOCTOR_BAD, TEXT(d, "ca_file %s cannot be read", file),
		       "install ca-certificates, or set ca_file");
}

const struct check doctor_files[] = { { "sqlite", sqlite_version },
				      { "sandbox", sandbox },
				      { "tokens", tokens },
				      { "state", state_folder },
				      { "master", master_key },
				      { "admin", admin_key },
				      { "database", database },
				      { "keys", key_match },
				      { "wal", wal },
				      { "disk", disk },
				      { "files", files },
				      { "ca", ca_file },
				      { .name = NULL } };

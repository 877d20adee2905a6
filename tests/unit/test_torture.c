/* test_torture.c - the n-th call to the disk or for memory fails, or that and
 * all after it: whatever fails, each operation is answered, what was said to
 * be done is there, nothing is half there, and the books agree. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "fixture.h"

#include "base/clock.h"

/* Too much memory asked for is answered, as it is without the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* --- what fails ------------------------------------------------------------------ */

enum fault { READ, WRITE, FULL, SYNC, TRUNCATE, MEMORY, FAULT__COUNT };

static const struct {
	const char *name;
	int code;
} faults[FAULT__COUNT] = {
	[READ] = { "read", SQLITE_IOERR_READ },
	[WRITE] = { "write", SQLITE_IOERR_WRITE },
	[FULL] = { "disk full", SQLITE_FULL },
	[SYNC] = { "sync", SQLITE_IOERR_FSYNC },
	[TRUNCATE] = { "truncate", SQLITE_IOERR_TRUNCATE },
	[MEMORY] = { "memory", SQLITE_NOMEM },
};

/* Also looked at by the writer's thread. */
static struct {
	int fault; /* FAULT__COUNT: none */
	int left;  /* calls that pass before */
	bool for_ever;
	int fired;
} armed = { .fault = FAULT__COUNT };

static void arm(enum fault fault, int nth, bool for_ever)
{
	__atomic_store_n(&armed.left, nth - 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&armed.fired, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&armed.for_ever, for_ever, __ATOMIC_SEQ_CST);
	__atomic_store_n(&armed.fault, (int)fault, __ATOMIC_SEQ_CST);
}

static int disarm(void)
{
	__atomic_store_n(&armed.fault, FAULT__COUNT, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&armed.fired, __ATOMIC_SEQ_CST);
}

static bool fails(enum fault fault)
{
	if (__atomic_load_n(&armed.fault, __ATOMIC_SEQ_CST) != (int)fault ||
	    __atomic_fetch_sub(&armed.left, 1, __ATOMIC_SEQ_CST) > 0)
		return false;
	if (__atomic_fetch_add(&armed.fired, 1, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&armed.for_ever, __ATOMIC_SEQ_CST))
		return false;
	return true;
}

/* --- a disk of SQLite's that can fail ---------------------------------------------- */

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static int x_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	if (fails(READ))
		return faults[READ].code;
	return real(f)->pMethods->xRead(real(f), p, n, at);
}

/* One that fails has written half. */
static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	for (enum fault x = WRITE; x <= FULL; x++)
		if (fails(x)) {
			real(f)->pMethods->xWrite(real(f), p, n / 2, at);
			return faults[x].code;
		}
	return real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	if (fails(TRUNCATE))
		return faults[TRUNCATE].code;
	return real(f)->pMethods->xTruncate(real(f), n);
}

static int x_sync(sqlite3_file *f, int flags)
{
	if (fails(SYNC))
		return faults[SYNC].code;
	return real(f)->pMethods->xSync(real(f), flags);
}

static int x_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real(f)->pMethods->xFileSize(real(f), n);
}

static int x_lock(sqlite3_file *f, int how)
{
	return real(f)->pMethods->xLock(real(f), how);
}

static int x_unlock(sqlite3_file *f, int how)
{
	return real(f)->pMethods->xUnlock(real(f), how);
}

static int x_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int x_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int x_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int x_shm_map(sqlite3_file *f, int i, int n, int grow,
		     void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), i, n, grow, out);
}

static int x_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int x_shm_unmap(sqlite3_file *f, int drop)
{
	return real(f)->pMethods->xShmUnmap(real(f), drop);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_size,
	.xLock = x_lock,
	.xUnlock = x_unlock,
	.xCheckReservedLock = x_reserved,
	.xFileControl = x_control,
	.xSectorSize = x_sector,
	.xDeviceCharacteristics = x_device,
	.xShmMap = x_shm_map,
	.xShmLock = x_shm_lock,
	.xShmBarrier = x_shm_barrier,
	.xShmUnmap = x_shm_unmap,
};

static sqlite3_vfs *below, failing;

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
		  int flags, int *out)
{
	struct file *x = (struct file *)f;
	int rc;

	(void)vfs;
	x->real = (sqlite3_file *)(x + 1);
	rc = below->xOpen(below, name, x->real, flags, out);
	x->base.pMethods = x->real->pMethods ? &methods : NULL;
	return rc;
}

/* --- SQLite's memory ---------------------------------------------------------------- */

static sqlite3_mem_methods heap;

static void *x_malloc(int n)
{
	return fails(MEMORY) ? NULL : heap.xMalloc(n);
}

static void *x_realloc(void *p, int n)
{
	return fails(MEMORY) ? NULL : heap.xRealloc(p, n);
}

static void set_up_sqlite(void)
{
	sqlite3_mem_methods mine;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap);
	mine = heap;
	mine.xMalloc = x_malloc;
	mine.xRealloc = x_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &mine);
	/* Small pieces would come from a store of SQLite's own. */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	below = sqlite3_vfs_find(NULL);
	failing = *below;
	failing.zName = "failing";
	failing.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	failing.xOpen = x_open;
	sqlite3_vfs_register(&failing, 1);
}

/* --- one request's life on it --------------------------------------------------------- */

static struct ledger ledger;

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

struct round {
	char id[16];
	struct request row;
	bool reserved, settled; /* it was said to be so */
};

static void live(struct fixture *fx, struct round *r)
{
	struct reserve_op reserve;
	struct settle_op settle;
	struct err e = { 0 };

	r->row = fixture_request(fx, r->id, 60);
	reserve_op_init(&reserve, &r->row, 0);
	r->reserved = !writer_now(fx->db, &direct, &reserve.op);
	if (r->reserved) {
		r->row.cost_nusd = 40;
		settle_op_init(&settle, &ledger, &r->row, 0);
		r->settled = !writer_now(fx->db, &direct, &settle.op);
		ROW_TRUE(r->settled || settle.op.err.code);
	} else {
		ROW_TRUE(reserve.op.err.code != ERR_NONE);
	}
	db_checkpoint(fx->db, NULL, &e);
}

/* The row's state as the database says; "": there is none. */
static const char *state_of(struct fixture *fx, const char *id)
{
	struct request got = { 0 };
	struct err e = { 0 };

	if (request_find(fx->db, id, &got, &fx->arena, &e) < 0)
		return e.code == ERR_NOT_FOUND ? "" : "?";
	return got.state;
}

/* A commit whose sync failed was answered with an error, and may yet be found
 * by a later start; one that lacked memory at its very end is there already.
 * Then it is there as a whole. */
static bool may_be(const struct round *r, const char *state, bool late)
{
	if (r->settled)
		return !strcmp(state, "settled");
	if (r->reserved)
		return !strcmp(state, "open") ||
		       (late && !strcmp(state, "settled"));
	return !*state || (late && !strcmp(state, "open"));
}

static void look(struct fixture *fx, const struct round *r, bool late)
{
	const char *state = state_of(fx, r->id);

	if (!may_be(r, state, late))
		ROW_NOTE_(__LINE__, "reserved %d, settled %d, but \"%s\"%s",
			  r->reserved, r->settled, state, late ? " later" : "");
	ROW_STR(fixture_audit(fx), "");
}

static void again(struct fixture *fx)
{
	db_close(fx->db);
	err_clear(&fx->e);
	fx->db = fixture_open(fx, DB_WRITE);
}

/* True: the fault was met. */
static bool play(struct fixture *fx, enum fault fault, int nth, bool for_ever)
{
	static int n;
	struct round r = { 0 };
	int fired;

	row("%s, the %dth%s", faults[fault].name, nth,
	    for_ever ? " and all after it" : "");
	snprintf(r.id, sizeof(r.id), "r%d", ++n);
	again(fx);
	arm(fault, nth, for_ever);
	live(fx, &r);
	fired = disarm();
	look(fx, &r, fault == MEMORY);
	again(fx);
	look(fx, &r, true);
	arena_release(&fx->arena);
	arena_init(&fx->arena);
	return fired > 0;
}

static void whatever_fails_the_books_agree(void **state)
{
	struct fixture fx;
	int met = 0;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000000, -1);
	for (int fault = 0; fault < FAULT__COUNT; fault++)
		for (int for_ever = 0; for_ever < 2; for_ever++) {
			int nth = 1;

			/* Memory is asked for a thousand times. */
			for (; nth < 3000 &&
			       play(&fx, (enum fault)fault, nth, for_ever);
			     nth += fault == MEMORY ? 1 + nth / 12 : 1)
				met++;
			printf("%-9s %s: to the %dth call\n",
			       faults[fault].name,
			       for_ever ? "and after" : "once     ", nth - 1);
		}
	assert_true(met > 50);
	disarm();
	fixture_release(&fx);
	rows_done();
}

static void one_that_cannot_be_opened_says_so(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, NULL);
	for (int fault = 0; fault < FAULT__COUNT; fault++)
		for (int nth = 1; nth < 200; nth += 1 + nth / 8) {
			struct err e = { 0 };
			struct db *db;

			row("%s, the %dth", faults[fault].name, nth);
			arm((enum fault)fault, nth, true);
			db = db_open(fx.path, DB_WRITE, true, &e);
			disarm();
			ROW_TRUE(db ? !e.code : e.code != ERR_NONE);
			db_close(db);
		}
	ROW_STR(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

/* --- the writer's thread ----------------------------------------------------------------- */

#define RESERVES 12

struct lot {
	struct request rows[RESERVES];
	char ids[RESERVES][16];
	struct reserve_op reserves[RESERVES];
	struct settle_op settle;
};

static int take_all(struct writer *w, int want)
{
	int64_t until = clock_mono_ms() + 5000;
	int n = 0;

	while (n < want && clock_mono_ms() < until)
		if (writer_finished(w))
			n++;
		else
			usleep(500);
	return n;
}

static void put_lot(struct fixture *fx, struct writer *w, struct lot *lot,
		    int round)
{
	for (int i = 0; i < RESERVES; i++) {
		snprintf(lot->ids[i], sizeof(lot->ids[i]), "w%d-%d", round, i);
		lot->rows[i] = fixture_request(fx, lot->ids[i], 7);
		reserve_op_init(&lot->reserves[i], &lot->rows[i], 0);
		writer_put(w, &lot->reserves[i].op);
	}
}

static void check_lot(struct fixture *fx, const struct lot *lot)
{
	for (int i = 0; i < RESERVES; i++) {
		const char *state = state_of(fx, lot->ids[i]);
		const char *want = lot->reserves[i].op.err.code ? "" : "open";

		ROW_STR(state, want);
	}
}

static void the_writer_answers_everybody(void **state)
{
	static struct lot lot;
	struct writer_conf conf = direct;
	struct fixture fx;
	struct writer *w;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000000, -1);
	conf.path = fx.path;
	w = writer_start(&conf, &fx.e);
	assert_non_null(w);
	for (int fault = 0; fault < MEMORY; fault++) {
		struct request first;
		char id[16];

		row("%s", faults[fault].name);
		snprintf(id, sizeof(id), "first%d", fault);
		first = fixture_request(&fx, id, 60);
		reserve_op_init(&lot.reserves[0], &first, 0);
		writer_put(w, &lot.reserves[0].op);
		ROW_INT(take_all(w, 1), 1);
		first.cost_nusd = 5;
		arm((enum fault)fault, 2, true);
		settle_op_init(&lot.settle, &ledger, &first, 0);
		writer_put(w, &lot.settle.op);
		put_lot(&fx, w, &lot, fault);
		usleep(60000);
		disarm();
		ROW_INT(take_all(w, 1 + RESERVES), 1 + RESERVES);
		ROW_INT(lot.settle.op.err.code, ERR_NONE); /* it is kept */
		ROW_STR(state_of(&fx, id), "settled");
		check_lot(&fx, &lot);
		ROW_STR(fixture_audit(&fx), "");
	}
	writer_stop(w);
	writer_free(w);
	fixture_release(&fx);
	rows_done();
}

/* --- our own memory ------------------------------------------------------------------------ */

static void without_memory_the_process_ends(void **state)
{
	char text[128] = "";
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		mem_alloc(SIZE_MAX / 4);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(ends[0], text, sizeof(text) - 1) > 0 &&
	       !strstr(text, "ev=mem.out"))
		memset(text, 0, sizeof(text));
	assert_non_null(strstr(text, "ev=mem.out"));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_fails_the_books_agree),
		cmocka_unit_test(one_that_cannot_be_opened_says_so),
		cmocka_unit_test(the_writer_answers_everybody),
		cmocka_unit_test(without_memory_the_process_ends),
	};

	set_up_sqlite();
	return cmocka_run_group_tests_name("torture", tests, NULL, NULL);
}

/* audit.h - the ledger's checks: what must be so at any moment.
 *
 * They run in one read transaction, under load as well as at rest.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/conf.h"
#include "base/err.h"

struct db;

struct audit_finding {
	const char *check;    /* its name: "entries_sum" */
	const char *sentence; /* what it says is wrong */
	const char *what;     /* which row: "txn 17" */
	int64_t want, got;    /* where they mean something, else both 0 */
};

/* No request may be open since before this time: now less what a request may
 * take, and a minute. */
int64_t audit_open_since_ms(const struct conf *conf, int64_t now_ms);

struct audit_how {
	int64_t open_since_ms; /* 0: whatever is open may be */
	bool quick;            /* without reading the whole file for damage */
	void (*on)(void *arg, const struct audit_finding *);
	/* After each check: how long it took.  NULL: nobody asks. */
	void (*on_time)(void *arg, const char *check, int64_t ms);
	void *arg;
};

/* Calls back for each finding, at most 20 of one check: how many, or -1. */
int audit_do(struct db *db, const struct audit_how *how, struct err *e);
/* All checks. */
int audit_run(struct db *db, int64_t open_since_ms,
	      void (*on)(void *arg, const struct audit_finding *), void *arg,
	      struct err *e);
/* The i-th check's name and sentence; false past the last. */
bool audit_check(int i, const char **name, const char **sentence);

#endif

/* args.h - what stands behind a verb: its table, and the words read by it.
 *
 * A command names its words in a table; each row says what the word is and
 * where its value goes in a struct of the command.  A row whose name begins
 * with "--" is an option, any other a positional word, in order.
 *
 * Before reading, every place gets its row's `def` (numbers) or NULL (texts).
 * A list that is given twice is joined by a comma.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/arena.h"
#include "base/err.h"

enum arg_kind {
	ARG_FLAG,     /* bool: true */
	ARG_PICK,     /* int64_t: takes no value, stores the row's min */
	ARG_TEXT,     /* const char *: not empty, no control bytes */
	ARG_WORD,     /* the same, at most max bytes, no space or comma */
	ARG_LIST,     /* const char *: words between commas */
	ARG_CIDRS,    /* const char *: networks or addresses between commas */
	ARG_INT,      /* int64_t, min to max */
	ARG_MONEY,    /* int64_t, nano-dollars: "5", "0.15" */
	ARG_DURATION, /* int64_t, ms: "30s", "12h", "30d" */
	ARG__COUNT
};

struct arg {
	const char *name; /* "--limit", or "NAME" */
	enum arg_kind kind;
	size_t at;         /* in the command's struct */
	const char *value; /* what the help calls an option's value */
	const char *help;
	int64_t def, min, max; /* max 0 of a number: as large as it gets */
	bool required;
};

/* A row; behind the help stand .def, .min, .max, .required where they matter.
 */
#define ARG(n, k, a, v, h, ...)                                    \
	{                                                          \
		.name = (n), .kind = (k), .at = (a), .value = (v), \
		.help = (h), __VA_ARGS__                           \
	}

/* Sets every place to what it holds when its word is not given. */
void args_default(const struct arg *rows, void *to);

struct arg_set {
	const struct arg *rows; /* ends with a row without name */
	void *to;
};

/* Reads argv[0] to argv[n - 1]; all: the options that every command takes.
 * -1: ERR_USAGE, with what to write instead. */
int args_read(const struct arg_set *own, const struct arg_set *all, int n,
	      char *const *argv, struct arena *arena, struct err *e);

/* The names most like a word, ", "-joined, "" if none is: for "did you mean".
 * next gives the i-th name, NULL past the last. */
#define ARGS_NEAR 128
char *args_near(const char *word, const char *(*next)(const void *arg, int i),
		const void *arg, char at[static ARGS_NEAR]);

#endif

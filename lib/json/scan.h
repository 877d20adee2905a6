/* scan.h - the strict reader of JSON text: it checks, bounds, and points.
 *
 * One pass over a text that may still be growing.  It refuses what other
 * readers let pass (duplicate names, single quotes, NaN, raw control bytes,
 * bad UTF-8 ...; scan_rules.def), bounds depth, values and members, builds
 * nothing, and calls back for each value on a path that the caller wants:
 *
 *	static const char *const wanted[] = { "model", "messages[].role" };
 *	paths = scan_paths_new(wanted, 2);
 *	scan_init(&s, paths, &limits, on_hit, arg);
 *	while (more came)
 *		scan_feed(&s, text, n_so_far, e)
 *	scan_end(&s, e); scan_release(&s);
 *
 * The text is given whole at each call, from its first byte; it may have
 * moved.  Only what is new is read.  Cutting it anywhere gives the same hits
 * and the same error.  No recursion; memory for names and nesting only, which
 * the limits bound and scan_reset() keeps.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "base/err.h"
#include "base/str.h"

enum scan_kind {
	SCAN_NULL,
	SCAN_FALSE,
	SCAN_TRUE,
	SCAN_NUMBER,
	SCAN_STRING,
	SCAN_ARRAY,
	SCAN_OBJECT,
	SCAN__COUNT
};

struct scan_limits {    /* 0: no limit, but for depth */
	int depth;      /* objects and arrays inside one another; 1 to 512 */
	int64_t values; /* of all kinds, in the whole text */
	int64_t keys;   /* members of one object */
	bool duplicates_ok; /* the same name twice passes; saves a hash */
};

/* For an upstream's answer: as deep as 64, else without limits. */
extern const struct scan_limits scan_answer_limits;

#define SCAN_INDEXES 4 /* arrays around a hit that are told apart */

/* A value on a wanted path.  Scalars come once; arrays and objects twice,
 * first with open set (to and count are not known yet), then closed. */
struct scan_hit {
	int path; /* its place in the table of wanted paths */
	enum scan_kind kind;
	bool open;
	bool member;        /* in an object; else in an array, or the top */
	const char *base;   /* the text, as it lies at this call */
	size_t from, to;    /* the value's text, quotes included */
	size_t member_from; /* the opening quote of its name, if a member */
	int64_t count;      /* a closed array's elements, object's members */
	int depth;          /* of the value: 1 is the top */
	int index[SCAN_INDEXES]; /* in the arrays around it, outermost first */
	int n_index;
};

/* Returns -1 with an error set to stop the scan. */
typedef int scan_hit_fn(void *arg, const struct scan_hit *hit, struct err *e);

struct scan_paths;

/* Compiles paths: "stream_options.include_usage", "messages[].content[].type",
 * "input[]", "logit_bias.*" (any member), "" (the top itself).  Lives as long
 * as the process. */
const struct scan_paths *scan_paths_new(const char *const *paths, int n);

enum scan_rule {
#define R(name, code, words, sample) SCAN_##name,
#include "json/scan_rules.def"
#undef R
	SCAN_RULE__COUNT
};

#define SCAN_NAMES_INLINE 32

struct scan_frame; /* an object or array that is open */

struct scan {
	const struct scan_paths *paths; /* NULL: nothing is wanted */
	struct scan_limits limits;
	scan_hit_fn *on_hit;
	void *arg;
	uint64_t skip; /* rules left out, a bit each: for tests only */

	/* where it stands; private to scan*.c */
	size_t at;                 /* bytes read */
	size_t text_from;          /* the string, number or word under way */
	size_t name_from, name_to; /* the last member's name, with quotes */
	int state, left;           /* left: of a character, of \uXXXX */
	int word;                  /* the word under way */
	uint32_t unit, high;       /* of \uXXXX; the first half of a pair */
	unsigned char low, top;    /* the range of the next byte in UTF-8 */
	bool in_name, escaped, over;
	int node; /* in paths, of the value that comes; -1: unwanted */
	int rule; /* that was broken; -1: none */
	size_t rule_at;
	int64_t values;
	uint64_t objects;
	struct scan_frame *frames; /* the first depth are in use */
	int depth, n_frames;
	uint64_t *names; /* hashes, 0: free; NULL: inline_names */
	size_t n_names, n_slots;
	uint64_t inline_names[SCAN_NAMES_INLINE];
};

void scan_init(struct scan *s, const struct scan_paths *paths,
	       const struct scan_limits *limits, scan_hit_fn *on_hit,
	       void *arg);
/* Ready for the next text, with the same paths, limits and callback. */
void scan_reset(struct scan *s);
void scan_release(struct scan *s); /* safe to call twice */

/* Reads on to base + n.  -1: the text is refused (ERR_JSON, ERR_JSON_DEEP,
 * ERR_JSON_COMPLEX, ERR_DUPLICATE_KEY), or the callback said so; after that
 * every call returns -1 and sets no error again. */
int scan_feed(struct scan *s, const char *base, size_t n, struct err *e);
/* The text is over: -1 where something is missing. */
int scan_end(struct scan *s, const char *base, size_t n, struct err *e);
/* Both at once, from the start. */
int scan_text(struct scan *s, struct str text, struct err *e);

/* The hit's text; for a string with its quotes (see json/text.h). */
static inline struct str scan_hit_text(const struct scan_hit *hit)
{
	return (struct str){ hit->base + hit->from, hit->to - hit->from };
}

const char *scan_kind_name(enum scan_kind kind); /* "an object" */

#endif

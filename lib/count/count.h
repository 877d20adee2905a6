/* count.h - how many tokens a text is.
 *
 * A text is cut into pieces by an encoding's expression (text/re.h), and each
 * piece encoded by its ranks (bpe.h); where nobody has published how a model
 * does it, or the rank files are not there, the count is an estimate
 * (guess.h).  Time is linear in the text, whatever it is.
 *
 * What decides how the text at one place is cut is looked for in the COUNT_SEE
 * bytes that follow it.  So text that arrives in pieces is counted exactly as
 * the whole would be, with bounded memory; and a piece that is longer (a run
 * of a letter, of blanks) is cut there, which a count differs by no more than
 * a few tokens for, each time.  Bytes that are no UTF-8 count one each.
 */
#ifndef COUNT_COUNT_H
#define COUNT_COUNT_H

#include "base/buf.h"
#include "base/err.h"
#include "count/bpe.h"
#include "count/guess.h"

#define COUNT_SEE ((size_t)64 << 10)

enum count_by { COUNT_GUESS, COUNT_CL100K, COUNT_O200K, COUNT_BY__COUNT };

enum count_image { IMAGE_TILES, IMAGE_PATCHES, IMAGE_AREA, IMAGE_FLAT };

/* How a model counts: a row of models.def. */
struct count_model {
	const char *name;
	enum count_by by;
	int guess; /* thousandths */
	enum count_image image;
	int a, b;
};

struct count; /* the encodings, opened; may be shared by threads */
struct re_at;

/* Maps the rank files of a folder.  Files that are not there are estimates'
 * lot; -1 of *damaged: one is there and cannot be used, and e says why.
 * Never NULL. */
struct count *count_open(const char *dir, int *damaged, struct err *e);
void count_close(struct count *c); /* NULL is fine */
bool count_has(const struct count *c, enum count_by by);
const char *count_by_name(enum count_by by); /* "o200k_base", "estimate" */
/* Where the ranks come from, "" if they are not there. */
const char *count_source(const struct count *c, enum count_by by);
/* "o200k_base, cl100k_base", "estimates only": for --version. */
#define COUNT_TEXT 80
const char *count_text(const struct count *c, char at[static COUNT_TEXT]);

const struct count_model *count_model(struct str name); /* never NULL */

/* Text that arrives in pieces. */
struct count_stream {
	const struct count *c; /* may be NULL: no ranks */
	const struct count_model *model;
	struct re_at *at;   /* NULL: an estimate */
	int64_t tok;        /* of what was counted exactly */
	struct guess guess; /* of the rest */
	struct buf held;    /* what is not decided yet */
	size_t look_at;     /* held bytes before it is looked at again */
	bpe_on_fn *on;      /* is handed each token; NULL: nobody */
	void *arg;
};

/* Nothing is allocated until it is fed. */
void count_stream_init(struct count_stream *s, const struct count *c,
		       const struct count_model *m);
void count_stream_release(struct count_stream *s); /* safe to call twice */
void count_stream_feed(struct count_stream *s, const char *p, size_t n);
/* The text is over, and another may begin: what was held is counted. */
void count_stream_cut(struct count_stream *s);
/* A text of its own that is too long to be counted here and now: estimated. */
void count_stream_guess(struct count_stream *s, struct str text);
/* So far; what is not decided yet is estimated. */
int64_t count_stream_tok(const struct count_stream *s);
bool count_stream_exact(const struct count_stream *s);

/* A whole text that lies there. */
void count_stream_whole(struct count_stream *s, struct str text);

#endif

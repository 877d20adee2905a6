/* splice.h - a text with some pieces replaced, without copying the rest.
 *
 * The body is never changed.  The result is a rope: pieces of the body and of
 * the replacements, to be read in order, again from any place, or joined.
 *
 *	n = 0;
 *	edits[n++] = splice_value(model.from, model.to, STR("\"m2\""));
 *	splice_remove(body, user_from, user_to, edits, &n);
 *	rope = splice_apply(body, edits, n, arena);
 */
#ifndef JSON_SPLICE_H
#define JSON_SPLICE_H

#include "base/arena.h"

struct splice_edit {
	size_t from, to; /* of the body, what goes; equal: an insertion */
	struct str with; /* what comes; valid as long as the rope */
};

struct rope_piece {
	struct str text;
	size_t at; /* where it begins in the rope */
};

struct rope {
	struct rope_piece *pieces;
	int n, last; /* last: the piece that was read last */
	size_t len;
};

/* A value's text in the place of another's. */
struct splice_edit splice_value(size_t from, size_t to, struct str with);

/* A new first member of the object whose '{' is at object_from.  empty: it
 * has no member that stays, so no comma follows; then this may be its only
 * insertion. */
struct splice_edit splice_insert(struct str body, size_t object_from,
				 bool empty, const char *name, struct str value,
				 struct arena *arena);

/* Takes a member out with the comma that is too much: appends to edits, which
 * hold earlier removals from the same object in order of appearance. */
void splice_remove(struct str body, size_t member_from, size_t value_to,
		   struct splice_edit *edits, int *n);

/* Sorts the edits, which must not overlap; two insertions at one place keep
 * their order. */
struct rope splice_apply(struct str body, struct splice_edit *edits, int n,
			 struct arena *arena);

/* At most n bytes from offset on; 0 at the end.  Reading on where the last
 * call stopped costs nothing. */
size_t rope_read(struct rope *r, size_t offset, char *to, size_t n);
/* All of it as one text: the piece itself if there is but one. */
struct str rope_flatten(const struct rope *r, struct arena *arena);

#endif

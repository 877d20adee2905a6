/* image.h - how many tokens a picture or a sound is, by the published rules.
 *
 * The size stands in the first bytes of a data: address; what lies elsewhere
 * is never fetched, and counts as the largest that the model looks at.
 */
#ifndef COUNT_IMAGE_H
#define COUNT_IMAGE_H

#include "count/count.h"

struct image_size {
	int w, h; /* pixels; 0: not known */
};

struct media_tok {
	int64_t tok;   /* as far as can be said */
	int64_t bound; /* not more will be billed, as far as it is published */
};

/* PNG, JPEG, WebP or GIF, by its first bytes. */
struct image_size image_size(const unsigned char *p, size_t n);
/* "data:image/png;base64,...", its start at least; anything else: not known. */
struct image_size image_size_of_url(struct str url);
#define IMAGE_HEAD ((size_t)1 << 20) /* bytes of an address that are enough */

/* detail: "low", "high", "auto", "original" or nothing. */
struct media_tok image_tok(const struct count_model *m, struct image_size size,
			   struct str detail);

/* A sound of n bytes; p: its first bytes, at least 44 if it has as many. */
struct media_tok audio_tok(const struct count_model *m, const unsigned char *p,
			   size_t n_here, int64_t n_bytes);

/* Decodes base64 into to, at most size bytes; skips what is none.  Returns
 * how many. */
size_t image_base64(struct str s, unsigned char *to, size_t size);

#endif

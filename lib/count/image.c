/* image.c - see image.h: how much a picture of a size counts. */
#include "count/image.h"

#include <math.h>

enum {
	BOX = 2048, /* pixels: both sides are made to fit */
	SHORT = 768,
	TILE = 512,
	PATCH = 32,
	TILES_MOST = 8,           /* 768 by 2048 */
	PATCHES_ORIGINAL = 10000, /* where detail is "original" */
	AREA_MOST = 4784,         /* the newest models look closer */
};

static int64_t up(double x)
{
	return (int64_t)ceil(x - 1e-9);
}

static int64_t tiles(struct image_size s)
{
	double w = s.w, h = s.h, by;

	if (!s.w)
		return TILES_MOST;
	by = fmin(1, fmin(BOX / w, BOX / h));
	w *= by;
	h *= by;
	by = fmin(1, SHORT / fmin(w, h));
	return MIN(up(w * by / TILE) * up(h * by / TILE), TILES_MOST);
}

/* Made smaller so that the patches are no more than most, and their edges
 * still fit one side. */
static int64_t patches(struct image_size s, int64_t most)
{
	double w = (double)s.w / PATCH, h = (double)s.h / PATCH, by;
	int64_t n = up(w) * up(h);

	if (!s.w)
		return most;
	if (n <= most)
		return n;
	by = sqrt((double)most / (w * h));
	by *= fmin(floor(w * by) / (w * by), floor(h * by) / (h * by));
	n = up(w * by) * up(h * by);
	return n > 0 ? MIN(n, most) : most;
}

static struct media_tok by_tiles(const struct count_model *m,
				 struct image_size size, struct str detail)
{
	int64_t n = m->a;

	if (!str_eq(detail, "low"))
		n += m->b * tiles(size);
	return (struct media_tok){ n, n };
}

static struct media_tok by_patches(const struct count_model *m,
				   struct image_size size, struct str detail)
{
	int64_t most = str_eq(detail, "original") ? PATCHES_ORIGINAL : m->b;
	int64_t n = (patches(size, most) * m->a + 99) / 100;

	return (struct media_tok){ n, n };
}

static struct media_tok by_area(const struct count_model *m,
				struct image_size size, struct str detail)
{
	int64_t n = size.w ? ((int64_t)size.w * size.h + m->a - 1) / m->a :
			     AREA_MOST;

	(void)detail;
	return (struct media_tok){ MIN(n, m->b), MIN(n, AREA_MOST) };
}

static struct media_tok flat(const struct count_model *m,
			     struct image_size size, struct str detail)
{
	(void)size;
	(void)detail;
	return (struct media_tok){ m->a, m->b };
}

struct media_tok image_tok(const struct count_model *m, struct image_size size,
			   struct str detail)
{
	static struct media_tok (*const rules[])(
		const struct count_model *, struct image_size, struct str) = {
		[IMAGE_TILES] = by_tiles,
		[IMAGE_PATCHES] = by_patches,
		[IMAGE_AREA] = by_area,
		[IMAGE_FLAT] = flat,
	};

	return rules[m->image](m, size, detail);
}

/* --- sound ------------------------------------------------------------------ */

enum {
	SECOND_TOK = 10,      /* OpenAI: a token for each 100 ms */
	SECOND_TOK_MOST = 32, /* Google's, the most anybody says */
	USUAL_RATE = 8000,    /* bytes a second of packed speech */
	LOWEST_RATE = 1000,
	HIGHEST_RATE = 768000, /* eight channels of 48 kHz in 16 bits */
};

struct media_tok audio_tok(const struct count_model *m, const unsigned char *p,
			   size_t n_here, int64_t n_bytes)
{
	int64_t usual = USUAL_RATE, lowest = LOWEST_RATE, rate;
	int64_t each = m->by == COUNT_GUESS ? SECOND_TOK_MOST : SECOND_TOK;

	if (n_here >= 44 && !memcmp(p, "RIFF", 4) &&
	    !memcmp(p + 8, "WAVE", 4)) {
		rate = (int64_t)p[28] | (int64_t)p[29] << 8 |
		       (int64_t)p[30] << 16 | (int64_t)p[31] << 24;
		if (rate >= LOWEST_RATE && rate <= HIGHEST_RATE)
			usual = lowest = rate;
	}
	return (struct media_tok){ n_bytes * each / usual + 1,
				   n_bytes * each / lowest + 1 };
}

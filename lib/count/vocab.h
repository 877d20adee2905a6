/* vocab.h - the tokens of an encoding: a read-only file that is mapped.
 *
 * The file is made by lib/gen/mkranks.c of published rank data and is used as
 * it lies: a head, a table of slots (open addressing, a slot holds 14 bits of
 * the hash and rank + 1), where each token's bytes begin, and the bytes.
 * Numbers are the machine's own; a file of another order is refused.
 *
 * Invariant: vocab_open() has checked the sum and every place in the file, so
 * a look-up reads nothing outside of it.
 */
#ifndef COUNT_VOCAB_H
#define COUNT_VOCAB_H

#include "base/err.h"
#include "base/str.h"

#define VOCAB_MAGIC     "PTGRANK1"
#define VOCAB_RANK_BITS 18
#define VOCAB_RANK_LOW  ((1u << VOCAB_RANK_BITS) - 1) /* of a slot */

struct vocab_head {
	char magic[8];
	uint32_t version, order; /* 1; 0x01020304 as this machine writes it */
	uint32_t n_tokens, n_slots; /* slots: a power of two */
	uint32_t n_bytes, longest;  /* of all tokens; of the longest */
	uint64_t sum;               /* vocab_sum() of all behind the head */
	char source[64];            /* where the ranks come from, and licence */
};

struct vocab {
	const struct vocab_head *head;
	const uint32_t *slots, *starts; /* starts: n_tokens + 1 */
	const unsigned char *bytes;
	size_t size; /* of the mapping */
};

#define VOCAB_NONE UINT32_MAX

/* 1: mapped; 0: there is no such file; -1: ERR_CONFIG, it is not one of ours
 * or is damaged. */
int vocab_open(struct vocab *v, const char *path, struct err *e);
void vocab_close(struct vocab *v); /* safe to call twice */

/* The rank of the token that is exactly these bytes, or VOCAB_NONE. */
uint32_t vocab_rank(const struct vocab *v, const char *p, size_t n);
struct str vocab_bytes(const struct vocab *v, uint32_t rank);

/* Shared with who makes the file. */
uint64_t vocab_sum(const void *p, size_t n); /* n: a multiple of four */

static inline uint32_t vocab_hash(const char *p, size_t n)
{
	uint64_t h = 0x9E3779B97F4A7C15ULL ^ n, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	w = 0;
	if (n)
		memcpy(&w, p, n);
	h = (h ^ w) * 0xc4ceb9fe1a85ec53ULL;
	return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 13);
}

#endif

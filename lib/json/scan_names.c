/* scan_names.c - which names an object has had: a set of keyed hashes.
 *
 * One table for the whole text, of SipHash-1-3 over the object's number and
 * the name as it reads without escapes.  The key is the process's, so nobody
 * can choose names that collide; two different names do so by chance in one
 * of 2^36 texts of 20,000 members, and that text is refused, never let pass.
 */
#include "base/rand.h"
#include "json/scan_in.h"
#include "json/text.h"

static uint64_t key[2];

/* Before any thread is: no lock, and no check at every name. */
__attribute__((constructor)) static void make_key(void)
{
	rand_bytes(key, sizeof(key));
}

struct sip {
	uint64_t v0, v1, v2, v3;
	uint64_t tail; /* bytes that make no whole word yet */
	uint64_t n;    /* bytes in all */
};

static inline uint64_t turn(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *h)
{
	h->v0 += h->v1;
	h->v1 = turn(h->v1, 13) ^ h->v0;
	h->v0 = turn(h->v0, 32);
	h->v2 += h->v3;
	h->v3 = turn(h->v3, 16) ^ h->v2;
	h->v0 += h->v3;
	h->v3 = turn(h->v3, 21) ^ h->v0;
	h->v2 += h->v1;
	h->v1 = turn(h->v1, 17) ^ h->v2;
	h->v2 = turn(h->v2, 32);
}

static inline void sip_word(struct sip *h, uint64_t word)
{
	h->v3 ^= word;
	sip_round(h);
	h->v0 ^= word;
}

static void sip_byte(struct sip *h, unsigned char c)
{
	h->tail |= (uint64_t)c << (h->n % 8 * 8);
	if (++h->n % 8)
		return;
	sip_word(h, h->tail);
	h->tail = 0;
}

static void sip_add(struct sip *h, const char *p, size_t n)
{
	uint64_t word;

	for (; n && h->n % 8; n--)
		sip_byte(h, (unsigned char)*p++);
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		sip_word(h, word);
		h->n += 8;
	}
	for (; n; n--)
		sip_byte(h, (unsigned char)*p++);
}

static void sip_start(struct sip *h, uint64_t serial)
{
	*h = (struct sip){ .v0 = key[0] ^ 0x736f6d6570736575,
			   .v1 = key[1] ^ 0x646f72616e646f6d,
			   .v2 = key[0] ^ 0x6c7967656e657261,
			   .v3 = key[1] ^ 0x7465646279746573 };
	sip_word(h, serial);
}

static uint64_t sip_end(struct sip *h)
{
	sip_word(h, h->tail | h->n << 56);
	h->v2 ^= 0xff;
	sip_round(h);
	sip_round(h);
	sip_round(h);
	return h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}

static uint64_t hash_name(uint64_t serial, struct str name, bool escaped)
{
	struct str rest = json_inside(name), piece;
	struct sip h;
	uint64_t hash;
	char at[4];

	sip_start(&h, serial);
	if (!escaped)
		sip_add(&h, rest.p, rest.n);
	else
		while (json_next(&rest, at, &piece))
			sip_add(&h, piece.p, piece.n);
	hash = sip_end(&h);
	return hash ? hash : 1; /* 0 is a free slot */
}

/* The slot of a hash, or the free one where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t n, uint64_t hash)
{
	size_t i = hash & (n - 1);

	while (slots[i] && slots[i] != hash)
		i = (i + 1) & (n - 1);
	return &slots[i];
}

static void grow(struct scan *s)
{
	size_t n = s->n_slots * 2;
	uint64_t *more = mem_alloc(n * sizeof(*more));
	const uint64_t *old = s->names ? s->names : s->inline_names;

	for (size_t i = 0; i < s->n_slots; i++)
		if (old[i])
			*slot_of(more, n, old[i]) = old[i];
	free(s->names);
	s->names = more;
	s->n_slots = n;
}

bool scan_names_add(struct scan *s, uint64_t serial, struct str name,
		    bool escaped)
{
	uint64_t hash = hash_name(serial, name, escaped);
	uint64_t *slot;

	if (s->n_names * 2 >= s->n_slots)
		grow(s);
	slot = slot_of(s->names ? s->names : s->inline_names, s->n_slots, hash);
	if (*slot)
		return true;
	*slot = hash;
	s->n_names++;
	return false;
}

void scan_names_release(struct scan *s)
{
	free(s->names);
	s->names = NULL;
	s->n_slots = SCAN_NAMES_INLINE;
}

void scan_names_reset(struct scan *s)
{
	if (!s->n_names)
		return;
	if (s->n_slots > 1024) /* one large text does not slow the next */
		scan_names_release(s);
	memset(s->names ? s->names : s->inline_names, 0,
	       s->n_slots * sizeof(uint64_t));
	s->n_names = 0;
}

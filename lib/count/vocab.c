/* vocab.c - see vocab.h. */
#include "count/vocab.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ORDER 0x01020304u

uint64_t vocab_sum(const void *p, size_t n)
{
	const unsigned char *at = p;
	uint64_t h[4] = { 1, 2, 3, 4 }, w;

	/* Four chains at once: the processor does not wait for one. */
	for (int lane = 0; n >= 8; at += 8, n -= 8, lane = (lane + 1) & 3) {
		memcpy(&w, at, 8);
		h[lane] = (h[lane] ^ w) * 0x100000001b3ULL;
		h[lane] ^= h[lane] >> 29;
	}
	w = 0;
	if (n)
		memcpy(&w, at, n);
	for (int lane = 0; lane < 4; lane++)
		w = (w ^ h[lane]) * 0xff51afd7ed558ccdULL;
	return w;
}

/* What the head says, as 64 bits: it cannot wrap. */
static uint64_t said_bytes(const struct vocab_head *h)
{
	return sizeof(*h) + 4ULL * h->n_slots + 4ULL * (h->n_tokens + 1ULL) +
	       h->n_bytes;
}

static const char *judge_head(const struct vocab_head *h, size_t size)
{
	if (size < sizeof(*h) || memcmp(h->magic, VOCAB_MAGIC, 8) ||
	    h->version != 1)
		return "is no rank file of this version";
	if (h->order != ORDER)
		return "was made on a machine of another kind";
	if (said_bytes(h) != size || !h->n_slots ||
	    (h->n_slots & (h->n_slots - 1)) || h->n_tokens >= h->n_slots ||
	    h->n_tokens >= VOCAB_RANK_LOW)
		return "is cut off";
	if (vocab_sum(h + 1, size - sizeof(*h)) != h->sum)
		return "is damaged";
	return NULL;
}

/* A right sum of wrong numbers would still lead outside. */
static const char *judge_places(const struct vocab *v)
{
	for (uint32_t i = 0; i < v->head->n_tokens; i++)
		if (v->starts[i] > v->starts[i + 1])
			return "is damaged";
	if (v->starts[v->head->n_tokens] > v->head->n_bytes)
		return "is damaged";
	for (uint32_t i = 0; i < v->head->n_slots; i++)
		if ((v->slots[i] & VOCAB_RANK_LOW) > v->head->n_tokens)
			return "is damaged";
	return NULL;
}

static int map(struct vocab *v, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(*v->head) ||
	    st.st_size > INT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	v->size = (size_t)st.st_size;
	p = mmap(NULL, v->size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	v->head = p;
	v->slots = (const uint32_t *)(v->head + 1);
	return 0;
}

static const char *judge(struct vocab *v)
{
	const char *wrong = judge_head(v->head, v->size);

	if (wrong)
		return wrong;
	v->starts = v->slots + v->head->n_slots;
	v->bytes = (const unsigned char *)(v->starts + v->head->n_tokens + 1);
	return judge_places(v);
}

int vocab_open(struct vocab *v, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *wrong = NULL;

	*v = (struct vocab){ 0 };
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || map(v, fd) < 0)
		wrong = strerror(errno);
	if (fd >= 0)
		close(fd);
	if (!wrong)
		wrong = judge(v);
	if (!wrong) {
		/* What was only read to be judged is not this process's
		 * memory; what is used comes back. */
		madvise((void *)(uintptr_t)v->head, v->size, MADV_DONTNEED);
		return 1;
	}
	vocab_close(v);
	return err_set(e, ERR_CONFIG, "%s: %s; `make ranks` makes it again",
		       path, wrong);
}

void vocab_close(struct vocab *v)
{
	if (v->head)
		munmap((void *)(uintptr_t)v->head, v->size);
	*v = (struct vocab){ 0 };
}

struct str vocab_bytes(const struct vocab *v, uint32_t rank)
{
	uint32_t from = v->starts[rank];

	return (struct str){ (const char *)v->bytes + from,
			     v->starts[rank + 1] - from };
}

uint32_t vocab_rank(const struct vocab *v, const char *p, size_t n)
{
	const uint32_t low = VOCAB_RANK_LOW, mask = v->head->n_slots - 1;
	uint32_t hash, slot, rank;
	struct str s;

	if (n > v->head->longest)
		return VOCAB_NONE;
	hash = vocab_hash(p, n);
	/* There is always a free slot: fewer tokens than slots. */
	for (uint32_t i = hash & mask; (slot = v->slots[i]);
	     i = (i + 1) & mask) {
		if ((slot ^ hash) & ~low)
			continue;
		rank = (slot & low) - 1;
		s = vocab_bytes(v, rank);
		if (s.n == n && !memcmp(s.p, p, n))
			return rank;
	}
	return VOCAB_NONE;
}

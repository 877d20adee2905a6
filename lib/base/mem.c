/* mem.c - allocation that cannot fail; see base.h. */
#include "base/base.h"

static noreturn void out_of_memory(size_t n)
{
	fprintf(stderr, "lv=error ev=mem.out bytes=%zu\n", n);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		out_of_memory(n);
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	if (!q)
		out_of_memory(n);
	return q;
}

char *mem_dup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

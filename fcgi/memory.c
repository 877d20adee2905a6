/* memory.c - see memory.h. */
#include "memory.h"

#include "base/clock.h"
#include "base/str.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

#define LOOK_MS   5
#define COUNT_MS  50
#define KEPT_PART 2 /* of the limit: answers grow as large as bodies are */
#define KEPT_MOST (512LL << 20)

/* proc(5): both in pages, the first and the sixth number of statm. */
enum kind { ADDRESSES, DATA };
static const struct {
	__rlimit_resource_t limit;
	int field;
} kinds[] = { [ADDRESSES] = { RLIMIT_AS, 0 }, [DATA] = { RLIMIT_DATA, 5 } };

static bool has_limit(const struct memory *m)
{
	return m->max_bytes[ADDRESSES] != INT64_MAX ||
	       m->max_bytes[DATA] != INT64_MAX;
}

static int64_t least(const struct memory *m)
{
	return MIN(m->max_bytes[ADDRESSES], m->max_bytes[DATA]);
}

static ssize_t read_statm(char *text, size_t size)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size);

	if (fd >= 0)
		close(fd);
	return n;
}

/* Not to be read, as where descriptors have run out: what was known last. */
static void look(struct memory *m)
{
	int64_t page = sysconf(_SC_PAGESIZE), left = INT64_MAX, pages;
	char text[128];
	ssize_t n = read_statm(text, sizeof(text));
	struct str rest, word;

	if (n <= 0)
		return;
	rest = (struct str){ text, (size_t)n };
	for (int i = 0; str_next(&rest, ' ', &word); i++)
		for (size_t k = 0; k < COUNT(kinds); k++)
			if (kinds[k].field == i &&
			    m->max_bytes[k] != INT64_MAX &&
			    !str_int(word, 0, INT32_MAX, &pages))
				left = MIN(left,
					   m->max_bytes[k] - pages * page);
	atomic_store(&m->left, left);
}

void memory_open(struct memory *m)
{
	struct rlimit r;

	for (size_t k = 0; k < COUNT(kinds); k++) {
		m->max_bytes[k] = INT64_MAX;
		if (!getrlimit(kinds[k].limit, &r) && r.rlim_cur < INT64_MAX)
			m->max_bytes[k] = (int64_t)r.rlim_cur;
	}
	/* Each arena of malloc sets 64 MB of addresses aside, and what is free
	 * in one is of no use to the others. */
	if (has_limit(m))
		mallopt(M_ARENA_MAX, 2);
	atomic_store(&m->left, INT64_MAX);
	if (has_limit(m))
		look(m);
}

int64_t memory_for_bodies(struct memory *m, int64_t want)
{
	return has_limit(m) ? MIN(want, MAX(atomic_load(&m->left), 0) / 8) :
			      want;
}

static bool is_short(const struct memory *m)
{
	return atomic_load(&m->left) + atomic_load(&m->freed) <
	       MIN(least(m) / KEPT_PART, KEPT_MOST);
}

/* True for one caller each so many ms. */
static bool is_due(_Atomic int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
	int64_t last = atomic_load(last_ms);

	return now_ms - last >= every_ms &&
	       atomic_compare_exchange_strong(last_ms, &last, now_ms);
}

bool memory_short(struct memory *m)
{
	int64_t now_ms;

	if (!has_limit(m))
		return false;
	now_ms = clock_mono_ms();
	if (is_due(&m->looked_ms, now_ms, LOOK_MS))
		look(m);
	/* What was freed stays malloc's, and is there for the next one. */
	if (is_short(m) && is_due(&m->counted_ms, now_ms, COUNT_MS))
		atomic_store(&m->freed, (int64_t)mallinfo2().fordblks);
	return is_short(m);
}

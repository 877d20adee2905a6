/* sticky.c - see sticky.h. */
#include "policy/sticky.h"

#define BEGINS 1024 /* bytes of an input that tell conversations apart */

enum wanted { CACHE_KEY, MESSAGE, ROLE, SYSTEM, INSTRUCTIONS, INPUT, PROMPT };

static const char *const wanted[] = {
	[CACHE_KEY] = "prompt_cache_key",
	[MESSAGE] = "messages[]",
	[ROLE] = "messages[].role",
	[SYSTEM] = "system",
	[INSTRUCTIONS] = "instructions",
	[INPUT] = "input",
	[PROMPT] = "prompt",
};

static uint64_t add(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u; /* where it ends matters */
}

static uint64_t start(enum sticky how)
{
	return 14695981039346656037u + how;
}

/* Members may come in any order: what each adds is summed. */
struct listener {
	struct str cache_key;
	uint64_t sum;
	bool by_user, over; /* this message; the first of a user has been */
};

static void on_message(struct listener *l, const struct scan_hit *hit)
{
	if (hit->open)
		l->by_user = false;
	if (l->over || hit->open)
		return;
	l->sum += add(start(STICKY_PROMPT) + (uint64_t)hit->index[0],
		      scan_hit_text(hit));
	l->over = l->by_user;
}

static int on_hit(void *arg, const struct scan_hit *hit, struct err *e)
{
	struct listener *l = arg;
	struct str text;

	(void)e;
	if (hit->path == MESSAGE) {
		on_message(l, hit);
		return 0;
	}
	if (hit->open)
		return 0;
	text = scan_hit_text(hit);
	if (hit->path == ROLE)
		l->by_user = str_eq(text, "\"user\"");
	else if (hit->path == CACHE_KEY && hit->kind == SCAN_STRING)
		l->cache_key = text;
	else if (hit->path >= SYSTEM)
		l->sum += add(start(STICKY_PROMPT) << hit->path,
			      (struct str){ text.p, MIN(text.n, BEGINS) });
	return 0;
}

/* The body has passed the strict scan. */
static uint64_t of_prompt(const struct ask *ask)
{
	static const struct scan_limits limits = { .depth = 512,
						   .duplicates_ok = true };
	static _Atomic(const struct scan_paths *) paths;
	struct listener l = { .cache_key = STR_NONE };
	struct err e = { 0 };
	struct scan s;

	if (!paths)
		paths = scan_paths_new(wanted, COUNT(wanted));
	scan_init(&s, paths, &limits, on_hit, &l);
	scan_text(&s, ask->body, &e);
	scan_release(&s);
	return l.cache_key.p ? add(start(STICKY_PROMPT), l.cache_key) : l.sum;
}

static uint64_t of_key(int64_t token_id)
{
	return add(start(STICKY_KEY),
		   (struct str){ (const char *)&token_id, sizeof(token_id) });
}

uint64_t sticky_number(enum sticky how, const struct ask *ask, int64_t token_id)
{
	uint64_t h = 0;

	if (how == STICKY_OFF)
		return 0;
	if (how == STICKY_USER && ask->user.n)
		h = add(start(how) + (uint64_t)token_id, ask->user);
	else if (how == STICKY_PROMPT)
		h = of_prompt(ask);
	else
		h = of_key(token_id);
	return h ? h : 1;
}

/* fuzz_ask.c - bodies read as asks; what passes is edited and read again.
 *
 * The first byte picks the kind of ask and the edits.
 */
#include "base/arena.h"
#include "dialect/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "not so, line %d: %s\n", __LINE__, \
				#cond);                                    \
			abort();                                           \
		}                                                          \
	} while (0)

static const struct scan_limits limits = { .depth = 40,
					   .values = 500,
					   .keys = 100 };

static void edit(const struct ask *a, unsigned int bits, struct arena *arena)
{
	struct splice_edit edits[ASK_EDITS];
	struct ask_change c = { .model = "other",
				.force_usage = bits & 1,
				.drop_usage = bits & 2,
				.limit_param = bits & 4 ?
						       "max_tokens" :
						       "max_completion_tokens",
				.limit_tok = bits & 8 ? 7 : -1 };
	struct rope rope;
	struct ask b;
	struct err e = { 0 };
	int n = ask_edits(a, &c, arena, edits);

	CHECK(n <= ASK_EDITS);
	rope = splice_apply(a->body, edits, n, arena);
	CHECK(!ask_read(&b, a->kind, rope_flatten(&rope, arena), &limits, arena,
			&e));
	CHECK(str_eq(b.model, "other") && b.stream == a->stream &&
	      b.n == a->n && b.text_bytes == a->text_bytes &&
	      b.n_messages == a->n_messages);
	if (c.drop_usage)
		CHECK(!b.stream_options_at.given);
	else if (c.force_usage)
		CHECK(b.include_usage || !b.stream);
	if (c.limit_tok >= 0 && a->kind == ASK_CHAT)
		CHECK(b.max_tok >= 0 && b.max_tok <= c.limit_tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct ask a;
	struct err e = { 0 };
	struct str body;

	if (!size)
		return 0;
	body = (struct str){ (const char *)data + 1, size - 1 };
	arena_init(&arena);
	if (ask_read(&a, (enum ask_kind)(data[0] % ASK__COUNT), body, &limits,
		     &arena, &e) < 0)
		CHECK(e.code != ERR_NONE && e.msg[0]);
	else
		edit(&a, data[0] / ASK__COUNT, &arena);
	arena_release(&arena);
	return 0;
}

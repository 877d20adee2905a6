/* re.c - see re.h. */
#include "text/re.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct re {
	pcre2_code *code;
	bool fast;
};

struct re *re_new(const char *pattern, struct err *e)
{
	const uint32_t how = PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED |
			     PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
	struct re *re = mem_alloc(sizeof(*re));
	PCRE2_SIZE where;
	int wrong;

	re->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				 how, &wrong, &where, NULL);
	if (!re->code) {
		free(re);
		err_set(e, ERR_INTERNAL, "expression: error %d at %zu", wrong,
			where);
		return NULL;
	}
	/* Where the machine has no JIT the interpreter does it. */
	re->fast = !pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE |
							PCRE2_JIT_PARTIAL_HARD);
	return re;
}

void re_free(struct re *re)
{
	if (re)
		pcre2_code_free(re->code);
	free(re);
}

struct re_at *re_at_new(const struct re *re)
{
	pcre2_match_data *m =
		pcre2_match_data_create_from_pattern(re->code, NULL);

	if (!m)
		abort();
	return (struct re_at *)m;
}

void re_at_free(struct re_at *at)
{
	pcre2_match_data_free((pcre2_match_data *)at);
}

enum re_found re_match(const struct re *re, struct re_at *at, struct str s,
		       bool more, size_t *n)
{
	pcre2_match_data *m = (pcre2_match_data *)at;
	uint32_t how = more ? PCRE2_PARTIAL_HARD : 0;
	PCRE2_SPTR text = (PCRE2_SPTR)s.p;
	int r;

	if (re->fast)
		r = pcre2_jit_match(re->code, text, s.n, 0, how, m, NULL);
	else
		r = pcre2_match(re->code, text, s.n, 0,
				how | PCRE2_NO_UTF_CHECK, m, NULL);
	if (r == PCRE2_ERROR_NOMATCH)
		return RE_NO;
	if (r == PCRE2_ERROR_PARTIAL)
		return RE_MORE;
	if (r < 0)
		return RE_FAIL;
	*n = pcre2_get_ovector_pointer(m)[1];
	return RE_YES;
}

bool re_is_fast(const struct re *re)
{
	return re->fast;
}

/* fuzz_responses.c - see dialect.h. */
#include "dialect/dialect.h"

static const struct dialect *const all[] = { &dialect_responses,
					     &dialect_gemini, &dialect_openai,
					     &dialect_anthropic };

#include "dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	return fuzz(&dialect_responses, data, n);
}

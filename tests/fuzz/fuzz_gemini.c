/* fuzz_gemini.c - see dialect.h. */
#include "dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	return fuzz(&dialect_gemini, data, n);
}

/* peek.c - the fake provider's look into JSON, built in here too. */
#include "../mock/peek.c" /* NOLINT: no library for tools */

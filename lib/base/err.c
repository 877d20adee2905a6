/* err.c - see err.h. */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>

static const struct err_info infos[ERR__COUNT] = {
#define E(name, http, type, code, elsewhere, anthropic, gemini)       \
	[ERR_##name] = {                                              \
		#name, http, type, code, elsewhere, anthropic, gemini \
	},
#include "base/err.def"
#undef E
};

/* A text cut inside a UTF-8 sequence loses the sequence's beginning too. */
static void cut_whole(char *s, size_t size, int wanted)
{
	size_t n = size - 1;

	if (wanted < (int)size)
		return;
	while (n && ((unsigned char)s[n - 1] & 0xC0) == 0x80)
		n--;
	if (n && (unsigned char)s[n - 1] >= 0xC0)
		n--;
	s[n] = '\0';
}

static int set(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	int n;

	assert(e->code == ERR_NONE && code != ERR_NONE);
	e->code = code;
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	cut_whole(e->msg, sizeof(e->msg), n);
	return -1;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, code, fmt, ap);
	va_end(ap);
	e->param[0] = '\0';
	return -1;
}

int err_param(struct err *e, enum err_code code, const char *param,
	      const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	set(e, code, fmt, ap);
	va_end(ap);
	n = snprintf(e->param, sizeof(e->param), "%s", param);
	cut_whole(e->param, sizeof(e->param), n);
	return -1;
}

void err_clear(struct err *e)
{
	e->code = ERR_NONE;
	e->msg[0] = '\0';
	e->param[0] = '\0';
}

const struct err_info *err_info(enum err_code code)
{
	assert(code >= 0 && code < ERR__COUNT);
	return &infos[code];
}

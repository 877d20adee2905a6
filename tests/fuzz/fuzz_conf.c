/* fuzz_conf.c - lib/base/conf: any file is read or refused with the line,
 * and what it is read as reads back as the same. */
#include "base/conf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_back(const struct conf *c)
{
	struct conf_view v, w;
	struct err e = { 0 };
	struct conf again;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; conf_view(c, i, &v); i++)
		buf_printf(&text, "%s = %s\n", v.name, v.value);
	assert(buf_ok(&text));
	assert(!conf_parse(&again, buf_span(&text), &e));
	for (int i = 0; conf_view(c, i, &v) && conf_view(&again, i, &w); i++)
		assert(!strcmp(v.value, w.value));
	conf_release(&again);
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = { (const char *)data, n };
	struct err e = { 0 };
	struct conf c;

	if (n > 4000)
		return 0; /* conf_view() shows no longer text whole */
	if (conf_parse(&c, text, &e) < 0)
		assert(e.code == ERR_CONFIG && !strncmp(e.msg, "line ", 5));
	else
		read_back(&c);
	conf_release(&c);
	return 0;
}

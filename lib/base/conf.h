/* conf.h - the settings: a row each in conf.def.
 *
 * Read once at start: first the file of `name = value` lines, then the
 * environment (PONTAGE_NAME).  An unknown name or a wrong value stops the
 * start with the line it stands on.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"
#include "base/err.h"

enum conf_name {
#define I(name, def, min, max, help) CONF_##name,
#define S(name, def, help)           CONF_##name,
#define B(name, def, help)           CONF_##name,
#include "base/conf.def"
#undef I
#undef S
#undef B
	CONF__COUNT
};

struct conf {
#define I(name, def, min, max, help) int64_t name;
#define S(name, def, help)           char *name;
#define B(name, def, help)           bool name;
#include "base/conf.def"
#undef I
#undef S
#undef B
	char *path; /* the file that was read; "" if none */
	struct conf_source {
		enum conf_origin { CONF_DEFAULT, CONF_FILE, CONF_ENV } origin;
		int line; /* in the file, for CONF_FILE */
	} source[CONF__COUNT];
};

/* One setting as it stands, for `pontage config` and the manual. */
struct conf_view {
	const char *name, *help;
	char value[4096], def[256];
	char bounds[64]; /* "1 to 64", "yes or no"; "" for a text */
	struct conf_source source;
	bool text; /* the value is a text: quote it in JSON */
};

/* Finds and reads the settings.  path: `--conf`, or NULL: PONTAGE_CONF, then
 * ./state/pontage.conf if it is the caller's own and nobody else may write
 * it, then /etc/pontage/pontage.conf; none of them: the defaults. */
int conf_load(struct conf *c, const char *path, struct err *e);
/* Defaults, then the text of a file; no environment, no derived paths. */
int conf_parse(struct conf *c, struct str text, struct err *e);
void conf_release(struct conf *c);
/* The i-th setting; false past the last. */
bool conf_view(const struct conf *c, int i, struct conf_view *v);

#endif

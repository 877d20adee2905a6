/* programs.c - see programs.h. */
#include "programs.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static const char *const names[KID__COUNT] = {
	[KID_RELAY] = "relay.fcgi",
	[KID_ADMIN] = "admin.fcgi",
	[KID_TICK] = NULL, /* ourselves */
};

/* NULL: cannot be executed there. */
static char *try(const char *folder, const char *below, const char *name)
{
	struct buf b;
	char *found;

	buf_init(&b, PATH_MAX);
	buf_printf(&b, "%s%s/%s", folder, below, name);
	found = buf_ok(&b) && !access(b.p, X_OK) ? mem_dup(b.p) : NULL;
	buf_release(&b);
	return found;
}

static char *find(const struct conf *c, const char *beside, const char *name)
{
	static const char *const below[] = { "", "/../lib/pontage",
					     "/../libexec/pontage" };
	char *found = NULL;

	if (*c->program_dir)
		return try(c->program_dir, "", name);
	for (size_t i = 0; !found && i < COUNT(below); i++)
		found = try(beside, below[i], name);
	return found;
}

int programs_find(const struct conf *c, char *out[static KID__COUNT],
		  struct err *e)
{
	char self[PATH_MAX], beside[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (n <= 0)
		return err_set(e, ERR_CONFIG, "/proc/self/exe: %s",
			       strerror(errno));
	self[n] = '\0';
	slash = strrchr(self, '/');
	snprintf(beside, sizeof(beside), "%.*s", (int)(slash - self), self);
	for (int kind = 0; kind < KID__COUNT; kind++) {
		free(out[kind]);
		out[kind] = names[kind] ? find(c, beside, names[kind]) :
					  mem_dup(self);
		if (!out[kind])
			return err_set(e, ERR_CONFIG,
				       "there is no %s in %s; program_dir says "
				       "where it is",
				       names[kind],
				       *c->program_dir ? c->program_dir :
							 beside);
	}
	return 0;
}

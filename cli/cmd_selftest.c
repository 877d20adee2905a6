/* cmd_selftest.c - the gateway against every fault of an upstream, on a
 * folder of its own.  The work is a program's that is installed beside ours.
 */
#include "cmd.h"
#include "programs.h"

#include <errno.h>
#include <unistd.h>

#define WORDS_MAX 8

struct values {
	const char *only;
	bool keep;
};

static int run(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	char *argv[WORDS_MAX + 8] = { NULL };
	char *kids[KID__COUNT] = { NULL };
	struct str only = str_of(v->only ? v->only : ""), word;
	char *dir, *slash;
	int n = 0;

	if (programs_find(&c->conf, kids, e) < 0)
		return -1;
	dir = arena_dup(&c->arena, str_of(kids[KID_RELAY]));
	slash = strrchr(dir, '/');
	*slash = '\0';
	argv[n++] = arena_printf(&c->arena, "%s/selftest", dir);
	argv[n++] = arena_dup(&c->arena, STR("--programs"));
	argv[n++] = dir;
	argv[n++] = arena_dup(&c->arena, STR("--upstream"));
	argv[n++] = arena_printf(&c->arena, "%s/upstream", dir);
	if (v->keep)
		argv[n++] = arena_dup(&c->arena, STR("--keep"));
	while (only.n && n < (int)COUNT(argv) - 1 &&
	       str_next(&only, ',', &word))
		argv[n++] = arena_dup(&c->arena, word);
	for (int i = 0; i < KID__COUNT; i++)
		free(kids[i]);
	execv(argv[0], argv);
	return err_set(e, ERR_CONFIG, "%s: %s", argv[0], strerror(errno));
}

#define AT(member) offsetof(struct values, member)

static const struct arg args[] = {
	ARG("--only", ARG_TEXT, AT(only), "A,B",
	    "faults whose names have one of these words"),
	ARG("--keep", ARG_FLAG, AT(keep), NULL,
	    "leave the folder of the test for a look"),
	{ .name = NULL }
};

const struct cmd cmd_selftest = CMD(
	"selftest", "[--only A,B] [--keep]",
	"try the installed programs against every fault of an upstream",
	"Starts an upstream that fails as it is told, and a relay on a folder "
	"of its own\nunder TMPDIR with short time limits and two channels for "
	"each fault.  The\ninstallation, its database and its channels are not "
	"touched.  The scorecard says\nwhat a caller sees of each fault, in "
	"what time, after how many attempts, at what\ncost; the exit status is "
	"1 where something is not as it must be.\n\n  pontage selftest\n"
	"  pontage selftest --only 429,silence\n",
	args, sizeof(struct values), run);

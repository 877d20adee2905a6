/* secrets.c - keys and passwords from standard input, without an echo. */
#include "cmd.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#define SECRETS_MAX 65536 /* bytes in all */

static bool echo(bool on, struct termios *was)
{
	struct termios t;

	if (on)
		return !tcsetattr(STDIN_FILENO, TCSAFLUSH, was);
	if (tcgetattr(STDIN_FILENO, was))
		return false;
	t = *was;
	t.c_lflag &= ~(tcflag_t)ECHO;
	return !tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

/* Everything up to the end; of a person, one line. */
static int read_all(struct buf *b, bool person, struct err *e)
{
	char *to;
	ssize_t n = 0;

	while ((to = buf_room(b, 4096))) {
		n = read(STDIN_FILENO, to, 4096);
		if (n <= 0)
			break;
		buf_grew(b, (size_t)n);
		if (person)
			break;
	}
	if (n < 0)
		return err_set(e, ERR_IO, "standard input: %s",
			       strerror(errno));
	return buf_ok(b) ?
		       0 :
		       err_set(e, ERR_USAGE, "more than %d bytes", SECRETS_MAX);
}

static int split(struct cli *c, struct str all, struct str *lines, int max,
		 struct err *e)
{
	struct str line;
	int n = 0;

	while (str_next(&all, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			continue;
		if (n == max)
			return err_set(e, ERR_USAGE,
				       "standard input: more than %d line%s",
				       max, max == 1 ? "" : "s");
		for (size_t i = 0; i < line.n; i++)
			if ((unsigned char)line.p[i] < 0x20 ||
			    line.p[i] == 0x7f)
				return err_set(e, ERR_USAGE,
					       "standard input: line %d holds "
					       "a control byte",
					       n + 1);
		lines[n++] = arena_str(&c->arena, line);
	}
	return n;
}

int cli_secrets(struct cli *c, const char *prompt, struct str *lines, int max,
		struct err *e)
{
	bool person = isatty(STDIN_FILENO);
	struct termios was;
	struct buf b;
	bool hidden = false;
	int n;

	buf_init(&b, SECRETS_MAX);
	if (person) {
		fprintf(stderr, "%s: ", prompt);
		hidden = echo(false, &was);
	}
	n = read_all(&b, person, e);
	if (hidden) {
		echo(true, &was);
		fputc('\n', stderr);
	}
	if (n >= 0)
		n = split(c, buf_span(&b), lines, max, e);
	explicit_bzero(b.p, b.len);
	buf_release(&b);
	return n;
}

/* help.c - see help.h. */
#include "help.h"

#include "base/buf.h"

#define LEFT 30 /* columns before the second text */
#define WIDE 79

/* The text from column `from` on, wrapped; continued lines are indented. */
static void wrap(FILE *to, const char *text, int from)
{
	int at = from;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (at > from && at + 1 + n > WIDE) {
			fprintf(to, "\n%*s", from, "");
			at = from;
		} else if (at > from) {
			fputc(' ', to);
			at++;
		}
		fprintf(to, "%.*s", n, text);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

static void two_columns(FILE *to, const char *left, const char *right)
{
	int n = fprintf(to, "  %s", left);

	if (n >= LEFT)
		fprintf(to, "\n%*s", LEFT, "");
	else
		fprintf(to, "%*s", LEFT - n, "");
	wrap(to, right, LEFT);
}

static void arg_line(FILE *to, const struct arg *a)
{
	char left[64];

	if (a->value)
		snprintf(left, sizeof(left), "%s %s", a->name, a->value);
	else
		snprintf(left, sizeof(left), "%s", a->name);
	two_columns(to, left, a->help);
}

static void arg_lines(FILE *to, const struct arg *rows, bool options)
{
	for (const struct arg *a = rows; a->name; a++)
		if ((a->name[0] == '-') == options)
			arg_line(to, a);
}

void help_all(FILE *to, const struct cmd *const *verbs)
{
	fputs("usage: pontage VERB [words] [--json] [--conf FILE]\n\n"
	      "One OpenAI-compatible address in front of every language model, "
	      "with keys,\nbudgets and exact bills.\n\n",
	      to);
	for (; *verbs; verbs++)
		two_columns(to, (*verbs)->name, (*verbs)->what);
	fputs("\npontage VERB --help explains a verb; --version says what this "
	      "is.\n\n"
	      "Settings are read from --conf FILE, else $PONTAGE_CONF, else\n"
	      "./state/pontage.conf (if it is yours alone), else\n"
	      "/etc/pontage/pontage.conf; then from the environment.  Secrets "
	      "are read from\nstandard input, never from the command line.\n",
	      to);
}

void help_one(FILE *to, const char *name, const struct cmd *cmd,
	      const struct arg *all)
{
	if (cmd->subs) {
		fprintf(to, "usage: pontage %s VERB [words]\n\n", name);
		for (const struct cmd *s = cmd->subs; s->name; s++)
			two_columns(to, s->name, s->what);
		fprintf(to, "\npontage %s VERB --help explains one.\n", name);
		return;
	}
	fprintf(to, "usage: pontage %s%s%s\n\n", name, *cmd->words ? " " : "",
		cmd->words);
	wrap(to, cmd->what, 0);
	fputc('\n', to);
	arg_lines(to, cmd->args, false);
	arg_lines(to, cmd->args, true);
	arg_lines(to, all, true);
	if (cmd->help)
		fprintf(to, "\n%s", cmd->help);
}

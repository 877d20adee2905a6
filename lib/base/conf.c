/* conf.c - see conf.h. */
#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536

enum kind { NUMBER, TEXT, YES_NO };

static const struct setting {
	const char *name, *help, *text;
	enum kind kind;
	int64_t number, min, max;
	size_t at; /* in struct conf */
} settings[CONF__COUNT] = {
#define I(n, d, lo, hi, h) \
	{ #n, h, "", NUMBER, d, lo, hi, offsetof(struct conf, n) },
#define S(n, d, h) { #n, h, d, TEXT, 0, 0, 0, offsetof(struct conf, n) },
#define B(n, d, h) { #n, h, "", YES_NO, d, 0, 1, offsetof(struct conf, n) },
#include "base/conf.def"
#undef I
#undef S
#undef B
};

static void *slot(const struct conf *c, const struct setting *s)
{
	return (char *)(uintptr_t)c + s->at;
}

static void put_text(struct conf *c, const struct setting *s, struct str v)
{
	char **at = slot(c, s);
	char *new = mem_alloc(v.n + 1);

	if (v.n)
		memcpy(new, v.p, v.n);
	free(*at);
	*at = new;
}

static int put_yes_no(struct conf *c, const struct setting *s, struct str v,
		      struct err *e)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < COUNT(yes); i++)
		if (str_eq(v, yes[i]) || str_eq(v, no[i])) {
			*(bool *)slot(c, s) = str_eq(v, yes[i]);
			return 0;
		}
	return err_set(e, ERR_CONFIG, "%s: want yes or no, got \"%.*s\"",
		       s->name, STR_FMT(v));
}

static bool has_control(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return true;
	return false;
}

static int put(struct conf *c, const struct setting *s, struct str v,
	       struct err *e)
{
	if (has_control(v))
		return err_set(e, ERR_CONFIG,
			       "%s: holds a tab or another control byte",
			       s->name);
	switch (s->kind) {
	case YES_NO: return put_yes_no(c, s, v, e);
	case TEXT: put_text(c, s, v); return 0;
	case NUMBER:
		if (!str_int(v, s->min, s->max, slot(c, s)))
			return 0;
		break;
	}
	return err_set(e, ERR_CONFIG, "%s: want %lld to %lld, got \"%.*s\"",
		       s->name, (long long)s->min, (long long)s->max,
		       STR_FMT(v));
}

static void defaults(struct conf *c)
{
	*c = (struct conf){ .path = mem_dup("") };
	for (int i = 0; i < CONF__COUNT; i++) {
		const struct setting *s = &settings[i];

		switch (s->kind) {
		case YES_NO: *(bool *)slot(c, s) = s->number != 0; break;
		case TEXT: put_text(c, s, str_of(s->text)); break;
		case NUMBER: *(int64_t *)slot(c, s) = s->number; break;
		}
	}
}

void conf_release(struct conf *c)
{
	for (int i = 0; i < CONF__COUNT; i++)
		if (settings[i].kind == TEXT)
			free(*(char **)slot(c, &settings[i]));
	free(c->path);
	*c = (struct conf){ 0 };
}

static int find(struct str name)
{
	for (int i = 0; i < CONF__COUNT; i++)
		if (str_eq(name, settings[i].name))
			return i;
	return -1;
}

static int put_line(struct conf *c, struct str line, int number, struct err *e)
{
	struct str name, value = line;
	struct err why = { 0 };
	int i;

	line = str_trim(line);
	if (!line.n || line.p[0] == '#')
		return 0;
	value = line;
	if (!str_next(&value, '=', &name) || !value.p)
		return err_set(e, ERR_CONFIG,
			       "line %d: want `name = value`, got \"%.*s\"",
			       number, STR_FMT(line));
	name = str_trim(name);
	i = find(name);
	if (i < 0)
		return err_set(e, ERR_CONFIG,
			       "line %d: there is no setting \"%.*s\" "
			       "(pontage config lists them all)",
			       number, STR_FMT(name));
	if (put(c, &settings[i], str_trim(value), &why) < 0)
		return err_set(e, ERR_CONFIG, "line %d: %s", number, why.msg);
	c->source[i] = (struct conf_source){ CONF_FILE, number };
	return 0;
}

static int put_file(struct conf *c, struct str text, struct err *e)
{
	struct str line;
	int number = 0;

	while (str_next(&text, '\n', &line)) {
		number++;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (memchr(line.p, '\0', line.n))
			return err_set(e, ERR_CONFIG,
				       "line %d: holds a NUL byte", number);
		if (put_line(c, line, number, e) < 0)
			return -1;
	}
	return 0;
}

int conf_parse(struct conf *c, struct str text, struct err *e)
{
	defaults(c);
	return put_file(c, text, e);
}

static int put_environment(struct conf *c, struct err *e)
{
	char name[64] = "PONTAGE_";
	struct err why = { 0 };

	for (int i = 0; i < CONF__COUNT; i++) {
		const char *from = settings[i].name, *value;
		size_t n = strlen("PONTAGE_");

		for (; *from && n < sizeof(name) - 1; from++)
			name[n++] = (char)(*from >= 'a' && *from <= 'z' ?
						   *from - 'a' + 'A' :
						   *from);
		name[n] = '\0';
		value = getenv(name);
		if (!value)
			continue;
		if (put(c, &settings[i], str_of(value), &why) < 0)
			return err_set(e, ERR_CONFIG,
				       "the environment's %s: %s", name,
				       why.msg);
		c->source[i] = (struct conf_source){ CONF_ENV, 0 };
	}
	return 0;
}

static int read_file(const char *path, struct buf *b, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char *to;

	if (fd < 0)
		return err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
	while ((to = buf_room(b, 4096))) {
		n = read(fd, to, 4096);
		if (n <= 0)
			break;
		buf_grew(b, (size_t)n);
	}
	close(fd);
	if (!buf_ok(b))
		return err_set(e, ERR_CONFIG, "%s: larger than %d bytes", path,
			       FILE_MAX);
	if (n < 0)
		return err_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
	return 0;
}

/* A file beside the caller is read only if nobody else could write it. */
static bool is_own(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static const char *choose(const char *path)
{
	static const char here[] = "./state/pontage.conf";
	static const char etc[] = "/etc/pontage/pontage.conf";

	if (path)
		return path;
	path = getenv("PONTAGE_CONF");
	if (path && *path)
		return path;
	if (is_own(here))
		return here;
	return access(etc, R_OK) ? "" : etc;
}

static void derive(struct conf *c)
{
	const struct {
		char **path;
		const char *name;
	} files[] = {
		{ &c->db_path, "pontage.db" },
		{ &c->master_key_path, "master.key" },
		{ &c->admin_key_path, "admin.key" },
		{ &c->relay_socket, "relay.sock" },
		{ &c->admin_socket, "admin.sock" },
	};
	struct buf b;

	for (size_t i = 0; i < COUNT(files); i++) {
		if (**files[i].path)
			continue;
		buf_init(&b, 4096);
		buf_printf(&b, "%s/%s", c->state_dir, files[i].name);
		free(*files[i].path);
		*files[i].path = mem_dup(b.p);
		buf_release(&b);
	}
}

int conf_load(struct conf *c, const char *path, struct err *e)
{
	struct err why = { 0 };
	struct buf text;
	int r = 0;

	buf_init(&text, FILE_MAX);
	defaults(c);
	path = choose(path);
	if (*path && read_file(path, &text, e) < 0)
		r = -1;
	else if (*path && put_file(c, buf_span(&text), &why) < 0)
		r = err_set(e, ERR_CONFIG, "%s: %s", path, why.msg);
	else
		r = put_environment(c, e);
	free(c->path);
	c->path = mem_dup(path);
	derive(c);
	buf_release(&text);
	return r;
}

bool conf_view(const struct conf *c, int i, struct conf_view *v)
{
	const struct setting *s;

	if (i < 0 || i >= CONF__COUNT)
		return false;
	s = &settings[i];
	*v = (struct conf_view){ .name = s->name,
				 .help = s->help,
				 .source = c->source[i],
				 .text = s->kind == TEXT };
	switch (s->kind) {
	case TEXT:
		snprintf(v->value, sizeof(v->value), "%s",
			 *(char **)slot(c, s));
		snprintf(v->def, sizeof(v->def), "%s", s->text);
		break;
	case YES_NO:
		snprintf(v->value, sizeof(v->value), "%s",
			 *(bool *)slot(c, s) ? "true" : "false");
		snprintf(v->def, sizeof(v->def), "%s",
			 s->number ? "true" : "false");
		snprintf(v->bounds, sizeof(v->bounds), "yes or no");
		break;
	case NUMBER:
		snprintf(v->value, sizeof(v->value), "%lld",
			 (long long)*(int64_t *)slot(c, s));
		snprintf(v->def, sizeof(v->def), "%lld", (long long)s->number);
		snprintf(v->bounds, sizeof(v->bounds), "%lld to %lld",
			 (long long)s->min, (long long)s->max);
		break;
	}
	return true;
}

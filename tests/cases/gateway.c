/* gateway.c - see gateway.h. */
#include "gateway.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"

#define WORDS      32
#define OUT_MAX    (1 << 20)
#define STOP_MS    20000
#define NO_CHANNEL -1

/* --- running the command ---------------------------------------------------- */

struct words {
	char *at[WORDS];
	int n;
};

static void add(struct words *w, struct arena *a, struct str word)
{
	if (w->n < WORDS - 1)
		w->at[w->n++] = arena_dup(a, word);
	w->at[w->n] = NULL;
}

/* "verb name rest of words" */
static void add_all(struct words *w, struct arena *a, const char *text)
{
	struct str rest = str_of(text), word;

	while (str_next(&rest, ' ', &word))
		add(w, a, word);
}

static noreturn void become(char **argv, int in, int out)
{
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static void feed(int fd, const char *in)
{
	size_t n = strlen(in);

	if (write(fd, in, n) < 0)
		fprintf(stderr, "feed: %s\n", strerror(errno));
	close(fd);
}

/* Both streams go to out; the exit status, or -1. */
static int run(char **argv, const char *in, struct buf *out)
{
	int to[2], from[2], status = -1;
	ssize_t n = 1;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (!pid)
		become(argv, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	feed(to[1], in);
	while (n > 0) {
		char *at = buf_room(out, 4096);

		n = at ? read(from[0], at, 4096) : 0;
		if (n > 0)
			buf_grew(out, (size_t)n);
	}
	close(from[0]);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void begin(const struct gateway *g, struct words *w, struct arena *a)
{
	*w = (struct words){ 0 };
	add(w, a, str_of(arena_printf(a, "%s/pontage", g->build)));
}

static int command(const struct gateway *g, struct words *w, const char *in,
		   struct buf *out, struct err *e)
{
	struct arena a;
	int status;

	arena_init(&a);
	add(w, &a, STR("--conf"));
	add(w, &a, str_of(g->conf));
	status = run(w->at, in, out);
	arena_release(&a);
	if (status)
		return err_set(e, ERR_CONFIG, "pontage %s %s: status %d: %.*s",
			       w->at[1], w->n > 2 ? w->at[2] : "", status,
			       (int)MIN(out->len, 150), out->p);
	return 0;
}

/* A command of which only the success counts. */
static int quietly(const struct gateway *g, struct words *w, const char *in,
		   struct err *e)
{
	struct buf out;
	int r;

	buf_init(&out, OUT_MAX);
	r = command(g, w, in, &out, e);
	buf_release(&out);
	return r;
}

static int say(const struct gateway *g, const char *text, struct err *e)
{
	struct arena a;
	struct words w;
	int r;

	arena_init(&a);
	begin(g, &w, &a);
	add_all(&w, &a, text);
	r = quietly(g, &w, "", e);
	arena_release(&a);
	return r;
}

/* --- setting up ------------------------------------------------------------- */

int gateway_open(struct gateway *g, const char *build, struct err *e)
{
	*g = (struct gateway){ .build = build, .listener = -1 };
	snprintf(g->dir, sizeof(g->dir), "/tmp/pontage-case-XXXXXX");
	if (!mkdtemp(g->dir))
		return err_set(e, ERR_IO, "mkdtemp: %s", strerror(errno));
	snprintf(g->conf, sizeof(g->conf), "%s/pontage.conf", g->dir);
	snprintf(g->socket, sizeof(g->socket), "%s/relay.sock", g->dir);
	snprintf(g->log, sizeof(g->log), "%s/relay.log", g->dir);
	return 0;
}

static int write_conf(const struct gateway *g, const struct relay_case *c,
		      struct err *e)
{
	FILE *f = fopen(g->conf, "we");

	if (!f)
		return err_set(e, ERR_IO, "%s: %s", g->conf, strerror(errno));
	fprintf(f, "state_dir = %s\n", g->dir);
	for (int i = 0; i < c->n_setup; i++)
		for (int k = 0; str_eq(c->setup[i].verb, "conf") &&
				k < c->setup[i].pairs.n;
		     k++)
			fprintf(f, "%.*s = %.*s\n",
				STR_FMT(c->setup[i].pairs.at[k].name),
				STR_FMT(c->setup[i].pairs.at[k].value));
	fclose(f);
	return 0;
}

/* name=value becomes --name value; a value of "yes" has none. */
static void add_pairs(struct words *w, struct arena *a,
		      const struct case_pairs *pairs)
{
	for (int i = 0; i < pairs->n; i++) {
		const struct case_pair *p = &pairs->at[i];

		if (str_eq(p->name, "key"))
			continue;
		add(w, a, str_of(arena_printf(a, "--%.*s", STR_FMT(p->name))));
		if (!str_eq(p->value, "yes"))
			add(w, a, p->value);
	}
}

static int port_of(const struct script *s, const char *channel)
{
	for (int i = 0; i < s->n_channels; i++)
		if (!strcmp(s->channels[i].name, channel))
			return s->channels[i].port;
	return NO_CHANNEL;
}

static int add_channel(const struct gateway *g, const struct script *s,
		       const char *name, const struct case_pairs *pairs,
		       struct err *e)
{
	struct str key = case_value(pairs, "key");
	struct arena a;
	struct words w;
	const char *secret;
	int r;

	arena_init(&a);
	begin(g, &w, &a);
	add_all(&w, &a,
		arena_printf(&a,
			     "channel add %s --provider compatible --base-url "
			     "http://127.0.0.1:%d/v1",
			     name, port_of(s, name)));
	if (!case_value(pairs, "models").p)
		add_all(&w, &a, "--models m1");
	add_pairs(&w, &a, pairs);
	secret = key.p ? arena_dup(&a, key) :
			 arena_printf(&a, "sk-upstream-%s", name);
	r = quietly(g, &w, secret, e);
	arena_release(&a);
	return r;
}

static int set_price(const struct gateway *g, const struct case_setup *p,
		     struct err *e)
{
	struct arena a;
	struct words w;
	int r;

	arena_init(&a);
	begin(g, &w, &a);
	add_all(&w, &a, "price set");
	add(&w, &a, p->name);
	add_pairs(&w, &a, &p->pairs);
	r = quietly(g, &w, "", e);
	arena_release(&a);
	return r;
}

static int make_key(struct gateway *g, const struct case_pairs *pairs,
		    struct err *e)
{
	struct arena a;
	struct words w;
	struct buf out;
	const char *at;
	int r;

	arena_init(&a);
	buf_init(&out, OUT_MAX);
	begin(g, &w, &a);
	add_all(&w, &a, "token create t --user ann");
	add_pairs(&w, &a, pairs);
	r = command(g, &w, "", &out, e);
	at = r ? NULL : strstr(out.p, "sk-");
	if (at)
		snprintf(g->key, sizeof(g->key), "%.*s",
			 (int)strcspn(at, " \t\n\"'"), at);
	else if (!r)
		r = err_set(e, ERR_CONFIG, "token create shows no key: %.100s",
			    out.p);
	buf_release(&out);
	arena_release(&a);
	return r;
}

static const struct case_setup *setup_of(const struct relay_case *c,
					 const char *verb, int n)
{
	for (int i = 0; i < c->n_setup; i++)
		if (str_eq(c->setup[i].verb, verb) && !n--)
			return &c->setup[i];
	return NULL;
}

static int set_up_channels(const struct gateway *g, const struct relay_case *c,
			   const struct script *s, struct err *e)
{
	static const struct case_pairs none = { .n = 0 };

	for (int i = 0; i < s->n_channels; i++) {
		const struct case_setup *p = setup_of(c, "channel", i);

		if (add_channel(g, s, s->channels[i].name,
				p ? &p->pairs : &none, e) < 0)
			return -1;
	}
	return 0;
}

int gateway_set_up(struct gateway *g, const struct relay_case *c,
		   const struct script *s, struct err *e)
{
	static const struct case_pairs none = { .n = 0 };
	const struct case_setup *token = setup_of(c, "token", 0), *price;

	if (write_conf(g, c, e) < 0 || say(g, "init", e) < 0 ||
	    say(g, "user add ann", e) < 0 ||
	    say(g, "user grant ann 10.00", e) < 0 ||
	    set_up_channels(g, c, s, e) < 0)
		return -1;
	for (int i = 0; (price = setup_of(c, "price", i)); i++)
		if (set_price(g, price, e) < 0)
			return -1;
	if (!setup_of(c, "price", 0) &&
	    say(g, "price set m1 --input 1.00 --output 2.00", e) < 0)
		return -1;
	return make_key(g, token ? &token->pairs : &none, e);
}

/* --- the worker ------------------------------------------------------------- */

static void address(const struct gateway *g, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at->sun_path, sizeof(at->sun_path), "%s", g->socket);
}

static noreturn void be_worker(const struct gateway *g)
{
	int log = open(g->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char program[160];
	char *argv[] = { program, NULL, NULL, NULL };
	char conf_word[] = "--conf", conf[96];

	snprintf(program, sizeof(program), "%s/relay.fcgi", g->build);
	snprintf(conf, sizeof(conf), "%s", g->conf);
	argv[1] = conf_word;
	argv[2] = conf;
	become(argv, g->listener, log);
}

int gateway_start(struct gateway *g, struct err *e)
{
	struct sockaddr_un at;

	address(g, &at);
	g->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->listener < 0 ||
	    bind(g->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(g->listener, 64) < 0)
		return err_set(e, ERR_IO, "%s: %s", g->socket, strerror(errno));
	g->worker = fork();
	if (!g->worker)
		be_worker(g);
	return 0;
}

int gateway_connect(const struct gateway *g, struct err *e)
{
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address(g, &at);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_set(e, ERR_IO, "%s: %s", g->socket, strerror(errno));
	return fd;
}

int gateway_check(const struct gateway *g, struct err *e)
{
	siginfo_t si = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)g->worker, &si, WEXITED | WNOHANG | WNOWAIT) ||
	    !si.si_pid)
		return 0;
	return err_set(e, ERR_CONFIG, "the worker ended by itself, with %s %d",
		       si.si_code == CLD_EXITED ? "status" : "signal",
		       si.si_status);
}

int gateway_stop(struct gateway *g, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + STOP_MS;
	int status = -1;
	pid_t pid = g->worker;

	g->worker = 0;
	kill(pid, SIGTERM);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock_mono_ms() > until_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return err_set(e, ERR_CONFIG,
				       "the worker did not stop");
		}
		poll(NULL, 0, 5);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_CONFIG,
			       "the worker ended with status 0x%x", status);
	return 0;
}

int gateway_log(const struct gateway *g, struct buf *out, struct err *e)
{
	struct arena a;
	struct words w;
	int r;

	arena_init(&a);
	begin(g, &w, &a);
	add_all(&w, &a, "log list --json");
	r = command(g, &w, "", out, e);
	arena_release(&a);
	return r;
}

int gateway_audit(const struct gateway *g, struct err *e)
{
	return say(g, "audit", e);
}

void gateway_print_log(const struct gateway *g)
{
	FILE *f = fopen(g->log, "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f))
		printf("  | %s", line);
	if (f)
		fclose(f);
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[400];

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		(void)unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void gateway_close(struct gateway *g, bool keep)
{
	if (g->worker > 0) {
		kill(g->worker, SIGKILL);
		waitpid(g->worker, NULL, 0);
	}
	g->worker = 0;
	if (g->listener >= 0)
		close(g->listener);
	g->listener = -1;
	if (g->dir[0] && !keep)
		remove_dir(g->dir);
}

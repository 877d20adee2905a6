/* place.c - see place.h. */
#include "place.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"

#define WORDS   32
#define STOP_MS 20000

/* --- programs ------------------------------------------------------------------ */

static noreturn void become(char **argv, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static void feed(int fd, const char *in)
{
	/* A command that does not read it says so by its status. */
	if (write(fd, in, strlen(in)) < 0)
		errno = 0;
	close(fd);
}

static void read_all(int fd, struct buf *out)
{
	ssize_t n = 1;

	while (n > 0) {
		char *at = buf_room(out, 4096);

		n = at ? read(fd, at, 4096) : 0;
		if (n > 0)
			buf_grew(out, (size_t)n);
	}
}

/* The exit status, or -1. */
static int run(char **argv, const char *in, struct buf *out)
{
	int to[2], from[2], status = -1;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (!pid)
		become(argv, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	feed(to[1], in);
	read_all(from[0], out);
	close(from[0]);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int place_say(const struct place *p, const char *words, const char *const *args,
	      const char *in, struct buf *out, struct err *e)
{
	char *argv[WORDS] = { NULL }, program[4096];
	struct str rest = str_of(words), word;
	struct buf own;
	int n = 0, status;

	snprintf(program, sizeof(program), "%s/pontage", p->programs);
	argv[n++] = mem_dup(program);
	while (n < WORDS - 3 && str_next(&rest, ' ', &word)) {
		char text[256];

		snprintf(text, sizeof(text), "%.*s", STR_FMT(word));
		argv[n++] = mem_dup(args && str_eq(word, "%") ? *args++ : text);
	}
	argv[n++] = mem_dup("--conf");
	argv[n++] = mem_dup(p->conf);
	buf_init(&own, 1 << 20);
	status = run(argv, in, out ? out : &own);
	if (status)
		err_set(e, ERR_CONFIG, "pontage %s: status %d: %.200s", words,
			status, out ? out->p : own.p);
	buf_release(&own);
	while (n)
		free(argv[--n]);
	return status ? -1 : 0;
}

/* --- the scripted upstream -------------------------------------------------------- */

static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		at.sin_port = 0;
	close(fd);
	return ntohs(at.sin_port);
}

static int start_upstream(struct place *p, struct err *e)
{
	char ports[3][16], line[128] = "";
	const char *said, *argv[] = { p->upstream,   "--listen",
				      "127.0.0.1:0", "--refuse-port",
				      ports[0],      "--drop-port",
				      ports[1],      "--mute-port",
				      ports[2],      NULL };
	int from[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	p->refused = free_port();
	p->reset = free_port();
	p->silent = free_port();
	snprintf(ports[0], sizeof(ports[0]), "%d", p->refused);
	snprintf(ports[1], sizeof(ports[1]), "%d", p->reset);
	snprintf(ports[2], sizeof(ports[2]), "%d", p->silent);
	if (null < 0 || pipe2(from, O_CLOEXEC) < 0)
		return err_set(e, ERR_IO, "pipe: %s", strerror(errno));
	p->provider = fork();
	if (!p->provider)
		become((char **)(uintptr_t)argv, null, from[1]);
	close(from[1]);
	close(null);
	if (read(from[0], line, sizeof(line) - 1) < 0)
		line[0] = '\0';
	close(from[0]);
	said = strstr(line, "127.0.0.1:");
	p->port = said ? (int)strtol(said + 10, NULL, 10) : 0;
	return p->port ? 0 :
			 err_set(e, ERR_CONFIG, "%s does not serve: %.80s",
				 p->upstream, line);
}

/* --- the gateway -------------------------------------------------------------------- */

static int write_conf(const struct place *p, struct err *e)
{
	FILE *f = fopen(p->conf, "we");

	if (!f)
		return err_set(e, ERR_IO, "%s: %s", p->conf, strerror(errno));
	fprintf(f,
		"state_dir = %s\n"
		"upstream_connect_ms = 1000\n"
		"upstream_first_token_ms = %d\n"
		"upstream_idle_ms = %d\n"
		"upstream_total_ms = %d\n"
		"deadline_ms = %d\n"
		"reserve_ms = 500\n",
		p->dir, PLACE_FIRST_TOKEN_MS, PLACE_FIRST_TOKEN_MS,
		PLACE_TOTAL_MS, PLACE_ANSWER_MS);
	fclose(f);
	return 0;
}

static int make_key(struct place *p, struct err *e)
{
	struct buf out;
	const char *at;
	int r;

	buf_init(&out, 1 << 20);
	r = place_say(p, "token create caller --user caller --unlimited", NULL,
		      "", &out, e);
	at = r ? NULL : strstr(out.p, "sk-");
	if (at)
		snprintf(p->key, sizeof(p->key), "%.*s",
			 (int)strcspn(at, " \t\n\"'"), at);
	else if (!r)
		r = err_set(e, ERR_CONFIG, "token create shows no key");
	buf_release(&out);
	return r;
}

int place_open(struct place *p, struct err *e)
{
	const char *tmp = getenv("TMPDIR");

	p->listener = -1;
	snprintf(p->dir, sizeof(p->dir), "%s/pontage-selftest-XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	if (!mkdtemp(p->dir))
		return err_set(e, ERR_IO, "%s: %s", p->dir, strerror(errno));
	snprintf(p->conf, sizeof(p->conf), "%s/pontage.conf", p->dir);
	snprintf(p->socket, sizeof(p->socket), "%s/relay.sock", p->dir);
	snprintf(p->log, sizeof(p->log), "%s/relay.log", p->dir);
	if (start_upstream(p, e) < 0 || write_conf(p, e) < 0 ||
	    place_say(p, "init", NULL, "", NULL, e) < 0 ||
	    place_say(p, "user add caller", NULL, "", NULL, e) < 0 ||
	    place_say(p, "user grant caller 100", NULL, "", NULL, e) < 0)
		return -1;
	return make_key(p, e);
}

static void address(const struct place *p, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at->sun_path, sizeof(at->sun_path), "%s", p->socket);
}

static int listen_here(struct place *p, struct err *e)
{
	struct sockaddr_un at;

	address(p, &at);
	p->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->listener < 0 ||
	    bind(p->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(p->listener, 64) < 0)
		return err_set(e, ERR_IO, "%s: %s", p->socket, strerror(errno));
	return 0;
}

static noreturn void be_relay(const struct place *p)
{
	int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char program[4096];
	const char *argv[] = { program, "--conf", p->conf, NULL };

	snprintf(program, sizeof(program), "%s/relay.fcgi", p->programs);
	become((char **)(uintptr_t)argv, p->listener, log);
}

int place_start(struct place *p, struct err *e)
{
	if (p->listener < 0 && listen_here(p, e) < 0)
		return -1;
	p->relay = fork();
	if (!p->relay)
		be_relay(p);
	return 0;
}

void place_kill(struct place *p)
{
	if (p->relay <= 0)
		return;
	kill(p->relay, SIGKILL);
	waitpid(p->relay, NULL, 0);
	p->relay = 0;
}

int place_stop(struct place *p, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + STOP_MS;
	int status = -1;
	pid_t pid = p->relay;

	if (pid <= 0)
		return 0;
	kill(pid, SIGTERM);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock_mono_ms() > until_ms) {
			place_kill(p);
			return err_set(e, ERR_CONFIG, "the relay did not stop");
		}
		poll(NULL, 0, 5);
	}
	p->relay = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_CONFIG, "the relay ended with 0x%x",
			       status);
	return 0;
}

int place_connect(const struct place *p, struct err *e)
{
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address(p, &at);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_set(e, ERR_IO, "%s: %s", p->socket, strerror(errno));
	return fd;
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[512];

	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_dir(path);
		else
			(void)unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void place_close(struct place *p, bool keep)
{
	place_kill(p);
	if (p->provider > 0) {
		kill(p->provider, SIGKILL);
		waitpid(p->provider, NULL, 0);
	}
	if (p->listener >= 0)
		close(p->listener);
	if (p->dir[0] && !keep)
		remove_dir(p->dir);
}

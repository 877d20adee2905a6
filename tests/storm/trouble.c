/* trouble.c - preloaded into the gateway by storm.mjs: it dies at a chosen
 * point of the spool's life, or its disk is full, while a file is there.
 *
 *	STATE/crash-put		dies once a line is synced, its folder is not
 *	STATE/crash-synced	dies once both are, before anybody is told
 *	STATE/crash-committed	dies once the lines are in the database, before
 *				their file is removed
 *	$TROUBLE_FULL		no file takes a byte
 *
 * The first three are taken away by who dies of them: one process each.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH 4096

static bool ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static bool path_of(int fd, char at[static PATH])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, at, PATH - 1);
	at[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static int real_unlink(const char *path)
{
	int (*real)(const char *);

	*(void **)&real = dlsym(RTLD_NEXT, "unlink");
	return real(path);
}

/* path: STATE/spool, or a file in it. */
static void die_at(const char *path, const char *point)
{
	const char *spool = strstr(path, "/spool");
	char file[PATH + 32];

	if (!spool)
		return;
	snprintf(file, sizeof(file), "%.*s/crash-%s", (int)(spool - path), path,
		 point);
	if (!real_unlink(file))
		kill(getpid(), SIGKILL);
}

int fsync(int fd)
{
	int (*real)(int);
	char path[PATH];
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	rc = real(fd);
	if (path_of(fd, path) && ends(path, ".jsonl"))
		die_at(path, "put");
	else if (ends(path, "/spool"))
		die_at(path, "synced");
	return rc;
}

int unlink(const char *path)
{
	if (ends(path, ".jsonl"))
		die_at(path, "committed");
	return real_unlink(path);
}

/* --- a full disk, for who may not mount a small one -------------------------- */

static bool is_full(int fd)
{
	const char *file = getenv("TROUBLE_FULL");
	struct stat st;

	return file && !access(file, F_OK) && !fstat(fd, &st) &&
	       S_ISREG(st.st_mode);
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (!is_full(fd))
		return real(fd, p, n);
	errno = ENOSPC;
	return -1;
}

static ssize_t place(const char *name, int fd, const void *p, size_t n,
		     off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	if (!is_full(fd))
		return real(fd, p, n, at);
	errno = ENOSPC;
	return -1;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return place("pwrite", fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return place("pwrite64", fd, p, n, at);
}

/* slow.c - preloaded into the gateway by culprits.mjs: a name server and a
 * disk that take their time, while the file that the environment names is
 * there.
 *
 *	SLOW_DIR/dns	the name slow.test takes 3 s, and is 127.0.0.1
 *	SLOW_DIR/disk	fsync and fdatasync take 500 ms
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DNS_US  3000000
#define DISK_US 500000

static bool wanted(const char *what)
{
	const char *dir = getenv("SLOW_DIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "", what);
	return dir && !access(path, F_OK);
}

int getaddrinfo(const char *node, const char *service,
		const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!node || strcmp(node, "slow.test") != 0)
		return real(node, service, hints, res);
	if (wanted("dns"))
		usleep(DNS_US);
	return real("127.0.0.1", service, hints, res);
}

static int slow_sync(const char *name, int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	if (wanted("disk"))
		usleep(DISK_US);
	return real(fd);
}

int fsync(int fd)
{
	return slow_sync("fsync", fd);
}

int fdatasync(int fd)
{
	return slow_sync("fdatasync", fd);
}

/* endpoint.c - see endpoint.h. */
#include "relay/endpoint.h"

static const struct endpoint rows[] = {
#define E(name, method, path, act, asks, upstream) \
	{ #name, method, path, ACT_##act, ASK_##asks, SHAPE_##asks, upstream },
#include "relay/endpoints.def"
#undef E
};

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* Model names hold slashes, colons and dots; what is refused is what two
 * readers could take for two paths, or for a line of a log. */
static int unescape(struct str s, char *out, size_t size, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '%') {
			int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
			int lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return err_set(e, ERR_BAD_HTTP,
					       "bad escape in the address");
			c = (unsigned char)(hi * 16 + lo);
			i += 2;
		}
		if (c < 0x20 || c >= 0x7f || c == '\\' || n + 1 >= size)
			return err_set(e, ERR_BAD_HTTP,
				       "the address holds bytes that no name "
				       "has");
		out[n++] = (char)c;
	}
	out[n] = '\0';
	if (strstr(out, "..") || strstr(out, "//"))
		return err_set(e, ERR_BAD_HTTP,
			       "the address holds \"..\" or \"//\"");
	return 0;
}

static bool leads_to(const struct endpoint *row, const char *path)
{
	size_t n = strlen(row->path);

	if (row->path[n - 1] == '/')
		return !strncmp(path, row->path, n) && path[n];
	return !strcmp(path, row->path);
}

/* What stands after a path that ends in "/". */
static int put_name(const struct endpoint *row, const char *path, char *name,
		    size_t size, struct err *e)
{
	size_t n = strlen(row->path);

	if (row->path[n - 1] != '/')
		return 0;
	if (strlen(path + n) >= size)
		return err_set(e, ERR_BAD_HTTP,
			       "the name in the address is too long");
	snprintf(name, size, "%s", path + n);
	return 0;
}

const struct endpoint *endpoint_find(struct str method, struct str path,
				     char *name, size_t name_size,
				     struct err *e)
{
	const struct endpoint *wrong = NULL;
	char whole[1024];

	name[0] = '\0';
	if (unescape(path, whole, sizeof(whole), e) < 0)
		return NULL;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct endpoint *row = &rows[i];

		if (!leads_to(row, whole))
			continue;
		if (!str_eq(method, row->method)) {
			wrong = row;
			continue;
		}
		return put_name(row, whole, name, name_size, e) < 0 ? NULL :
								      row;
	}
	if (wrong)
		err_set(e, ERR_METHOD, "Not allowed to %.*s on %s: use %s",
			(int)MIN(method.n, 20), method.p, wrong->path,
			wrong->method);
	else
		err_set(e, ERR_UNKNOWN_URL, "Invalid URL (%.*s %s)",
			(int)MIN(method.n, 20), method.p, whole);
	return NULL;
}

/* ask_media.c - the addresses of images and films that a caller names.
 *
 * We never fetch them, but an upstream inside the operator's network might:
 * what does not lie on the public internet is refused, by what the address
 * says.  What a name resolves to is for the upstream to judge.
 */
#include "dialect/ask_in.h"
#include "http/url.h"
#include "json/text.h"

#define MEDIA_URL_MAX 8192 /* bytes; data: has no such limit */
#define SCHEME_ROOM   32

/* Names that mean this machine or its network. */
static const char *const local_names[] = { "localhost", "localdomain", "local",
					   "internal", "home.arpa" };

static bool is_local_name(const char *host)
{
	size_t n = strlen(host), m;

	for (size_t i = 0; i < COUNT(local_names); i++) {
		m = strlen(local_names[i]);
		if (n >= m && !strcmp(host + n - m, local_names[i]) &&
		    (n == m || host[n - m - 1] == '.'))
			return true;
	}
	return false;
}

static bool has_odd_bytes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    s.p[i] == '\\')
			return true;
	return false;
}

/* "https://host:port" of an address with path and query. */
static struct str origin_of(struct str s)
{
	size_t n = str_starts(s, "https://") ? 8 : 7;

	while (n < s.n && !strchr("/?#", s.p[n]))
		n++;
	return (struct str){ s.p, n };
}

/* NULL: fine; else what is wrong. */
static const char *judge_address(struct str s)
{
	struct err e = { 0 };
	struct url u;

	if (s.n > MEDIA_URL_MAX)
		return "the address is too long";
	if (has_odd_bytes(s))
		return "the address holds spaces or control characters";
	if (url_parse(&u, origin_of(s), &e) < 0)
		return "this is no address of a host";
	if (url_is_local_literal(&u) || is_local_name(u.host))
		return "addresses that are not on the public internet are "
		       "not passed on";
	return NULL;
}

static void to_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s |= 0x20;
}

/* The scheme counts in either case; the rest is compared as it is. */
static struct str unescape_address(struct str text, struct arena *arena)
{
	char *s = arena_dup(arena, json_unescape(text, arena));
	char *end = strstr(s, "://");
	size_t n = json_text_bytes(text); /* it may hold NULs */

	for (char *p = s; end && p < end; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p |= 0x20;
	return (struct str){ s, n };
}

static void judge(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h, const char *data)
{
	struct str text = scan_hit_text(h);
	const char *wrong;
	char head[SCHEME_ROOM], at[ASK_PATH];

	json_unescape_cut(text, head, sizeof(head));
	to_lower(head);
	if (!strncmp(head, data, strlen(data)))
		return;
	if (!strncmp(head, "http://", 7) || !strncmp(head, "https://", 8))
		wrong = json_text_bytes(text) > MEDIA_URL_MAX ?
				"the address is too long" :
				judge_address(unescape_address(text, r->arena));
	else
		wrong = "expected an https address, or data of that kind";
	if (!wrong)
		return;
	ask_path(row, h, "", at);
	ask_note(r, ERR_VALUE, at, "Invalid '%s': %s.", at, wrong);
}

void ask_on_image_url(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	judge(r, row, h, "data:image/");
}

void ask_on_video_url(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	judge(r, row, h, "data:video/");
}

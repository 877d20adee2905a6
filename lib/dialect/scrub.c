/* scrub.c - see scrub.h.
 *
 * First the text is cleaned into a small buffer: mark-up, control and
 * invisible characters go, so that nothing can hide in the middle of a word.
 * Then it is read word by word: each is asked of the tables below.
 */
#include "dialect/scrub.h"

#include <ctype.h>
#include <strings.h>

#define CLEAN_MAX 4096 /* bytes of cleaned text that are read */

struct clean {
	char p[CLEAN_MAX];
	size_t n;
	bool cut; /* there was more */
};

/* --- cleaning --------------------------------------------------------------
 */

/* Invisible, reordering or private: nothing a message needs. */
static const struct {
	uint32_t from, to;
} unwanted[] = { { 0x0080, 0x009f },   { 0x00ad, 0x00ad }, { 0x061c, 0x061c },
		 { 0x180e, 0x180e },   { 0x200b, 0x200f }, { 0x2028, 0x202e },
		 { 0x2060, 0x206f },   { 0xd800, 0xf8ff }, { 0xfe00, 0xfe0f },
		 { 0xfeff, 0xfeff },   { 0xfff0, 0xffff }, { 0xe0000, 0xe0fff },
		 { 0xf0000, 0x10ffff } };

static bool is_unwanted(uint32_t c)
{
	for (size_t i = 0; i < COUNT(unwanted); i++)
		if (c >= unwanted[i].from && c <= unwanted[i].to)
			return true;
	return false;
}

/* The bytes of the character at p, 0: is not one or is unwanted. */
static size_t wanted_char(const char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)p[0];
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	uint32_t v = c & (0xffu >> (len + 1));

	if (c < 0xc2 || c > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | ((unsigned char)p[i] & 0x3f);
	}
	return v < least[len] || is_unwanted(v) ? 0 : len;
}

/* Where the tag that begins at p ends; 0: it is no tag. */
static size_t tag(const char *p, size_t n)
{
	const char *end;

	if (n < 2 || (!isalpha((unsigned char)p[1]) && p[1] != '/' &&
		      p[1] != '!' && p[1] != '?'))
		return 0;
	end = memchr(p, '>', n);
	return end ? (size_t)(end - p) + 1 : n;
}

static void clean_add(struct clean *c, const char *p, size_t n)
{
	if (*p == ' ' && (!c->n || c->p[c->n - 1] == ' '))
		return;
	if (c->n + n > CLEAN_MAX) {
		c->cut = true;
		return;
	}
	memcpy(c->p + c->n, p, n);
	c->n += n;
}

/* One character, or one tag; returns its bytes. */
static size_t clean_one(struct clean *c, const char *p, size_t left)
{
	unsigned char b = (unsigned char)*p;
	size_t n = b == '<' ? tag(p, left) : 0;

	if (n) {
		clean_add(c, " ", 1);
		return n;
	}
	if (b < 0x80) {
		clean_add(c, b <= ' ' || b == 0x7f ? " " : p, 1);
		return 1;
	}
	n = wanted_char(p, left);
	if (n)
		clean_add(c, p, n);
	return MAX(n, 1);
}

static void clean(struct clean *c, struct str in)
{
	c->n = 0;
	c->cut = false;
	for (size_t i = 0; i < in.n && !c->cut;)
		i += clean_one(c, in.p + i, in.n - i);
	/* half a word tells nothing about the whole one */
	while (c->cut && c->n && c->p[c->n - 1] != ' ')
		c->n--;
	while (c->n && c->p[c->n - 1] == ' ')
		c->n--;
}

static bool is_page(struct str in)
{
	static const char *const heads[] = { "<!doctype", "<html", "<head",
					     "<?xml", "<body" };

	while (in.n && isspace((unsigned char)*in.p)) {
		in.p++;
		in.n--;
	}
	for (size_t i = 0; i < COUNT(heads); i++)
		if (in.n >= strlen(heads[i]) &&
		    !strncasecmp(in.p, heads[i], strlen(heads[i])))
			return true;
	return false;
}

/* --- what a word may not be ------------------------------------------------
 */

static bool word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Somewhere in w, at the beginning of a run of letters. */
static bool has_prefix(struct str w, const char *prefix, size_t more)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i + n + more <= w.n; i++)
		if ((!i || !word_byte(w.p[i - 1])) &&
		    !strncasecmp(w.p + i, prefix, n))
			return true;
	return false;
}

static bool is_known_key(struct str w)
{
	static const char *const prefixes[] = {
		"sk-",   "sk_",  "pk-",    "pk_",    "rk_",         "xai-",
		"gsk_",  "hf_",  "r8_",    "ghp_",   "github_pat_", "akia",
		"asia",  "aiza", "ya29.",  "nvapi-", "pplx-",       "fw_",
		"csk-",  "eyj",  "glpat-", "xoxb-",  "ark-",        "tgp_",
		"sess-", "org-", "proj_",
	};

	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (has_prefix(w, prefixes[i], 2))
			return true;
	return w.n > 3 && memmem(w.p, w.n, "***", 3);
}

/* A run of letters and digits that no language has. */
static bool is_random(const char *p, size_t n)
{
	size_t digits = 0, upper = 0, lower = 0;

	for (size_t i = 0; i < n; i++) {
		digits += isdigit((unsigned char)p[i]) != 0;
		upper += isupper((unsigned char)p[i]) != 0;
		lower += islower((unsigned char)p[i]) != 0;
	}
	return n >= 24 || (n >= 16 && digits && upper + lower) ||
	       (n >= 12 && digits && upper && lower);
}

static bool is_long_token(struct str w)
{
	size_t from = 0, hex = 0, other = 0;

	for (size_t i = 0; i <= w.n; i++) {
		if (i < w.n && isalnum((unsigned char)w.p[i])) {
			hex += isxdigit((unsigned char)w.p[i]) != 0;
			other += !isxdigit((unsigned char)w.p[i]);
			continue;
		}
		if (is_random(w.p + from, i - from))
			return true;
		from = i + 1;
	}
	return hex >= 28 && !other; /* a UUID, a hash in groups */
}

static bool is_url(struct str w)
{
	return memmem(w.p, w.n, "://", 3) || str_starts(w, "//") ||
	       has_prefix(w, "www.", 2) || memmem(w.p, w.n, "%3A%2F", 6) ||
	       memmem(w.p, w.n, "%3a%2f", 6);
}

/* Four numbers and three dots, anywhere. */
static bool has_ipv4(struct str w)
{
	size_t dots = 0, digits = 0;

	for (size_t i = 0; i < w.n; i++) {
		if (isdigit((unsigned char)w.p[i])) {
			if (++digits > 3)
				dots = 0;
			else if (dots == 3)
				return true;
		} else if (w.p[i] == '.' && digits && digits <= 3) {
			dots++;
			digits = 0;
		} else {
			dots = digits = 0;
		}
	}
	return false;
}

static bool has_ipv6(struct str w)
{
	size_t colons = 0, n = 0;
	bool twice = false, inside = false; /* a run that is a word's part */

	for (size_t i = 0; i <= w.n; i++) {
		char c = i < w.n ? w.p[i] : ' ';

		if (c == ':') {
			twice = twice || (i && w.p[i - 1] == ':');
			colons++;
		} else if (!isxdigit((unsigned char)c)) {
			inside = inside || word_byte(c);
			if (n > 2 && !inside && (twice || colons >= 4))
				return true;
			colons = n = 0;
			twice = false;
			inside = word_byte(c);
			continue;
		}
		n++;
	}
	return false;
}

static bool is_top_level(struct str label)
{
	static const char *const ends[] = {
		"com",      "net",      "org",       "io",      "ai",
		"cn",       "dev",      "app",       "cloud",   "local",
		"internal", "lan",      "svc",       "cluster", "corp",
		"home",     "intranet", "info",      "us",      "eu",
		"uk",       "de",       "fr",        "jp",      "kr",
		"sg",       "hk",       "tw",        "in",      "ru",
		"xyz",      "co",       "me",        "tech",    "site",
		"online",   "run",      "ovh",       "arpa",    "biz",
		"test",     "example",  "edu",       "gov",     "ch",
		"nl",       "se",       "localhost", "top",     "pro",
		"host",     "ca",       "au",        "br",      "localdomain",
	};

	for (size_t i = 0; i < COUNT(ends); i++)
		if (str_ieq(label, ends[i]))
			return true;
	return false;
}

/* A name with a known ending, a name with a port, somebody@somewhere. */
static bool is_host(struct str w)
{
	struct str rest = w, piece, label = STR_NONE;
	size_t n_labels = 0, port = 0;
	const char *at = memchr(w.p, '@', w.n);

	if (at)
		rest = (struct str){ at + 1, w.n - (size_t)(at + 1 - w.p) };
	if (!str_next(&rest, '/', &piece))
		return false;
	rest = piece;
	str_next(&rest, ':', &piece);
	while (rest.p && port < rest.n && isdigit((unsigned char)rest.p[port]))
		port++;
	rest = piece;
	while (str_next(&rest, '.', &piece)) {
		if (piece.n)
			label = piece;
		n_labels++;
	}
	if (str_ieq(w, "localhost"))
		return true;
	return (n_labels > 1 && is_top_level(label)) || (label.n && port >= 4);
}

static bool is_path(struct str w)
{
	static const char *const roots[] = { "/home/", "/root/", "/usr/",
					     "/var/",  "/opt/",  "/app/",
					     "/etc/",  "/tmp/",  "/srv/",
					     "/mnt/",  "/data/", "/proc/" };

	for (size_t i = 0; i < COUNT(roots); i++)
		if (str_starts(w, roots[i]))
			return true;
	return w.n > 3 && w.p[1] == ':' && w.p[2] == '\\';
}

static const struct rule {
	bool (*is)(struct str word);
	const char *instead;
} rules[] = {
	{ is_known_key, "[key]" },  { is_url, "[address]" },
	{ has_ipv4, "[address]" },  { has_ipv6, "[address]" },
	{ is_host, "[address]" },   { is_path, "[path]" },
	{ is_long_token, "[key]" },
};

/* --- what the next word may not be -----------------------------------------
 */

/* Names whose value is a secret; the last run of letters is compared. */
static const struct name {
	const char *word;
	bool needs_sign; /* : or = must stand between */
	const char *instead;
} names[] = {
	/* clang-format off */
	{ "bearer",        false, "[key]" },
	{ "key",           true,  "[key]" },
	{ "keys",          true,  "[key]" },
	{ "apikey",        true,  "[key]" },
	{ "token",         true,  "[key]" },
	{ "secret",        true,  "[key]" },
	{ "password",      true,  "[key]" },
	{ "passwd",        true,  "[key]" },
	{ "pwd",           true,  "[key]" },
	{ "auth",          true,  "[key]" },
	{ "authorization", true,  "[key]" },
	{ "credential",    true,  "[key]" },
	{ "credentials",   true,  "[key]" },
	{ "signature",     true,  "[key]" },
	{ "cookie",        true,  "[key]" },
	{ "lookup",        false, "[address]" },
	{ "host",          true,  "[address]" },
	{ "hostname",      true,  "[address]" },
	{ "server",        true,  "[address]" },
	/* clang-format on */
};

static const struct name *name_of(struct str w)
{
	size_t from = w.n;
	struct str last;

	while (from && isalpha((unsigned char)w.p[from - 1]))
		from--;
	last = (struct str){ w.p + from, w.n - from };
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq(last, names[i].word))
			return &names[i];
	return NULL;
}

/* "key: please check" tells nothing, "key: ab12" and "key=ab" do. */
static bool is_value(struct str w, bool touching)
{
	bool plain = w.n < 16;

	for (size_t i = 0; i < w.n; i++)
		plain = plain && isalpha((unsigned char)w.p[i]) &&
			(!i || islower((unsigned char)w.p[i]));
	return touching || !plain;
}

/* --- the text --------------------------------------------------------------
 */

struct text {
	struct str in;
	size_t at, run_end;      /* no URL up to run_end */
	const struct name *name; /* the word before */
	bool sign, space;        /* : or =, a space, since the word before */
	char *out;
	size_t size, n, chars;
};

static bool is_glue(char c)
{
	return c && strchr(" \"'`<>=(){},;|&", c);
}

static bool ends_run(char c)
{
	return c && strchr(" \"'`<>", c);
}

static void put(struct text *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = 1;

		while (i + len < n &&
		       ((unsigned char)p[i + len] & 0xc0) == 0x80)
			len++;
		if (t->chars >= SCRUB_MAX || t->n + len >= t->size) {
			t->chars = SCRUB_MAX;
			return;
		}
		memcpy(t->out + t->n, p + i, len);
		t->n += len;
		t->chars++;
		i += len;
	}
}

/* The next word: as far as a URL goes, if it is one. */
static struct str next_word(struct text *t)
{
	const char *p = t->in.p + t->at;
	size_t left = t->in.n - t->at, n = 0;

	if (t->at >= t->run_end) {
		while (n < left && !ends_run(p[n]))
			n++;
		t->run_end = t->at + n;
		if (is_url((struct str){ p, n }))
			return (struct str){ p, n };
	}
	for (n = 0; n < left && !is_glue(p[n]); n++)
		if (p[n] == ':' && name_of((struct str){ p, n }))
			break;
	while (n > 1 && strchr(".:!?", p[n - 1]))
		n--;
	return (struct str){ p, n };
}

static const char *instead_of(const struct text *t, struct str w)
{
	if (t->name && (t->sign || !t->name->needs_sign) &&
	    is_value(w, t->sign && !t->space))
		return t->name->instead;
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].is(w))
			return rules[i].instead;
	return NULL;
}

static void take_glue(struct text *t)
{
	char c = t->in.p[t->at++];

	t->sign = t->sign || c == ':' || c == '=';
	t->space = t->space || c == ' ';
	if (c == '<' || c == '>')
		c = ' ';
	if (c != ' ' || (t->n && t->out[t->n - 1] != ' '))
		put(t, &c, 1);
}

static void take_word(struct text *t)
{
	struct str w = next_word(t);
	const char *instead = instead_of(t, w);

	if (instead)
		put(t, instead, strlen(instead));
	else
		put(t, w.p, w.n);
	if (!str_ieq(w, "provided")) /* "API key provided: ..." */
		t->name = name_of(w);
	t->sign = t->space = false;
	t->at += w.n;
}

/* A mark that ends a word or stands alone; "::1" begins one. */
static bool at_mark(const struct text *t)
{
	size_t i = t->at;

	while (i < t->in.n && strchr(".:!?", t->in.p[i]))
		i++;
	if (i == t->at)
		return false;
	return i == t->in.n || is_glue(t->in.p[i]) ||
	       (t->at && !is_glue(t->in.p[t->at - 1]));
}

size_t scrub_words(struct str in, char *out, size_t size)
{
	struct clean c;
	struct text t = { .out = out, .size = size };

	if (!size)
		return 0;
	out[0] = '\0';
	if (!in.n || is_page(in))
		return 0;
	clean(&c, in);
	t.in = (struct str){ c.p, c.n };
	while (t.at < c.n && t.chars < SCRUB_MAX)
		if (is_glue(c.p[t.at]) || at_mark(&t))
			take_glue(&t);
		else
			take_word(&t);
	while (t.n && out[t.n - 1] == ' ')
		t.n--;
	out[t.n] = '\0';
	return t.n;
}

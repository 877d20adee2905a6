/* same.c - see same.h.
 *
 * A value becomes an entry: a letter for its kind and a hash.  An array is the
 * hash of its entries, an object that of its pairs of entries, sorted.  Entries
 * stand on one stack; a bracket that closes takes its own off and puts one.
 */
#include "policy/same.h"

#include "base/buf.h"
#include "crypto/hash.h"
#include "json/text.h"

#define ENTRY (1 + HASH_SHA256)

struct walk {
	struct str json;
	size_t at;
	struct buf entries;
	struct buf opened; /* where the open brackets' entries begin: size_t */
	struct buf scratch;
};

static void put(struct walk *w, char kind, struct str s)
{
	unsigned char hash[HASH_SHA256];

	hash_sha256(s.p, s.n, hash);
	buf_char(&w->entries, kind);
	buf_add(&w->entries, (const char *)hash, sizeof(hash));
}

static void open_bracket(struct walk *w)
{
	size_t from = w->entries.len;

	buf_add(&w->opened, (const char *)&from, sizeof(from));
	w->at++;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 2 * (size_t)ENTRY);
}

static void close_bracket(struct walk *w, bool object)
{
	unsigned char hash[HASH_SHA256];
	size_t from, n;

	w->opened.len -= sizeof(from);
	memcpy(&from, w->opened.p + w->opened.len, sizeof(from));
	n = w->entries.len - from;
	if (object && n)
		qsort(w->entries.p + from, n / (2 * (size_t)ENTRY),
		      2 * (size_t)ENTRY, by_bytes);
	hash_sha256(w->entries.p + from, n, hash);
	w->entries.len = from;
	buf_char(&w->entries, object ? 'o' : 'a');
	buf_add(&w->entries, (const char *)hash, sizeof(hash));
	w->at++;
}

static void string(struct walk *w)
{
	size_t from = w->at++;
	bool escapes = false;
	struct str text;

	while (w->json.p[w->at] != '"') {
		bool escape = w->json.p[w->at] == '\\';

		escapes |= escape;
		w->at += escape ? 2 : 1;
	}
	w->at++;
	text = (struct str){ w->json.p + from, w->at - from };
	if (!escapes) {
		put(w, 's', json_inside(text));
		return;
	}
	buf_clear(&w->scratch);
	json_unescape_to(text, &w->scratch);
	put(w, 's', buf_span(&w->scratch));
}

static bool ends_word(char c)
{
	return strchr(",:]} \t\r\n", c); /* a NUL too, which is in no word */
}

static void word(struct walk *w)
{
	size_t from = w->at;

	while (w->at < w->json.n && !ends_word(w->json.p[w->at]))
		w->at++;
	put(w, 'v', (struct str){ w->json.p + from, w->at - from });
}

static void step(struct walk *w)
{
	switch (w->json.p[w->at]) {
	case '{':
	case '[': open_bracket(w); break;
	case '}':
	case ']': close_bracket(w, w->json.p[w->at] == '}'); break;
	case '"': string(w); break;
	case ',':
	case ':':
	case ' ':
	case '\t':
	case '\r':
	case '\n': w->at++; break;
	default: word(w);
	}
}

void same_hash(struct str json, uint8_t out[static SAME_HASH])
{
	struct walk w = { .json = json };

	buf_init(&w.entries, (json.n + 1) * ENTRY);
	buf_init(&w.opened, (json.n + 1) * sizeof(size_t));
	buf_init(&w.scratch, json.n + 4);
	while (w.at < json.n)
		step(&w);
	hash_sha256(w.entries.p, w.entries.len, out);
	buf_release(&w.entries);
	buf_release(&w.opened);
	buf_release(&w.scratch);
}

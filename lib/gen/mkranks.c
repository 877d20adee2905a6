/* mkranks.c - published rank data to the file that lib/count maps.
 *
 *	mkranks SOURCE-TEXT encoder.json OUT
 *
 * The data is the member "bpe_ranks" of a JSON object: lines of "! first
 * token token ...", each token in base64, ranks counted on from first.  Run
 * by the build, not linked.
 */
#include "base/buf.h"
#include "count/vocab.h"

#include <errno.h>

#define MEMBER "\"bpe_ranks\":\""

struct tokens {
	struct buf bytes;
	uint32_t starts[VOCAB_RANK_LOW + 1];
	uint32_t n, longest;
};

static void die(const char *what)
{
	fprintf(stderr, "mkranks: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(1);
}

static void read_file(const char *path, struct buf *text)
{
	FILE *f = fopen(path, "rb");
	char piece[65536];
	size_t n;

	if (!f)
		die(path);
	while ((n = fread(piece, 1, sizeof(piece), f)))
		buf_add(text, piece, n);
	if (ferror(f))
		die(path);
	fclose(f);
}

static int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One base64 word is one token. */
static void add_token(struct tokens *t, struct str word)
{
	uint32_t bits = 0, from = (uint32_t)t->bytes.len;
	int n_bits = 0;

	while (word.n && word.p[word.n - 1] == '=')
		word.n--;
	for (size_t i = 0; i < word.n; i++) {
		int d = digit(word.p[i]);

		if (d < 0)
			die("a token is not base64");
		bits = bits << 6 | (uint32_t)d;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		buf_char(&t->bytes, (char)(bits >> n_bits & 0xff));
	}
	if (t->bytes.len == from || t->n >= VOCAB_RANK_LOW - 1)
		die("a token is empty, or there are too many");
	t->starts[t->n++] = from;
	t->starts[t->n] = (uint32_t)t->bytes.len;
	t->longest = MAX(t->longest, (uint32_t)t->bytes.len - from);
}

/* "! 0 IQ== Ig==": a line; false: there is none. */
static void add_line(struct tokens *t, struct str line)
{
	struct str word;
	int64_t first;

	if (!str_next(&line, ' ', &word) || !str_eq(word, "!") ||
	    !str_next(&line, ' ', &word) ||
	    str_int(word, 0, VOCAB_RANK_LOW, &first) < 0)
		die("a line does not begin with its first rank");
	if (first != t->n)
		die("a rank is missing");
	while (str_next(&line, ' ', &word))
		if (word.n)
			add_token(t, word);
}

static void add_all(struct tokens *t, const char *text)
{
	const char *at = strstr(text, MEMBER), *end, *line_end;

	if (!at)
		die("the file has no bpe_ranks");
	at += sizeof(MEMBER) - 1;
	end = strchr(at, '"');
	if (!end)
		die("the file is cut off");
	while (at < end) {
		line_end = strstr(at, "\\n");
		if (!line_end || line_end > end)
			line_end = end;
		add_line(t, (struct str){ at, (size_t)(line_end - at) });
		at = line_end + (line_end < end ? 2 : 0);
	}
}

/* Free slots are what a look-up that finds nothing ends at: two in three. */
static uint32_t *make_slots(const struct tokens *t, uint32_t *n_slots)
{
	uint32_t n = 1, *slots;

	while (n < t->n * 2)
		n *= 2;
	slots = mem_alloc(n * sizeof(*slots));
	for (uint32_t r = 0; r < t->n; r++) {
		uint32_t hash = vocab_hash(t->bytes.p + t->starts[r],
					   t->starts[r + 1] - t->starts[r]);
		uint32_t i = hash & (n - 1);

		while (slots[i])
			i = (i + 1) & (n - 1);
		slots[i] = (hash & ~VOCAB_RANK_LOW) | (r + 1);
	}
	*n_slots = n;
	return slots;
}

static void write_file(const char *path, struct vocab_head *h,
		       const struct buf *body)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(h, sizeof(*h), 1, f) != 1 ||
	    fwrite(body->p, body->len, 1, f) != 1 || fclose(f))
		die(path);
}

int main(int argc, char **argv)
{
	struct tokens *t = mem_alloc(sizeof(*t));
	struct vocab_head h = { .version = 1, .order = 0x01020304u };
	struct buf text, body;
	uint32_t *slots;

	if (argc != 4)
		die("usage: mkranks SOURCE-TEXT encoder.json OUT");
	errno = 0;
	buf_init(&text, 64 << 20);
	buf_init(&body, 64 << 20);
	buf_init(&t->bytes, 64 << 20);
	read_file(argv[2], &text);
	add_all(t, text.p);
	while (t->bytes.len % 4)
		buf_char(&t->bytes, '\0');
	slots = make_slots(t, &h.n_slots);
	buf_add(&body, (char *)slots, h.n_slots * sizeof(*slots));
	buf_add(&body, (char *)t->starts, (t->n + 1) * sizeof(*t->starts));
	buf_add(&body, t->bytes.p, t->bytes.len);
	memcpy(h.magic, VOCAB_MAGIC, sizeof(h.magic));
	snprintf(h.source, sizeof(h.source), "%s", argv[1]);
	h.n_tokens = t->n;
	h.n_bytes = (uint32_t)t->bytes.len;
	h.longest = t->longest;
	h.sum = vocab_sum(body.p, body.len);
	write_file(argv[3], &h, &body);
	free(slots);
	buf_release(&t->bytes);
	buf_release(&body);
	buf_release(&text);
	free(t);
	return 0;
}

/* image_size.c - what the first bytes of a picture say about its size; see
 * image.h.  They are a caller's: every place is checked before it is read. */
#include "count/image.h"

typedef const unsigned char *text_at;

static int big2(text_at p)
{
	return p[0] << 8 | p[1];
}

static int little2(text_at p)
{
	return p[1] << 8 | p[0];
}

static int big4(text_at p)
{
	return (p[0] & 0x7f) << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static int little3(text_at p)
{
	return p[2] << 16 | p[1] << 8 | p[0];
}

static struct image_size png(text_at p, size_t n)
{
	if (n < 24 || memcmp(p + 12, "IHDR", 4) != 0)
		return (struct image_size){ 0 };
	return (struct image_size){ big4(p + 16), big4(p + 20) };
}

static struct image_size gif(text_at p, size_t n)
{
	if (n < 10)
		return (struct image_size){ 0 };
	return (struct image_size){ little2(p + 6), little2(p + 8) };
}

static struct image_size webp(text_at p, size_t n)
{
	if (n < 30 || memcmp(p + 8, "WEBP", 4) != 0)
		return (struct image_size){ 0 };
	if (!memcmp(p + 12, "VP8X", 4))
		return (struct image_size){ little3(p + 24) + 1,
					    little3(p + 27) + 1 };
	if (!memcmp(p + 12, "VP8L", 4) && p[20] == 0x2f)
		return (struct image_size){
			(p[21] | (p[22] & 0x3f) << 8) + 1,
			(p[22] >> 6 | p[23] << 2 | (p[24] & 0x0f) << 10) + 1
		};
	if (!memcmp(p + 12, "VP8 ", 4) && !memcmp(p + 23, "\x9d\x01\x2a", 3))
		return (struct image_size){ little2(p + 26) & 0x3fff,
					    little2(p + 28) & 0x3fff };
	return (struct image_size){ 0 };
}

/* C0 to CF but DHT, JPG and DAC: a frame begins, and has a size. */
static bool is_frame(unsigned char marker)
{
	return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
	       marker != 0xC8 && marker != 0xCC;
}

/* Segments of a marker and a length, up to the frame's. */
static struct image_size jpeg(text_at p, size_t n)
{
	size_t at = 2;

	while (at + 9 < n && p[at] == 0xFF) {
		if (p[at + 1] == 0xFF) { /* a filling byte */
			at++;
			continue;
		}
		if (is_frame(p[at + 1]))
			return (struct image_size){ big2(p + at + 7),
						    big2(p + at + 5) };
		at += 2 + (size_t)big2(p + at + 2);
	}
	return (struct image_size){ 0 };
}

static const struct {
	const char *magic;
	size_t n;
	struct image_size (*size)(text_at p, size_t n);
} kinds[] = {
	{ "\x89PNG\r\n\x1a\n", 8, png },
	{ "GIF8", 4, gif },
	{ "RIFF", 4, webp },
	{ "\xFF\xD8", 2, jpeg },
};

struct image_size image_size(const unsigned char *p, size_t n)
{
	struct image_size s = { 0 };

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (n >= kinds[i].n && !memcmp(p, kinds[i].magic, kinds[i].n))
			s = kinds[i].size(p, n);
	if (s.w <= 0 || s.h <= 0)
		return (struct image_size){ 0 };
	return s;
}

static int digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

size_t image_base64(struct str s, unsigned char *to, size_t size)
{
	uint32_t bits = 0;
	int n_bits = 0, d;
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < size; i++) {
		d = digit((unsigned char)s.p[i]);
		if (d < 0)
			continue;
		bits = bits << 6 | (uint32_t)d;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			to[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	return n;
}

/* Most sizes stand in the first bytes; a JPEG's may stand behind a preview
 * and a profile. */
struct image_size image_size_of_url(struct str url)
{
	unsigned char head[64], *all;
	const char *comma = url.n ? memchr(url.p, ',', MIN(url.n, 256)) : NULL;
	struct image_size s;
	struct str data;
	size_t n;

	if (!comma || !str_starts(url, "data:"))
		return (struct image_size){ 0 };
	data.p = comma + 1;
	data.n = MIN(url.n - (size_t)(data.p - url.p), IMAGE_HEAD);
	n = image_base64(data, head, sizeof(head));
	s = image_size(head, n);
	if (s.w || n < 2 || memcmp(head, "\xFF\xD8", 2) != 0)
		return s;
	all = mem_alloc(data.n);
	s = image_size(all, image_base64(data, all, data.n));
	free(all);
	return s;
}

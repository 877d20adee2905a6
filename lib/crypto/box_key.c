/* box_key.c - the files of box.h and the texts of public keys. */
#include "crypto/box_in.h"

#include "base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#define FILE_MAX 512 /* bytes of a key file */

void box_wipe(void *p, size_t n)
{
	if (n)
		sodium_memzero(p, n);
}

void box_base64(struct buf *out, const unsigned char *p, size_t n)
{
	size_t size = sodium_base64_encoded_len(
		n, sodium_base64_VARIANT_ORIGINAL); /* with its '\0' */
	char *to = buf_room(out, size - 1);

	if (!to)
		return;
	sodium_bin2base64(to, size, p, n, sodium_base64_VARIANT_ORIGINAL);
	buf_grew(out, size - 1);
}

int box_unbase64(struct str s, unsigned char *at, size_t max)
{
	const char *end;
	size_t n;

	if (!s.n ||
	    sodium_base642bin(at, max, s.p, s.n, NULL, &n, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != s.p + s.n)
		return -1;
	return (int)n;
}

bool box_id(struct str s, char at[static BOX_ID])
{
	if (s.n != BOX_ID - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = (char)(c | 0x20);

		if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z'))
			return false;
		at[i] = c;
	}
	at[s.n] = '\0';
	return true;
}

/* --- the file ---------------------------------------------------------------- */

static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = mem_dup(slash ? path : ".");
	int fd, r;

	if (slash)
		folder[MAX(slash - path, 1)] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

static int write_file(const char *path, struct str text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	bool ok;

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_EXISTS,
			       "%s is there already and was left as it is",
			       path);
	if (fd < 0)
		return err_set(e, ERR_CONFIG, "cannot make %s: %s", path,
			       strerror(errno));
	ok = write(fd, text.p, text.n) == (ssize_t)text.n && !fsync(fd);
	if (close(fd) != 0 || !ok || sync_folder_of(path) < 0) {
		err_set(e, ERR_CONFIG, "cannot write %s: %s", path,
			strerror(errno));
		unlink(path);
		return -1;
	}
	return 0;
}

int box_key_create(const char *path, char *id, struct box_public *public,
		   struct err *e)
{
	struct box_key k;
	struct buf text;
	int r;

	rand_text(k.id, BOX_ID - 1);
	rand_bytes(k.secret, sizeof(k.secret));
	crypto_scalarmult_base(k.public, k.secret);
	buf_init(&text, FILE_MAX);
	buf_room(&text, FILE_MAX); /* once: no copy is left behind */
	buf_printf(&text, "pontage-key 1 %s\n", k.id);
	box_base64(&text, k.secret, sizeof(k.secret));
	buf_char(&text, '\n');
	r = write_file(path, buf_span(&text), e);
	if (!r && id)
		memcpy(id, k.id, BOX_ID);
	if (!r && public)
		box_key_public(&k, public);
	box_wipe(text.p, text.len);
	buf_release(&text);
	box_wipe(&k, sizeof(k));
	return r;
}

/* The bytes of the file into at: how many, or -1. */
static int read_file(const char *path, char *at, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = -1;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_CONFIG,
			       "cannot read the key file %s: %s%s", path,
			       strerror(errno),
			       errno == ENOENT ? "; `pontage init` makes it" :
						 "");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		err_set(e, ERR_CONFIG, "%s is not a file", path);
	} else if (st.st_mode & 077) {
		err_set(e, ERR_CONFIG,
			"others may read the key file (mode %03o): chmod 400 "
			"%s",
			(unsigned int)st.st_mode & 0777, path);
	} else {
		n = read(fd, at, FILE_MAX);
		r = (int)n;
		if (n < 0)
			err_set(e, ERR_CONFIG, "cannot read %s: %s", path,
				strerror(errno));
	}
	close(fd);
	return r;
}

static bool parse_file(struct str text, struct box_key *k)
{
	static const char head[] = "pontage-key 1 ";
	unsigned char secret[BOX_KEY + 1];
	struct str first, second;
	bool ok;

	if (!str_starts(text, head) || !str_next(&text, '\n', &first) ||
	    !str_next(&text, '\n', &second) || str_trim(text).n)
		return false;
	first.p += sizeof(head) - 1;
	first.n -= sizeof(head) - 1;
	ok = box_id(first, k->id) &&
	     box_unbase64(second, secret, sizeof(secret)) == BOX_KEY;
	if (ok)
		memcpy(k->secret, secret, BOX_KEY);
	box_wipe(secret, sizeof(secret));
	return ok;
}

struct box_key *box_key_load(const char *path, struct err *e)
{
	char text[FILE_MAX];
	struct box_key *k;
	int n = read_file(path, text, e);

	if (n < 0)
		return NULL;
	if (sodium_init() < 0 || !(k = sodium_malloc(sizeof(*k)))) {
		box_wipe(text, sizeof(text));
		err_set(e, ERR_CONFIG, "no memory to keep a key in");
		return NULL;
	}
	if (parse_file((struct str){ text, (size_t)n }, k)) {
		crypto_scalarmult_base(k->public, k->secret);
		sodium_mprotect_readonly(k);
	} else {
		err_set(e, ERR_CONFIG,
			"%s is not a key file of pontage; restore it from "
			"where it was kept",
			path);
		sodium_free(k);
		k = NULL;
	}
	box_wipe(text, sizeof(text));
	return k;
}

void box_key_wipe(struct box_key *k)
{
	sodium_free(k); /* wipes */
}

const char *box_key_id(const struct box_key *k)
{
	return k->id;
}

/* --- the public half ----------------------------------------------------------- */

void box_key_public(const struct box_key *k, struct box_public *out)
{
	memcpy(out->id, k->id, BOX_ID);
	memcpy(out->key, k->public, BOX_KEY);
}

char *box_public_text(const struct box_public *p,
		      char at[static BOX_PUBLIC_TEXT])
{
	char text[sodium_base64_ENCODED_LEN(BOX_KEY,
					    sodium_base64_VARIANT_ORIGINAL)];

	sodium_bin2base64(text, sizeof(text), p->key, BOX_KEY,
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(at, BOX_PUBLIC_TEXT, "p1$%s$%s", p->id, text);
	return at;
}

int box_public_parse(struct str s, struct box_public *out, struct err *e)
{
	unsigned char key[BOX_KEY + 1];
	struct str kind, id;

	*out = (struct box_public){ 0 };
	if (!str_next(&s, '$', &kind) || !str_eq(kind, "p1") ||
	    !str_next(&s, '$', &id) || !box_id(id, out->id) ||
	    box_unbase64(s, key, sizeof(key)) != BOX_KEY)
		return err_set(e, ERR_SECRET,
			       "the public key in the database is damaged; "
			       "`pontage init` writes it again");
	memcpy(out->key, key, BOX_KEY);
	return 0;
}

/* cmd_init.c - makes an installation: folder, database, key files. */
#include "price.h"

#include <errno.h>
#include <sys/stat.h>

#include "crypto/box.h"
#include "crypto/hash.h"
#include "db/db.h"
#include "store/meta.h"
#include "store/upkeep.h"

struct result {
	const char *state_dir, *db_path, *master_key_path, *admin_key_path;
	const char *made; /* words between commas: what was not there before */
	int64_t schema;
};

#define COL(field) offsetof(struct result, field)

static const struct out_col cols[] = {
	{ "state_dir", "state folder", OUT_TEXT, COL(state_dir) },
	{ "db_path", "database", OUT_TEXT, COL(db_path) },
	{ "schema", "its schema", OUT_INT, COL(schema) },
	{ "master_key_path", "opens provider keys", OUT_TEXT,
	  COL(master_key_path) },
	{ "admin_key_path", "for the pages", OUT_TEXT, COL(admin_key_path) },
	{ "made", "made now", OUT_LIST, COL(made) },
	{ .name = NULL }
};

static void note(struct buf *made, const char *what)
{
	if (made->len)
		buf_char(made, ',');
	buf_str(made, what);
}

static int make_folder(const char *path, struct buf *made, struct err *e)
{
	struct stat st;

	if (!mkdir(path, 0700)) {
		note(made, "state_dir");
		return 0;
	}
	if (errno != EEXIST)
		return err_set(e, ERR_CONFIG,
			       "state_dir %s: %s; make the folder above it, or "
			       "set another",
			       path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "state_dir %s is no folder",
			       path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		fprintf(stderr,
			"pontage: init: warning: others may look into %s; "
			"chmod 700 it, unless the web server needs its sockets "
			"there\n",
			path);
	return 0;
}

static int make_key(const char *path, const char *name, struct buf *made,
		    struct err *e)
{
	struct err why = { 0 };
	struct box_public public;
	char id[BOX_ID];

	if (!box_key_create(path, id, &public, &why)) {
		note(made, name);
		return 0;
	}
	if (why.code == ERR_EXISTS)
		return 0;
	*e = why;
	return -1;
}

/* The database learns what seals provider keys, once: keys that were sealed
 * before would not open with another master.key. */
static int publish_key(struct cli *c, struct err *e)
{
	struct box_key *k = box_key_load(c->conf.master_key_path, e);
	char text[BOX_PUBLIC_TEXT];
	struct box_public public;
	const char *known;

	if (!k)
		return -1;
	box_key_public(k, &public);
	box_key_wipe(k);
	box_public_text(&public, text);
	known = meta_get(c->db, "public_key", &c->arena, e);
	if (e->code)
		return -1;
	if (known && strcmp(known, text))
		return err_set(e, ERR_SECRET,
			       "%s is not the key that this database was made "
			       "with; put the old file back",
			       c->conf.master_key_path);
	return known ? 0 : meta_set(c->db, "public_key", text, e);
}

static int make_database(struct cli *c, struct buf *made, struct err *e)
{
	bool there = !access(c->conf.db_path, F_OK);
	mode_t mask = umask(077);
	int had;

	c->db = db_open(c->conf.db_path, DB_TOOL, false, e);
	umask(mask);
	if (!c->db)
		return -1;
	had = db_migrate(c->db, e);
	if (had < 0)
		return -1;
	if (!there || !had)
		note(made, "database");
	return publish_key(c, e);
}

/* So that a channel can be used at once. */
static int make_prices(struct cli *c, struct buf *made, struct err *e)
{
	int n = price_seed(c, e);

	if (n > 0)
		note(made, "prices");
	return MIN(n, 0);
}

static int init(struct cli *c, const void *values, struct err *e)
{
	struct result r = { .state_dir = c->conf.state_dir,
			    .db_path = c->conf.db_path,
			    .master_key_path = c->conf.master_key_path,
			    .admin_key_path = c->conf.admin_key_path };
	struct buf made;
	int ret = -1;

	(void)values;
	buf_init(&made, 256);
	if (make_folder(c->conf.state_dir, &made, e) < 0 ||
	    upkeep_prepare(&c->conf, e) < 0 ||
	    make_key(c->conf.master_key_path, "master_key", &made, e) < 0 ||
	    make_key(c->conf.admin_key_path, "admin_key", &made, e) < 0 ||
	    make_database(c, &made, e) < 0 || make_prices(c, &made, e) < 0)
		goto out;
	r.schema = db_schema(c->db, e);
	if (r.schema < 0)
		goto out;
	r.made = made.len ? made.p : "";
	out_one(&c->out, cols, &r);
	if (!made.len)
		cli_say(c, "everything was there already; nothing was changed");
	ret = 0;
out:
	buf_release(&made);
	return ret;
}

const struct cmd cmd_init = {
	.name = "init",
	.words = "",
	.what = "make the state folder, the database and the key files; safe "
		"to repeat",
	.help = "Keep a copy of master.key apart from the database's backups: "
		"without it the\nkeys of providers cannot be read.\n\n"
		"An empty price book gets what vendors asked for their models "
		"when this version was\nmade: pontage price list. Check it "
		"before you charge anybody by it.\n",
	.args = NO_ARGS,
	.run = init,
};

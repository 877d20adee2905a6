/* cmd_backup.c - a copy of the database, while it is in use. */
#include "cmd.h"

#include <sys/stat.h>

#include "db/db.h"

struct values {
	const char *file;
};

struct result {
	const char *file;
	int64_t bytes, schema;
};

static const struct out_col cols[] = {
	{ "file", "file", OUT_TEXT, offsetof(struct result, file) },
	{ "bytes", "bytes", OUT_INT, offsetof(struct result, bytes) },
	{ "schema", "schema", OUT_INT, offsetof(struct result, schema) },
	{ .name = NULL }
};

static int backup(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct result r = { .file = v->file };
	struct stat st;

	if (!cli_db(c, e) || db_backup(c->db, v->file, NULL, e) < 0)
		return -1;
	if (!stat(v->file, &st))
		r.bytes = st.st_size;
	r.schema = db_schema(c->db, e);
	if (r.schema < 0)
		return -1;
	out_one(&c->out, cols, &r);
	cli_say(c, "%s",
		c->json ? "keep master.key and admin.key elsewhere" :
			  "the keys of providers in it open with master.key "
			  "only, which is not\npart of it: keep that file, "
			  "and admin.key, in another place");
	return 0;
}

const struct cmd cmd_backup = {
	.name = "backup",
	.words = "FILE",
	.what = "copy the database into a new file, while it is in use",
	.args =
		(const struct arg[]){
			ARG("FILE", ARG_TEXT, offsetof(struct values, file),
			    NULL, "must not exist yet", .required = true),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = backup,
};

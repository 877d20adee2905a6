/* user.c - see user.h. */
#include "store/user.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

static const struct db_cols cols =
	DB_COLS(struct user, DB_INT(user, id), DB_STR(user, name),
		DB_STR(user, role), DB_STR(user, group), DB_INT(user, enabled),
		DB_STR(user, passwd), DB_INT(user, created_ms),
		DB_INT(user, account_id), DB_INT(user, balance_nusd),
		DB_INT(user, held_nusd), DB_INT(user, spent_nusd));

static int check_role(const char *role, struct err *e)
{
	static const char *const roles[] = { "root", "admin", "user" };

	for (size_t i = 0; i < COUNT(roles); i++)
		if (!strcmp(role, roles[i]))
			return 0;
	return err_param(e, ERR_VALUE, "role", "a role is root, admin or user");
}

/* Names stand in logs, addresses and on command lines. */
static int check_name(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n < 1 || n > USER_NAME_MAX)
		return err_param(e, ERR_VALUE, "name",
				 "a name has 1 to %d bytes", USER_NAME_MAX);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return err_param(e, ERR_VALUE, "name",
					 "a name has no spaces and no control "
					 "characters");
	return 0;
}

static int64_t add_both(struct db *db, struct sqlite3_stmt *st, struct err *e)
{
	int64_t id = db_insert(db, st, e);

	if (id >= 0 &&
	    db_run(db, db_bind(db, ST_USER_ACCOUNT_ADD, "i", id), e) < 0)
		return -1;
	return id;
}

int64_t user_add(struct db *db, const char *name, const char *role,
		 const char *group, const char *passwd, struct err *e)
{
	int64_t id;

	role = role ? role : "user";
	group = group ? group : "default";
	if (check_name(name, e) < 0 || check_role(role, e) < 0 ||
	    db_begin(db, e) < 0)
		return -1;
	id = add_both(db,
		      db_bind(db, ST_USER_ADD, "ssssi", name, role, group,
			      passwd, clock_wall_ms()),
		      e);
	if (id >= 0)
		return db_commit(db, e) < 0 ? -1 : id;
	db_rollback(db);
	if (e->code == ERR_EXISTS) {
		err_clear(e);
		err_param(e, ERR_EXISTS, "name", "there is a user %s already",
			  name);
	}
	return -1;
}

int user_find(struct db *db, const char *name, struct user *u,
	      struct arena *arena, struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_USER_FIND, "s", name), &cols, u,
			arena, e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no user %s", name);
}

int user_get(struct db *db, int64_t id, struct user *u, struct arena *arena,
	     struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_USER_GET, "i", id), &cols, u, arena,
			e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no user %lld",
			    (long long)id);
}

int user_list(struct db *db, struct user **out, struct arena *arena,
	      struct err *e)
{
	return db_rows(db, db_bind(db, ST_USER_LIST, ""), &cols, out, arena, e);
}

int user_set(struct db *db, int64_t id, const struct user_change *c,
	     struct err *e)
{
	int n;

	if (c->role && check_role(c->role, e) < 0)
		return -1;
	n = db_run(db,
		   db_bind(db, ST_USER_SET, "sssdi", c->role, c->group,
			   c->passwd, c->enabled, id),
		   e);
	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "there is no user %lld",
			   (long long)id);
}

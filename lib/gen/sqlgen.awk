# sqlgen.awk - turns the .sql files into C.
#
#	awk -v OUT=build/gen/sql -f lib/gen/sqlgen.awk FILES...
#
# sql/query/*.sql      "-- :name" blocks: an enum value ST_NAME each, and a row
#                      of sql_stmts[] with its text.  Lines that are comments
#                      are left out.
# sql/schema/NNN-x.sql step NNN of sql_schema[], whole: SQLite keeps the
#                      comments inside CREATE, where they explain the columns.
# sql/seed/*.sql       rows of sql_seeds[], run once by whoever makes a database.
#
# Everything happens in BEGIN, so that no file at all means no row at all.

function die(text)
{
	printf("sqlgen: %s\n", text) > "/dev/stderr"
	bad = 1
	exit 1
}

function literal(line)
{
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	return "\t  \"" line "\\n\"\n"
}

function query(file,    line, name)
{
	name = ""
	while ((getline line < file) > 0) {
		if (line ~ /^-- :/) {
			name = substr(line, 5)
			if (name !~ /^[a-z][a-z0-9_]*$/)
				die(file ": a name is lower case, not " name)
			if (name in seen)
				die(file ": " name " is there twice")
			seen[name] = 1
			names[n_stmt++] = name
			text[name] = ""
		} else if (line ~ /^[ \t]*(--.*)?$/) {
			continue
		} else if (name == "") {
			die(file ": SQL before the first \"-- :name\"")
		} else {
			text[name] = text[name] literal(line)
		}
	}
	close(file)
}

function whole(file,    line, s)
{
	s = ""
	while ((getline line < file) > 0)
		s = s literal(line)
	close(file)
	return s
}

function base_name(file)
{
	sub(/^.*\//, "", file)
	sub(/\.sql$/, "", file)
	return file
}

function step(file)
{
	if (substr(base_name(file), 1, 3) + 0 != n_step + 1)
		die(file ": want step " n_step + 1)
	step_name[n_step] = base_name(file)
	step_text[n_step++] = whole(file)
}

function seed(file)
{
	seed_name[n_seed] = base_name(file)
	seed_text[n_seed++] = whole(file)
}

function header(to,    i)
{
	print "/* sql.h - made of sql/ by lib/gen/sqlgen.awk. */" > to
	print "#ifndef GEN_SQL_H\n#define GEN_SQL_H\n" > to
	print "enum db_stmt {" > to
	for (i = 0; i < n_stmt; i++)
		print "\tST_" toupper(names[i]) "," > to
	print "\tST__COUNT\n};\n" > to
	print "#define SQL_SCHEMA_VERSION " n_step + 0 > to
	print "#define SQL_SEED_COUNT     " n_seed + 0 > to
	print "\nstruct sql_text {\n\tconst char *name, *text;\n};\n" > to
	print "/* The last row of each is empty. */" > to
	print "extern const struct sql_text sql_stmts[];" > to
	print "extern const struct sql_text sql_schema[]; /* [0]: step 1 */" > to
	print "extern const struct sql_text sql_seeds[];" > to
	print "\n#endif" > to
	close(to)
}

function rows(to, table, n, name, by_name, by_row,    i)
{
	print "\nconst struct sql_text " table "[] = {" > to
	for (i = 0; i < n; i++)
		printf("\t{ \"%s\",\n%s\t},\n", name[i],
		       by_name ? text[name[i]] : by_row[i]) > to
	print "\t{ 0, 0 }\n};" > to
}

BEGIN {
	n_stmt = n_step = n_seed = 0
	for (a = 1; a < ARGC; a++) {
		if (ARGV[a] ~ /query\//)
			query(ARGV[a])
		else if (ARGV[a] ~ /schema\//)
			step(ARGV[a])
		else if (ARGV[a] ~ /seed\//)
			seed(ARGV[a])
		else
			die(ARGV[a] ": not in query/, schema/ or seed/")
	}
	for (i = 0; i < n_stmt; i++)
		if (text[names[i]] == "")
			die(names[i] " has no text")
	header(OUT ".h")
	c = OUT ".c"
	print "/* sql.c - made of sql/ by lib/gen/sqlgen.awk. */" > c
	print "#include \"sql.h\"" > c
	rows(c, "sql_stmts", n_stmt, names, 1, names)
	rows(c, "sql_schema", n_step, step_name, 0, step_text)
	rows(c, "sql_seeds", n_seed, seed_name, 0, seed_text)
	close(c)
	exit bad
}

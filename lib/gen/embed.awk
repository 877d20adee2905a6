# embed.awk - turns whole files into C strings.
#
#	awk -v OUT=build/gen/pages -f lib/gen/embed.awk FILES...
#
# With -v ASSETS="pontage.css=0123abcd ..." a page's /static/pontage.css becomes
# /static/pontage.0123abcd.css, which the web server lets be kept for ever.
#
# tmpl/front.html becomes page_front[] and page_front_n, its bytes.  Everything
# happens in BEGIN, so that no file at all gives an empty header.

function literal(line)
{
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	return "\t\"" line "\\n\""
}

function hashed(line,    file)
{
	for (file in hash)
		gsub("/static/" file, "/static/" hash[file], line)
	return line
}

function read_assets(    part, n, i, word, file, ext)
{
	n = split(ASSETS, word, " ")
	for (i = 1; i <= n; i++) {
		split(word[i], part, "=")
		file = ext = part[1]
		sub(/\.[^.]*$/, "", file)
		sub(/^.*\./, "", ext)
		gsub(/\./, "[.]", part[1])
		hash[part[1]] = file "." part[2] "." ext
	}
}

function name_of(file)
{
	sub(/^.*\//, "", file)
	sub(/\.html$/, "", file)
	gsub(/[^A-Za-z0-9]/, "_", file)
	return "page_" file
}

BEGIN {
	read_assets()
	h = OUT ".h"
	c = OUT ".c"
	print "/* pages.h - made of tmpl/ by lib/gen/embed.awk. */" > h
	print "#ifndef GEN_PAGES_H\n#define GEN_PAGES_H\n" > h
	print "#include <stddef.h>\n" > h
	print "/* pages.c - made of tmpl/ by lib/gen/embed.awk. */" > c
	print "#include \"pages.h\"" > c
	for (a = 1; a < ARGC; a++) {
		name = name_of(ARGV[a])
		if (name in seen) {
			print "embed: " name " is there twice" > "/dev/stderr"
			exit 1
		}
		seen[name] = 1
		print "extern const char " name "[];" > h
		print "extern const size_t " name "_n;" > h
		print "\nconst char " name "[] =" > c
		print "\t\"\"" > c
		while ((getline line < ARGV[a]) > 0)
			print literal(hashed(line)) > c
		close(ARGV[a])
		print "\t;" > c
		print "const size_t " name "_n = sizeof(" name ") - 1;" > c
	}
	print "\n#endif" > h
}

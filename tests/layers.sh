#!/bin/sh
# Who may include whom.  A file includes its own folder and folders of a lower
# rank; a library's header is included by its owner alone.  Read the lists
# first: they are the map of the source.
# shellcheck disable=SC2046,SC2013 # no name of ours has a blank
set -u
cd "$(dirname "$0")/.." || exit

ranks='
0 lib/base
1 lib/json
1 lib/text
1 lib/crypto
1 lib/http
2 lib/net
1 lib/db
1 lib/shared
2 lib/count
2 lib/store
2 lib/dialect
3 lib/gen
3 lib/provider
4 lib/policy
5 lib/relay
6 fcgi
6 admin-cgi
6 cli'

# A header (the start of what stands between the brackets) and the files that
# may include it (shell patterns, divided by blanks).
owners='
json-c/         lib/json/js.[ch]
pcre2.h         lib/text/*
sodium          lib/crypto/*
openssl/        lib/crypto/*
curl/           fcgi/call*.[ch] lib/net/fetch.c
sqlite3         lib/db/*
seccomp.h       lib/base/seccomp.c
fcgiapp.h       fcgi/front.c admin-cgi/main.c
fcgi_config.h   fcgi/front.c admin-cgi/main.c
fcgi_stdio.h    nobody
pthread.h       fcgi/front.c lib/db/writer.c
threads.h       nobody'

# Words that only some files may use, beside what they include: who must not
# use what (a pattern for grep -E), and why.
forbidden='
admin-cgi   \bbox_open(_[a-z]+)?\(|master_key      admin.fcgi cannot open the key of a provider
admin-cgi   "(net/fetch|relay/)                    admin.fcgi calls no provider; it asks a relay worker
lib/relay   "(db|store)/                           a relay is handed channels and hands out usage
lib/dialect "(db|store|net|crypto|shared)/         a dialect opens nothing and waits for nothing
lib/dialect "base/(clock|rand|log|conf)            a dialect knows no time, no chance, no settings
lib/count   "(db|store|net|crypto|shared)/         a count is pure
lib/provider "(db|store|net|shared)/               a provider is a row'

sources() {
	find lib fcgi admin-cgi cli -name '*.[ch]' | sort
}

rank() {
	echo "$ranks" | awk -v dir="$1" '$2 == dir { print $1 }'
}

# "lib/json/js.c" belongs to "lib/json", "cli/main.c" to "cli".
folder() {
	case $1 in
	lib/*) echo "$1" | cut -d/ -f1,2 ;;
	*) echo "${1%%/*}" ;;
	esac
}

check_ranks() {
	for file in $(sources); do
		own=$(folder "$file")
		up=$(rank "$own")
		[ -n "$up" ] || echo "$file: the folder $own has no rank"
		sed -n 's/^#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" |
			while read -r header; do
				case $header in
				*/*) to=lib/${header%%/*} ;;
				*) continue ;; # its own folder
				esac
				[ "$to" != "$own" ] || continue
				down=$(rank "$to")
				[ -n "$down" ] && [ "$down" -lt "${up:-0}" ] ||
					echo "$file: includes \"$header\", which is" \
						"not below $own"
			done
	done
}

owned_by() {
	for pattern in $2; do
		# shellcheck disable=SC2254 # a pattern
		case $1 in
		$pattern) return 0 ;;
		esac
	done
	return 1
}

check_owners() {
	set -f # the patterns are for case, not for files
	echo "$owners" | while read -r header who; do
		[ -n "$header" ] || continue
		for file in $(grep -lE "^#[ 	]*include[ 	]*<$header" $(sources)); do
			owned_by "$file" "$who" ||
				echo "$file: includes <$header...>, which belongs to $who"
		done
	done
	set +f
}

check_words() {
	echo "$forbidden" | while read -r dir pattern why; do
		[ -n "$dir" ] || continue
		grep -rnE --include='*.[ch]' "$pattern" "$dir" |
			while IFS= read -r line; do
				echo "$line: $why"
			done
	done
}

# SQL stands in sql/ and markup in admin-cgi/tmpl/; lib/db has the words of
# the engine itself (BEGIN, PRAGMA).
check_texts() {
	grep -nE '"[^"]*\b(SELECT [a-z*:]|INSERT (OR [A-Z]+ )?INTO|UPDATE [a-z_]+ SET|DELETE FROM|CREATE TABLE)' \
		$(sources | grep -v '^lib/db/') |
		sed 's/$/: SQL belongs into sql\//'
	grep -nE '"[^"]*<(html|body|div|span|p|a|table|tr|td|form|input|h[1-6])[ >]' \
		$(sources | grep -vE "^lib/(dialect/scrub|provider/testprov)") |
		sed 's/$/: markup belongs into admin-cgi\/tmpl\//'
	# A lock file names packages, not the place that they came from.
	grep -n '"resolved": *"http' tests/e2e/package-lock.json \
		lib/count/ranks/package-lock.json |
		sed 's/$/: names a place outside the source/'
}

found=$({
	check_ranks
	check_owners
	check_words
	check_texts
})
if [ -n "$found" ]; then
	echo "$found"
	echo "layers: $(echo "$found" | wc -l) failed"
	exit 1
fi
echo "layers: $(sources | wc -l) files keep their places"

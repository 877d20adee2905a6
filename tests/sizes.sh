#!/bin/sh
# Small enough to read: functions of at most 60 lines and complexity 15, files
# of at most 600 lines.
# shellcheck disable=SC2046,SC2086 # lists; no name of ours has a blank
set -u
cd "$(dirname "$0")/.." || exit

files=$(find lib fcgi admin-cgi cli tests/unit tests/mock tests/bench \
	tests/relay tests/cases tests/fuzz tests/storm tests/selftest -name '*.[ch]' 2>/dev/null | sort)
found=$({
	pmccabe $(echo "$files" | grep '\.c$') 2>/dev/null | awk '
		# modified complexity, traditional, statements, line, lines, file
		$5 > 60 { print $6 " " $7 ": " $5 " lines, 60 are allowed" }
		$1 > 15 { print $6 " " $7 ": complexity " $1 ", 15 is allowed" }'
	wc -l $files | awk '$2 != "total" && $1 > 600 {
		print $2 ": " $1 " lines, 600 are allowed" }'
})
if [ -n "$found" ]; then
	echo "$found"
	echo "sizes: $(echo "$found" | wc -l) too large"
	exit 1
fi
echo "sizes: $(echo "$files" | wc -l) files, all small"

#!/bin/sh
# Each header compiles alone.  The compiler's flags come from make.
#
#	tests/headers.sh gcc -std=gnu17 -Ilib ...
set -u
cd "$(dirname "$0")/.." || exit
bad=0
n=0

for header in $(find lib fcgi admin-cgi cli tests -name '*.h' \
	-not -path '*/node_modules/*' | sort); do
	n=$((n + 1))
	case $header in
	lib/base/banned.h) continue ;; # is included first, everywhere
	esac
	echo "#include \"$header\"" |
		"$@" -I. -x c -fsyntax-only - || bad=$((bad + 1))
done
echo "headers: $n, $bad do not compile alone"
[ $bad -eq 0 ]

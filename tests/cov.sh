#!/bin/sh
# Line coverage of lib/ by test programs, and a floor in percent:
# tests/cov.sh FLOOR PROGRAM...
set -u
cd "$(dirname "$0")/.." || exit
floor=$1
shift
info=build/cov/lib.info

find build/cov -name '*.gcda' -delete
for program in "$@"; do
	"$program" >build/cov/log 2>&1 || {
		cat build/cov/log
		exit 1
	}
done

# What no test runs is counted too, where a test links it or not.
gather() {
	lcov -q -d build/cov/obj/lib -b . --no-external "$@" >build/cov/log 2>&1 || {
		cat build/cov/log
		exit 1
	}
}
gather -c -i -o build/cov/all.info
gather -c -o build/cov/ran.info
gather -a build/cov/all.info -a build/cov/ran.info -o $info
lcov -l $info | sed -n 's/ *|$//; /^lib\|\[\/\|\.c/p' | cut -c1-60
percent=$(awk -F: '/^LF:/ { all += $2 } /^LH:/ { hit += $2 }
	END { printf "%d", all ? 100 * hit / all : 0 }' $info)
echo "coverage of lib/: $percent % of its lines, the floor is $floor %"
[ "$percent" -ge "$floor" ]

#!/bin/sh
# Runs test programs, prints what cmocka counted, stops at the first that
# fails: tests/unit.sh PROGRAM...
set -u
cd "$(dirname "$0")/.." || exit
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
out=build/unit.log
passed=0

# ThreadSanitizer of older compilers cannot live with much address randomness.
calm=
! setarch -R true 2>/dev/null || calm='setarch -R'

for program in "$@"; do
	case $program in
	build/tsan/*) runner=$calm ;;
	*) runner= ;;
	esac
	$runner "$program" >$out 2>&1
	status=$?
	n=$(grep -c '\[       OK \]' $out)
	if [ $status -ne 0 ]; then
		cat $out
		bad=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S)$/\1/p' $out | tail -n 1)
		echo "${program#build/}: $n passed, ${bad:-1} failed (status $status)"
		exit 1
	fi
	passed=$((passed + n))
	echo "  ${program#build/}: $n"
done
echo "$(echo "${1:-none}" | cut -d/ -f2) unit tests: $passed passed, 0 failed"

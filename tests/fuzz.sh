#!/bin/sh
# Runs each fuzzer for some seconds on a copy of its corpus:
# tests/fuzz.sh SECONDS PROGRAM...
set -u
cd "$(dirname "$0")/.." || exit
seconds=$1
shift
passed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

for program in "$@"; do
	name=${program##*/fuzz_}
	mkdir -p "$work/$name" build/fuzz/found
	cp tests/fuzz/corpus/"$name"/* "$work/$name/" 2>/dev/null
	if ! "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/found/"$name"- \
		"$work/$name" >"$work/log" 2>&1; then
		tail -n 60 "$work/log"
		echo "fuzz_$name: 0 passed, 1 failed; the input is in build/fuzz/found"
		exit 1
	fi
	passed=$((passed + 1))
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
	echo "  fuzz_$name: $runs inputs in $seconds s"
done
echo "fuzz: $passed passed, 0 failed"

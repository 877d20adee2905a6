#!/bin/sh
# Runs targets of make one after the other, the rest also where one failed,
# and counts at the end what they said: `make check`.
set -u
cd "$(dirname "$0")/.." || exit
mkdir -p build
out=build/check.log
: >$out
failed=
began=$(date +%s)

for target in "$@"; do
	echo "--- $target"
	start=$(date +%s)
	{
		make -k --no-print-directory "$target" 2>&1
		echo $? >build/check.status
	} | tee -a $out
	[ "$(cat build/check.status)" -eq 0 ] || failed="$failed $target"
	echo "--- $target: $(($(date +%s) - start)) s"
done

# Every runner ends with a line "N passed, N failed".
sum=$(awk '/[0-9]+ passed, [0-9]+ failed/ {
		for (i = 2; i <= NF; i++) {
			if ($i == "passed,") p += $(i - 1)
			if ($i ~ /^failed/) f += $(i - 1)
		}
	} END { print p + 0, f + 0 }' $out)
passed=${sum% *}
wrong=${sum#* }
for target in $failed; do
	# A target that failed without counting still counts.
	[ "$wrong" -gt 0 ] || wrong=1
	echo "failed: make $target"
done
echo "check: $passed passed, $wrong failed in $(($(date +%s) - began)) s"
[ -z "$failed" ] && [ "$wrong" -eq 0 ]

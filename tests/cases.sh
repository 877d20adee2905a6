#!/bin/sh
# Plays the relay cases through the programs of a build, with a sanitizer's
# first finding ending the program, and so the case: tests/cases.sh DIR [CASE...]
set -u
cd "$(dirname "$0")/.." || exit
build=$1
shift
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:exitcode=66

# ThreadSanitizer of older compilers cannot live with much address randomness.
calm=
! setarch -R true 2>/dev/null || calm='setarch -R'

exec $calm build/tools/run-cases --build "$build" "$@"

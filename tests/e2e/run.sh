#!/bin/sh
# The end-to-end tests: through a real nginx, with the newest SDK, on loopback.
#
#	tests/e2e/run.sh [FILE.mjs...]
#	tests/e2e/run.sh --only PROGRAM.mjs [ARGUMENT...]	no test, a program
#
# The SDK and the Node it wants come from npm into node_modules, once.
set -u
cd "$(dirname "$0")" || exit

lock=node_modules/.installed
if ! cmp -s package-lock.json $lock; then
	echo '  NPM    tests/e2e/node_modules'
	rm -rf node_modules
	npm ci --loglevel=error --no-progress >/dev/null || {
		echo "e2e: npm ci failed; it said why above." >&2
		exit 1
	}
	cp package-lock.json $lock
fi
node=node_modules/.bin/node
"$node" --version >/dev/null 2>&1 || {
	echo "e2e: $node does not run; remove node_modules and try again." >&2
	exit 1
}

if [ "${1:-}" = --only ]; then
	shift
	exec "$node" "$@"
fi
[ $# -gt 0 ] || set -- *.test.mjs
# One file after the other: each starts a gateway of its own.
"$node" --test --test-concurrency=1 --test-timeout=120000 \
	--test-reporter=./reporter.mjs "$@"

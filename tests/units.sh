#!/bin/sh
# Are the systemd units right, and how much do they leave open?  systemd reads
# them; nothing is started.  Says so where there is no systemd.
set -u
cd "$(dirname "$0")/.." || exit
command -v systemd-analyze >/dev/null || {
	echo "units: not read, there is no systemd-analyze here"
	exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program need not be installed to be read about.
for unit in systemd/*.service systemd/*.socket; do
	sed "s,/usr/bin/pontage,$PWD/build/pontage,; s,file:/usr/share/doc/pontage,file:$PWD/docs," \
		"$unit" >"$work/${unit##*/}"
done
found=$(SYSTEMD_UNIT_PATH="$work:" systemd-analyze verify --man=no \
	"$work"/*.service "$work"/*.socket 2>&1 | grep -F pontage)
if [ -n "$found" ]; then
	echo "$found"
	echo "units: 0 passed, 1 failed"
	exit 1
fi
score=$(systemd-analyze security --offline=yes "$work/pontage.service" 2>/dev/null |
	sed -n 's/.*exposure level[^:]*: *\([0-9.]*\).*/\1/p')
echo "units: 1 passed, 0 failed; exposure ${score:-not judged} of 10"

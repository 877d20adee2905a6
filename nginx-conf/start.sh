#!/bin/sh
# What `make run` calls when the programs are built: makes ./state on the
# first run, starts the gateway and nginx as the current user, follows the
# log, and stops both on Ctrl-C.
#
#	PORT=8080	where nginx listens, on 127.0.0.1
#	STATE=./state	the folder of everything that changes
set -eu
umask 077
cd "$(dirname "$0")/.."

root=$(pwd)
port=${PORT:-8080}
state=${STATE:-$root/state}
conf=$state/pontage.conf
pontage=build/pontage
PATH=$PATH:/usr/sbin:/sbin
first=no
gateway=
server=
follower=

die() {
	echo "run: $*" >&2
	exit 1
}

# --- before anything is made ---------------------------------------------------

check_port() {
	case $port in
	'' | *[!0-9]*) die "PORT: want a number, got \"$port\"." ;;
	esac
	if [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
		die "PORT: want 1 to 65535, got $port."
	fi
	[ "$port" -ge 1024 ] || [ "$(id -u)" -eq 0 ] ||
		die "PORT: only root may listen on $port; take one above 1023."
	inode=$(awk -v port="$(printf '%04X' "$port")" '
		$4 == "0A" && $2 ~ (":" port "$") { print $10; exit }
	' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
	[ -z "$inode" ] || die "port $port is taken$(port_owner "$inode");" \
		"PORT=$((port + 1)) ./run takes another."
}

# " by nginx (process 123)", where this user may know.
port_owner() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd" 2>/dev/null)" = "socket:[$1]" ] || continue
		pid=${fd#/proc/}
		pid=${pid%%/*}
		printf ' by %s (process %s)' "$(cat "/proc/$pid/comm")" "$pid"
		return
	done
}

check_state() {
	case $state in
	/*) ;;
	*) state=$root/$state conf=$state/pontage.conf ;;
	esac
	case $state in
	*[[:space:]]*) die "the folder \"$state\" has a blank in its name, which" \
		"nginx does not like; move the source elsewhere." ;;
	esac
	[ ${#state} -le 90 ] || die "the name of the folder $state is too long" \
		"for a socket in it; move the source to a shorter path."
	if [ -e "$state" ]; then
		[ -e "$state/set-up" ] ||
			die "$state is from a first run that did not finish; move" \
				"it away and start again."
		[ -O "$state" ] || die "$state belongs to another user; start as" \
			"that user, or choose another folder with STATE=."
		return
	fi
	first=yes
	mkdir -m 700 "$state" 2>/dev/null ||
		die "cannot make the folder $state; is the disk full, or does" \
			"the source belong to somebody else?"
}

# 64 MB: the database, its log, and a day of test requests.
check_disk() {
	free=$(df -Pk "$state" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "${free:-64}" -lt 64 ] || return 0
	[ $first = no ] || rmdir "$state"
	die "the disk with $state is full: $free MB are free, 64 are wanted."
}

# --- the first run --------------------------------------------------------------

write_conf() {
	cat >"$conf" <<EOF
# Made by ./run.  'build/pontage config' prints every setting and its value.
state_dir = $state
log_file = $state/pontage.log
public_url = http://127.0.0.1:$port
# Ctrl-C waits so long for answers that are under way.
drain_ms = 5000
EOF
}

cli() {
	"$pontage" "$@" --conf "$conf"
}

test_models=test-echo,test-fixed,test-slow,test-tools,test-json,test-reason,test-embed

set_up() {
	write_conf || return
	cli init >/dev/null || return
	password=$(LC_ALL=C tr -dc 'a-km-zA-HJ-NP-Z2-9' </dev/urandom | head -c 20)
	printf '%s\n' "$password" |
		cli user add root --role root --password-stdin >/dev/null || return
	cli user grant root 10.00 --reason 'first run' >/dev/null || return
	echo none | cli channel add test --provider test \
		--models "$test_models" >/dev/null || return
	for model in $(echo "$test_models" | tr , ' '); do
		cli price set "$model" --input 0.10 --output 0.40 >/dev/null ||
			return
	done
	key=$(cli token create first --user root --limit 1.00 --json |
		sed -n 's/.*"key": *"\([^"]*\)".*/\1/p') || return
	[ -n "$key" ] || return
	: >"$state/set-up"
}

# --- start, wait, stop ----------------------------------------------------------

stop() {
	trap '' INT TERM HUP
	[ -z "$server" ] || kill -QUIT "$server" 2>/dev/null || true
	[ -z "$gateway" ] || kill -TERM "$gateway" 2>/dev/null || true
	[ -z "$gateway" ] || wait "$gateway" 2>/dev/null || true
	# Who still reads an answer has had drain_ms by now.
	[ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	[ -z "$follower" ] || kill "$follower" 2>/dev/null || true
}

alive() {
	kill -0 "$1" 2>/dev/null
}

# One of the two has ended without being asked.
lost() {
	echo "run: $1 has ended; its last words:" >&2
	tail -n 5 "$2" >&2 2>/dev/null || true
	stop
	exit 1
}

check_alive() {
	alive "$gateway" || lost 'the gateway' "$state/pontage.log"
	alive "$server" || lost nginx "$state/nginx-error.log"
}

start() {
	mkdir -p "$state/tmp"
	sh nginx-conf/standalone.sh "$state" "$port" >"$state/nginx.conf"
	: >>"$state/pontage.log"
	# A session of their own: Ctrl-C reaches this script alone, which then
	# stops them in order.
	setsid "$pontage" serve --conf "$conf" >>"$state/pontage.log" 2>&1 &
	gateway=$!
	setsid nginx -p "$state" -e "$state/nginx-error.log" \
		-c "$state/nginx.conf" >/dev/null 2>&1 &
	server=$!
	trap 'echo; echo "run: stopping"; stop; exit 0' INT TERM HUP
}

wait_ready() {
	tries=0
	until curl -fs -m 2 -o /dev/null "http://127.0.0.1:$port/readyz"; do
		check_alive
		tries=$((tries + 1))
		if [ $tries -ge 150 ]; then
			curl -s -m 2 "http://127.0.0.1:$port/readyz" >&2 || true
			tail -n 5 "$state/pontage.log" >&2
			stop
			die "not ready after 30 seconds; the log is" \
				"$state/pontage.log."
		fi
		sleep 0.2
	done
}

say_first() {
	cat <<EOF

Pontage runs on http://127.0.0.1:$port

  administrator   root
  password        $password
  relay key       $key
                  (for \$1.00; neither is shown again)

Try it:

curl http://127.0.0.1:$port/v1/chat/completions -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"model":"test-echo","messages":[{"role":"user","content":"Hello, bridge"}]}'

What it did and what it cost:

build/pontage log list

EOF
}

say_again() {
	cat <<EOF

Pontage runs on http://127.0.0.1:$port with what $state holds.

  a new relay key       build/pontage token create NAME --user root --limit 1.00
  a new password        build/pontage user passwd root
  start from nothing    move $state away

EOF
}

# --- now -------------------------------------------------------------------------

command -v nginx >/dev/null ||
	die "nginx is not installed; './run' installs it, or 'apt-get install nginx'."
[ -x "$pontage" ] || die "$pontage is not built; 'make' builds it."
check_port
check_state
check_disk
if [ $first = yes ]; then
	trap 'rm -rf "$state"; exit 1' INT TERM HUP
	set_up || {
		rm -rf "$state"
		die "the first set-up failed; it said why above. Nothing is left of it."
	}
	trap - INT TERM HUP
fi
start
wait_ready
if [ $first = yes ]; then
	say_first
else
	say_again
fi
echo "The log follows; Ctrl-C stops Pontage."
tail -n 0 -F "$state/pontage.log" 2>/dev/null &
follower=$!
while check_alive; do
	sleep 1 &
	wait $! || true
done

#!/bin/sh
# What `make run` calls when the programs are built: makes ./state on the
# first run, starts the gateway and the web server as the current user, follows
# the log, and stops both on Ctrl-C.
#
#	PORT=8080	where the web server listens, on 127.0.0.1
#	STATE=./state	the folder of everything that changes
#	WEB=nginx	or apache (mod_proxy_fcgi) or fcgid (mod_fcgid, which
#			starts the programs itself); as root, both run as
#			www-data under /var/lib/pontage-run
set -eu
umask 077
cd "$(dirname "$0")/.."

root=$(pwd)
port=${PORT:-8080}
web=${WEB:-nginx}
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

# --- whom we run as --------------------------------------------------------------

# Apache does not work as root, and its user may not read root's folders.
become_www_data() {
	home=/var/lib/pontage-run
	id www-data >/dev/null 2>&1 || die "there is no user www-data."
	echo "run: Apache does not work as root: everything runs as www-data," \
		"from $home."
	mkdir -p $home
	chown www-data: $home
	rm -rf $home/build $home/htdocs $home/apache-conf $home/nginx-conf
	cp -R htdocs apache-conf nginx-conf $home
	mkdir $home/build
	cp build/pontage build/relay.fcgi build/admin.fcgi $home/build
	[ ! -e build/ranks/o200k_base.ranks ] || {
		mkdir -p $home/build/ranks
		cp build/ranks/*.ranks $home/build/ranks
	}
	chmod -R go=u-w $home/build $home/htdocs $home/apache-conf \
		$home/nginx-conf
	exec setpriv --reuid=www-data --regid=www-data --init-groups \
		env HOME=$home PORT="$port" STATE="${STATE:-$home/state}" \
		WEB="$web" PONTAGE_RUN_AS=www-data sh $home/nginx-conf/start.sh
}

# What is to be typed for build/pontage by who reads what we print.
find_command() {
	command=build/pontage
	[ "$state" = "$root/state" ] && [ -z "${PONTAGE_RUN_AS:-}" ] && return
	command="env PONTAGE_CONF=$conf $root/$pontage"
	[ -z "${PONTAGE_RUN_AS:-}" ] ||
		command="runuser -u $PONTAGE_RUN_AS -- $command"
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
		"web servers do not like; move the source elsewhere." ;;
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
	[ -z "$server" ] || kill -$gently "$server" 2>/dev/null || true
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
	[ -z "$gateway" ] || alive "$gateway" ||
		lost 'the gateway' "$state/pontage.log"
	alive "$server" || lost "$web_name" "$server_log"
}

start_nginx() {
	sh nginx-conf/standalone.sh "$state" "$port" >"$state/nginx.conf"
	setsid nginx -p "$state" -e "$server_log" -c "$state/nginx.conf" \
		>/dev/null 2>&1 &
	server=$!
}

start_apache() {
	PONTAGE_CONF=$conf sh apache-conf/standalone.sh "$state" "$port" "$web" \
		>"$state/httpd.conf"
	setsid apache2 -f "$state/httpd.conf" -DFOREGROUND \
		>>"$server_log" 2>&1 &
	server=$!
}

start() {
	mkdir -p "$state/tmp"
	: >>"$log"
	# Sessions of their own: Ctrl-C reaches this script alone, which then
	# stops them in order.  mod_fcgid starts the programs by itself.
	if [ "$web" != fcgid ]; then
		setsid "$pontage" serve --conf "$conf" >>"$log" 2>&1 &
		gateway=$!
	fi
	case $web in
	nginx) start_nginx ;;
	*) start_apache ;;
	esac
	trap 'echo; echo "run: stopping"; stop; exit 0' INT TERM HUP
}

wait_ready() {
	tries=0
	until curl -fs -m 2 -o /dev/null "http://127.0.0.1:$port/readyz"; do
		check_alive
		tries=$((tries + 1))
		if [ $tries -ge 150 ]; then
			curl -s -m 2 "http://127.0.0.1:$port/readyz" >&2 || true
			tail -n 5 "$log" >&2
			stop
			die "not ready after 30 seconds; the log is $log."
		fi
		sleep 0.2
	done
}

say_first() {
	cat <<EOF

Pontage runs on http://127.0.0.1:$port behind $web_name

  administrator   root
  password        $password
  relay key       $key
                  (for \$1.00; neither is shown again)

Try it:

curl http://127.0.0.1:$port/v1/chat/completions -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"model":"test-echo","messages":[{"role":"user","content":"Hello, bridge"}]}'

What it did and what it cost:

$command log list

EOF
}

say_again() {
	cat <<EOF

Pontage runs on http://127.0.0.1:$port behind $web_name, with what
$state holds.

  a new relay key       $command token create NAME --user root --limit 1.00
  a new password        $command user passwd root
  start from nothing    move $state away

EOF
}

# --- now -------------------------------------------------------------------------

server_program=apache2 gently=WINCH web_name=Apache
case $web in
nginx) server_program=nginx gently=QUIT web_name=nginx ;;
apache | fcgid) ;;
*) die "WEB: want nginx, apache or fcgid, got \"$web\"." ;;
esac
command -v $server_program >/dev/null ||
	die "$server_program is not installed; './run WEB=$web' installs it."
[ "$web" != fcgid ] || [ -e /usr/lib/apache2/modules/mod_fcgid.so ] ||
	die "libapache2-mod-fcgid is not installed; './run WEB=fcgid' installs it."
[ -x "$pontage" ] || die "$pontage is not built; 'make' builds it."
check_port
[ "$web" = nginx ] || [ "$(id -u)" -ne 0 ] || become_www_data
check_state
check_disk
find_command
server_log=$state/${server_program%2}-error.log
# Under mod_fcgid what the programs say goes into Apache's log.
log=$state/pontage.log
[ "$web" != fcgid ] || log=$server_log
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
tail -n 0 -F "$log" 2>/dev/null &
follower=$!
while check_alive; do
	sleep 1 &
	wait $! || true
done

#!/bin/sh
# Prints an nginx.conf that serves Pontage alone, without root and without any
# file outside one folder: for ./run, the end-to-end tests and the benchmark.
#
#	nginx-conf/standalone.sh STATE PORT >STATE/nginx.conf
#	nginx -p STATE -c STATE/nginx.conf
#
# STATE: absolute, without blanks; holds relay.sock, admin.sock, and what
# nginx writes.  STATE/more-*.conf are included, for servers beside this one.
set -eu

state=$1
port=$2
here=$(cd "$(dirname "$0")/.." && pwd)
user=
[ "$(id -u)" -ne 0 ] || user='user root;'

# nginx raises the limit of its workers only where it runs as root.
# shellcheck disable=SC3045 # dash and bash both have -H
files=$(ulimit -Hn)
case $files in
unlimited) files=65536 ;;
esac
[ "$files" -le 65536 ] || files=65536
# A stream takes a connection to its client and one to the gateway.
connections=24576
[ "$connections" -le $((files - 64)) ] || connections=$((files - 64))

cat <<EOF
$user
daemon off;
worker_processes 2;
worker_rlimit_nofile $files;
pid $state/nginx.pid;
error_log $state/nginx-error.log warn;

events {
	worker_connections $connections;
}

http {
	access_log off; # the gateway has a row for each request
	client_body_temp_path $state/tmp/body;
	fastcgi_temp_path $state/tmp/fastcgi;
	proxy_temp_path $state/tmp/proxy;
	scgi_temp_path $state/tmp/scgi;
	uwsgi_temp_path $state/tmp/uwsgi;
	tcp_nodelay on;
	sendfile on;
	keepalive_requests 1000000;
	reset_timedout_connection on;

	upstream pontage_relay {
		server unix:$state/relay.sock;
		keepalive 64;
		keepalive_timeout 5s;
	}

	upstream pontage_admin {
		server unix:$state/admin.sock;
	}

	server {
		listen 127.0.0.1:$port backlog=4096;
		set \$pontage_htdocs "$here/htdocs";
		include "$here/nginx-conf/locations.conf";
	}

	include $state/more-*.conf;
}
EOF

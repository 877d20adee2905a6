#!/bin/bash
# Speed and memory beside their budgets: `make bench`.
#
# The fake provider, nginx, the gateway and the load generator share this
# machine, and all figures are of one run: read the ratios, not the numbers.
# Each line of the load generator goes to build/bench.jsonl.
#
#	S=5		seconds of each part
#	CONNECTIONS=64	at once, where as much as possible is asked
#	STREAMS=1000	open at once
#	WORKERS=0	relay.fcgi processes; 0: as the gateway decides
set -eu
cd "$(dirname "$0")/../.."

seconds=${S:-5}
connections=${CONNECTIONS:-64}
streams=${STREAMS:-1000}
workers=${WORKERS:-0}
load=build/tools/load
out=build/bench.jsonl
state=$(mktemp -d)
conf=$state/pontage.conf
PATH=$PATH:/usr/sbin
pids=()

finish() {
	kill "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$state"
}
trap finish EXIT
trap 'exit 1' INT TERM

die() {
	echo "bench: $*" >&2
	tail -n 5 "$state"/*.log >&2 2>/dev/null || true
	exit 1
}

cli() {
	build/pontage "$@" --conf "$conf"
}

# The number after "name" in the last line of the results, inside "part".
field() {
	tail -n 1 $out | sed -n "s/.*\"$1_us\":{\([^}]*\)}.*/\1/p" |
		sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p"
}

top() {
	tail -n 1 $out | sed -n "s/.*\"$1\":\([0-9]*\)[,}].*/\1/p"
}

calc() {
	awk "BEGIN { printf \"%.${2:-2}f\", $1 }"
}

# --- the parts -----------------------------------------------------------------

free_port() {
	local port=$((20000 + RANDOM % 10000))
	while (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	echo $port
}

start_mock() {
	mock=$(free_port)
	build/tools/upstream --listen "127.0.0.1:$mock" >"$state/mock.log" &
	pids+=($!)
}

# nginx serves Pontage with the repository's locations.conf, and beside it the
# same mock by proxy_pass: as nginx does it by itself, a connection for each
# request, and with kept connections, tuned as well as we know.
start_nginx() {
	port=$(free_port)
	plain=$((port + 1))
	kept=$((port + 2))
	mkdir -p "$state/tmp"
	cat >"$state/more-proxy.conf" <<-EOF
		upstream mock {
			server 127.0.0.1:$mock;
			keepalive 128;
		}
		server {
			listen 127.0.0.1:$plain backlog=4096;
			location / {
				proxy_pass http://127.0.0.1:$mock;
			}
		}
		server {
			listen 127.0.0.1:$kept backlog=4096;
			client_max_body_size 32m;
			client_body_buffer_size 256k;
			location / {
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_buffering off;
				proxy_pass http://mock;
			}
		}
	EOF
	sh nginx-conf/standalone.sh "$state" "$port" >"$state/nginx.conf"
	nginx -p "$state" -e "$state/nginx.log" -c "$state/nginx.conf" &
	pids+=($!)
}

model_stream=mock-stream-$((seconds * 10 + 100))-100

set_up() {
	cat >"$conf" <<-EOF
		state_dir = $state
		log_file = $state/gateway.log
		relay_workers = $workers
		drain_ms = 1000
	EOF
	cli init >/dev/null
	cli user add root --role root >/dev/null
	cli user grant root 1000000 >/dev/null
	echo sk-bench | cli channel add mock --provider openai \
		--base-url "http://127.0.0.1:$mock/v1" \
		--models "mock-echo,$model_stream" >/dev/null
	for model in mock-echo "$model_stream"; do
		cli price set "$model" --input 0.10 --output 0.40 >/dev/null
	done
	PONTAGE_KEY=$(cli token create bench --user root --unlimited --json |
		sed -n 's/.*"key": *"\([^"]*\)".*/\1/p')
	export PONTAGE_KEY
}

# From the command to the first answer of a provider through nginx, in ms.
cold_start() {
	local begin end=$((SECONDS + 10))
	begin=$(date +%s%N)
	build/pontage serve --conf "$conf" 2>>"$state/gateway.log" &
	gateway=$!
	pids+=("$gateway")
	until $load --url "http://127.0.0.1:$port" --model mock-echo \
		--requests 1 --connections 1 --timeout-ms 500 --json /dev/null 2>/dev/null; do
		[ $SECONDS -lt $end ] || die "no answer 10 s after the start"
	done
	cold_ms=$((($(date +%s%N) - begin) / 1000000))
}

# PSS of the gateway's processes in KB; RSS, which is more, where the kernel
# does not let this user see.
memory() {
	local pid kb sum=0
	for pid in $gateway $(pgrep -P "$gateway"); do
		kb=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null) ||
			kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
		[ -n "$kb" ] || kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
		sum=$((sum + kb))
	done
	echo $sum
}

# Of all workers so far: commits, requests, microseconds in the database.
counters() {
	curl -s "http://127.0.0.1:$port/readyz" |
		grep -oE '"(kind|commits|requests|db_[a-z]+_us)":"?[a-z0-9]+' |
		awk -F '[":]+' '
			$2 == "kind" { relays += $3 == "relay" }
			{ n[$2] += $3 }
			END { print relays + 0, n["commits"] + 0, n["requests"] + 0,
				n["db_run_us"] + 0, n["db_commit_us"] + 0,
				n["db_lock_us"] + 0 }'
}

# How long this disk takes for what a commit writes, p50 of 200 in us.
disk_us() {
	local i
	for ((i = 0; i < 200; i++)); do
		dd if=/dev/zero of="$state/disk" bs=8k count=1 conv=notrunc,fdatasync 2>&1 |
			sed -n 's/.* copied, \([0-9.e-]*\) s.*/\1/p'
	done | sort -g | awk '{ t[NR] = $1 } END { printf "%d", t[int((NR + 1) / 2)] * 1e6 }'
}

ask() { # NAME PORT OPTION...
	local name=$1 at=$2
	shift 2
	$load --url "http://127.0.0.1:$at" --name "$name" --json $out "$@" || true
}

row() { # WHAT MEASURED MUST WANTED
	printf '%-46s %10s  %10s  %10s\n' "$@"
}

# --- the run ---------------------------------------------------------------------

mkdir -p build
: >$out
wrong=0
start_mock
set_up || die "the set-up failed"
start_nginx
sleep 0.3
cold_start
sleep 1
idle_kb=$(memory)

echo "as fast as it goes: $connections connections, $seconds s each"
read -r relays commits requests run_us commit_us lock_us < <(counters)
for what in "direct $mock" "kept $kept" "proxy_pass $plain" "pontage $port"; do
	read -r name at <<<"$what"
	ask "$name" "$at" --model mock-echo --connections "$connections" --seconds "$seconds"
	declare "rate_$name=$(top per_s)"
	wrong=$((wrong + $(top failed)))
	printf '  %-11s %8s requests/s\n' "$name" "$(top per_s)"
done

sleep 1.2 # the counters are a second old
read -r _ n_commits n_requests n_run_us n_commit_us n_lock_us < <(counters)
commits=$(((n_commits - commits) / seconds))
requests=$((n_requests - requests > 0 ? n_requests - requests : 1))
run_us=$((n_run_us - run_us))
commit_us=$((n_commit_us - commit_us))
lock_us=$((n_lock_us - lock_us))

disk=$(LC_ALL=C disk_us)

echo "200 requests a second, $seconds s each"
for what in "direct $mock" "proxy_pass $plain" "pontage $port"; do
	read -r name at <<<"$what"
	ask "$name-200" "$at" --model mock-echo --connections 32 --rate 200 --seconds "$seconds"
	wrong=$((wrong + $(top failed)))
	declare "p50_$name=$(field latency p50)" "p99_$name=$(field latency p99)"
	printf '  %-11s p50 %s us, p99 %s us\n' "$name" "$(field latency p50)" "$(field latency p99)"
done

echo "$streams streams, 10 events a second each"
for what in "direct $mock" "pontage $port"; do
	read -r name at <<<"$what"
	ask "$name-streams" "$at" --model "$model_stream" --stream --hold \
		--connections "$streams" --rate 400 --seconds $((seconds + 5)) &
	runner=$!
	sleep $((seconds + 3))
	busy_kb=$(memory)
	wait $runner || true
	wrong=$((wrong + $(top failed)))
	declare "delay_$name=$(field event_delay p99)" "held_$name=$(top held)"
	printf '  %-11s %s held, delay of an event p50 %s us, p99 %s us, %s wrong\n' \
		"$name" "$(top held)" "$(field event_delay p50)" "$(field event_delay p99)" \
		"$(top failed)"
done

cli audit >/dev/null && audit=clean || audit='NOT CLEAN'

speed() { # ENCODING
	build/tools/ids build/ranks --speed | awk -v name="$1" '$1 == name { print $8 }'
}
token_speed() {
	cat lib/*/*.c docs/*.md | speed "$1"
}
a_speed() {
	head -c 1000000 /dev/zero | tr '\0' a | speed "$1"
}

# shellcheck disable=SC2154 # declared above
{
	echo
	row "ledger on disk, $commits commits/s" measured must wanted
	row 'requests/s, share of proxy_pass' \
		"$(calc "$rate_pontage / $rate_proxy_pass" 3)" '>= 0.20' '>= 0.50'
	row '... of proxy_pass with kept connections' \
		"$(calc "$rate_pontage / $rate_kept" 3)" '' ''
	row 'writers in the database, share of the time' \
		"$(calc "($run_us + $commit_us) / ($seconds * 1e6 * $relays)" 3)" '' ''
	row '... statements, us a request' "$(calc "$run_us / $requests" 1)" '' ''
	row '... commits with their fsync, us a request' \
		"$(calc "$commit_us / $requests" 1)" '' ''
	row '... waiting for the lock, us a request' \
		"$(calc "$lock_us / $requests" 1)" '' ''
	row 'added latency at 200/s, p50, ms' \
		"$(calc "($p50_pontage - $p50_direct) / 1000")" '<= 1.0' '<= 0.4'
	row '... by proxy_pass alone, p50, ms' \
		"$(calc "($p50_proxy_pass - $p50_direct) / 1000")" '' ''
	row '... 8 KB and fdatasync on this disk, p50, ms' \
		"$(calc "$disk / 1000")" '' ''
	row 'added latency at 200/s, p99, ms' \
		"$(calc "($p99_pontage - $p99_direct) / 1000")" '<= 4' '<= 1'
	row "delay of an event, $streams streams, p99, ms" \
		"$(calc "$delay_pontage / 1000")" '<= 5' '<= 2'
	row "streams cut or garbled, of $streams" \
		$((streams - held_pontage)) 0 0
	row 'memory of all processes, idle, MB' \
		"$(calc "$idle_kb / 1024" 1)" '<= 32' '<= 16'
	row "memory of all processes, $streams streams, MB" \
		"$(calc "$busy_kb / 1024" 1)" '<= 150' '<= 64'
	row 'start to first answer, ms' "$cold_ms" '<= 200' '<= 50'
	row 'tokens of this source counted, MB/s, one core' \
		"$(token_speed o200k_base)" '' ''
	row '... of a million times a, MB/s' "$(a_speed o200k_base)" '' ''
	row 'wrong answers' "$wrong" 0 0
	row 'pontage audit' "$audit" clean clean
	printf '{"name":"summary","workers":%s,"share":%s,"share_kept":%s,"commits_per_s":%s,"added_p50_us":%s,"proxy_p50_us":%s,"disk_p50_us":%s,"added_p99_us":%s,"event_p99_us":%s,"held":%s,"idle_kb":%s,"streams_kb":%s,"cold_ms":%s,"wrong":%s}\n' \
		"$workers" "$(calc "$rate_pontage / $rate_proxy_pass" 4)" \
		"$(calc "$rate_pontage / $rate_kept" 4)" "$commits" \
		$((p50_pontage - p50_direct)) $((p50_proxy_pass - p50_direct)) "$disk" \
		$((p99_pontage - p99_direct)) \
		"$delay_pontage" "$held_pontage" "$idle_kb" "$busy_kb" "$cold_ms" "$wrong" >>$out
}
[ "$wrong" -eq 0 ] && [ "$audit" = clean ]

#!/bin/sh
# The command on a state folder of its own; nothing runs but the command.
#
#	sh tests/e2e/cli.sh [FOLDER OF THE PROGRAMS]
#
# Prints "N passed, N failed" and exits 1 where one failed.
set -u
cd "$(dirname "$0")/../.." || exit 1
programs=$(cd "${1:-build}" && pwd) || exit 1
pontage=$programs/pontage
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
unset PONTAGE_CONF
printf '# a test\nstate_dir = %s/state\n' "$dir" >"$dir/conf"

passed=0
failed=0

pass() {
	passed=$((passed + 1))
}

fail() {
	failed=$((failed + 1))
	printf 'FAILED: %s\n' "$1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/	/'
}

# ok NAME STATUS WORDS...: runs pontage with input from $dir/in; what it says
# is in $out and $err.
ok() {
	name=$1
	want=$2
	shift 2
	"$pontage" --conf "$dir/conf" "$@" <"$dir/in" >"$dir/out" 2>"$dir/err"
	got=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	printf '%s\n%s\n' "$out" "$err" >>"$dir/everything"
	if [ "$got" -eq "$want" ]; then
		pass
	else
		fail "$name: status $got, want $want" "$out$err"
	fi
}

# says NAME PATTERN: what the last command said holds it.
says() {
	case "$out$err" in
	*"$2"*) pass ;;
	*) fail "$1: does not say \"$2\"" "$out$err" ;;
	esac
}

says_not() {
	case "$out$err" in
	*"$2"*) fail "$1: says \"$2\"" "$out$err" ;;
	*) pass ;;
	esac
}

is() {
	if [ "$2" = "$3" ]; then pass; else fail "$1: got \"$2\", want \"$3\""; fi
}

# The first member of that name in the JSON on standard output.
member() {
	printf '%s' "$out" | grep -o "\"$1\":\"\{0,1\}[^\",}]*" |
		sed 's/^[^:]*:"\{0,1\}//' | head -n 1
}

input() {
	# shellcheck disable=SC2059 # the caller gives the format
	printf "$@" >"$dir/in"
}

input ''
: >"$dir/everything"

# --- help and usage ----------------------------------------------------------

ok 'help' 0 --help
says 'help names the verbs' 'channel'
ok 'help of a verb' 0 channel add --help
says 'help names the options' '--base-url'
ok 'version' 0 --version
says 'version' 'SQLite'
ok 'no such verb' 64 tokne list
says 'no such verb' 'did you mean token?'
ok 'no such option' 64 token create x --limt 5
says 'no such option' 'did you mean --limit?'
ok 'no such setting file' 78 config --conf "$dir/none"

# --- settings ----------------------------------------------------------------

printf '# a comment\n\nmax_inflight = ten\n' >"$dir/bad"
ok 'a wrong setting' 78 config --conf "$dir/bad"
says 'a wrong setting names its line' 'line 3: max_inflight'
printf 'nope = 1\n' >"$dir/bad"
ok 'an unknown setting' 78 config --conf "$dir/bad"
says 'an unknown setting' 'line 1: there is no setting "nope"'
ok 'config' 0 config
says 'config names the line of the file' "$dir/conf:2"
PONTAGE_RELAY_WORKERS=3
export PONTAGE_RELAY_WORKERS
ok 'config with the environment' 0 config
says 'config names the environment' 'environment'
unset PONTAGE_RELAY_WORKERS

# --- init --------------------------------------------------------------------

ok 'before init' 78 user list
says 'before init' 'pontage init'
ok 'init' 0 init
ok 'init again' 0 init --json
is 'init again makes nothing' "$(printf '%s' "$out" | grep -c '"made":\[\]')" 1
is 'state folder' "$(stat -c %a "$dir/state")" 700
is 'master key' "$(stat -c %a "$dir/state/master.key")" 400
is 'admin key' "$(stat -c %a "$dir/state/admin.key")" 400
is 'database' "$(stat -c %a "$dir/state/pontage.db")" 600
cp "$dir/state/master.key" "$dir/master.saved"
rm -f "$dir/state/master.key"
ok 'another master key' 78 init
says 'another master key' 'put the old file back'
rm -f "$dir/state/master.key"
cp "$dir/master.saved" "$dir/state/master.key"
chmod 400 "$dir/state/master.key"
ok 'the old master key' 0 init

# --- users and money ---------------------------------------------------------

ok 'user add' 0 user add alice
ok 'user twice' 65 user add Alice
input 'correct horse battery\n'
ok 'user with a password' 0 user add boss --role root --password-stdin --json
is 'user with a password' "$(member role)" root
input 'short\n'
ok 'a short password' 64 user passwd boss
input ''
ok 'a role that is none' 64 user add eve --role king
ok 'grant' 0 user grant alice 5.000000001 --reason 'a gift' --json
is 'grant' "$(member balance_nusd)" 5000000001
ok 'grant taken back' 0 user adjust alice -2.000000001 --reason oops --json
is 'grant taken back' "$(member balance_nusd)" 3000000000
ok 'too many decimals' 64 user grant alice 0.0000000001
ok 'no such user' 66 user grant nobody 1
ok 'user set' 0 user set alice --disable --group vip --json
is 'user set' "$(member enabled)" false
ok 'user set nothing' 64 user set alice
ok 'user enable' 0 user set alice --enable
ok 'user list' 0 user list --json
says 'user list' '"spent_nusd":0'

# --- channels ----------------------------------------------------------------

provider_key=sk-Zq8canaryProviderKey0123456789
input '%s\nsk-Zq8canarySecondKey0123456789\n' "$provider_key"
ok 'channel add' 0 channel add main --provider openai --models gpt-4o-mini \
	--map fast=gpt-4o-mini --priority 3 --weight 2 --group default,vip --json
is 'two keys' "$(member keys)" 2
says 'a hint only' '"hint":"sk-Z'
says_not 'no key' 'canary'
input ''
ok 'no key on standard input' 64 channel add other --provider openai
says 'no key on standard input' 'no key'
ok 'a key in argv has no place' 64 channel add other --provider openai \
	--key sk-argv
ok 'the test provider' 0 channel add test --provider test
ok 'channel twice' 65 channel add test --provider test
ok 'channel list' 0 channel list --json
says 'channel list' '"state":"ok"'
ok 'no such provider' 64 channel add x --provider opnai
says 'no such provider' 'did you mean openai?'
ok 'no address' 64 channel add x --provider compatible
input 'word\n'
ok 'a private address' 0 channel add home --provider compatible \
	--base-url http://127.0.0.1:11434 --json
is 'default path' "$(member base_url)" http://127.0.0.1:11434/v1
says 'allowed, and only that' '"allow":["127.0.0.1"]'
ok 'an odd address' 64 channel add odd --provider compatible \
	--base-url http://2130706433/v1
input ''
ok 'another origin wants keys' 64 channel set home \
	--base-url http://127.0.0.2:11434/v1
input 'word\n'
ok 'another origin with keys' 0 channel set home \
	--base-url http://127.0.0.2:11434/v1 --json
says 'what was allowed is not' '"allow":["127.0.0.2"]'
input ''
ok 'channel disable' 0 channel disable home --json
is 'channel disable' "$(member enabled)" false
ok 'channel enable' 0 channel enable home
ok 'channel remove' 0 channel remove home
ok 'removed' 66 channel show home
input 'sk-full-0123456789-a\nsk-full-0123456789-b\n'
ok 'a channel in full' 0 channel add full --provider openai \
	--models 'gpt-9*,re:^o[0-9]$' --map 'gpt-*=x/*' --rotation random \
	--rpm 1 --tpm 2 --concurrency 3 --key-rpm 4 --key-tpm 5 \
	--key-concurrency 6 --connect-ms 7 --first-token-ms 8 --idle-ms 9 \
	--total-ms 10 --proxy socks5h://10.0.0.1:1080 --test-model gpt-9 \
	--auto-disable off --params '{"seed":null}' --headers '{"X-A":"b"}' \
	--system-prompt 'Be kind.' --tags eu,big --notes 'a note' --json
says 'a channel in full' '"rotation":"random"'
says 'a channel in full' '"rpm":1,"tpm":2,"concurrency":3'
says 'a channel in full' '"key_rpm":4,"key_tpm":5,"key_concurrency":6'
says 'a channel in full' \
	'"connect_ms":7,"first_token_ms":8,"idle_ms":9,"total_ms":10'
says 'a channel in full' '"auto_disable":false'
says 'a channel in full' '"params":{"seed":null},"headers":{"X-A":"b"}'
says 'a channel in full' '"map":{"gpt-*":"x/*"}'
input ''
ok 'a text emptied' 0 channel set full --proxy none --notes none --json
says 'a text emptied' '"proxy":null'
ok 'by a tag' 0 channel set --tag eu --weight 7
ok 'no such tag' 66 channel set --tag us --weight 7
ok 'which channel' 64 channel set --weight 7
ok 'a member that decides' 64 channel set full --params '{"model":"x"}'
ok 'params that are no object' 64 channel set full --params '[1]'
ok 'a header that carries the key' 64 channel set full \
	--headers '{"authorization":"x"}'
ok 'a header of the wire' 64 channel set full --headers '{"Host":"x"}'
ok 'a pattern that is none' 64 channel set full --models 're:('
ok 'an odd proxy' 64 channel set full --proxy ftp://x
ok 'an odd rotation' 64 channel set full --rotation sideways
ok 'keys' 0 channel keys full --json
says 'keys' 'sk-fu'
ok 'a key named' 0 channel keys full name "$(member id)" spare
ok 'a key disabled' 0 channel keys full disable spare 'rotated out'
says 'a key disabled' 'rotated out'
ok 'a key enabled' 0 channel keys full enable spare
ok 'no such key' 66 channel keys full remove 99
ok 'a verb of keys' 64 channel keys full paint 2
ok 'health' 0 channel health
ok 'health reset' 0 channel health full --reset
ok 'keys again' 0 channel keys full --json
ok 'a key reset' 0 channel health "key:$(member id)" --reset
ok 'which reset' 64 channel health --reset
ok 'no such key to reset' 66 channel health key:99 --reset

# --- routing -----------------------------------------------------------------

ok 'fallback set' 0 fallback set gpt-9 m-x,m-y
ok 'fallback of a group' 0 fallback set gpt-9 m-z --group vip
ok 'fallback list' 0 fallback list --json
is 'fallback list' "$out" '[{"model":"gpt-9","group":null,"to":["m-x","m-y"]},{"model":"gpt-9","group":"vip","to":["m-z"]}]'
ok 'its own fallback' 64 fallback set gpt-9 gpt-9
ok 'fallback remove' 0 fallback remove gpt-9
ok 'limit set' 0 limit set group:vip --rpm 5
ok 'limit set again' 0 limit set group:vip --tpm 7
ok 'limit list' 0 limit list --json
is 'limit list' "$out" '[{"owner":"group:vip","rpm":5,"tpm":7,"rpd":0,"concurrency":0}]'
ok 'whose limits' 64 limit set vip --rpm 5
ok 'limits of nobody' 66 limit set user:nobody --rpm 5
ok 'limit remove' 0 limit remove group:vip
ok 'limit removed' 66 limit remove group:vip
ok 'model set' 0 model set gpt-9 --sticky user --attempts 2
ok 'an odd sticky' 64 model set gpt-9 --sticky honey
ok 'model list' 0 model list --json
is 'model list' "$out" '[{"model":"gpt-9","sticky":"user","deadline_ms":0,"max_attempts":2}]'
ok 'model reset' 0 model reset gpt-9
ok 'route explain' 69 route explain --model gpt-9-mini
says 'route explain' 'model_price_missing'
ok 'priced' 0 price set gpt-9-mini --free
ok 'route explain' 0 route explain --model gpt-9-mini --json
says 'route explain' '"place":1,"channel":"full"'
says 'route explain' '"upstream":"gpt-9-mini"'
says 'route explain' '"why":"model","words":"it does not serve the model"'
ok 'no such model' 69 route explain --model nothing

# --- prices ------------------------------------------------------------------

ok 'price set' 0 price set m-mini --input 0.15 --output 0.60 --json
is 'price set' "$(member input_nusd)" 150000000
ok 'price again' 0 price set m-mini --input 0.10 --output 0.40
ok 'price history' 0 price history m-mini
is 'price history' "$(printf '%s\n' "$out" | wc -l | tr -d ' ')" 3
ok 'free' 0 price set test-echo --free
ok 'nothing is not free' 64 price set x --input 0 --output 0
ok 'half a price' 64 price set x --input 1
ok 'price list' 0 price list --json
says 'an empty price book was filled' '"model":"gpt-4o-mini"'
ok 'what came with it is there' 0 price import --builtin --models gpt-4o-mini \
	--json
is 'what came with it is there' "$out" '[]'

ok 'every line' 0 price set m-all --input 2.5 --output 15 --cached 0.25 \
	--cache-write-5m 3 --cache-write-1h 5 --reasoning 16 --audio-in 20 \
	--audio-out 40 --cached-audio 1 --image-in 3 --image-out 30 \
	--cached-image 0.5 --per-request 0.001 --per-mchar 15 \
	--per-image 0.04,1024x1024/high=0.17 --per-minute 0.006 \
	--per-search 0.01 --per-fetch 0.002 --per-file-search 0.0025 \
	--tier 200001:input=5,cached=0.5,output=22.5 --batch 0.5 --flex 0.5 \
	--priority 2 --context 400000 --max-output 128000 \
	--reserve-output 8192 --note 'a test' --json
for line in '"line":"cache_write_1h","nusd":5000000000,"per":1000000' \
	'"line":"input","from_tok":200001,"nusd":5000000000' \
	'"line":"image","variant":"1024x1024/high","nusd":170000000,"per":1' \
	'"line":"time","nusd":360000000,"per":3600000' '"batch_ppm":500000' \
	'"priority_ppm":2000000' '"reserve_output_tok":8192'; do
	says "every line: $line" "$line"
done
ok 'price show' 0 price show m-all
says 'price show' 'prompts from 200001 tokens'
ok 'no such price' 66 price show no-such-model
ok 'a price twice' 64 price set x --input 1 --output 1 --tier 5:input=1,input=2
ok 'a tier of nothing' 64 price set x --input 1 --output 1 --tier input=1
ok 'a factor of seven decimals' 64 price set x --input 1 --output 1 \
	--batch 0.1234567
ok 'a price of yesterday' 64 price set x --input 1 --output 1 \
	--from 2020-01-01
ok 'a price that comes' 0 price set m-all --input 9 --output 9 \
	--from 2999-01-01
ok 'it does not count yet' 0 price show m-all --json
is 'it does not count yet' "$(member input_nusd)" 2500000000
ok 'what a channel costs' 0 price set m-up --input 1 --output 2 \
	--channel test --json
is 'what a channel costs' "$(member channel)" test
ok 'it is no price for users' 66 price show m-up
ok 'price list --cost' 0 price list --cost
says 'price list --cost' m-up
ok 'no such channel' 66 price set m --input 1 --output 2 --channel nowhere

ok 'price export' 0 price export
printf '%s\n' "$out" >"$dir/prices.json"
ok 'nothing differs' 0 price import "$dir/prices.json" --json
is 'nothing differs' "$out" '[]'
ok 'exported prices change' 0 price set m-mini --input 7 --output 8
ok 'a difference' 0 price import "$dir/prices.json" --json
says 'a difference' '"what":"changed","model":"m-mini"'
ok 'not applied' 0 price show m-mini --json
is 'not applied' "$(member input_nusd)" 7000000000
ok 'applied' 0 price import "$dir/prices.json" --apply
ok 'applied' 0 price show m-mini --json
is 'applied' "$(member input_nusd)" 100000000
input '{"odd":{"litellm_provider":"a","input_cost_per_token":0.1,'\
'"output_cost_per_token":0.1},"good":{"litellm_provider":"a",'\
'"input_cost_per_token":1.5e-07,"output_cost_per_token":6e-07},'\
'"bad":{"litellm_provider":"a","input_cost_per_token":-1}}'
ok 'a public price map' 0 price import - --apply --json
says 'new' '"what":"new","model":"good"'
says 'doubtful' '"what":"doubtful"'
says 'refused' '"what":"refused","model":"bad"'
input ''
ok 'an exponent' 0 price show good --json
is 'an exponent' "$(member input_nusd)" 150000000
ok 'doubtful ones are left out' 66 price show odd
input 'no JSON'
ok 'no JSON' 64 price import -
input ''
ok 'no file' 66 price import "$dir/nothing.json"

# --- groups ------------------------------------------------------------------

ok 'group set' 0 group set vip --factor 0.8 --note 'a fifth off'
ok 'group list' 0 group list --json
says 'group list' '"factor_ppm":800000'
ok 'a group without a factor' 64 group set vip
ok 'group remove' 0 group remove vip
ok 'a group that is gone' 66 group remove vip

# --- keys --------------------------------------------------------------------

ok 'token create' 0 token create ci --user alice --limit 2.50 --expires 30d \
	--ip 192.0.2.0/24 --models gpt-4o-mini --json
key=$(member key)
is 'a key' "${#key}" 51
id=$(member id)
ok 'token create for people' 0 token create laptop --user alice
says 'a curl line' 'curl'
ok 'a wrong network' 64 token create x --ip 192.0.2.0/33
ok 'no such user of a key' 66 token create x --user nobody
: >"$dir/everything" # the keys were shown there, once
ok 'token list' 0 token list --json
says 'token list' '"limit_nusd":2500000000'
says_not 'token list' "$key"
ok 'token disable' 0 token disable ci --json
is 'token disable' "$(member enabled)" false
ok 'token enable by id' 0 token enable "$id"
ok 'token revoke' 0 token revoke ci
ok 'revoked for ever' 64 token enable ci

# --- log, audit, backup, tick ------------------------------------------------

ok 'log list' 0 log list --json --since 1h --limit 5 --user alice
is 'log list' "$out" '[]'
ok 'log show' 66 log show req_none
ok 'receipt' 66 receipt req_none
ok 'audit' 0 audit --json
is 'audit' "$(member clean)" true
ok 'tick' 0 tick --once
ok 'backup' 0 backup "$dir/copy.db"
ok 'backup over a file' 65 backup "$dir/copy.db"
if command -v sqlite3 >/dev/null; then
	sqlite3 "$dir/state/pontage.db" \
		"UPDATE account SET balance_nusd = balance_nusd + 1 WHERE kind = 'user'"
	ok 'audit finds it' 1 audit
	ok 'audit finds it, JSON' 1 audit --json
	is 'audit finds it, JSON' "$(member clean)" false
fi
ok 'doctor' 69 doctor --url http://127.0.0.1:1
says 'doctor' 'start pontage serve'
ok 'doctor, JSON' 69 doctor --url http://127.0.0.1:1 --json

# --- secrets -----------------------------------------------------------------

for secret in canary "$key" 'correct horse'; do
	is "nothing said $secret" "$(grep -c "$secret" "$dir/everything")" 0
	is "no file holds $secret" "$(grep -rlF "$secret" "$dir/state" \
		"$dir/copy.db" | wc -l | tr -d ' ')" 0
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# serve: pages, log, what it says to the service manager, privilege, end.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq python3 setpriv
patched || skip_all 'this kernel has no watchdog'
need_bpftool
[[ ! -e /run/systemd/journal/socket ]] || skip_all 'there is a journal already'
keep_settings
plan 52

# Sets code, head and out.
get() { # port, page, head...; method is $method or GET
	local port=$1 page=$2 line
	shift 2
	code='' head='' out='' err='' status=''
	exec 5<>"/dev/tcp/127.0.0.1/$port" || return
	printf '%s\r\n' "${method:-GET} $page HTTP/1.1" 'Host: localhost' 'Connection: close' "$@" '' >&5
	IFS= read -t 10 -r line <&5
	code=$(cut -d' ' -f2 <<<"$line")
	status=$code
	while IFS= read -t 10 -r line <&5 && [[ $line != $'\r' ]]; do head+=${line%$'\r'}$'\n'; done
	# not by cat, which the program below stalls
	out=$(timeout 10 dd status=none <&5)
	exec 5>&-
}
sample() { sed -n "s/^$1 //p" <<<"$out"; }
metric() { get "$port" /metrics; sample "$1"; }

# who listens: the service manager and the journal
mkdir -p /run/systemd/journal || exit 1
# not in $work, which may be on a file system without sockets
run=$(mktemp -d /run/cli.XXXXXX)
at_exit "rm -rf /run/systemd/journal $run"
python3 "$here/dgram_peer.py" journal /run/systemd/journal/socket "$work/journal" &
at_exit "kill $!"
python3 "$here/dgram_peer.py" notify "$run/notify.sock" "$work/notify" &
at_exit "kill $!"
until_true 20 [ -e "$run/notify.sock" ] || exit 1
until_true 20 [ -e /run/systemd/journal/socket ] || exit 1

# Here and on the other CPU: what shares a CPU with a stall may not run until it ends.
taskset -pc 0 $$ >/dev/null
stall() { timeout 60 taskset -c 1 cat /proc/version >/dev/null; }
"$BPFWD" enable --budget 20ms --quarantine 0 >/dev/null
find_spin
pins=/sys/fs/bpf/cli_$$
"$bpftool" prog loadall "$spin" $pins autoattach || exit 1
at_exit "[ ! -e $pins ] || rm -r $pins"
one() { "$BPFWD" ps name spin_vfs_read -j | jq -r ".programs[0] | $1"; }
[[ $(one .terminable) == @(yes|conditional) ]] || { echo "# spin_vfs_read is $(one .terminable)"; exit 1; }

# start
: >"$run/log"
port=19613
stream=$(stat -c %d:%i "$run/log")
# with no other capabilities than the unit leaves
unit=$here/../../watchdog/dist/bpfwd.service.in
set=-all$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | sed 's/^CAP_/,+/' | tr -d '\n' | tr '[:upper:]' '[:lower:]')
NOTIFY_SOCKET=$run/notify.sock WATCHDOG_USEC=2000000 JOURNAL_STREAM=$stream \
	setpriv --bounding-set="$set" "$BPFWD" serve --listen 127.0.0.1:$port >"$work/serve.out" 2>>"$run/log" &
serve=$!
at_exit "kill -KILL $serve"
check ready until_true 20 grep -qx READY=1 "$work/notify"
check status until_true 20 grep -Eqx 'STATUS=watchdog on, 1 programs, 0 runs ended since the start' "$work/notify"
check pings until_true 20 grep -qx WATCHDOG=1 "$work/notify"
check says-where jq -es 'any(.MESSAGE == "metrics on http://127.0.0.1:19613/metrics" and .SYSLOG_IDENTIFIER == "bpfwd")' \
	"$work/journal"
check stdout-is-empty [ ! -s "$work/serve.out" ]

# pages
get $port /metrics
check metrics is "$code" 200
check text-type grep -qix 'content-type: text/plain; version=0.0.4; charset=utf-8' <<<"$head"
check has-programs grep -q '^bpfwd_program_info{id="[0-9]*",name="spin_vfs_read"' <<<"$out"
check nothing-ended-yet is "$(sample 'bpfwd_terminations_total{reason="budget"}')" 0
get $port /metrics 'Accept: application/openmetrics-text; version=1.0.0'
check openmetrics-type grep -qix 'content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' <<<"$head"
check openmetrics-ends is "$(tail -n 1 <<<"$out")" '# EOF'
get $port /healthz
check health is "$code" 200
check_json health-json '.[0] | .schema == "bpfwd.health/1" and .ok and .enabled and .programs == 1
	and (.checks | all(. == "ok"))'
get $port /
check index is "$code" 200
get $port /etc/passwd
check not-found is "$code" 404
method=POST get $port /metrics 'Content-Length: 0'
check only-get is "$code" 405
method=HEAD get $port /metrics
check head-has-no-body is "$code $out" '200 '
method=$(printf '%040000d' 0) get $port /
check garbage-is-refused [ "$code" != 200 ]
get $port /healthz
check still-there is "$code" 200

# events
stall
kills=$(one .terminations)
check kills [ "$kills" -ge 1 ]
check counts-by-reason until_true 20 eval 'is "$(metric "bpfwd_terminations_total{reason=\"budget\"}")" $kills'
get $port /metrics
check as-the-kernel-counts is "$(sample 'bpfwd_program_terminations_total{id="[0-9]*"}')" "$kills"
check latency-count is "$(sample bpfwd_termination_latency_seconds_count)" "$kills"
check latency-inf is "$(sample 'bpfwd_termination_latency_seconds_bucket{le="+Inf"}')" "$kills"
check latency-rises [ "$(sed -n 's/^bpfwd_termination_latency_seconds_bucket{.*} //p' <<<"$out" | sort -nc 2>&1)" = '' ]
check latency-sum [ "$(jq -n "$(sample bpfwd_termination_latency_seconds_sum) > 0")" = true ]
if command -v promtool >/dev/null; then
	lint=$(promtool check metrics <<<"$out" 2>&1)
	check promtool is "$lint" ''
else
	skip promtool 'promtool is not installed (package prometheus)'
fi
check journal-entry jq -es 'any(.MESSAGE_ID == "3a1cfaaee1f040a6b9059c430089d261" and .EVENT == "terminated"
	and .PROG_NAME == "spin_vfs_read" and .PROG_HOOK == "kprobe/vfs_read" and .REASON == "budget"
	and .TASK_COMM == "cat" and .PRIORITY == "4" and (.RAN_NS | tonumber) >= 20000000
	and (.PROG_ID | tonumber) > 0 and .SOURCE_FILE == "spin.bpf.c" and (.SOURCE_LINE | tonumber) > 0
	and (.MESSAGE | test("^KILLED [0-9]+ spin_vfs_read kprobe/vfs_read cpu1 cat\\[[0-9]+\\] ran .* at spin.bpf.c:[0-9]+$")))' \
	"$work/journal"
check journal-has-each until_true 20 eval \
	'is "$(jq -r "select(.EVENT == \"terminated\") | 1" "$work/journal" | wc -l)" $kills'
check log-file-is-empty [ ! -s "$run/log" ]

# a flood is counted, not logged
"$BPFWD" set spin_vfs_read --budget 1ms >/dev/null
# by one process: starting many takes a loaded machine longer than the log's limit looks back
ln -s "$(command -v dd)" "$work/cat"
timeout 60 taskset -c 1 "$work/cat" if=/dev/zero of=/dev/null bs=1 count=150 2>/dev/null
kills=$(one .terminations)
check is-a-flood [ "$kills" -ge 100 ]
check counts-all until_true 20 eval 'is "$(metric "bpfwd_terminations_total{reason=\"budget\"}")" $kills'
check logs-some [ "$(grep -c '"EVENT": "terminated"' "$work/journal")" -lt "$kills" ]
check says-how-many-not until_true 20 jq -es 'any(.MESSAGE | test("^[0-9]+ more events were counted, not logged$"))' \
	"$work/journal"

# the state of the kernel, not of our memory
"$BPFWD" disable >/dev/null
check switched-off until_true 20 jq -es 'any(.MESSAGE == "the watchdog was switched off")' "$work/journal"
"$BPFWD" enable >/dev/null
if mount -t tmpfs none /proc/sys/kernel; then
	get $port /healthz
	umount /proc/sys/kernel
	check unhealthy is "$code $(jq -r .checks.sysctls <<<"$out")" '503 ENOSYS'
else
	skip unhealthy 'cannot cover /proc/sys/kernel'
fi
: >"$work/notify"
kill -HUP $serve
check reloads until_true 20 grep -qx RELOADING=1 "$work/notify"
check ready-again until_true 20 grep -qx READY=1 "$work/notify"

# programs go, as soon as the kernel's work queues come to it, and their count stays: that of the
# program when it is attached no longer, and so is not ended again
"$bpftool" prog pin name spin_vfs_read /sys/fs/bpf/last
rm -r $pins
check is-detached until_true 20 eval '! "$bpftool" link | grep -q "prog $("$bpftool" -j prog show name spin_vfs_read | jq .id) "'
sleep 1
kills=$(one .terminations)
rm /sys/fs/bpf/last
check programs-go until_true 60 eval 'get $port /metrics; ! grep "^bpfwd_program_info{" <<<"$out"'
check keeps-the-count is "$(metric 'bpfwd_terminations_total{reason="budget"}')" "$kills"
expect port-in-use 1 EADDRINUSE serve --listen 127.0.0.1:$port
kill -TERM $serve
wait $serve
check ends-with-0 is $? 0
check says-stopping grep -qx STOPPING=1 "$work/notify"
check leaves-no-ring [ ! -e /sys/kernel/tracing/instances/bpfwd-$serve ]

# sockets that were opened by somebody else
python3 "$here/dgram_peer.py" sockets 1 "$BPFWD" serve 2>"$work/err" &
serve=$!
at_exit "kill -KILL $serve"
until_true 20 grep -q 'metrics on' "$work/err"
get "$(sed -n 's/^port //p' "$work/err")" /metrics
check inherited-socket is "$code" 200
# privilege: admin, syslog, perfmon and bpf are left
caps=$(printf '%016x' $((1 << 21 | 1 << 34 | 1 << 38 | 1 << 39)))
proc() { sed -n "s/^$1:[[:space:]]*//p" /proc/$serve/status; }
check effective-capabilities is "$(proc CapEff)" "$caps"
check permitted-capabilities is "$(proc CapPrm)" "$caps"
check bounding-set is "$(proc CapBnd)" "$caps"
check no-new-privileges is "$(proc NoNewPrivs)" 1
kill -TERM $serve
wait $serve
python3 "$here/dgram_peer.py" sockets 2 "$BPFWD" serve >/dev/null 2>"$work/err"
check two-sockets is "$? $(grep -c E2BIG "$work/err")" '2 1'
expect bad-address 2 EINVAL serve --listen localhost

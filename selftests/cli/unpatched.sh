#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A kernel without the watchdog: what can be measured is, and all else says what is missing
# and exits with 3.   make vm KERNEL=.output/vanilla/.kernel/arch/x86/boot/bzImage CMD=...
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

patched && skip_all 'this kernel has the watchdog'
need jq clang-19
need_bpftool
plan 67

# A program that runs at each read.
printf '%s\n' '__attribute__((section("kprobe/vfs_read"), used)) int reads_of_all(void *ctx) { return 0; }' \
	'__attribute__((section("license"), used)) char gpl[] = "GPL";' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/reads.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
"$bpftool" prog loadall "$work/reads.bpf.o" $pins autoattach || exit 1
at_exit "rm -r $pins"
( exec >/dev/null; while :; do cat /proc/version; sleep 0.2; done ) &
at_exit "kill $!"
runs() { "$BPFWD" ps reads_of_all -e runs -o csv | tail -n 1; }

# what the watchdog would do is not there
for command in status enable 'enable --dry-run' disable 'set 1 --budget 1ms' 'kill 1' events 'events -F'; do
	# shellcheck disable=SC2086 # words
	expect "${command// /-}" 3 'no BPF watchdog' $command
done
expect release-all 3 ENOENT set --release-all

# ps measures for a second, unless nothing of it is asked for
expect ps 0 '' ps
check ps-columns is "$(head -n 1 <<<"$out" | sed 's,^ *,,; s,  *, ,g')" 'ID NAME HOOK AVG RUNS RATE CPU%'
check ps-values grep -Eq '^ *[0-9]+  reads_of_all  kprobe/vfs_read +[0-9.]+[nu]s +[1-9][0-9]* +[0-9.]+ +[0-9.]+$' <<<"$out"
expect ps-json 0 '' ps reads_of_all -j
check_json ps-says-that-it-only-measures '.[0].watchdog == false and (.[0] | has("error") | not)'
check_json ps-json-values '.[0].programs[0] | .run_cnt > 0 and .rate_hz > 0 and .cpu_percent > 0 and .run_avg_ns > 0'
check_json unknown-is-absent '.[0].programs[0] | [has("worst_ns", "budget_ns", "terminations", "longest_run_ns")] | any | not'
before=$(runs)
sleep 0.5
check statistics-are-off-afterwards is "$(runs)" "$before"
expect ps-interval 0 '' ps 200ms 2 -w
check wide-has-no-dead-column is "$(head -n 1 <<<"$out" | sed 's,^ *,,; s,  *, ,g')" 'ID NAME HOOK AVG RUNS RATE CPU% TYPE OWNER'
expect columns-help 0 '' ps -e help
check columns-help-says-which grep -Eq '^cpu% .*\(default\)$' <<<"$out"
expect columns-of-the-watchdog 0 '' ps -e name,worst,kills
check are-unknown grep -Eqx 'reads_of_all +- +-' <<<"$out"

# top, off a terminal
"$BPFWD" top -d 0.3 >"$work/blocks" 2>"$work/err" &
top=$!
two_blocks() { [ "$(grep -c 'AVG  *RUNS  *RATE  *CPU%' "$work/blocks")" -ge 2 ]; }
check top-blocks until_true 60 two_blocks
kill -TERM $top
wait $top
check top-leaves-with-0 is $? 0
check top-is-silent [ ! -s "$work/err" ]

# metrics, and a service that measures all the time
expect metrics 0 '' metrics
check metrics-says-it grep -qx 'bpfwd_watchdog_enabled 0' <<<"$out"
check metrics-abi grep -q '^bpfwd_build_info{.*kernel_abi="0"} 1$' <<<"$out"
check metrics-unknown-is-absent [ -z "$(grep -E '^bpfwd_(watchdog_budget|program_budget|terminations)' <<<"$out")" ]
expect metrics-json 0 '' metrics -j
check_json metrics-json-without-error '.[0].schema == "bpfwd.metrics/1" and (.[0] | has("error") | not)'
get() { # page
	exec 5<>/dev/tcp/127.0.0.1/19614 || return
	printf '%s\r\n' "GET $1 HTTP/1.1" 'Host: localhost' 'Connection: close' '' >&5
	out=$(timeout 20 cat <&5)
	exec 5>&-
}
number() { sed -n "s/^$1 //p" <<<"$out"; }
"$BPFWD" serve --listen 127.0.0.1:19614 >"$work/out" 2>"$work/log" &
service=$!
check serve-starts until_true 60 grep -q 'started, the watchdog is not in this kernel' "$work/log"
check serve-says-what-it-does grep -q 'no watchdog: runs are measured' "$work/log"
get /metrics
id=$("$BPFWD" ps reads_of_all -e id -o csv | tail -n 1)
first=$(number "bpfwd_program_runs_total{id=\"$id\"}")
check serve-counts-runs grep -qx 'bpfwd_bpf_stats_enabled 1' <<<"$out"
sleep 2
get /metrics
check runs-grow [ "$(number "bpfwd_program_runs_total{id=\"$id\"}")" -gt "${first:-0}" ]
check run-seconds-are-there grep -q "^bpfwd_program_run_seconds_total{id=\"$id\"} 0\.0*[1-9]" <<<"$out"
check no-event-is-counted [ -z "$(grep _terminations_total <<<"$out")" ]
get /healthz
check healthy grep -q '^HTTP/1.1 200' <<<"$out"
check health-says-it grep -q '"ok":true,"enabled":false.*"sysctls":"not in this kernel"' <<<"$out"
kill -TERM $service
wait $service
check serve-leaves-with-0 is $? 0
before=$(runs)
sleep 0.5
check statistics-end-with-it is "$(runs)" "$before"
printf 'version: 1\nname: a\nmode: enforce\nhooks:\n  - {match: "kprobe/*", max_latency: 1us}\n' >"$work/p.yaml"
expect serve-policy-by-name 3 'cannot enforce policies' serve --listen none --policy "$work/p.yaml"

# who judges says that it cannot
for command in "estimate $work/reads.bpf.o" "explain $work/reads.bpf.o" "explain $id" "check $work/reads.bpf.o --policy $work/p.yaml" \
		"policy check $work/p.yaml"; do
	# shellcheck disable=SC2086 # words
	expect "judges-not-${command%% *}-$(( number + 1 ))" 3 'this kernel does not estimate' $command
	check names-the-next-step-$number grep -q '^  try: bpfwd top ' <<<"$err"
done
expect policy-load 3 'cannot enforce policies' policy load "$work/p.yaml"
expect policy-syntax 0 '1 policies, mode enforce' policy check --syntax "$work/p.yaml"
echo 'bogus: 1' >"$work/bad.yaml"
expect policy-check-of-a-bad-file 2 'bad.yaml:1' policy check "$work/bad.yaml"

# measuring a cost model needs no patch; loading it does, and says so before minutes of work
expect calibrate-run-load 3 'this kernel does not estimate' calibrate run --load "$work/none"
check calibrate-wrote-nothing [ ! -e "$work/none" ]
expect calibrate-run 0 'entries' calibrate run --quick --only bpf_ktime_get_ns "$work/model"
expect calibrate-show 0 '' calibrate show "$work/model"
check calibrate-measured grep -q '^bpf_ktime_get_ns\|^helper bpf_ktime_get_ns' <<<"$out"
expect calibrate-kernel 3 'this kernel does not estimate' calibrate show kernel

# doctor says what there is to gain
expect doctor 3 '' doctor
check doctor-names-it grep -q '^watchdog  *no: not in this kernel' <<<"$out"
check doctor-says-what-the-patches-add grep -q '^patches add  *runs that take too long are ended' <<<"$out"
expect doctor-json 3 '' doctor -j
check_json doctor-json-adds '.[0].patches_add | length == 4'

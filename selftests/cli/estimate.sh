#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Estimates: of objects, compared, explained, and in ps.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

patched || skip_all 'this kernel makes no estimates'
need jq
objects=$O/selftests
[[ -e $objects/stall_loop.bpf.o ]] || skip_all "no objects in $objects (make selftests)"
plan 41

bpfwd estimate --schema
check_json schema '.[0].anyOf[0].properties.schema.const == "bpfwd.estimate/1"'
bpfwd estimate "$objects/canary.bpf.o" "$objects/stall_loop.bpf.o" "$objects/stall_iter.bpf.o" -j
check estimate-status [ "$status" = 0 ]
check_json estimate '.[0].schema == "bpfwd.estimate/1" and (.[0].programs | length) > 5'
check_json bounded-or-not '.[0].programs | all(.reason == "not_loaded" or
	(.bounded == (.worst_ns != null)) and (.bounded or (.reason | type) == "string"))'
check_json order '.[0].programs | all(.worst_ns == null or .best_ns <= .worst_ns)'
check_json canary-is-short '.[0].programs[] | select(.object == "canary.bpf.o") | .worst_ns > 0 and .worst_ns < 1000000'

# two runs
bpfwd estimate "$objects/canary.bpf.o" "$objects/stall_loop.bpf.o" -o csv
printf '%s\n' "$out" >"$work/a.csv"
check csv-head grep -q '^object,name,best_ns,worst_ns' "$work/a.csv"
expect compare-same 0 '' -q estimate -C "$work/a.csv" "$work/a.csv"
awk -F, -v OFS=, 'NR > 1 && $4 != "" { $4 *= 2 } { print }' "$work/a.csv" >"$work/b.csv"
bpfwd estimate -C "$work/a.csv" "$work/b.csv"
check compare-longer [ "$status" = 4 ]
check compare-says-which grep -q 'worse' <<<"$out"
bpfwd estimate -C "$work/b.csv" "$work/a.csv"
check compare-shorter [ "$status" = 0 ]
bpfwd estimate -C "$work/a.csv" "$work/b.csv" --tolerance 101
check compare-tolerated [ "$status" = 0 ]
awk -F, -v OFS=, 'NR > 1 { $4 = "" } { print }' "$work/a.csv" >"$work/b.csv"
bpfwd estimate -C "$work/a.csv" "$work/b.csv" -j
check compare-unbounded [ "$status" = 4 ]
check_json compare-json '.[0].schema == "bpfwd.compare/1" and .[0].worse > 0'
head -n 1 "$work/a.csv" >"$work/b.csv"
bpfwd estimate -C "$work/a.csv" "$work/b.csv"
check compare-gone grep -q 'gone' <<<"$out"

# bad input
expect estimate-what 2 'estimate what?' estimate
expect compare-one 2 '-C takes two files' estimate -C "$work/a.csv"
expect compare-no-file 1 ENOENT estimate -C "$work/a.csv" "$work/none"
echo 'no,csv' >"$work/bad.csv"
expect compare-no-run 1 "$work/bad.csv:1: no run" estimate -C "$work/a.csv" "$work/bad.csv"
printf 'object,name,best_ns,worst_ns\na,b,1,x\n' >"$work/bad.csv"
expect compare-bad-number 1 "$work/bad.csv:2: 'x' is no number" estimate -C "$work/a.csv" "$work/bad.csv"
printf 'object,name,best_ns,worst_ns\na,b\n' >"$work/bad.csv"
expect compare-short-line 1 "$work/bad.csv:2: too few cells" estimate -C "$work/a.csv" "$work/bad.csv"
expect tolerance 2 "bad tolerance 'x'" estimate -C --tolerance x "$work/a.csv" "$work/a.csv"
expect no-object 1 ENOENT estimate "$work/none.o"
expect not-an-object 1 'it is no BPF object' estimate "$work/a.csv"
expect explain-what 2 'explain what?' explain
expect explain-nobody 5 ENOENT explain 4294967295

# what makes a stall reproducer long
bpfwd explain "$objects/stall_loop.bpf.o"
check explain-status [ "$status" = 0 ]
check explain-names-the-line grep -q 'common.h:[0-9]*: .*bpf_loop(' <<<"$out"
check explain-says-the-bound grep -q 'turns at most: the first argument of bpf_loop()' <<<"$out"
check explain-names-the-source grep -qE '\((built-in|calibrated) cost model\)' <<<"$out"
check explain-no-digits grep -q '>1h' <<<"$out"
check explain-tighter grep -qE 'tighter: .*common.h:[0-9]+: .*bpf_loop\(.* runs.*: pass less to bpf_loop\(\)' <<<"$out"
bpfwd explain "$objects/stall_loop.bpf.o" -j
check_json explain-json '.[0].schema == "bpfwd.explain/1" and (.[0].programs | any(.spots | any(.kind == "loop"
	and .bound > 1000 and .bound_from == "callback" and (.at | test("bpf_loop")))))'
check_json explain-advice '.[0].programs | any(.advice | length > 0)'

check_json explain-tighter-json '.[0].programs | any(.tighter | any(test("pass less to bpf_loop")))'

# what no model has a cost of
bpfwd explain "$objects/estimate.bpf.o"
check explain-names-the-call grep -q 'unbounded: the helper bpf_get_branch_snapshot() has no measured cost' <<<"$out"
check explain-names-the-kfunc grep -q 'unbounded: the kfunc bpf_iter_task_vma_[a-z]*() has no measured cost' <<<"$out"
bpfwd explain "$objects/estimate.bpf.o" -j
check_json explain-why-json '.[0].programs | any(.reason == "no_cost" and (.reason_text | test("bpf_get_branch_snapshot")))'

# loaded programs
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
at_exit 'rm -f /sys/fs/bpf/estimated'
"$O/bpftool" prog load "$objects/canary.bpf.o" /sys/fs/bpf/estimated >/dev/null 2>&1
bpfwd ps pinned /sys/fs/bpf/estimated -j
check_json ps '.[0].programs[0] | .best_ns >= 0 and .best_ns < .worst_ns and .bounded and .use_percent > 0
	and (.estimate_source == "built-in" or .estimate_source == "calibrated") and .estimate_violations == 0'
bpfwd ps pinned /sys/fs/bpf/estimated
check ps-table grep -qE '^ *ID +NAME +HOOK +BEST +WORST +SOURCE' <<<"$out"
bpfwd explain pinned /sys/fs/bpf/estimated
check explain-loaded grep -q 'entry and return of the program' <<<"$out"

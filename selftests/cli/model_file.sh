#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Files of cost models: bad ones of each kind are refused with line and reason, a good one is
# shown and compared.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

plan 52
need jq

good() {
	cat <<-'END'
		version 2
		# a comment
		cpu Some CPU
		kernel 6.12.0
		date 2026-11-24T00:00:00Z
		clock tsc
		cpus 2
		helper bpf_map_update_elem/hash best_ns=10.5 worst_ns=99.001 per_unit_ns=0.125 cpus2_pct=150
		helper default best_ns=0 worst_ns=1000 default "nobody looked"
		insn alu best_ns=0.5 worst_ns=1
		kfunc bpf_task_acquire best_ns=1 worst_ns=2.25 mean_ns=1.5 calls=1000 outliers=3
		microcode 0x1
		build 0123456789abcdef
		quantile 99.99
		max_error 50
		error 12.5
		passes 2
	END
}
# name, line that is expected, text of the reason, sed script that spoils the good file
refused() {
	good | sed "$4" >"$work/bad"
	expect "$1" 1 "$work/bad:$2: $3" calibrate show "$work/bad"
}
at() { printf '%s' "8s|.*|$1|"; }

good >"$work/good"
bpfwd calibrate show "$work/good" -j
check_json good '.[0].schema == "bpfwd.calibrate/1" and (.[0].entries | length) == 4'
check_json values '.[0].entries[] | select(.name == "helper bpf_map_update_elem/hash") |
	.best_ns == 10.5 and .worst_ns == 99.001 and .per_unit_ns == 0.125 and .cpus2_percent == 150'
check_json default '.[0].entries[] | select(.name == "helper default") |
	.source == "default" and .reason == "nobody looked"'
bpfwd calibrate show "$work/good"
check other-machine-is-a-warning grep -q "of another machine: kernel 6.12.0 (here $(uname -r)), build 0123" <<<"$err"
check other-machine-is-shown [ "$status" = 0 ]
expect load-of-another-machine 1 'of another machine: kernel 6.12.0 (here' calibrate load "$work/good"
check says-what-to-do grep -q -- '--force' <<<"$err"

refused no-version 2 "the first line must be 'version 2'" 1d
refused wrong-version 1 'version 1; this bpfwd reads 2' '1s/2/1/'
refused bad-version 1 "version 'one' is no number" '1s/2/one/'
refused two-versions 2 'version is given twice' '2s/.*/version 2/'
refused no-cpu 16 "end of the file, and no line 'cpu'" 3d
refused no-date 16 "end of the file, and no line 'date'" 5d
refused no-cpus 16 "end of the file, and no line 'cpus'" 7d
refused no-microcode 16 "end of the file, and no line 'microcode'" 12d
refused no-build 16 "end of the file, and no line 'build'" 13d
refused no-quantile 16 "end of the file, and no line 'quantile'" 14d
refused no-error 16 "end of the file, and no line 'error'" 16d
refused no-passes 16 "end of the file, and no line 'passes'" 17d
refused cpu-twice 4 'cpu is given twice' '4s/kernel/cpu/'
refused unknown-key 4 "'kernal' is no key" '4s/kernel/kernal/'
refused unknown-helper 8 "unknown helper 'bpf_frob'" "$(at 'helper bpf_frob best_ns=1 worst_ns=2')"
refused unknown-kfunc 8 "unknown kfunc 'no_such_kfunc'" "$(at 'kfunc no_such_kfunc best_ns=1 worst_ns=2')"
refused unknown-class 8 "unknown class of instructions 'nop'" "$(at 'insn nop best_ns=1 worst_ns=2')"
refused unknown-map 8 "unknown map type 'heap'" "$(at 'helper bpf_map_update_elem/heap best_ns=1 worst_ns=2')"
refused map-of-kfunc 8 'only helpers have a map type' "$(at 'kfunc bpf_task_release/hash best_ns=1 worst_ns=2')"
refused nameless 8 'insn of what?' "$(at insn)"
refused negative 8 'best_ns=-1 is negative' "$(at 'insn mul best_ns=-1 worst_ns=2')"
refused missing-best 8 'best_ns is missing' "$(at 'insn mul worst_ns=2')"
refused missing-worst 8 'worst_ns is missing' "$(at 'insn mul best_ns=2')"
refused overflow 8 'worst_ns=99999999999999999999 is too large' "$(at 'insn mul best_ns=1 worst_ns=99999999999999999999')"
refused overflow-of-ps 8 'worst_ns=1000000000001 is too large' "$(at 'insn mul best_ns=1 worst_ns=1000000000001')"
refused best-above-worst 8 'best_ns is larger than worst_ns' "$(at 'insn mul best_ns=3 worst_ns=2')"
refused units-above 8 'best_per_unit_ns is larger' \
	"$(at 'helper bpf_strtol best_ns=1 worst_ns=2 per_unit_ns=1 best_per_unit_ns=2')"
refused no-number 8 'best_ns=1e3 is no number of ns' "$(at 'insn mul best_ns=1e3 worst_ns=2')"
refused too-fine 8 'best_ns=0.0001 is no number of ns' "$(at 'insn mul best_ns=0.0001 worst_ns=2')"
refused nan 8 'best_ns=nan is no number of ns' "$(at 'insn mul best_ns=nan worst_ns=2')"
refused field-twice 8 'worst_ns is given twice' "$(at 'insn mul best_ns=1 worst_ns=2 worst_ns=3')"
refused unknown-field 8 "no field 'wurst_ns'" "$(at 'insn mul best_ns=1 wurst_ns=2')"
refused no-value 8 "'best_ns' is not of the form" "$(at 'insn mul best_ns worst_ns=2')"
refused duplicate 11 'insn alu is there already, in line 10' \
	'11s/.*/insn alu best_ns=1 worst_ns=2/'
refused unbounded-best 8 'best_ns=unbounded is no number of ns' "$(at 'helper bpf_bind best_ns=unbounded worst_ns=unbounded')"
refused endless-reason 9 'the reason has no end' '9s/looked"/looked/'
refused no-entry 13 'end of the file, and no entry' '8,11d'
: >"$work/bad"
expect empty-file 1 "$work/bad:1: the file is empty" calibrate show "$work/bad"
head -c 3000 /dev/zero | tr '\0' a >"$work/bad"
expect long-line 1 "$work/bad:1: the line is longer" calibrate show "$work/bad"
printf 'version 2\ncpu a\0b\n' >"$work/bad"
expect zero-byte 1 "$work/bad:2: the line has a zero byte" calibrate show "$work/bad"
expect no-file 1 ENOENT calibrate show "$work/none"
expect folder 1 'is no file' calibrate show "$work"
expect diff-one 2 'takes 2 arguments, got 1' calibrate diff "$work/good"

bpfwd calibrate diff "$work/good" "$work/good" -j
check_json same '.[0].entries == []'
sed 's/worst_ns=1$/worst_ns=2/' "$work/good" >"$work/other"
bpfwd calibrate diff "$work/good" "$work/other" -j
check_json changed '.[0].entries == [{"name": "insn alu", "best_a_ns": 0.5, "best_b_ns": 0.5,
	"worst_a_ns": 1.0, "worst_b_ns": 2.0, "unit_a_ns": 0.0, "unit_b_ns": 0.0, "worst_change_percent": 100.0}]'

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Calibration: a quick one makes a model, what nothing bounds stays unbounded, passes that
# differ are widened or refused; and the kernel takes models of this machine only.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

plan 40
need jq

expect run-nowhere 1 "cannot write $work/none/model" calibrate run "$work/none/model"
expect verb 2 "calibrate what? 'walk'" calibrate walk
# One run for all that follows: in two passes, and with a limit that some are above.
bpfwd calibrate run --quick --passes 2 --max-error 0 --only 'bpf_map_*_elem/hash' "$work/model"
check quick-run [ "$status" = 0 ]
check few-are-widened grep -qE '(fit_error|difference)_permille=[1-9].* widened=1' "$work/model"
check limit-in-file grep -qx 'max_error 0' "$work/model"
bpfwd calibrate show "$work/model" -j
check_json quick-model '.[0].entries | any(.name == "helper bpf_map_update_elem/hash" and (.source == "measured" or .source == "widened")
	and .best_ns >= 0 and .mean_ns > 0 and .mean_ns >= .best_ns and .worst_ns >= .mean_ns and .worst_ns > 0) and any(.name == "insn alu" and .worst_ns > 0)'
# shellcheck disable=SC2016 # $most is of jq
check_json other-classes '.[0].entries | (map(select(.name | startswith("insn ")) | .worst_ns) | max) as $most |
	any(.name == "insn default" and .source == "default" and .best_ns == 0 and .worst_ns == $most and $most > 0)'
check_json error-is-shown '.[0] | .passes == 2 and (.error_percent > 0) and
	any(.entries[]; .source == "widened" and (.difference_percent > 0 or .fit_error_percent > 0))'

# What the built-in model has no bound for has none after it was measured.
# shellcheck disable=SC2016 # $none is of jq
check_json stays-unbounded '.[0].entries | [.[] | select(.worst_ns == null).name] as $none |
	["clone_redirect", "sys_bpf", "bind", "ima_inode_hash", "ima_file_hash", "snprintf_btf", "seq_printf_btf",
	"copy_from_user", "copy_from_user_task", "sk_lookup_udp", "btf_find_by_name_kind"] | all("helper bpf_" + . | IN($none[]))'
check_json unknown-is-unbounded '.[0].entries | map(select(.worst_ns == null).name) |
	any(. == "helper default") and any(. == "kfunc default")'
check_json says-why '.[0].entries | all(.worst_ns != null or (.reason | startswith("unbounded in the kernel")))'

# Who waits for a lock does so where the other CPU has something else to do, too.
if [[ -n ${BPFWD_VM_CPUS:-} ]]; then
	skip contention-on-a-busy-machine 'takes minutes in an emulator'
elif (( $(nproc) < 2 )); then
	skip contention-on-a-busy-machine 'there is one CPU'
else
	for i in 1 2 3; do
		taskset -c 1 bash -c 'while :; do :; done' &
		at_exit "kill $!"
	done
	bpfwd calibrate run --passes 1 --max-error 1000 --only bpf_spin_lock "$work/busy"
	mapfile -t hogs < <(jobs -p)
	kill "${hogs[@]}"
	bpfwd calibrate show "$work/busy" -j
	check_json contention-on-a-busy-machine '.[0].entries[] | select(.name == "helper bpf_spin_lock").cpus2_percent >= 150'
fi

# Of many that are off there is no model.
if [[ -n ${BPFWD_VM_CPUS:-} ]]; then
	for t in many-make-no-model no-model-no-file; do
		skip "$t" 'takes minutes in an emulator'
	done
else
	expect many-make-no-model 1 'entries are off by more than 0 %: no model' \
		calibrate run --quick --passes 2 --max-error 0 --only 'bpf_m*' "$work/none-off"
	check no-model-no-file [ ! -e "$work/none-off" ]
fi
expect passes-0 2 '--passes 0: 1 to 9' calibrate run --passes 0

# into the kernel: all or nothing
model_state() { bpfwd calibrate show kernel -o csv; printf '%s' "$out"; }
if patched; then
	at_exit "$BPFWD calibrate reset"
	bpfwd calibrate load "$work/model" -j
	"$BPFWD" calibrate --schema >"$work/schema"
	check load-fits-schema "$here/schema_check.py" "$work/schema" <"$work/out"
	check_json load '.[0].generation > 0 and .[0].entries > 13 and (.[0].stale | not)'
	bpfwd doctor -j
	check_json fresh '.[0].probes[] | select(.name == "estimates") | .ok'
	bpfwd metrics
	check fresh-metric grep -qx 'bpfwd_cost_model_stale 0' <<<"$out"
	sed 's/^build .*/build 00/' "$work/model" >"$work/foreign"
	expect load-of-another-build 1 'of another machine: build 00 (here' calibrate load "$work/foreign"
	sed 's/^cpu .*/cpu Another One/' "$work/model" >"$work/other-cpu"
	expect load-of-another-cpu 1 'of another machine: cpu Another One (here' calibrate load "$work/other-cpu"
	bpfwd calibrate load --force "$work/foreign" -j
	check_json forced '.[0].stale'
	bpfwd doctor -j
	check_json doctor-names-it '.[0].probes[] | select(.name == "estimates") |
		(.ok | not) and (.text | test("stale: of another kernel, loaded by --force"))'
	bpfwd status -j
	check_json status-names-it '.[0].cost_model | .stale and .source == "stale"'
	bpfwd metrics
	check stale-metric grep -qx 'bpfwd_cost_model_stale 1' <<<"$out"
	sed '/^helper bpf_bind /s/unbounded/5/' "$work/model" >"$work/finite"
	expect load-of-what-is-made-finite 1 'helper bpf_bind: nothing bounds it' calibrate load "$work/finite"
	sed '/^kfunc default /s/unbounded/5/' "$work/model" >"$work/finite"
	expect load-of-a-finite-default 1 'kfunc default: nothing bounds it' calibrate load "$work/finite"
	bpfwd calibrate load "$work/model"
	bpfwd calibrate show kernel -j
	check_json unbounded-in-kernel '.[0].entries | any(.name == "helper bpf_bind" and .worst_ns == null)'
	loaded=$(model_state)
	check loaded grep -q '^helper bpf_map_update_elem/hash,' <<<"$loaded"
	grep -v '^insn default' "$work/model" >"$work/part"
	bpfwd calibrate load "$work/part" -j
	check_json load-all-classes '.[0].generation > 0'
	bpfwd calibrate load "$work/model"
	grep -v '^insn ' "$work/model" >"$work/classless"
	grep '^insn default' "$work/model" >>"$work/classless"
	bpfwd calibrate load "$work/classless"
	bpfwd calibrate show kernel -j
	check_json only-other-classes '.[0].entries | map(.name | select(startswith("insn "))) == ["insn default"]'
	bpfwd calibrate load "$work/model"
	check loaded-again [ "$(model_state)" = "$loaded" ]
	sed -i '/^insn alu/d' "$work/part"
	expect load-without-class 1 "$work/part: no line 'insn alu'" calibrate load "$work/part"
	check says-default grep -q "a line 'insn default' is for all classes" <<<"$err"
	grep -v '^kfunc default' "$work/model" >"$work/part"
	expect load-without-default 1 "$work/part: there is no line 'kfunc default'" calibrate load "$work/part"
	line=$(grep -n '^insn jump' "$work/model" | cut -d: -f1)
	sed '/^insn jump/s/$/ per_unit_ns=1/' "$work/model" >"$work/part"
	expect load-units-of-insn 1 "$work/part:$line: insn jump: an instruction has no units" \
		calibrate load "$work/part"
	check refused-changes-nothing [ "$(model_state)" = "$loaded" ]
	# contention is that of all CPUs that are there, of one that is switched off, too
	cpu=/sys/devices/system/cpu/cpu1/online
	if [[ -n ${BPFWD_VM_CPUS:-} && -w $cpu ]]; then
		sed '/^helper bpf_map_update_elem\/hash /s/$/ cpus2_pct=300/' "$work/model" >"$work/shared"
		at_exit "echo 1 >$cpu"
		echo 0 >$cpu
		bpfwd calibrate load "$work/shared"
		echo 1 >$cpu
		bpfwd calibrate show kernel -j
		check_json contention-of-all-cpus "[.[0], $("$BPFWD" calibrate show "$work/model" -j) | .entries[] |
			select(.name == \"helper bpf_map_update_elem/hash\").worst_ns] | .[0] - 3 * .[1] | fabs < 0.01"
	else
		skip contention-of-all-cpus 'there is no second CPU to switch off'
	fi
	bpfwd calibrate reset
	check reset [ "$(model_state)" != "$loaded" ]
	bpfwd status -j
	check_json built-in-again '.[0].cost_model | .source == "built-in" and (.stale | not)'
else
	for t in load fresh fresh-metric load-of-another-build load-of-another-cpu forced doctor-names-it status-names-it \
		stale-metric load-of-what-is-made-finite load-of-a-finite-default unbounded-in-kernel loaded load-all-classes only-other-classes loaded-again load-without-class says-default load-without-default load-units-of-insn refused-changes-nothing contention-of-all-cpus reset built-in-again; do
		skip "$t" 'this kernel makes no estimates'
	done
fi

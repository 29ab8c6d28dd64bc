#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What each command prints as JSON is what its --schema says: no key that the schema does not
# have, none missing, each of its type.
# shellcheck disable=SC2016,SC2034 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq curl python3
patched || skip_all 'this kernel has no watchdog'
need_bpftool
keep_settings
find_spin
plan 60
export XDG_CACHE_HOME=$work
pins=/sys/fs/bpf/cli_$$
at_exit "rm -rf $pins*"

fits() { # schema; the documents are stdin
	"$here/schema_check.py" "$1"
}
# test, name of the document, command, arguments...
of() {
	local name=$1 schema=$work/schema.$3 document=$2
	shift 2
	"$BPFWD" "$1" --schema >"$schema"
	bpfwd "$@" -j
	jq -r .schema "$work/out" | sort -u >"$work/documents"
	check "$name" eval "fits $schema <$work/out && is \"\$(<$work/documents)\" $document"
}

# --- the checker itself ---
printf '%s' '{"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{"anyOf":[{"type":"string"},{"type":"null"}]}}}' >"$work/s"
check checker-good fits "$work/s" <<<'{"a":1,"b":null}'
n=0
for bad in '{}' '{"a":"1"}' '{"a":true}' '{"a":1,"c":1}' '{"a":1,"b":2}' ''; do
	check checker-bad-$((++n)) eval '! fits "$work/s" <<<"$bad"'
done

# --- each command has one ---
while read -r c; do
	case $c in
	top) expect "schema-$c" 2 'prints no JSON' "$c" --schema ;;
	*)
		bpfwd "$c" --schema
		check "schema-$c" jq -e 'has("$schema") and (has("title") or (.anyOf | all(has("title"))))' "$work/out"
	esac
done < <("$BPFWD" -h | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *.*/\1/p')
check schema-of-errors jq -e '.title == "bpfwd.error/1"' <("$BPFWD" --schema)

# --- nothing is attached yet ---
of doctor bpfwd.doctor/1 doctor
of enable bpfwd.enable/1 enable --budget 20ms --quarantine 0
of policy-none bpfwd.policy/1 policy show
"$bpftool" prog loadall "$spin" $pins autoattach >/dev/null || exit 1
timeout 20 cat /proc/version >/dev/null

of status bpfwd.status/1 status
of ps bpfwd.ps/1 ps
columns=$("$BPFWD" ps -e help | sed 's/ .*//' | paste -sd,)
of ps-all-columns bpfwd.ps/1 ps -e "$columns"
of set bpfwd.set/1 set spin_vfs_read --budget 20ms
of set-release-all bpfwd.set/1 set --release-all --dry-run
of kill bpfwd.kill/1 kill spin_vfs_read
of events bpfwd.event/1 events
of metrics bpfwd.metrics/1 metrics
of estimate bpfwd.estimate/1 estimate "$spin"
"$BPFWD" estimate -o csv "$spin" >"$work/run.csv" 2>/dev/null
of compare bpfwd.compare/1 estimate -C "$work/run.csv" "$work/run.csv"
of explain bpfwd.explain/1 explain spin_vfs_read
of explain-object bpfwd.explain/1 explain "$spin"

# --- policies ---
printf 'version: 1\nname: test\nmode: enforce\nhooks:\n  - match: kprobe/vfs_*\n    max_latency: 5us\n' >"$work/p.yaml"
at_exit '"$BPFWD" policy unload'
of policy-load-dry-run bpfwd.policy-load/1 policy load --dry-run "$work/p.yaml"
of policy-check bpfwd.policy-check/1 policy check "$work/p.yaml"
of policy-load bpfwd.policy-load/1 policy load --for 10m "$work/p.yaml"
of policy-show bpfwd.policy/1 policy show
of policy-diff bpfwd.policy-diff/1 policy diff "$work/p.yaml"
printf '    max_programs: 3\n' >>"$work/p.yaml"
of policy-diff-differs bpfwd.policy-diff/1 policy diff "$work/p.yaml"
of policy-keep bpfwd.policy-change/1 policy keep
of check bpfwd.check/1 check "$spin" --policy "$work/p.yaml"
"$bpftool" prog loadall "$spin" ${pins}_denied autoattach >/dev/null 2>&1
of events-denied bpfwd.event/1 events --last denied
of metrics-policy bpfwd.metrics/1 metrics
of status-policy bpfwd.status/1 status
"$BPFWD" serve --listen 127.0.0.1:19615 --policy none 2>/dev/null &
serve=$!
at_exit "kill -KILL $serve"
until_true 30 curl -sf -o "$work/health" http://127.0.0.1:19615/healthz
"$BPFWD" serve --schema >"$work/schema.serve"
check health fits "$work/schema.serve" <"$work/health"
of policy-unload bpfwd.policy-change/1 policy unload
sed 's/^  - match.*/call_graphs:\n  - name: g\n    roots: [__x64_sys_read]/; /max_programs/d; /^hooks:/d' "$work/p.yaml" >"$work/g.yaml"
of policy-path bpfwd.policy-path/1 policy check --path kprobe/vfs_read "$work/g.yaml"
of policy-observe bpfwd.policy-observe/1 policy observe --for 1s vfs_read

# --- cost models; what load prints is in calibrate.sh ---
printf '%s\n' 'version 2' 'cpu Some CPU' 'kernel 6.12.0' 'date 2026-11-24T00:00:00Z' 'clock tsc' 'cpus 2' \
	'insn alu best_ns=1 worst_ns=2' 'kfunc bpf_task_acquire best_ns=1 worst_ns=2.25 mean_ns=1.5 calls=1000 outliers=3' \
	'microcode 0x1' 'build 0123456789abcdef' 'quantile 99.99' 'max_error 50' 'error 12.5' 'passes 2' >"$work/a.model"
sed 's/=2/=3/' "$work/a.model" >"$work/b.model"
of calibrate-show bpfwd.calibrate/1 calibrate show "$work/a.model"
of calibrate-diff bpfwd.calibrate/1 calibrate diff "$work/a.model" "$work/b.model"

# --- and off again ---
of kill-detach-dry-run bpfwd.kill/1 kill --detach --dry-run spin_vfs_read
of kill-detach bpfwd.kill/1 kill --detach spin_vfs_read
of disable bpfwd.enable/1 disable
bpfwd ps -j id 4294967295
"$BPFWD" --schema >"$work/schema"
check error fits "$work/schema" <<<"$out"

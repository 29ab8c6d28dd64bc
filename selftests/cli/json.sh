#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# JSON: one valid document on stdout whatever happens, with the documented schema.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq
plan 13
patched && watchdog=true || watchdog=false

bpfwd ps --schema
check_json schema-is-json '.[0].properties.schema.const == "bpfwd.ps/1"'
printf '%s' "$out" >"$work/schema"

bpfwd ps -j
check ps-status [ "$status" = 0 ]
check_json ps 'length == 1 and .[0].schema == "bpfwd.ps/1" and (.[0].programs | type) == "array"'
check ps-keys-are-in-schema jq -en --slurpfile s "$work/schema" --slurpfile d "$work/out" '
	$d[0].programs | all(to_entries | all(. as $e |
		($e.value | type) as $is |
		[$s[0].properties.programs.items.properties[$e.key].type] | flatten | any(
			$is == . or (. == "integer" and $is == "number" and ($e.value | floor) == $e.value))))'
check ps-stderr-is-empty [ -z "$err" ]
check_json ps-says-whether-it-only-measures ".[0].watchdog == $watchdog and (.[0] | has(\"error\") | not)"

bpfwd -p ps
check pretty-is-the-same-document jq -en --slurpfile d "$work/out" '$d[0].schema == "bpfwd.ps/1"'
bpfwd ps -o jsonl
check jsonl jq -es 'all(has("id") or has("error"))' "$work/out"
bpfwd doctor -j
check_json doctor '.[0].schema == "bpfwd.doctor/1" and (.[0].probes | all(has("name") and has("ok")))'
bpfwd ps -j id 4294967295
check_json error 'length == 1 and .[0].schema == "bpfwd.error/1" and .[0].error.code == "ENOENT"'
bpfwd set 1 -j --budget 0
check_json usage-error 'length == 1 and .[0].error.code == "ERANGE" and .[0].error.exit == 2'
check error-stderr-is-empty [ -z "$err" ]
bpfwd status -j
if patched; then
	check_json status '.[0].schema == "bpfwd.status/1" and .[0].budget_ns >= 100000'
else
	check_json status '.[0].error.code == "ENOSYS"'
fi

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: the tools at once, under load, with the watchdog on. None of their programs may
# be ended.
#   innocents.sh SECONDS FOLDER [TOOLS]    PAUSE=0.05  of the load, in seconds
# TOOLS: only so many. FOLDER gets `ready` when the load begins, then the figures as JSON.
set -uo pipefail
export LC_ALL=C.UTF-8

seconds=$1 figures=$2/figures.json ready=$2/ready tools=${3:-1000}
work=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=tools.bash
. "$(dirname "$0")/tools.bash"

# What must not grow: the kernel's counters of what went wrong, those of newer kernels as well.
counters() {
	bpfwd ps -j | jq '[.programs[] | to_entries[] |
		select((.key | test("^(terminations|overruns)$|late|stuck")) and (.value | type) == "number")] |
		group_by(.key) | map({ (.[0].key): map(.value) | add }) | add // {}'
}

cd "$work" || exit 1
# The service's own programs are not what this is about; there are none yet.
bpfwd enable --budget 10ms --quarantine 0 || exit 1
# So that runs are counted.
sysctl -qw kernel.bpf_stats_enabled=1 || exit 1
start_tools "$tools"
before=$(counters)
: >"$ready"
"$field/load.py" --pause "${PAUSE:-0.05}" --seconds "$seconds" >load.json || echo 'the load has failed'
rm "$ready"
bpfwd disable
after=$(counters)
bpfwd ps -j >ps.json
lost_tools
lost=$?
stop_tools
bpfwd events -j >events.jsonl
jq -n --argjson before "$before" --argjson after "$after" --argjson tools "${#tool_names[@]}" --argjson seconds "$seconds" \
	--slurpfile load load.json --slurpfile ps ps.json --slurpfile events events.jsonl '
	$ps[0].programs as $p | {
		$seconds, $tools, programs: ($p | length), ran: ($p | map(select(.run_cnt > 0)) | length),
		runs: ($p | map(.run_cnt // 0) | add), load: $load[0],
		counters: ($after | with_entries(.value -= ($before[.key] // 0))),
		counters_of_all: $after,
		ended: [$events[] | select(.event == "terminated") |
			{ name: .prog.name, hook: .prog.hook, reason, ran_ns, budget_ns, late_ns, stop_ns }],
		longest: [$p[] | select(.longest_run_ns > 0) | { name, hook, type, run_cnt, p99_run_ns, longest_run_ns }]
			| sort_by(-.longest_run_ns) }' >"$figures"
jq -r '
	def ms: . / 10000 | round / 100 | tostring + " ms";
	"\(.tools) tools, \(.programs) programs, of which \(.ran) ran: \(.runs) runs in \(.seconds) s of load; \(.counters_of_all)",
	(.longest[:5][] | "longest: \(.longest_run_ns | ms)  \(.name) \(.hook // "-")"),
	(.ended | group_by([.name, .hook])[] |
		"ended: \(.[0].name) \(.[0].hook // "-"): \(length) times, ran \(map(.ran_ns) | max | ms) at most, budget \(.[0].budget_ns | ms)")' "$figures"
(( !lost )) && jq -e '(.ended | length) == 0 and .counters_of_all.terminations == 0 and .tools >= 20 and .ran >= 20 and (.load | [.[]] | min > 0)' "$figures" >/dev/null

# shellcheck shell=bash
# Starts the tools of the file `tools` and ends them; for scripts in the VM.
# Needs $work, a folder to write to.
: "${work:?}"

field=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tool_names=() tool_pids=()

# How many programs there are: of a tool that has attached all it has, the number stays.
programs() { bpfwd ps -j | jq '.programs | length'; }

# start_tools [N]: the first N, or all; returns when none attaches any more.
start_tools() {
	local package name args n=-1 now
	while read -r package name args; do
		[[ $package != \#* ]] || continue
		(( ${#tool_names[@]} < ${1:-1000} )) || break
		# shellcheck disable=SC2086 # words
		"$name" $args </dev/null >"$work/$name.out" 2>"$work/$name.err" &
		tool_names+=("$name") tool_pids+=($!)
	done <"$field/tools"
	while now=$(programs) && (( now != n )); do
		n=$now
		sleep 5
	done
}

# Prints those that do not run any more, with their last words; fails if there are any.
lost_tools() {
	local i lost=0
	for i in "${!tool_pids[@]}"; do
		[[ -d /proc/${tool_pids[i]} ]] && continue
		lost=1
		echo "${tool_names[i]} has ended: $(tail -n 1 "$work/${tool_names[i]}.err")"
	done
	return $lost
}

# By SIGINT they say what they have seen; those that do not end are killed.
stop_tools() {
	local n
	kill -INT "${tool_pids[@]}" 2>/dev/null
	for (( n = 0; n < 50; n++ )); do
		kill -0 "${tool_pids[@]}" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "${tool_pids[@]}" 2>/dev/null
	return 0
}

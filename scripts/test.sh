#!/bin/bash
# Run the tests whose names match one of the globs: those of the VM itself, selftests/runner in
# the VM (it runs selftests/cli as well), systemd in it, selftests/unit, the demo, the fuzzers,
# and that the source tree stays clean.
#   test.sh ['GLOB...']   KERNEL=bzImage
# Writes $O/test.json; the last line is "N passed, N failed, N skipped".
# shellcheck disable=SC2317 # the functions that outcome calls

set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
read -ra globs <<<"${1:-*}"
globs=("${globs[@]/#kill-everywhere/kill_everywhere}")
limit=${TIMEOUT:-0}	# of the VM of all tests, if one was asked for
export KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage} TIMEOUT=${TIMEOUT:-2100}
vm=$repo/selftests/vm/run.sh
runner=$O/selftests/runner
results=$O/log/test.tsv		# name, result, seconds
silence=${SILENCE:-1200}
mkdir -p "$O/log"
: >"$results"
last=$EPOCHREALTIME

record() { # name, result
	local now=$EPOCHREALTIME us
	us=$((${now/./} - ${last/./}))
	last=$now
	printf '%s\t%s\t%d.%03d\n' "$1" "$2" $((us / 1000000)) $((us / 1000 % 1000)) >>"$results"
}
wanted() {
	local glob
	for glob in "${globs[@]}"; do
		# shellcheck disable=SC2053 # it is a glob
		[[ $1 != $glob && $1 != $glob/* ]] || return 0
	done
	return 1
}
outcome() { # name, condition as a command...
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
		record "$name" passed
	else
		echo "not ok - $name"
		record "$name" failed
	fi
}

# Reads what the guest prints: TAP lines; "#begin NAME" and "#end NAME STATUS" around a
# test that may speak no TAP but has an exit status.
consume() {
	local line name verdict n=0 failed=0
	last=$EPOCHREALTIME
	while IFS= read -r line; do
		printf '%s\n' "$line"
		if [[ $line =~ ^(not\ )?ok\ ([0-9]+\ )?(-\ )?([^[:space:]]+)(.*)$ ]]; then
			verdict=${BASH_REMATCH[1]}ok name=${BASH_REMATCH[4]} n=$((n + 1))
			if [[ ${BASH_REMATCH[5]} == *'# '[Ss][Kk][Ii][Pp]* ]]; then
				record "$name" skipped
			elif [[ $verdict != ok ]]; then
				failed=1
				record "$name" failed
			else
				record "$name" passed
			fi
		elif [[ $line =~ ^\#begin\  ]]; then
			n=0 failed=0
		elif [[ $line =~ ^\#end\ ([^\ ]+)\ ([0-9]+)$ ]]; then
			name=${BASH_REMATCH[1]}
			case ${BASH_REMATCH[2]} in
			0) (( n )) || record "$name" passed ;;
			4) (( n )) || record "$name" skipped ;;
			*) (( failed )) || { echo "not ok - $name # exit status ${BASH_REMATCH[2]}"; record "$name" failed; } ;;
			esac
			n=0 failed=0
		fi
	done
}
# Each test has its own limit, and says when it is through: the VM has none, however slow the
# machine is, but is not waited for when nothing is said for longer than any test may take.
guest() { # command; status of the VM
	local rc=0
	TIMEOUT=$limit SILENCE=$silence "$vm" "$1" | consume || rc=${PIPESTATUS[0]}
	return "$rc"
}

# --- What does not depend on the load ---
# It takes what the others leave of the processors: what counts instructions, and what waits for
# what it expects as long as it has to.
by_instructions() { # name of the log, what to show of it, command
	local rc=0
	ICOUNT=1 "$vm" "$3" >"$O/log/test-$1.log" 2>&1 || rc=$?
	grep "$2" "$O/log/test-$1.log" | sed 's/^[^#]/# &/'
	return "$rc"
}
# Tools of the distribution at once: none is ended.
innocent_tools() {
	local rc=0
	# in a folder of its own anyway
	APART='' ONLY=deterministic "$repo/scripts/test-innocents.sh" 5 21 >"$O/log/test-innocents.log" 2>&1 || rc=$?
	if (( rc == 4 )); then
		echo "# its packages cannot be installed: $(grep -m 1 '^error: ' "$O/log/test-innocents.log")"
	else
		tail -n $(( rc ? 40 : 1 )) "$O/log/test-innocents.log" | sed 's/^/# /'
	fi
	return "$rc"
}
# Random policy files, for a minute
fuzz_policy() {
	local rc=0
	"$repo/selftests/fuzz/run.sh" >"$O/log/test-fuzz.log" 2>&1 || rc=$?
	sed 's/^/# /' "$O/log/test-fuzz.log"
	return "$rc"
}
exact='nested/covered nested/timer_entry nested/timer_exit nested/expire_entry nested/expire_exit ends/own_time
	clock/dense clock/short_budget clock/slow_rounds charged/sends charged/hashes policy_sock/many_sockets
	newer/by_own_stack raised/in_interrupts raised/innocent raised/seldom_long raised/held'
deterministic() { # name
	case $1 in
	# 1,000 programs
	scale/1000) by_instructions scale '^[#n]' "$repo/selftests/icount/scale.sh" ;;
	# Whose time it is
	icount/exact) by_instructions exact '^# had\|ns each\|^not ok' "for t in ${exact//$'\n'/ }; do $runner -t \$t || exit; done" ;;
	# Bounds that were to be exceeded
	adversarial/icount) by_instructions adversarial 'took\|^not ok' "$runner -t 'adversarial/*'" ;;
	innocent/tools) innocent_tools ;;
	fuzz/policy) fuzz_policy ;;
	esac
}
# Tests of the runner: in a VM of their own; those of the second list want neither another CPU
# nor a clock that goes on while a file is read: programs from seeds, and what measures shares.
patient=('cli/*')
counted=(random/counted 'policy_left/[cls]*' 'policy_share/[bps]*' policy_share/graph)
runner_apart() { # glob
	local t tests icount=0
	mapfile -t tests < <(selected_by "$1")
	if [[ " ${counted[*]} " == *" $1 "* ]]; then icount=1; fi
	# One thread for all CPUs: see trace_start() in test_util.c.
	ICOUNT=$icount TCG=single "$vm" "export BPFWD_TEST_TIMEOUT=1200; for t in ${tests[*]}; do echo '#begin runner'; $(printf %q "$runner") -t \"\$t\" </dev/null;
		echo \"#end \$t \$?\"; done" | consume
	for t in "${tests[@]}"; do
		grep -qxF "$t" <(cut -f 1 "$results") || { echo "not ok - $t # no result"; record "$t" failed; }
	done
}
apart() { # name
	local rc=0 start=$EPOCHREALTIME log=$O/log/apart-${1//[^a-z0-9_]/-}
	if [[ -n $(selected_by "$1") ]]; then
		runner_apart "$1" >"$log.log" 2>&1 || true
		cat "$log.log"
		return
	fi
	deterministic "$1" >"$log.log" 2>&1 || rc=$?
	last=$start
	case $rc in
	0) outcome "$1" true >>"$log.log" ;;
	4) echo "ok - $1 # SKIP" >>"$log.log"; record "$1" skipped ;;
	*) outcome "$1" false >>"$log.log" ;;
	esac
	cat "$log.log"
}
mapfile -t selected < <("$runner" -l "${globs[@]/#/-t}" 2>/dev/null | awk '{ print $1 }')
selected_by() { # glob
	local t
	# shellcheck disable=SC2053 # it is a glob
	for t in ${selected[@]+"${selected[@]}"}; do
		[[ $t != $1 ]] || echo "$t"
	done
}
# The longest ones first.
apart=()
if wanted adversarial/icount; then apart+=(adversarial/icount); fi
for name in "${patient[@]}" "${counted[@]}"; do
	if [[ -n $(selected_by "$name") ]]; then apart+=("$name"); fi
done
for name in icount/exact innocent/tools scale/1000 fuzz/policy; do
	if wanted "$name"; then apart+=("$name"); fi
done
if grep -qE '^(kill_everywhere/c|adversarial/)' <(printf '%s\n' "${selected[@]}" "${apart[@]}"); then
	"$repo/scripts/corpus.sh" subset
fi
(
	chrt --idle --pid 0 "$BASHPID"
	export APART=1 TIMEOUT=0 SILENCE=$((silence * 3))
	in_lanes apart ${apart[@]+"${apart[@]}"}
) & pid_apart=$!

# --- The VM itself ---
status_is() {
	local want=$1 rc=0
	shift
	"$vm" "$@" >"$O/log/test-vm.log" 2>&1 || rc=$?
	(( rc == want )) && return
	echo "# exit status $rc, expected $want; the console is in $O/log/console-status-$want.log"
	cp "$O/vm/console.log" "$O/log/console-status-$want.log"
	tail -n 5 "$O/log/test-vm.log" | sed 's/^/# /'
	return 1
}
times_out() { TIMEOUT=8 status_is 124 'sleep 1000'; }
# An emulator that only prints, for longer than it may say nothing, and then hangs: how long a
# guest takes to boot does not matter.
is_silent() {
	local voice=$O/vm/voice
	cat >"$voice" <<-'END'
		#!/bin/bash
		out=$(sed 's/.*file,id=out,path=//; s/ .*//' <<<"$*")
		for i in {1..8}; do sleep 2; echo "$i"; done >>"$out"
		echo through >>"$out"
		exec sleep 1000
	END
	chmod +x "$voice"
	QEMU=$voice KVM=0 TIMEOUT=0 SILENCE=10 status_is 124 'is not run' && grep -q through "$O/log/test-vm.log"
}
shares_scratch() {
	# shellcheck disable=SC2016 # for the guest
	SMP=1 status_is 0 'echo 42 >"$BPFWD_SCRATCH/.test.'$$'" && ! touch "$O/x" 2>/dev/null && ! touch /etc/x 2>/dev/null' &&
		[[ $(cat "$O"/vm/{,run.*/}scratch/.test.$$ 2>/dev/null) == 42 ]]
}
# install, dpkg, man and what an operator writes to /etc: nothing of it reaches the host
is_writable() {
	local package
	package=$(ls "$O"/deb/bpfwd_*.deb 2>/dev/null) || { echo '# no package: make deb'; return 1; }
	WRITABLE=1 status_is 0 "dpkg --install --force-depends $package && bpfwd=/usr/sbin/bpfwd && man bpfwd.policy | grep -q max_latency &&
		\$bpfwd enable --persist && grep -q bpf_watchdog /etc/sysctl.d/60-bpfwd.conf && systemctl enable bpfwd" &&
		[[ ! -e /etc/sysctl.d/60-bpfwd.conf && ! -e /etc/systemd/system/multi-user.target.wants/bpfwd.service ]]
}
if wanted vm/writable; then outcome vm/writable is_writable; fi
if wanted vm/exit_status; then outcome vm/exit_status status_is 42 'exit 42'; fi
if wanted vm/panic; then outcome vm/panic status_is 255 'echo c >/proc/sysrq-trigger'; fi
if wanted vm/scratch; then outcome vm/scratch shares_scratch; fi
if wanted vm/silence; then outcome vm/silence is_silent; fi
if wanted vm/timeout; then outcome vm/timeout times_out; fi
rm -f "$O"/vm/{,run.*/}scratch/.test.$$

# --- selftests/runner ---
before=$(git -C "$repo" status --porcelain 2>/dev/null || true)
mapfile -t names < <("$runner" -l "${globs[@]/#/-t}" "${patient[@]/#/-x}" "${counted[@]/#/-x}" 2>/dev/null | awk '{ print $1 }')
if (( ${#names[@]} )); then
	say "test: ${#names[@]} tests in the VM ($KERNEL)"
	rc=0
	guest "echo '#begin runner'; $(printf %q "$runner")$(printf ' -t %q' "${globs[@]}")$(printf ' -x %q' "${patient[@]}" "${counted[@]}"); echo \"#end runner/exit_status \$?\"" || rc=$?
	# A dead VM costs the test that ran, not those after it.
	deaths=0 again='' tcg=''
	while :; do
		left=()
		for t in "${names[@]}"; do
			grep -qxF "$t" <(cut -f 1 "$results") || left+=("$t")
		done
		(( ${#left[@]} )) || break
		if (( rc == 124 || rc == 255 )); then
			tcg=
			why='the VM panicked'
			(( rc != 124 )) || why="no end within $limit s, or nothing was said for $silence s"
			cp "$O/vm/console.log" "$O/log/console-${left[0]//\//_}.log"
			# QEMU before 8.1, see trace_start() in test_util.c: not the test's fault if the
			# int3 was gone. One that is there is ours. One thread for all CPUs does not do it.
			if [[ ${left[0]} != "$again" ]] && grep -q '^Oops: int3' "$O/vm/console.log" &&
			   ! grep -q '^Code:.* cc <' "$O/vm/console.log"; then
				echo "# ${left[0]}: the emulator ran into code that was being patched; once more"
				again=${left[0]} tcg=single
				left=("$again")
			else
				echo "not ok - ${left[0]} # $why"
				record "${left[0]}" failed
				left=("${left[@]:1}") deaths=$((deaths + 1))
			fi
		elif [[ -z $tcg ]]; then
			break
		else
			tcg=
		fi
		(( ${#left[@]} )) || break
		if (( deaths >= 5 )); then
			echo "# the VM died $deaths times; the remaining ${#left[@]} tests count as failed"
			for t in "${left[@]}"; do record "$t" failed; done
			break
		fi
		printf '%s\n' "${left[@]}" >"$O/vm/remaining"
		rc=0
		TCG=$tcg guest "while read -r t; do echo '#begin runner'; $(printf %q "$runner") -t \"\$t\" </dev/null;
			echo \"#end \$t \$?\"; done <$(printf %q "$O/vm/remaining")" || rc=$?
	done
	for t in "${names[@]}"; do
		grep -qxF "$t" <(cut -f 1 "$results") || { echo "not ok - $t # no result"; record "$t" failed; }
	done
fi

# --- What needs no kernel ---
unit_passes() { # name
	timeout 120 "$O/unit/$1" >"$O/log/test-unit.log" 2>&1 && return
	grep -v '\[ RUN\|\[       OK' "$O/log/test-unit.log" | head -n 40 | sed 's/^/# /'
	return 1
}
for unit in "$repo"/selftests/unit/*.c; do
	unit=$(basename "$unit" .c)
	[[ $unit != unit ]] || continue
	if wanted "unit/$unit"; then last=$EPOCHREALTIME; outcome "unit/$unit" unit_passes "$unit"; fi
done

# --- systemd in the VM, and a reboot ---
if wanted boot_1 || wanted boot_2; then
	"$repo/scripts/test-boot.sh" | consume || true
fi

# --- What the README shows ---
demo_works() {
	local rc=0
	"$repo/scripts/demo.sh" >"$O/log/test-demo.log" 2>&1 || rc=$?
	(( !rc )) || { echo "# exit status $rc"; tail -n 40 "$O/log/test-demo.log" | sed 's/^/# /'; return 1; }
}
if wanted demo/works; then last=$EPOCHREALTIME; outcome demo/works demo_works; fi

wait "$pid_apart" || true

# --- The source tree ---
tree_is_clean() {
	local after
	after=$(git -C "$repo" status --porcelain 2>/dev/null || true)
	[[ $after == "$before" ]] || { echo '# the tests changed the source tree:'; diff <(echo "$before") <(echo "$after") | sed 's/^/# /'; return 1; }
}
if wanted tree/clean; then last=$EPOCHREALTIME; outcome tree/clean tree_is_clean; fi

jq -Rn --argjson env "$("$repo/scripts/env.sh")" '
	{ env: $env, tests: [inputs | split("\t") | { name: .[0], result: .[1], seconds: (.[2] | tonumber) }] }
	' <"$results" >"$O/test.json"
count() { awk -F '\t' -v r="$1" '$2 == r { n++ } END { print n + 0 }' "$results"; }
passed=$(count passed) failed=$(count failed) skipped=$(count skipped)
if (( failed )); then
	say 'test: failed:'
	awk -F '\t' '$2 == "failed" { print "  " $1 }' "$results"
fi
(( passed + failed + skipped )) || printf 'no test matches %s\n' "${globs[*]}"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
(( !failed && passed )) || exit 1
exit 0
}

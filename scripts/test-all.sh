#!/bin/bash
# All that takes too long for `make test`, step by step:
#   test-all.sh [STEP...]    FORCE=1: again, even if it has passed with these sources
# A step that has passed is not repeated until what it tests changes. Figures are written
# to $O/test-all: STEP.json each, report.json, report.rst and report.md of all, and the
# table of terminable programs for the documentation, kill-everywhere.rst.
# shellcheck disable=SC2317 # the steps are called by name
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
all=(kill-everywhere classes kill-everywhere-debug soak storm20 innocents variants faults packages boot dashboard kubernetes field verdicts upstream random random-faults mutants series)
dir=$O/test-all
runner=$O/selftests/runner
normal=$KBUILD/arch/x86/boot/bzImage
debug=$KSRC/.debug/arch/x86/boot/bzImage
mkdir -p "$dir"

# --- Kill everywhere ---
# Lists of objects, a VM each. Rows come one by one, so that a kernel that dies costs one
# object only.
lane() { # name, number, kernel, options of the runner
	local name=$1 lane=$dir/$1.$2 kernel=$3 options=$4 rc=1 n object rows
	rows=$lane/vm/scratch/rows
	mkdir -p "${rows%/*}"
	rm -f "$rows" "$rows.now" "${rows%/*}/classes"
	cp "$O/selftests/runner" "$lane/runner"	# what is built meanwhile is for the next time
	for (( n = 0; n < 10; n++ )); do
		rc=0
		# One thread for all CPUs: text is patched all the time.
		# shellcheck disable=SC2016 # for the guest
		O=$lane KERNEL=$kernel TIMEOUT=${CORPUS_TIMEOUT:-10800} TCG=single "$repo/selftests/vm/run.sh" \
			"$(printf 'insmod %q && export O=%q && %q --corpus %q --names %q -v --rows "$BPFWD_SCRATCH/rows" --classes "$BPFWD_SCRATCH/classes" %s' \
			"$dir/$name.testmod/bpf_testmod.ko" "$O" "$lane/runner" "$O/corpus" "$lane/names" "$options")" || rc=$?
		(( rc == 124 || rc == 255 )) || break
		object=$(<"$rows.now")
		cp "$lane/vm/console.log" "$dir/console-$object.log"
		say "$name: the kernel died in $object; its log is $dir/console-$object.log"
		echo "{\"object\":\"$object\",\"opened\":true,\"died\":true,\"splats\":1,\"leaks\":0,\"programs\":[]}" >>"$rows"
	done
	return "$rc"
}
# LANES: how many VMs at once; each keeps one processor busy.
corpus() { # name, kernel, options of the runner
	local name=$1 lanes=${LANES:-$jobs} n rc=0 pids=()
	"$repo/scripts/corpus.sh" all
	rm -rf "$dir/$name".[0-9]*
	test_module bpf_testmod "$dir/$name.testmod" "${2%/arch/*}"
	for (( n = 0; n < lanes; n++ )); do
		mkdir -p "$dir/$name.$n"
		(cd "$O/corpus"; ls -- *.bpf.o) | awk -v n="$n" -v lanes="$lanes" 'NR % lanes == n' >"$dir/$name.$n/names"
		lane "$name" "$n" "$2" "$3" & pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || rc=$?; done
	cat "$dir/$name".[0-9]*/vm/scratch/rows >"$dir/$name.rows"
	cat "$dir/$name".[0-9]*/vm/scratch/classes >"$dir/$name.classes"
	return "$rc"
}
corpus_figures() { # rows
	jq -s '
		def count(f): map(select(f)) | length;
		map(select(.object)) as $objects |
		[$objects[].programs[]] as $p |
		[$p[] | select(.loaded)] as $l |
		[$l[] | select(.terminable != "not_needed")] as $o |
		{ objects: ($objects | length), objects_not_done: ($objects | count(.died)), programs: ($p | length), loaded: ($l | length),
		  driven: ($l | count(.driven)),
		  without_kill_point: ($l | count(.driven and .at_calls + .anywhere == 0)),
		  not_at_each_call_for_lack_of_time: ($l | count(.cut_short)),
		  can_overrun: ($o | length),
		  terminable: ($o | count(.terminable == "yes" or .terminable == "conditional")),
		  kill_points_at_calls: ([$l[].at_calls] | add),
		  kill_points_at_calls_distinct: ([$l[].at_calls_distinct] | add),
		  kill_points_anywhere: ([$l[].anywhere] | add),
		  kill_points_anywhere_distinct: ([$l[].anywhere_distinct] | add),
		  kill_points: ([$l[].at_calls, $l[].anywhere] | add),
		  splats: ([$objects[].splats] | add),
		  leaks: ([.[] | .leaks // 0, .kmemleak // 0] | add),
		  reasons: ($l | group_by(.terminable) | map({ (.[0].terminable): length }) | add) }' "$1"
}
# The file that DESIGN.md promises, of the normal kernel.
corpus_rows() { # rows
	jq -s --argjson env "$("$repo/scripts/env.sh")" '
		{ env: $env, rows: [.[] | select(.object) | . as $o | .programs[] | select(.loaded) |
		{ program: ($o.object + "/" + .program), type, kill_points: (.at_calls + .anywhere),
		  splats: $o.splats, leaks: $o.leaks,
		  terminable: (.terminable == "yes" or .terminable == "conditional"), reason: .terminable }] }' \
		"$1" >"$O/kill-everywhere.json"
}
step_kill_everywhere() {
	local rc=0
	corpus kill-everywhere "$normal" "${CORPUS_OPTIONS:---rounds 2 --anywhere-ms 100 --attach}" || rc=$?
	corpus_rows "$dir/kill-everywhere.rows"
	corpus_figures "$dir/kill-everywhere.rows" >"$figures"
	return "$rc"
}
step_kill_everywhere_debug() {
	local rc=0
	"$repo/scripts/kernel.sh" debug
	corpus kill-everywhere-debug "$debug" "${CORPUS_OPTIONS:---rounds 1 --sweep-ms 1000 --anywhere-ms 50 --attach}" || rc=$?
	corpus_figures "$dir/kill-everywhere-debug.rows" >"$figures"
	return "$rc"
}

# --- The others ---
# Those of the verifier's log, of programs that are loaded only.
step_classes() {
	local rc=0
	corpus classes "$normal" '--kills none' || return
	"$runner" --compare "$dir/classes.classes" | tee "$dir/classes.log" || rc=$?
	sed -nE 's/^# ([0-9]+) call sites, ([0-9]+) pairs of target and class, ([0-9]+) differences, ([0-9]+) unexplained$/{"call_sites":\1,"pairs":\2,"differences":\3,"unexplained":\4}/p' \
		"$dir/classes.log" >"$figures"
	return "$rc"
}
step_soak() { "$repo/scripts/soak.sh" | tee "$dir/soak.log"; }
step_storm20() { optional test-storm20.sh storm20; }
step_innocents() {
	local rc=0
	"$repo/scripts/test-innocents.sh" | tee "$dir/innocents.log" || rc=$?
	jq -s 'map({ (input_filename | split("/")[-1] | rtrimstr(".json")):
		{ seconds, tools, programs, ran, runs, ended: (.ended | length), longest_run_ns: .longest[0].longest_run_ns } }) | add' \
		"$O"/innocents/*.json >"$figures"
	return "$rc"
}
step_variants() { "$repo/scripts/test-variants.sh" | tee "$dir/variants.log"; }
step_faults() { optional test-faults.sh faults; }
step_packages() { optional test-packages.sh packages; }
# Missing tools of these are installed: node, npm and Prometheus are for nothing else here.
step_boot() { "$repo/scripts/deb.sh" tool; optional test-boot.sh boot; }
step_dashboard() { "$repo/scripts/deps.sh" dashboard; optional test-dashboard.sh dashboard; }
step_kubernetes() { "$repo/scripts/deps.sh" dashboard; optional test-kubernetes.sh kubernetes; }
step_field() {
	local rc=0
	"$repo/scripts/test-field.sh" | tee "$dir/field.log" || rc=$?
	jq '.rows | def at(q): sort | .[length * q | floor];
		map(select(.measured_max_ns and .worst_ns)) as $m | ($m | map(.worst_ns / .measured_max_ns)) as $tight |
		{ programs: length, loaded: (map(select(.loads)) | length), bounded: (map(select(.worst_ns)) | length),
		  measured: ($m | length), above_their_bound: ($m | map(select(.measured_max_ns > .worst_ns)) | length),
		  worst_to_longest_median: ($tight | at(0.5)), worst_to_longest_p90: ($tight | at(0.9)) }' \
		"$O/field.json" >"$figures"
	return "$rc"
}
step_verdicts() { optional test-verdicts.sh verdicts; }
step_random() { optional test-random.sh random; }
step_random_faults() { optional test-random-faults.sh random-faults; }
step_mutants() { optional test-mutants.sh mutants; }
# Each patch by itself: builds without a warning, with and without the option.
step_series() {
	local rc=0
	"$repo/kernel-patches/check.sh" --build 2>&1 | tee "$dir/series.log" || rc=$?
	jq -n --argjson patches "$(grep -c 'built with W=1' "$dir/series.log" || true)" '{ $patches }' >"$figures"
	return "$rc"
}
step_upstream() { optional test-upstream.sh upstream; }
# Its last line is what it has found.
optional() { # script, step
	local rc=0
	"$repo/scripts/$1" | tee "$dir/$2.log" || rc=$?
	tail -n 1 "$dir/$2.log" | jq -R '{ last_line: . }' >"$figures"
	return "$rc"
}

# --- Running and reporting ---
# Of all that a step tests: not of what the documentation says, nor of the other steps.
key() { # step
	local script code
	case $1 in
	kill-everywhere|kill-everywhere-debug|classes) script=corpus.sh ;;
	soak) script=soak.sh ;;
	series) script=kernel.sh ;;
	*) script=test-$1.sh ;;
	esac
	{
		mapfile -t code < <(git -C "$KSRC" ls-tree --name-only HEAD | grep -v '^Documentation$')
		tree_key "$KSRC" "${code[@]}"
		case $1 in
		packages|boot) tree_key "$repo" watchdog scripts/deb.sh selftests/boot selftests/cli/tap.bash ;;
		field|innocents) tree_key "$repo" watchdog ;;
		dashboard|kubernetes) tree_key "$repo" watchdog "selftests/$1" ;;
		random) tree_key "$repo" selftests/random ;;
		random-faults) tree_key "$repo" selftests/{random,mutants} scripts/test-mutants.sh ;;
		mutants) tree_key "$repo" selftests/mutants ;;
		verdicts|upstream) tree_key "$repo" selftests/UPSTREAM ;;
		series) tree_key "$repo" kernel-patches ;;
		esac
		kernel_config test debug variants
		tree_key "$repo" selftests/{vm,harness,traffic,corpus,progs,prog_tests,field} "scripts/$script"
		sha256sum "$repo"/selftests/*.[ch] "$repo"/scripts/{test-all,lib,kernel}.sh
		echo "${CORPUS_OPTIONS:-}"	# a shorter run does not stand for a whole one
	} | sha256sum | cut -d' ' -f1
}
run_step() { # step
	local rc=0 start=$SECONDS result key
	key=$(key "$1")
	figures=$dir/$1.figures
	echo null >"$figures"
	say "test-all: $1"
	# set -e has no effect left of && or ||.
	set +e
	( set -e; "step_${1//-/_}" )
	rc=$?
	set -e
	case $rc in 0) result=passed ;; 4) result=skipped ;; *) result=failed ;; esac
	[[ -s $figures ]] || echo null >"$figures"
	jq -n --arg step "$1" --arg result "$result" --arg key "$key" --arg date "$(date -u +%F)" \
		--argjson seconds $((SECONDS - start)) --argjson env "$("$repo/scripts/env.sh")" \
		--slurpfile figures "$figures" \
		'{ $step, $result, $seconds, $date, $key, $env, figures: $figures[0] }' >"$dir/$1.json"
	rm "$figures"
	echo "$result - $1"
}
report() {
	local s files=()
	for s in "${all[@]}"; do [[ ! -e $dir/$s.json ]] || files+=("$dir/$s.json"); done
	jq -s . "${files[@]}" >"$dir/report.json"
	jq -r '
		def cells: [.step, .result, "\(.seconds) s", .date,
			((.figures // {}) | to_entries | map(select(.value | type != "object") | "\(.key | gsub("_"; " ")) \(.value)") | join(", "))];
		"| step | result | time | date | figures |", "|---|---|---|---|---|",
		(.[] | "| " + (cells | join(" | ")) + " |")' "$dir/report.json" >"$dir/report.md"
	jq -r '
		def cells: [.step, .result, "\(.seconds) s", .date,
			((.figures // {}) | to_entries | map(select(.value | type != "object") | "\(.key | gsub("_"; " ")) \(.value)") | join(", "))];
		".. list-table::", "   :header-rows: 1", "",
		((["step", "result", "time", "date", "figures"], (.[] | cells)) |
		 "   * - " + (join("\n     - ")))' "$dir/report.json" >"$dir/report.rst"
	cat "$dir/report.md"
	for s in kill-everywhere kill-everywhere-debug; do
		[[ ! -e $dir/$s.json ]] || terminable_table "$s" >"$dir/$s.rst"
	done
}
# For Documentation/bpf/watchdog.rst.
terminable_table() {
	jq -r 'def row(a; b): "\(a | . + " " * (38 - length))  \(b)";
		def line: row("=" * 38; "=" * 8);
		.figures as $f | line, row("programs"; "number"), line,
		row("in \($f.objects) objects"; $f.programs),
		row("loaded"; $f.loaded),
		row("run"; $f.driven),
		row("of these without a call, and too short"; $f.without_kill_point),
		row("can overrun"; $f.can_overrun),
		row("of these terminable"; $f.terminable),
		($f.reasons | to_entries[] | row("``\(.key)``"; .value)), line, "",
		"\($f.kill_points) kill points: \($f.kill_points_at_calls) at calls (\($f.kill_points_at_calls_distinct) different ones, by number and address), \($f.kill_points_anywhere) anywhere (\($f.kill_points_anywhere_distinct)); \($f.not_at_each_call_for_lack_of_time) programs not at each call, for lack of time; \($f.objects_not_done) objects not done; \($f.splats) splats, \($f.leaks) leaks; \(.env.kernel), \(.date), \(.seconds) s"' "$dir/$1.json"
}

(( $# )) && steps=("$@") || steps=("${all[@]}")
for s in "${steps[@]}"; do
	[[ " ${all[*]} " == *" $s "* ]] || die "no step $s; there are: ${all[*]}"
done
for s in "${steps[@]}"; do
	if [[ -z ${FORCE:-} && -e $dir/$s.json ]] &&
	   jq -e --arg key "$(key "$s")" '.key == $key and .result == "passed"' "$dir/$s.json" >/dev/null; then
		say "test-all: $s has passed with these sources; FORCE=1 repeats it"
	else
		run_step "$s"
	fi
done
report
failed=$(for s in "${steps[@]}"; do jq -r 'select(.result == "failed") | .step' "$dir/$s.json"; done)
[[ -z $failed ]] || die "test-all: failed: ${failed//$'\n'/ }"
exit 0
}

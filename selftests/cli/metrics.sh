#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# metrics: names and types, values against ps, names that need escaping, the textfile.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq ip clang-19
patched || skip_all 'this kernel has no watchdog'
need_bpftool
keep_settings
plan 35

# All that a sample of the last output says: name{labels} value
sample() { grep -qxF -- "$1" <<<"$out" || { echo "no sample $1"; return 1; }; }
lint() {
	local ret=0
	promtool check metrics <"$1" >"$work/lint" 2>&1 || ret=1
	cat "$work/lint"
	[[ ! -s $work/lint ]] || ret=1
	return $ret
}

# A program, at a device whose name holds what labels must escape or cannot hold.
printf '%s\n' '__attribute__((section("xdp"), used)) int pass_all_packets(void *ctx) { return 2; }' \
	'__attribute__((section("license"), used)) char gpl[] = "GPL";' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/pass.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
dev=$'a"b\\c' odd=$'d\xff'
ip link add "$dev" type veth peer name "$odd" || exit 1
at_exit "ip link del '$dev'"
mkdir $pins
at_exit "rm -r $pins"
for i in 1 2; do
	"$bpftool" prog load "$work/pass.bpf.o" $pins/$i || exit 1
done
"$bpftool" net attach xdpgeneric pinned $pins/1 dev "$dev" || exit 1
"$bpftool" net attach xdpgeneric pinned $pins/2 dev "$odd" || exit 1

"$BPFWD" enable --budget 12.5ms --period 2ms --quarantine 3 >/dev/null
mapfile -t ids < <("$BPFWD" ps name pass_all_packets -o csv -e id -s id | tail -n +2)
"$BPFWD" set "${ids[0]}" --budget 500us >/dev/null
expect metrics 0 '' metrics
cp "$work/out" "$work/text"
check enabled sample 'bpfwd_watchdog_enabled 1'
check default-budget sample 'bpfwd_watchdog_budget_seconds 0.0125'
check own-budget sample "bpfwd_program_budget_seconds{id=\"${ids[0]}\"} 0.0005"
check inherited-budget sample "bpfwd_program_budget_seconds{id=\"${ids[1]}\"} 0.0125"
check build-info grep -q "^bpfwd_build_info{version=\"[0-9.]*\",kernel=\"$(uname -r)\",kernel_abi=\"1\"} 1$" <<<"$out"
check no-pid-no-command [ -z "$(grep -E 'pid=|comm=' <<<"$out")" ]
check escapes grep -qF 'name="pass_all_packets",type="xdp",hook="xdp/a\"b\\c",tag="' <<<"$out"
check replaces-what-is-no-utf8 grep -qF 'hook="xdp/d?",' <<<"$out"
# Estimates are there only if the kernel makes them.
check golden-types diff "$here/golden/metrics.txt" \
	<(grep '^# TYPE' <<<"$out" | grep -v -e bpfwd_program_estimate_seconds -e _stop_bound_seconds -e _longest_stop_seconds)
check help-for-each is "$(grep -c '^# HELP' <<<"$out")" "$(grep -c '^# TYPE' <<<"$out")"
check no-sample-twice [ -z "$(grep -v '^#' <<<"$out" | sed 's/ [^ ]*$//' | sort | uniq -d)" ]

# the same numbers as those of ps, from one and the same moment
"$BPFWD" disable >/dev/null
bpfwd metrics
check disabled sample 'bpfwd_watchdog_enabled 0'
for key in run_cnt:runs_total estimate_violations:estimate_violations_total sampled_runs:sampled_runs_total terminations:terminations_total fast_path_bytes:fast_path_bytes; do
	check "${key#*:}-as-in-ps" diff \
		<("$BPFWD" ps -j -s id | jq -r ".programs[] | select(has(\"${key%:*}\")) | \"\(.id) \(.${key%:*})\"") \
		<(sed -n "s/^bpfwd_program_${key#*:}{id=\"\([0-9]*\)\"} /\1 /p" <<<"$out")
done

# the other formats
bpfwd metrics -j
check_json json '.[0].schema == "bpfwd.metrics/1" and (.[0].metrics | all(
	.samples | length > 0 and all((.labels | type) == "object" and (.value | type) == "string")))'
check json-is-the-same diff "$here/golden/metrics.txt" \
	<(jq -r '.metrics[] | select(.name | test("estimate_seconds$|_stop_bound_|_longest_stop_") | not) |
		"# TYPE \(.name) \(.type)"' "$work/out")
bpfwd metrics --openmetrics
check openmetrics-ends is "$(tail -n 1 <<<"$out")" '# EOF'
check openmetrics-counter-family grep -qx '# TYPE bpfwd_program_runs counter' <<<"$out"

# the textfile
echo old >"$work/x.prom"
expect textfile 0 '' metrics --textfile "$work/x.prom"
names() { sed 's/ [^ ]*$//' "$1"; }
check textfile-is-whole diff <(names "$work/text") <(names "$work/x.prom")
check nothing-beside-it is "$(cd "$work" && echo x.prom*)" x.prom
mkdir "$work/full"
if mount -t tmpfs -o size=4k none "$work/full"; then
	at_exit "umount $work/full"
	echo old >"$work/full/x.prom"
	bpfwd metrics --textfile "$work/full/x.prom"
	check full-disk-keeps-the-old is "$status $(cd "$work/full" && echo x.prom*) $(<"$work/full/x.prom")" '1 x.prom old'
else
	skip full-disk-keeps-the-old 'cannot mount a tmpfs'
fi
if command -v promtool >/dev/null; then
	check promtool lint "$work/x.prom"
else
	skip promtool 'promtool is not installed (package prometheus)'
fi

# how long the sampled runs took: of those programs only that have some, the same as in ps
printf '%s\n' '__attribute__((section("tracepoint/raw_syscalls/sys_enter"), used)) int often(void *ctx) { return 0; }' \
	'__attribute__((section("license"), used)) char gpl[] = "GPL";' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/often.bpf.o" || exit 1
"$bpftool" prog loadall "$work/often.bpf.o" $pins/often autoattach || exit 1
"$BPFWD" enable --period 2ms >/dev/null
one() { "$BPFWD" ps name often -j | jq -r ".programs[0].$1"; }
sampled() { (( $(one sampled_runs) >= 20 )); }
check are-sampled until_true 60 sampled
"$BPFWD" disable >/dev/null
bpfwd metrics
cp "$work/out" "$work/text"
id=$(one id)
row() { sed -n "s/^bpfwd_program_sampled_run_seconds_$1{id=\"$id\"${2:-}} //p" <<<"$out"; }
check histogram-count is "$(row count)" "$(one sampled_runs)"
check histogram-inf is "$(row bucket ',le="+Inf"')" "$(row count)"
check histogram-few-buckets is "$(row bucket ',le="[^"]*"' | wc -l)" 13
check histogram-rises [ "$(row bucket ',le="[^"]*"' | sort -nc 2>&1)" = '' ]
# no run is longer than the longest, and none is shorter than nothing
check histogram-sum [ "$(jq -n --argjson sum "$(row sum)" --argjson n "$(row count)" \
	--argjson most "$(one longest_run_ns)" '$sum > 0 and $sum <= $n * $most / 1e9 * 1.125')" = true ]
# no packet has come to this one
id=${ids[0]}
check no-histogram-without-samples is "$(grep "^bpfwd_program_sampled_runs_total{id=\"$id\"}" <<<"$out") $(row count)" \
	"bpfwd_program_sampled_runs_total{id=\"$id\"} 0 "
if command -v promtool >/dev/null; then
	check promtool-histogram lint "$work/text"
else
	skip promtool-histogram 'promtool is not installed (package prometheus)'
fi

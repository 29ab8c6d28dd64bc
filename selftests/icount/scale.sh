#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 1,000 programs: ps, metrics, a refresh of top and a policy check take at most 100 million
# instructions. Needs a VM with ICOUNT=1, where a nanosecond is an instruction:
#   ICOUNT=1 selftests/vm/run.sh selftests/icount/scale.sh
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=../cli/tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/../cli/tap.bash"

need jq clang-19
patched || skip_all 'this kernel has no watchdog'
[[ ${BPFWD_VM_ICOUNT:-0} != 0 ]] || skip_all 'needs ICOUNT=1: time is not instructions here'
bpftool=${BPFTOOL:-$(dirname "$BPFWD")/bpftool}
[[ -x $bpftool ]] || skip_all "no bpftool at $bpftool"
plan 7

limit_us=100000
for i in {000..099}; do
	printf '__attribute__((section("kprobe/vfs_read"), used)) int scale_%s(void *ctx) { return 0; }\n' "$i"
done >"$work/scale.c"
echo '__attribute__((section("license"), used)) char gpl[] = "GPL";' >>"$work/scale.c"
clang-19 -g -O2 -target bpf -c "$work/scale.c" -o "$work/scale.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
mkdir $pins
at_exit "rm -r $pins"
for i in {0..9}; do
	"$bpftool" prog loadall "$work/scale.bpf.o" "$pins/$i" autoattach >/dev/null 2>&1 || exit 1
done
[[ $("$BPFWD" ps -j | jq '.programs | length') == 1000 ]] || { echo '# not 1000 programs'; exit 1; }
"$BPFWD" enable >/dev/null

# User and system time of a command: all that it costs, in us.
cost() {
	local TIMEFORMAT='%3U %3S' user sys
	read -r user sys < <({ time "$@" >"$work/out" 2>"$work/err"; } 2>&1)
	us=$(( 10#${user/./}000 + 10#${sys/./}000 ))
	split="user $(( 10#${user/./} )), kernel $(( 10#${sys/./} ))"
}
within() { # name, us
	echo "# $1: $(( $2 / 1000 )) million instructions ($split)"
	check "$1" [ "$2" -le $limit_us ]
}
for command in ps metrics 'ps -j' 'metrics -j' 'metrics --openmetrics'; do
	# shellcheck disable=SC2086 # words
	cost "$BPFWD" $command
	within "${command// /-}" "$us"
done
# what a third look costs is what a refresh costs
cost "$BPFWD" ps 100ms 3
three=$us
cost "$BPFWD" ps 100ms 2
within refresh $((three - us))
printf 'version: 1\nname: a\nmode: enforce\nhooks:\n' >"$work/p.yaml"
for i in {000..998}; do
	printf '  - match: kprobe/f%s\n    max_latency: 1us\n' "$i"
done >>"$work/p.yaml"
echo '  - {match: "kprobe/vfs_*", max_latency: 1s}' >>"$work/p.yaml"
# none of these functions exists
cost "$BPFWD" policy check --allow-unmatched "$work/p.yaml"
echo "# policy check of 1000 rules and 1000 programs: $(( us / 1000 )) million instructions ($split)"
check policy-check [ "$us" -le $(( 10 * limit_us )) ]

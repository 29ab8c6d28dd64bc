# shellcheck shell=bash
# What the shell tests of bpfwd share: KTAP on stdout, exit status 0, 1, or 4 for a
# skip. Sourced by *.sh here and in boot/; BPFWD names the tool, BPFWD_SCRATCH a folder to write to.
set -uo pipefail
export LC_ALL=C
unset NO_COLOR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=${suite:-cli_$(basename "$0" .sh)}
O=${O:-$here/../../.output}
BPFWD=${BPFWD:-$O/bpfwd}
sysctls=/proc/sys/kernel/bpf_watchdog
planned=0 number=0 failed=0

work=$(mktemp -d "${BPFWD_SCRATCH:-/tmp}/cli.XXXXXX")
cleanups=()
at_exit() { cleanups+=("$1"); }
finish() {
	local status=$? i
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		eval "${cleanups[i]}" >/dev/null 2>&1
	done
	rm -rf "$work"
	(( status )) && exit "$status"
	if (( number != planned )); then
		echo "# planned $planned, ran $number"
		exit 1
	fi
	exit $(( failed != 0 ))
}
trap finish EXIT

plan() { planned=$1; echo 'TAP version 13'; echo "1..$1"; }
skip_all() { echo 'TAP version 13'; echo "1..0 # SKIP $*"; exit 4; }
skip() { # name, why
	echo "ok $((++number)) - $suite/$1 # SKIP $2"
}
result() { # name, status, what to show when it failed...
	local name=$1 status=$2
	shift 2
	if (( status == 0 )); then
		echo "ok $((++number)) - $suite/$name"
		return
	fi
	printf '%s\n' "$@" | sed 's/^/# /'
	echo "not ok $((++number)) - $suite/$name"
	failed=1
}
# Runs bpfwd; sets status, out and err.
bpfwd() {
	"$BPFWD" "$@" >"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
}
# name, condition...: a shell command that must succeed, about the last bpfwd
check() {
	local name=$1 shown
	shift
	"$@" >"$work/check" 2>&1
	local ret=$?
	shown="failed: $*
status ${status-} stdout: ${out-}
stderr: ${err-}
$(<"$work/check")"
	result "$name" "$ret" "$shown"
}
# name, status, text that stderr must have (empty: none), bpfwd arguments...
expect() {
	local name=$1 want=$2 text=$3 ret=0
	shift 3
	bpfwd "$@"
	[[ $status == "$want" && $err == *"$text"* && ( -n $text || -z $err ) ]] || ret=1
	result "$name" $ret "bpfwd $*: status $status, expected $want, stderr with '$text'" \
		"stdout: $out" "stderr: $err"
}
# Conditions for check.
is() { [[ $1 == "$2" ]] || { echo "$1, expected $2"; return 1; }; }
has() { [[ $1 == *"$2"* ]] || { echo "no '$2' in: $1"; return 1; }; }
until_true() { # seconds, command...
	local n=$(( $1 * 10 ))
	shift
	while (( n-- )); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "never: $*"
	return 1
}
# name, jq expression that must be true of the last stdout
check_json() {
	local ret=0
	printf '%s' "$out" | jq -es "length > 0 and ($2)" >/dev/null 2>"$work/jq" || ret=1
	result "$1" $ret "jq: $2" "$(<"$work/jq")" "status $status stdout: $out"
}

patched() { [[ -e $sysctls ]]; }
settings() { patched && head -n 1 "$sysctls" "${sysctls}"_* 2>/dev/null; true; }
# Puts the sysctls back when the test ends.
keep_settings() {
	local file value
	for file in "$sysctls"_budget_us "$sysctls"_budget_user_us "$sysctls"_budget_min_us "$sysctls"_slack_percent \
		"$sysctls"_period_us "$sysctls"_quarantine "$sysctls"; do
		[[ -e $file ]] || continue
		value=$(<"$file")
		at_exit "echo $value >$file"
	done
}
need() { # command...
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip_all "$tool is not installed"
	done
}
# Sets bpftool.
need_bpftool() {
	bpftool=${BPFTOOL:-$(dirname "$BPFWD")/bpftool}
	[[ -x $bpftool ]] || skip_all "no bpftool at $bpftool"
}
# Sets spin: the object of the demo, whose program stalls every cat.
find_spin() {
	spin=$(dirname "$BPFWD")/demo/spin.bpf.o
	[[ ! -r $spin ]] || return 0
	spin=$work/spin.bpf.o
	clang-19 -g -O2 -target bpf -I"$(dirname "$BPFWD")" \
		-I"$(dirname "$BPFWD")/libbpf/include" \
		-c "$here/../demo/spin.bpf.c" -o "$spin" || exit 1
}
# Sets vmlinux: that of the kernel that runs, or nothing.
find_vmlinux() {
	local notes id candidate
	vmlinux=
	notes=$(od -An -v -tx1 /sys/kernel/notes | tr -d ' \n')
	for candidate in "$(dirname "$BPFWD")"/linux/.{kernel,debug}/vmlinux; do
		id=$(readelf -n "$candidate" 2>/dev/null | sed -n 's/.*Build ID: *//p')
		if [[ -n $id && $notes == *"$id"* ]]; then
			vmlinux=$candidate
			return
		fi
	done
}
[[ -x $BPFWD ]] || skip_all "no tool at $BPFWD (make bpfwd)"

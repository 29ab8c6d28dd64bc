#!/bin/bash
# The tables of the documentation that name tests: each program type of the UAPI has a row,
# each way of attaching names a test or says why there is none, each test that is named
# exists, each test of a way is named, and so is each hook that a call site of the kernel names.
# shellcheck disable=SC2016 # the backticks are those of the documentation
set -euo pipefail
. "$(dirname "$0")/lib.sh"

doc=$KSRC/Documentation/bpf/watchdog.rst
suites=$repo/selftests/prog_tests
rc=0
bad() { echo "$*"; rc=1; }

# The names of a suite's tests: a literal, the first in its row.
tests_of() {
	sed -nE '/^static const struct (test|repro) /,/^\};/s/^\t+(\{ )?([A-Z]+\()?(\.name = )?"([a-z_0-9]+)",.*/\4/p' "$suites/$1.c"
}
exists() { # SUITE/NAME, which may end with a star
	local suite=${1%%/*} name=${1#*/} t
	[[ -f $suites/$suite.c ]] || { bad "$1: no suite $suite"; return; }
	while read -r t; do
		# shellcheck disable=SC2053 # a pattern
		[[ $t != $name ]] || return 0
	done < <(tests_of "$suite")
	bad "$1: no such test"
}

types=$(sed -n '/^enum bpf_prog_type {/,/^};/s/^\t\(BPF_PROG_TYPE_[A-Z0-9_]*\),.*/\1/p' "$KSRC/include/uapi/linux/bpf.h")
table=$(sed -n '/^Program types$/,/^Callbacks of timers/p' "$doc")
rows=$(grep -o '^``BPF_PROG_TYPE_[A-Z0-9_]*``' <<<"$table" | tr -d '`' || true)
[[ -n $types && -n $rows ]] || die 'no types, or no table'
diff <(sort <<<"$types") <(sort <<<"$rows") || bad 'types and rows differ'
while read -r t; do
	exists "$t"
done < <(grep -oE '``[a-z_]+/[a-z_0-9*]+``' <<<"$table" | tr -d '`')

# In a grid, rows end with a line of dashes.
named=$(mktemp)
trap 'rm -f "$named"' EXIT
table=$(sed -n '/^Ways of attaching$/,/^Running, pinning/p' "$doc" | sed -n '/^+=/,/^$/p')
[[ -n $table ]] || die 'no table of ways'
way='' cell=''
while IFS='|' read -r line first _ _ last _; do
	if [[ -z $line ]]; then
		way+=$first cell+=$last
	elif [[ $line == +-* ]]; then
		[[ $cell == *'``'* || $cell == *'none: '[a-z]* ]] || bad "$way: no test, and no reason"
		grep -oE '``[a-z_]+/[a-z_0-9*]+``' <<<"$cell" | tr -d '`' >>"$named" || true
		way='' cell=''
	fi
done <<<"$table"
while read -r t; do
	exists "$t"
done <"$named"
# What a call site names has a row.
hooks=$(awk -F'|' '{ print $3 }' <<<"$table")
while read -r hook; do
	grep -qF -e "\`$hook" -e "/$hook" <<<"$hooks" || bad "$hook: a call site, but no way of attaching"
done < <(cd "$KSRC" && grep -rhE -A2 --include='*.c' --exclude-dir=runtime '(bpf_policy_attach(_func|_file|_addr)?|tcf_block_(dev_)?hook)\(' \
		kernel net drivers/net drivers/media/rc | grep -oE '"[a-z][a-z0-9_/]*[a-z0-9/]["%]' | tr -d '"%' | sort -u)
# Those that are beside the ways: a device that goes away, and what takes how long.
for suite in policy_attach policy_net policy_sock; do
	while read -r t; do
		[[ $t != device_gone && $t != many_sockets ]] || continue
		while read -r pattern; do
			# shellcheck disable=SC2053 # a pattern
			[[ $suite/$t != $pattern ]] || continue 2
		done <"$named"
		bad "$suite/$t: no way of attaching names it"
	done < <(tests_of $suite | sort -u)
done
exit $rc

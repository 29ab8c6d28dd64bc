#!/bin/bash
# Each program type of the UAPI has one row in the table of the documentation, and each
# test that the table names exists.
# shellcheck disable=SC2016 # the backticks are those of the documentation
set -euo pipefail
. "$(dirname "$0")/lib.sh"

doc=$KSRC/Documentation/bpf/watchdog.rst
rc=0
types=$(sed -n '/^enum bpf_prog_type {/,/^};/s/^\t\(BPF_PROG_TYPE_[A-Z0-9_]*\),.*/\1/p' "$KSRC/include/uapi/linux/bpf.h")
table=$(sed -n '/^Program types$/,/^Callbacks of timers/p' "$doc")
rows=$(grep -o '^``BPF_PROG_TYPE_[A-Z0-9_]*``' <<<"$table" | tr -d '`' || true)
[[ -n $types && -n $rows ]] || die 'no types, or no table'
diff <(sort <<<"$types") <(sort <<<"$rows") || { echo 'types and rows differ'; rc=1; }
while read -r t; do
	suite=${t%%/*} name=${t#*/}
	file=$repo/selftests/prog_tests/$suite.c
	if [[ ! -f $file ]]; then
		echo "$t: no suite $suite"
		rc=1
	# The name is a literal, the first in its row.
	elif [[ $name != *'*' ]] && ! grep -qE "[({] *(\.name = )?\"$name\"" "$file"; then
		echo "$t: no such test"
		rc=1
	fi
done < <(grep -oE '``[a-z_]+/[a-z_0-9*]+``' <<<"$table" | tr -d '`')
exit $rc

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrong input, and what bpfwd answers: golden/answers.txt has each line that is typed, the
# whole answer and the exit status. No kernel is asked for any of it.
#   answers.sh --update    writes the answers anew; the lines that begin with $ are kept
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

golden=$here/golden/answers.txt
# What the lines name.
cd "$work" || exit 1
mkdir empty
printf 'version: 1\nname: x\nmode: enforced\n' >mode.yaml
printf 'version: 1\nname: x\nmode: monitor\nhooks:\n  - {match: "xdp", max_latency: 10}\n' >time.yaml
printf 'version: 1\nname: x\nmode: monitor\nhocks: []\n' >key.yaml
printf 'version: 1\nmode: monitor\n' >noname.yaml
printf 'version: 2\nname: x\nmode: monitor\n' >version.yaml
printf 'version: 1\nname: "a b"\nmode: monitor\n' >name.yaml
printf 'version: 1\nname: x\nname: y\nmode: monitor\n' >twice.yaml
printf '%s\n' '- a' '- b' >list.yaml
printf 'name: [\n' >open.yaml
printf 'version: 1\nname: x\nmode: monitor\nhooks:\n  - {match: "xdp", max_latency: 1ms, on_exceed: stop}\n' >word.yaml
printf 'version: 1\nname: x\nmode: monitor\ndefaults:\n  unbounded: "never"\n' >quoted.yaml
printf 'version: 1\nname: x\nmode: monitor\nhooks:\n  - {match: "xdp"}\n' >nothing.yaml
printf 'version: 1\nname: x\nmode: monitor\nhooks:\n  - {match: "", max_latency: 1ms}\n' >match.yaml
printf 'no model\n' >no.model
printf 'version 9\n' >nine.model
printf 'version 2\nhelper bpf_nope best_ns=1 worst_ns=2\n' >helper.model
printf 'version 2\nhelper bpf_ktime_get_ns best_ns=3 worst_ns=2\n' >order.model
: >empty.model
printf 'a,b\n1,2\n' >no.csv
printf 'object,name,worst_ns\nx,y,z\n' >bad.csv

answer() { # the line as it is typed
	local rc=0
	printf '$ %s\n' "$1"
	(
		# shellcheck disable=SC2294 # a line as one types it
		# shellcheck disable=SC2317
		bpfwd() { timeout 20 "$BPFWD" "$@"; }
		eval "$1"
	) </dev/null >"$work/.answer" 2>&1 || rc=$?
	sed "s,$work/,,g" "$work/.answer"
	printf '= %d\n\n' "$rc"
}
mapfile -t lines < <(sed -n 's/^\$ //p' "$golden")
if [[ ${1:-} == --update ]]; then
	for line in "${lines[@]}"; do answer "$line"; done >"$work/.new"
	cp "$work/.new" "$golden"
	planned=0
	exit
fi
plan $(( ${#lines[@]} + 1 ))
check 'how-many' [ ${#lines[@]} -ge 150 ]
for line in "${lines[@]}"; do
	answer "$line" >"$work/.is"
	awk -v line="$ $line" '$0 == line { on = 1 } on { print } on && /^= / { print ""; exit }' "$golden" >"$work/.want"
	out='' err='' status=
	check "$(tr -c 'a-zA-Z0-9\n' - <<<"$line" | cut -c1-60)" diff "$work/.want" "$work/.is"
done

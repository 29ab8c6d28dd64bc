#!/bin/bash
# What bpfwd itself takes, beside bpftool: start, all programs, memory. An instruction is a
# nanosecond (ICOUNT=1), so that the machine does not matter.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need_kernel "$patched" kernel
start tool
ICOUNT=1 guest "$patched" patched "O=$O $here/run/tool-guest.sh >>\$raw"
cp "$out/tool.raw.csv" "$out/tool.csv"
grep -v '^#' "$out/tool.csv" | column -s, -t
jq -Rn '[inputs] | { env: (map(select(startswith("# ")) | ltrimstr("# ") | capture("(?<key>[^:]*): (?<value>.*)")) | from_entries),
	rows: (map(select(startswith("#") | not) | split(","))[1:] |
		map({ command: .[0], instructions: (.[1] | tonumber * 1000), rss_bytes: (.[2] | tonumber * 1024) })) }' \
	<"$out/tool.csv" >"$out/tool.json"
say "wrote $out/tool.{csv,json}"

#!/bin/bash
# Feeds the policy parser random files, under ASan and UBSan. The parser runs before
# anything is asked of the kernel, so no VM is needed.
#   run.sh [-runs=N | -max_total_time=SECONDS | any other option of libFuzzer]
# Default: one minute. Environment: O (default .output), LIBBPF_A, LIBBPF_INC, UAPI_INC, CLANG.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib.sh
. "$here/../../scripts/lib.sh"

src=$repo/watchdog out=$O/fuzz
CLANG=${CLANG:-clang-19}
lib=${LIBBPF_A:-$O/libbpf/libbpf.a}
inc=(-I"${UAPI_INC:-$O/uapi/include}" -I"${LIBBPF_INC:-$O/libbpf/include}" -I"$src")
sources=("$here/policy_fuzz.c" "$src"/policy/{cgroup,file,hook,marks,spaces,verify,set,rules,text}.c "$src"/callgraph/{edges,hooks,observe,reach}.c
	"$src"/kernel/{kwd,kwd_policy}.c "$src"/progs/sections.c "$src"/show/{duration,fault}.c)

mkdir -p "$out/corpus"
if [[ ! -x $out/policy || -n $(find "$src" "$here" -newer "$out/policy" -name '*.[ch]') ]]; then
	# shellcheck disable=SC2046 # flags are words
	"$CLANG" -D_GNU_SOURCE -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined "${inc[@]}" "${sources[@]}" -o "$out/policy.new" \
		"$lib" -lelf -lz $(pkg-config --cflags --libs libcyaml yaml-0.1 jansson libtracefs)
	mv "$out/policy.new" "$out/policy"
fi
(( $# )) || set -- -max_total_time=60
log=$out/policy.log rc=0
"$out/policy" -dict="$here/policy.dict" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
	-artifact_prefix="$out/" -print_final_stats=1 "$@" "$out/corpus" "$here/seeds" >"$log" 2>&1 || rc=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
if (( rc )); then
	printf 'fuzz: policy: failed after %s files; %s\n' "${runs:-?}" "$log"
	tail -n 40 "$log"
	exit 1
fi
printf 'fuzz: policy: %s files, none crashed, leaked or hung\n' "$runs"
(( runs > 1000 ))

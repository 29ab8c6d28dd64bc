#!/bin/bash
# Instructions per invocation, unpatched against patched kernel, in turns.
#   ROUNDS=3  REPEAT=1000000 runs behind each mean  SAMPLES=25  FILTER=glob of paths
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

rounds=${ROUNDS:-3}
need_kernel "$vanilla" kernel-vanilla
need_kernel "$patched" kernel
export ICOUNT=1
start overhead
rc=0
for ((r = 1; r <= rounds; r++)); do
	for k in vanilla patched; do
		say "round $r of $rounds, $k kernel (about 2 minutes)"
		guest "${!k}" "$k" "$bench run overhead -o \$raw -k $k -r $r -n ${REPEAT:-1000000} \
			-s ${SAMPLES:-25} -f '${FILTER:-*}'" || rc=$?
	done
done
finish $rc

#!/bin/bash
# What estimates cost at load: the verifier's time, and whether it decides as before, on
# the unpatched and on the patched kernel, over the BPF selftests of the kernel.
#   CORPUS=folder of BPF objects  ROUNDS=1
set -euo pipefail

{ # read as a whole, so that an edit does not disturb a run
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

corpus=${CORPUS:-$O/corpus}
veristat=$O/corpus/veristat
need_kernel "$vanilla" kernel-vanilla
need_kernel "$patched" kernel
[[ -x $veristat ]] || die "no $veristat; try: make -C bench corpus"
export ICOUNT=1 TIMEOUT=${TIMEOUT:-3600}
start verification
rc=0
header='kernel,round,'
for ((r = 1; r <= ${ROUNDS:-1}; r++)); do
	for k in vanilla patched; do
		say "round $r, $k kernel: verifying $corpus (about 12 minutes)"
		# veristat fails if a program does, and some are meant to
		guest "${!k}" "$k" "ulimit -l unlimited; $veristat -q -o csv \
			-e file,prog,verdict,insns,states,peak_states,duration '$corpus'/*.bpf.o 2>/dev/null |
			awk -v key='$k,$r,' -v header='$header' \
				'NR > 1 { print key \$0 } NR == 1 && header { print header \$0 }' >>\$raw" || rc=$?
		header=
	done
done
finish $rc
}

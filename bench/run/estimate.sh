#!/bin/bash
# Estimates against measured runs: calibrate, load the model, estimate, run; all in
# one VM, in deterministic time, then once more in the host's time.
#   RUNS=30 of each input  FILTER=glob of programs  MT=0: without the noisy part
#   MODEL=file: this model instead of calibrating
#   CORPUS=folder of BPF objects (default: the BPF selftests of the kernel)
set -euo pipefail

{ # read as a whole, so that an edit does not disturb a run
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

bpfwd=$O/bpfwd
need_kernel "$patched" kernel
[[ -x $bpfwd ]] || die "no $bpfwd; try: make bpfwd"
samples=$(find "$out/samples" -maxdepth 1 -name '*.o' | sort | tr '\n' ' ')
load="$bpfwd calibrate run --load --max-error 1000 \$BPFWD_SCRATCH/model.txt"
[[ -z ${MODEL:-} ]] || load="cp '$(realpath "$MODEL")' \$BPFWD_SCRATCH/model.txt &&
	$bpfwd calibrate load --force \$BPFWD_SCRATCH/model.txt"

# once LABEL: the model goes to $out/estimate-LABEL.model.txt, samples to $out/$name.csv
once() {
	local label=$1 rc=0
	guest "$patched" patched "$load && ip link set lo up &&
		$bench run estimate -o \$raw -k $label -n ${RUNS:-30} -f '${FILTER:-*}' $samples" || rc=$?
	if [[ -s $out/vm/scratch/model.txt ]]; then
		cp "$out/vm/scratch/model.txt" "$out/estimate-$label.model.txt"
		sed -n 's|^helper bpf_map_update_elem/hash .*mean_ns=\([0-9.]*\).*cpus2_pct=\([0-9]*\).*|# model_update_mean_ns: \1\n# model_update_cpus2_pct: \2|p' \
			"$out/vm/scratch/model.txt" >>"$out/$name.raw.csv"
	fi
	return $rc
}

rc=0
if [[ ${MT:-1} != 0 ]]; then
	start estimate-mt
	say 'calibrating and measuring in the time of the host (about 6 minutes)'
	SMP=2 ICOUNT='' once mt || rc=$?
	"$bench" table estimate "$out/$name.raw.csv" -c "$out/$name.csv" -j "$out/$name.json"
	say "that was with the host's noise; wrote $out/$name.{csv,json}"
fi
start estimate
say 'calibrating and measuring in deterministic time (about 6 minutes)'
ICOUNT=1 once icount || rc=$?

# How many programs of others have a bound, and why the rest has none.
corpus=${CORPUS:-$O/corpus}
if compgen -G "$corpus/*.bpf.o" >/dev/null; then
	say "estimating the objects in $corpus"
	model=$out/estimate-icount.model.txt
	[[ ! -s $model ]] || loaded="$bpfwd calibrate load '$model' &&"
	O=$out KERNEL=$patched SMP=2 ICOUNT='' TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" \
		"${loaded:-} $bpfwd -q estimate '$corpus'/*.bpf.o -o csv >\$BPFWD_SCRATCH/corpus.csv" 8>&- || rc=$?
	cp "$out/vm/scratch/corpus.csv" "$out/corpus.csv"
	awk -F, 'NR > 1 { all++; if ($5 == "not_loaded") { no++; next }
		if ($4 != "") bounded++; else { why[$5]++; if ($5 == "") silent++ } }
		END { printf "\ncorpus: %d programs, %d do not load here; of the %d that do\n", all, no, all - no
			printf "  %6d have a finite estimate\n", bounded
			for (w in why) printf "  %6d unbounded: %s\n", why[w], w
			printf "  %6d without an estimate and without a reason\n", silent }' "$out/corpus.csv"
fi

# Programs that were written to exceed their bound, by the built-in model.
runner=$O/selftests/runner
if [[ -x $runner ]]; then
	say 'running what tries to exceed its bound'
	O=$out KERNEL=$patched ICOUNT=1 TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" \
		"$runner -t adversarial/contained" 8>&- || rc=$?
	cp "$out/vm/scratch/adversarial.csv" "$out/adversarial.csv"
	awk -F, 'NR > 1 { all++; if ($5 == "") { none++; next }
		inside += $3 <= $5; ratio[n++] = $5 / ($3 ? $3 : 1) }
		END { for (i = 1; i < n; i++) for (j = i; j && ratio[j - 1] > ratio[j]; j--) {
				t = ratio[j]; ratio[j] = ratio[j - 1]; ratio[j - 1] = t }
			printf "\nadversarial: %d programs, %d without a bound, %d of %d within theirs, ", all, none, inside, n
			printf "worst / longest: median %.3g, p90 %.3g\n", ratio[int(n / 2)], ratio[int(n * 0.9)] }' \
		"$out/adversarial.csv"
fi

model=$out/estimate-icount.model.txt
if [[ -s $model ]]; then
	"$bpfwd" calibrate show "$model" -o csv >"$out/model.csv"
	gnuplot -e "csv='$out/model.csv'; out='$out/model'" "$here/plot/common.gp" "$here/plot/model.gp"
	say "wrote $out/model.{csv,svg,png}"
fi
finish $rc
}

#!/bin/bash
# Estimates against measured runs: calibrate, load the model, estimate, run; all in
# one VM, in deterministic time, then once more in the host's time.
#   RUNS=30 of each input  FILTER=glob of programs  MT=0: without the noisy part
#   MODEL=file: this model instead of calibrating
#   CORPUS=folder of BPF objects (default: the BPF selftests of the kernel)
#   FIELD=0: without the programs of packages
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
runner=$O/selftests/runner
corpus=${CORPUS:-$O/corpus}
# What others wrote, and what was written to exceed its bound; the runner resets the model.
bounds="$bpfwd calibrate load --force \$BPFWD_SCRATCH/model.txt; $runner -t adversarial/contained;
	$bpfwd calibrate load --force \$BPFWD_SCRATCH/model.txt; $runner --corpus '$corpus' --rounds 2 \
		--names $repo/selftests/corpus/subset.list --bounds \$BPFWD_SCRATCH/corpus.csv"
# The machine once more: what differs is how stable models are.
again=
[[ -n ${MODEL:-} ]] || again="$bpfwd -q calibrate run --max-error 1000 \$BPFWD_SCRATCH/model2.txt"

# once LABEL [COMMAND]: the models go to $out/estimate-LABEL.model{,2}.txt, samples to $out/$name.csv
once() {
	local label=$1 rc=0
	guest "$patched" patched "$load && ip link set lo up &&
		$bench run estimate -o \$raw -k $label -n ${RUNS:-30} -f '${FILTER:-*}' $samples; rc=\$?; ${2:-:}; ${again:-:}; test \$rc = 0" || rc=$?
	if [[ -s $out/vm/scratch/model2.txt ]]; then cp "$out/vm/scratch/model2.txt" "$out/estimate-$label.model2.txt"; fi
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
say 'calibrating and measuring in deterministic time (about 12 minutes)'
ICOUNT=1 once icount "$bounds" || rc=$?
for set in adversarial corpus; do
	if [[ -s $out/vm/scratch/$set.csv ]]; then cp "$out/vm/scratch/$set.csv" "$out/$set.csv"; fi
done

# How many programs of others have a bound, and why the rest has none.
model=$out/estimate-icount.model.txt
objects=$(find "$corpus" "$O/field/objects" -name '*.bpf.o' 2>/dev/null | sort | tr '\n' ' ')
if [[ -n $objects ]]; then
	say 'estimating the objects of others, by each model'
	estimate=
	for m in "$out"/estimate-{icount,mt}.model{,2}.txt; do
		[[ ! -s $m ]] || estimate+="$bpfwd -q calibrate load --force $m; $bpfwd -q estimate $objects -o csv >\$BPFWD_SCRATCH/$(basename "${m%.model.txt}" .txt).csv; "
	done
	O=$out KERNEL=$patched SMP=2 ICOUNT='' TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" "${estimate:-$bpfwd -q estimate $objects -o csv >\$BPFWD_SCRATCH/estimate-icount.csv}" 8>&- || rc=$?
	cp "$out"/vm/scratch/estimate-*.csv "$out/"
	awk -F, 'NR > 1 { all++; if ($5 == "not_loaded") { no++; next }
		if ($4 != "") bounded++; else { why[$5]++; if ($5 == "") silent++ } }
		END { printf "\nestimated: %d programs, %d do not load here; of the %d that do\n", all, no, all - no
			printf "  %6d have a finite estimate\n", bounded
			for (w in why) printf "  %6d unbounded: %s\n", why[w], w
			printf "  %6d without an estimate and without a reason\n", silent }' "$out/estimate-icount.csv"
fi

# at(n, q): of the sorted values v[1..n]
at='function at(n, q, i, j, t) {
	for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	i = int(n * q); return v[i < n ? i + 1 : n] }'
# Programs of others, and of ours, that keep to their bounds; and how tight these are.
for set in corpus adversarial; do
	[[ -s $out/$set.csv ]] || continue
	awk -F, -v set="$set" "$at"'
		NR > 1 { all++; if ($5 == "") { none++; next }
			if ($3 > $5) above = above sprintf("  above its bound: %s, %d ns of %d\n", $1, $3, $5)
			if ($2 < $4) below = below sprintf("  below its best: %s, %d ns of %d\n", $1, $2, $4)
			inside += $3 <= $5 && $2 >= $4; v[++n] = $5 / ($3 ? $3 : 1) }
		END { printf "\n%s: %d programs run, %d without a bound; %d of %d within theirs (%.1f %%)\n", set, all, none, inside, n, n ? 100 * inside / n : 0
			printf "  worst / longest measured: median %.3g, p90 %.3g (targets 2 and 4)\n%s%s", at(n, 0.5), at(n, 0.9), above, below }' \
		"$out/$set.csv"
done
# Two models of one machine, by the worst case that each gives the same program.
for label in icount mt; do
	[[ -s $out/estimate-$label.csv && -s $out/estimate-$label.model2.csv ]] || continue
	awk -F, -v label="$label" "$at"'
		FNR == 1 { next }
		NR == FNR { worst[$1 "/" $2] = $4; next }
		{ a = worst[$1 "/" $2]; b = $4 }
		(a == "") != (b == "") { changed++ }
		a > 0 && b > 0 { v[++n] = a > b ? a / b : b / a }
		END { printf "\nstability, %s: %d programs by two models of the same machine: worst differs by x%.3g (median), x%.3g (p90), x%.3g (most); target 1.5 at p90; %d bounded by one only\n",
			label, n, at(n, 0.5), at(n, 0.9), at(n, 1), changed }' "$out/estimate-$label.csv" "$out/estimate-$label.model2.csv"
done
if [[ ${FIELD:-1} != 0 && -s $model ]]; then
	say 'estimating and running the programs of packages'
	printf '\nfield, timed by looks of the watchdog:\n'
	MODEL=$model KERNEL=$patched "$repo/scripts/test-field.sh" 8>&- || (( $? == 4 )) || rc=$?
fi

if [[ -s $model ]]; then
	"$bpfwd" calibrate show "$model" -o csv >"$out/model.csv"
	gnuplot -e "csv='$out/model.csv'; out='$out/model'" "$here/plot/common.gp" "$here/plot/model.gp"
	say "wrote $out/model.{csv,svg,png}"
fi
finish $rc
}

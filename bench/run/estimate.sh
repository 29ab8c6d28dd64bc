#!/bin/bash
# Estimates against measured runs: calibrate, load the model, estimate, run; all in
# one VM, in deterministic time, then once more in the host's time. Then the bounds of
# programs of others, and how two models of a machine differ: in the VM, and here.
#   RUNS=30 of each input  FILTER=glob of programs  MT=0: without the noisy part
#   MODEL=file: this model instead of calibrating
#   CORPUS=folder of BPF objects (default: the BPF selftests of the kernel)
#   FIELD=0: without the programs of packages  NATIVE=0: without calibrating this machine
#   VERIFY=0: without the time that the verifier takes, for which an unpatched kernel is needed
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
rm -f "$out"/estimate-*.model*.txt "$out"/estimate-*.csv "$out"/{adversarial,corpus}.csv
if [[ ${MT:-1} != 0 ]]; then
	start estimate-mt
	say 'calibrating and measuring in the time of the host (about 6 minutes)'
	SMP=2 ICOUNT='' once mt || rc=$?
	"$bench" table estimate "$out/$name.raw.csv" -c "$out/$name.csv" -j "$out/$name.json"
	say "that was with the host's noise; wrote $out/$name.{csv,json}"
fi
# Calibrating takes no patched kernel, only one that lets us load programs.
native_why=
native() {
	local n
	[[ ${NATIVE:-1} != 0 ]] || { native_why='left out by NATIVE=0'; return; }
	say 'calibrating this machine, twice (about 6 minutes)'
	for n in '' 2; do
		"$bpfwd" -q calibrate run --max-error 1000 "$out/estimate-native.model$n.txt" 2>"$out/native.err" && continue
		native_why=$(head -n 1 "$out/native.err")
		return
	done
}
native
start estimate
say 'calibrating and measuring in deterministic time (about 12 minutes)'
ICOUNT=1 once icount "$bounds" || rc=$?
for set in adversarial corpus; do
	if [[ -s $out/vm/scratch/$set.csv ]]; then cp "$out/vm/scratch/$set.csv" "$out/$set.csv"; fi
done

model=$out/estimate-icount.model.txt
field=$O/field.json
if [[ ${FIELD:-1} != 0 && -s $model ]]; then
	say 'estimating and running the programs of packages'
	rm -f "$field"
	MODEL=$model KERNEL=$patched "$repo/scripts/test-field.sh" 8>&- || (( $? == 4 )) || rc=$?
fi
# Of all of them, by each model. Bounds are the same in any time: they may have both CPUs.
objects=$(find "$corpus" "$O/field/objects" "$O/selftests/adversarial.bpf.o" -name '*.bpf.o' 2>/dev/null | sort | tr '\n' ' ')
say 'estimating the objects of others, by each model'
estimate=
for m in "$out"/estimate-{icount,mt,native}.model{,2}.txt; do
	[[ ! -s $m ]] || estimate+="$bpfwd -q calibrate load --force $m; $bpfwd -q estimate $objects -o csv >\$BPFWD_SCRATCH/$(basename "$m" .txt).csv; "
done
rm -rf "$out/vm/scratch"
O=$out KERNEL=$patched SMP=2 ICOUNT='' TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" "${estimate}true" 8>&- || rc=$?
cp "$out"/vm/scratch/estimate-*.csv "$out/" || rc=$?

# All of it as rows, for one table.
name=bounds
raw=$out/$name.raw.csv
{
	"$here/env.sh" host $name
	grep '^#' "$out/estimate.raw.csv" | grep -v -e '^# benchmark:' -e '^# model_'
	[[ -z $native_why ]] || echo "# native_why: ${native_why//,/;}"
	"$here/run/bounds-rows.sh" "$out" "$([[ ${FIELD:-1} == 0 ]] || echo "$field")"
} >"$raw"
"$bench" table $name "$raw" -c "$out/$name.csv" -j "$out/$name.json" || rc=$?
say "wrote $out/$name.{csv,json}; raw samples in $name.raw.csv"

name=estimate
if [[ -s $model ]]; then
	"$bpfwd" calibrate show "$model" -o csv >"$out/model.csv"
	gnuplot -e "csv='$out/model.csv'; out='$out/model'" "$here/plot/common.gp" "$here/plot/model.gp"
	say "wrote $out/model.{csv,svg,png}"
fi
# What estimates cost at load. It is a benchmark of its own, and takes the lock.
if [[ ${VERIFY:-1} == 0 ]]; then
	say 'verification time: left out by VERIFY=0'
elif [[ ! -r $vanilla ]]; then
	say 'verification time: not measured, there is no unpatched kernel (make kernel-vanilla)'
else
	exec 8>&-
	"$here/run/verification.sh" || rc=$?
fi
finish $rc
}

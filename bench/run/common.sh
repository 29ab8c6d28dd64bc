# shellcheck shell=bash
# Sourced by run/<figure>.sh: boots the VM for one run and collects its samples.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
repo=$(dirname "$here")
O=$(realpath -m "${O:-$repo/.output}")
out=$O/bench
bench=$out/bench
# shellcheck disable=SC2034 # used by those who source this
patched=${KERNEL:-${KSRC:-$O/linux}/.kernel/arch/x86/boot/bzImage}
# shellcheck disable=SC2034
vanilla=${VANILLA_KERNEL:-${VANILLA:-$O/vanilla}/.kernel/arch/x86/boot/bzImage}

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

need_kernel() {
	[[ -r $1 ]] || die "no kernel at $1; try: make $2"
}

[[ -x $bench ]] || die "no $bench; try: make bench"

# One benchmark at a time: two would disturb each other, and share a scratch.
mkdir -p "$out"
exec 8>"$out/lock"
flock -n 8 || { say 'another benchmark runs here; waiting for it'; flock 8; }

# guest KERNEL vanilla|patched COMMAND...: $raw in COMMAND is where samples are to go.
# The samples end up after those that are in $out/$name.raw.csv already.
guest() {
	local kernel=$1 label=$2 scratch=$out/vm/scratch rc=0
	shift 2
	rm -rf "$scratch"
	O=$out KERNEL=$kernel TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" \
		"raw=\$BPFWD_SCRATCH/raw.csv; $here/env.sh guest $label >\$raw && $*" 8>&- || rc=$?
	if [[ -s $scratch/raw.csv ]]; then
		cat "$scratch/raw.csv" >>"$out/$name.raw.csv"
	fi
	return $rc
}

start() {
	name=$1
	"$here/env.sh" host "$name" >"$out/$name.raw.csv"
}

# A run that failed in part still gets its table: the exit status tells.
finish() {
	"$bench" table "$name" "$out/$name.raw.csv" -c "$out/$name.csv" -j "$out/$name.json"
	say "wrote $out/$name.{csv,json}; raw samples in $name.raw.csv"
	exit "$1"
}

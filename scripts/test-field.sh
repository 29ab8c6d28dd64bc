#!/bin/bash
# Estimates and the watchdog over the BPF objects of Debian's packages, and of the kernel's
# samples and sched_ext examples: each program has a bound or a reason, none changes the machine,
# and what runs takes no longer than its bound.
#   test-field.sh      QUICK=1: with the built-in cost model, which is far too careful
#   MODEL=file: this one instead of calibrating    SECONDS_=10 of load    TOOLS: only the first ones
#   ICOUNT=0: in the time of the host
# Packages that are only read are unpacked below $O/field, not installed.
# Writes $O/field.json; the last line is "field: N programs, N of them without bound or reason, ...".
# Exit status 4: the packages cannot be had here.
# shellcheck disable=SC2317 # functions are called by logged
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
dir=$O/field
result=$O/field.json
export ICOUNT=${ICOUNT:-1}
objects=$dir/objects
tools=$O
clang=${CLANG:-clang-19}
"$repo/scripts/deps.sh" field || exit 4
rm -rf "$objects"
mkdir -p "$objects" "$dir/debs"

# --- Objects ---
# Those that are installed, and those that are only unpacked: of names that a release has
# one after the other, the first that it knows.
installed='libbpf-tools bpftrace xdp-tools libxdp1 systemd qemu-system-x86 iproute2'
unpacked='pcp ir-keytable libknot13|libknot15 xdp-tests'
extract() { "$repo/selftests/field/extract.py" "$objects" "$@"; }
files_of() { dpkg -L "$1" 2>/dev/null | while read -r f; do if [[ -f $f ]]; then echo "$f"; fi; done; }
fetch() ( # name|name...
	cd "$dir/debs"
	for name in ${1//|/ }; do
		compgen -G "${name}_*.deb" >/dev/null || apt-get download "$name" || continue
		rm -rf "$name"
		dpkg-deb -x "${name}"_*.deb "$name"
		mapfile -t files < <(find "$name" -type f)
		extract "$name" "${files[@]}"
		return
	done
	return 1
)
for package in $installed; do
	mapfile -t files < <(files_of "$package")
	extract "$package" "${files[@]}"
done
for package in $unpacked; do
	logged "field-${package%%|*}" 'from the archive' fetch "$package" || say "field: no package $package, left out"
done
# Of the kernel: what does not compile alone is left out.
compile() { # name of the package, file
	local name
	name=$(basename "$2" .c)
	"$clang" -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -w -I"$O" -I"$O/libbpf/include" \
		-I"$KSRC/samples/bpf" -I"$KSRC/tools/sched_ext/include" -I"$KSRC/tools/sched_ext" \
		-I"$KSRC/tools/include" -I"$O/uapi/include" -I"$KSRC/tools/testing/selftests/bpf" \
		-I"/usr/include/$(uname -m)-linux-gnu" -c "$2" -o "$objects/$1:${name%.bpf}.bpf.o"
}
samples() {
	local f
	for f in "$KSRC"/tools/sched_ext/*.bpf.c; do compile sched_ext "$f" || true; done
	for f in "$KSRC"/samples/bpf/*.bpf.c "$KSRC"/samples/bpf/*_kern.c; do compile samples "$f" || true; done
}
logged field-samples 'samples and sched_ext of the kernel' samples
say "field: $(find "$objects" -name '*.bpf.o' | wc -l) objects"

# --- In the VM ---
rc=0
say 'field: calibrating, estimating and measuring by the count of instructions'
(
	export O=$dir KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage} MEM=4G TIMEOUT=${TIMEOUT:-7200}
	"$repo/selftests/vm/run.sh" "PATH=$tools:\$PATH QUICK='${QUICK:-}' MODEL='${MODEL:-}' SECONDS_='${SECONDS_:-10}' TOOLS='${TOOLS:-1000}' \
		$repo/selftests/field/objects.sh $objects \$BPFWD_SCRATCH"
) || rc=$?
cp "$dir"/vm/scratch/{estimate,unreadable,ps}.json "$dir/" || exit 1

# --- Figures ---
# A tool's program that runs stands for that of its object; its name may be cut there.
jq -n --argjson env "$("$repo/scripts/env.sh")" --slurpfile estimate "$dir/estimate.json" --slurpfile ps "$dir/ps.json" \
	--slurpfile unreadable "$dir/unreadable.json" \
	--rawfile tools "$repo/selftests/field/tools" '
	($tools | split("\n") | map(select(test("^[a-z]")) | split(" +"; null) | { (.[1]): .[0] }) | add) as $package |
	[$ps[0].programs[] | (.owner // "" | sub("[\\[+ ].*"; "")) as $o |
		{ package: ($package[$o] // (if $o == "bpftrace" then "bpftrace" else "libbpf-tools" end)), object: $o, program: .name, type, loads: true,
		  best_ns, worst_ns, reason: (.unbounded_reason // null),
		  measured_max_ns: (if .longest_run_ns > 0 then .longest_run_ns else null end), sampled_runs, run_cnt,
		  stop_bound_ns: (.stop_bound_ns // null), terminable }] as $live |
	($live | map({ ("\(.object)/\(.program)"): true }) | add // {}) as $seen |
	[$estimate[0].programs[] | (.object | rtrimstr(".bpf.o") | split(":")) as $o |
		{ package: $o[0], object: $o[1], program: .name, type: (.type // .section), loads: (.reason != "not_loaded"),
		  best_ns, worst_ns, reason: (if .reason == "not_loaded" then .reason_text else .reason end),
		  measured_max_ns: null, stop_bound_ns: (.stop_bound_ns // null), terminable: (.terminable // null) } |
		select($seen["\(.object)/\(.program)"] | not)] as $files |
	[$unreadable[] | (.object | rtrimstr(".bpf.o") | split(":")) as $o |
		{ package: $o[0], object: $o[1], program: null, type: null, loads: false, best_ns: null, worst_ns: null,
		  reason: .why, measured_max_ns: null, stop_bound_ns: null, terminable: null }] as $no |
	{ env: $env, rows: ($live + $files + $no) }' >"$result"
jq -r '
	def at(q): sort | .[(length * q | floor)] // 0 | . * 100 | round / 100;
	.rows as $r |
	[$r[] | select(.measured_max_ns and .worst_ns)] as $m |
	[$m[] | .worst_ns / .measured_max_ns] as $t |
	($r | group_by(.package)[] | "\(.[0].package): \(length) programs, \(map(select(.loads)) | length) load, \(map(select(.worst_ns)) | length) bounded, \(map(select(.measured_max_ns)) | length) measured"),
	($m[] | select(.measured_max_ns > .worst_ns) | "above its bound: \(.object)/\(.program): \(.measured_max_ns) ns > \(.worst_ns) ns"),
	($r[] | select(.loads and .worst_ns == null and .reason == null) | "neither bound nor reason: \(.object)/\(.program)"),
	"containment \(($m | map(select(.measured_max_ns <= .worst_ns)) | length)) of \($m | length); worst/longest: median \($t | at(0.5)), p90 \($t | at(0.9))",
	"field: \($r | length) programs, \($r | map(select(.loads and .worst_ns == null and .reason == null)) | length) without bound or reason, \($m | map(select(.measured_max_ns > .worst_ns)) | length) above their bound"' "$result" | tee "$dir/summary"
(( !rc )) && jq -e '(.rows | length) >= 150 and ([.rows[] | select(.worst_ns == null and .reason == null)] | length) == 0' "$result" >/dev/null
exit
}

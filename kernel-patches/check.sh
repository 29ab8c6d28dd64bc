#!/bin/bash
# Is the series in order? Quick by default:
#   every .patch is in `series` and in README.md, each has a changelog and a sign-off;
#   each of the series has its cover letter;
#   it applies to base, and regenerates byte-identically; checkpatch --strict is content;
#   the files that it makes are the same, byte for byte, as those of the other kernel.
# --build: W=1 build of what each patch touches, option on and off, after each patch.
set -euo pipefail
. "$(dirname "$0")/../scripts/lib.sh"

errors=0
bad() { printf 'check: %s\n' "$*" >&2; errors=$((errors + 1)); }

names() { sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$1/series" 2>/dev/null || true; } # folder of patches
mapfile -t series < <(names "$patches")
if (( ! ${#series[@]} )); then
	say 'check: the series is empty'
	exit 0
fi
for f in "$patches"/*.patch; do
	p=${f##*/}
	grep -qxF "$p" <(printf '%s\n' "${series[@]}") || bad "$p is not in series"
	subject=$(sed -n '/^Subject: /{ :a; N; /\n[^ ]/!ba; s/\n[^ ].*//; s/\n//g; s/^Subject: \[PATCH\] //p; q }' "$f")
	grep -qF "| $subject |" "$configs/README.md" ||
		bad "$p has no line in kernel-patches/README.md"
	awk '/^$/ { body = 1 } /^---$/ { exit } body && NF && !/^[A-Z][a-z-]*-by: / { n++ } END { exit !n }' "$f" ||
		bad "$p has an empty changelog"
	grep -q '^Signed-off-by: ' "$f" || bad "$p has no Signed-off-by"
done
for p in "${series[@]}"; do
	[[ -f $patches/$p ]] || die "series names $p, which is not there"
done
# Each patch belongs to one of the series that `series` is made of, or is said to stand alone.
[[ $(head -n 1 "$patches/series") == '#'* ]] || bad 'series does not say what its first patch belongs to'
for f in "$configs"/cover/*.txt; do
	grep -qxF "## cover/${f##*/}" "$patches/series" || bad "no series begins with the cover letter ${f##*/}"
	[[ $(sed -n 1p "$f") == 'Subject: '?* && -z $(sed -n 2p "$f") ]] || bad "${f##*/} does not begin with a subject and an empty line"
	! grep -nE '^.{76}' "$f" >&2 || bad "${f##*/} has lines of more than 75 characters"
done
sed -n 's/^## cover/cover/p' "$patches/series" | while read -r f; do
	[[ -f $configs/$f ]] || die "series names $f, which is not there"
done || errors=$((errors + 1))

# A clone that shares the objects, with only the files that the series touches, and the
# one that says what a function's header in a diff looks like.
tree=$O/check
mkdir -p "$O/log"
rm -rf "$tree"
trap 'rm -rf "$tree" "${tmp:-}"' EXIT
kgit clone -q --shared --no-checkout "$KSRC" "$tree"
kgit -C "$tree" update-ref --no-deref HEAD 'base^{commit}'
{ echo /.gitattributes; sed -n 's,^[-+]\{3\} [ab]/,/,p' "${series[@]/#/$patches/}"; } | sort -u |
	git -C "$tree" sparse-checkout set --no-cone --stdin
kgit -C "$tree" checkout -q
if ! kgit -C "$tree" am -q --committer-date-is-author-date "${series[@]/#/$patches/}" >"$O/log/check-am.log" 2>&1; then
	sed 's/^/  | /' "$O/log/check-am.log" >&2
	die 'the series does not apply to base'
fi
say "check: ${#series[@]} patches apply"

tmp=$(mktemp -d)
cp "$patches/series" "$tmp/series"
KSRC=$tree REV=HEAD "$configs/regen.sh" "$tmp" >/dev/null
if diff -u "$patches/series" "$tmp/series" >&2; then
	for p in "${series[@]}"; do
		cmp -s "$patches/$p" "$tmp/$p" || bad "$p does not regenerate byte-identically; run: make patches"
	done
	(( errors )) || say 'check: regenerates byte-identically'
else
	bad 'series does not regenerate; run: make patches'
fi

# What checkpatch does not know: new files have no MAINTAINERS entry in a series that is
# not sent yet; NOKPROBE_SYMBOL() stands right below its function, like EXPORT_SYMBOL(),
# and EXPORT_PER_CPU_SYMBOL() below DEFINE_PER_CPU(type, name), and that of a static key; output that a changelog
# quotes is as long as it is; printk_deferred() needs a level; TRACE_EVENT() is laid out
# as all others are; a function may return a pointer to const; the x86 JIT is BPF code; <linux/nmi.h>
# has <asm/nmi.h> only with ACPI or some detectors. Its spdxcheck.py wants Debian's python3.
no_fault='LINE_SPACING.*NOKPROBE_SYMBOL\(|EXPORT_SYMBOL.*EXPORT_(PER_CPU_SYMBOL|SYMBOL_GPL\(bpf_watchdog_key|SYMBOL\(bpf_observed_key)'
no_fault+='|COMMIT_LOG_LONG_LINE[^\n]*\n#[0-9]+: *\n[ \t]|UNNECESSARY_KERN_LEVEL.*printk_deferred'
no_fault+='|(PARENTHESIS_ALIGNMENT|OPEN_ENDED_LINE).*FILE: include/trace/events/'
no_fault+='|STATIC_CONST[^\n]*\n[^\n]*FILE: (include/linux/bpf_termination|kernel/bpf/runtime/policy)\.h'
no_fault+='|RCU_TASKS_TRACE.*FILE: arch/x86/net/|ARCH_INCLUDE_LINUX.*asm/nmi\.h'
for p in "${series[@]}"; do
	(cd "$KSRC" && PATH=/usr/bin:$PATH perl scripts/checkpatch.pl --strict --quiet --no-summary --show-types \
		--ignore FILE_PATH_CHANGES "$patches/$p") 2>&1 |
		awk -v no_fault="${no_fault//\\/\\\\}" 'BEGIN { RS = ""; ORS = "\n\n" } $0 !~ no_fault' \
			>"$tmp/log" || true
	if [[ -s $tmp/log ]]; then
		bad "checkpatch --strict: $p"
		sed 's/^/  | /' "$tmp/log" >&2
	fi
done
(( errors )) || say 'check: checkpatch --strict has nothing to say'

# Files that the series makes, of a kernel: what its patches do to them, in a folder.
own_files() { # folder of patches, where to
	local p own
	mapfile -t own < <(sed -n '/^--- \/dev\/null$/ { n; s,^+++ b/,--include=,p }' "$1"/*.patch | sort -u)
	git init -q "$2"
	while read -r p; do
		git -C "$2" apply --whitespace=nowarn "${own[@]}" "$1/$p" 2>"$tmp/log" ||
			grep -qx 'error: No valid patches in input.*' "$tmp/log" || { cat "$tmp/log" >&2; return 1; }
	done < <(names "$1")
	rm -rf "$2/.git"
}
# One product: they are the same for all kernels, but for the header of the backport.
for v in 6.12 7.3; do
	own_files "$configs/$v" "$tmp/$v" || bad "$v: files that are new cannot be read from the patches"
done
mv "$tmp/6.12/kernel/bpf/runtime/backport.h" "$tmp/"
sed -i '\,^ccflags-y += -include [^ ]*/backport\.h$,d' "$tmp/6.12/kernel/bpf/runtime/Makefile"
if diff -r "$tmp/6.12" "$tmp/7.3" >&2; then
	say "check: $(find "$tmp/7.3" -type f | wc -l) files are the same for both kernels"
else
	bad 'files of the series differ between the kernels; what has to differ belongs into backport.h'
fi

if [[ ${1:-} == --build ]]; then
	kernel_env
	kgit -C "$tree" sparse-checkout disable
	kgit -C "$tree" checkout -q --detach base
	for p in "${series[@]}"; do
		kgit -C "$tree" am -q --committer-date-is-author-date "$patches/$p"
		mapfile -t objects < <(git -C "$tree" diff --name-only 'HEAD~' -- '*.c' '*.S' |
			grep -Ev '^(tools|samples|Documentation|lib/test)|kernel/bpf/runtime/|net/bpf_watchdog' |
			sed 's,sched/ext.c$,sched/build_policy.c,; s/\.[cS]$/.o/')
		for option in y n; do
			{
				kernel_config test
				echo "CONFIG_BPF_WATCHDOG=$option"
			} >"$tmp/config"
			out=.check-$option
			if ! (cd "$tree" && make O=$out KCONFIG_ALLCONFIG="$tmp/config" allnoconfig &&
					make O=$out -j"$jobs" W=1 kernel/bpf/ arch/x86/net/ "${objects[@]}") >"$tmp/log" 2>&1; then
				bad "build, option $option: $p"
				tail -n 20 "$tmp/log" | sed 's/^/  | /' >&2
			elif grep -E '^[^ ]+:[0-9]+:[0-9]+: warning:' "$tmp/log" >"$tmp/warnings"; then
				bad "W=1 warnings, option $option: $p"
				sed 's/^/  | /' "$tmp/warnings" >&2
			fi
		done
		say "check: built with W=1, option on and off: $p"
	done
fi
exit $((errors > 0))

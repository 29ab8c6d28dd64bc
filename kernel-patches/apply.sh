#!/bin/bash
# Apply the series to the branch `watchdog` of the kernel tree, by git am.
#
# A branch with commits of a developer, or changed files, is never touched: what is
# there gets built. Only a branch that still is what this script made is replaced.
set -euo pipefail
. "$(dirname "$0")/../scripts/lib.sh"

stamp=$KSRC/.git/bpfwd-series		# "hash-of-series commit": what was applied last

mapfile -t series < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$patches/series" 2>/dev/null || true)
if (( ! ${#series[@]} )); then
	say 'series: empty, building the tree as it is'
	exit 0
fi
for p in "${series[@]}"; do
	[[ -f $patches/$p ]] || die "kernel-patches/$KVER/series names $p, which is not there"
done
hash=$(cd "$patches" && sha256sum "${series[@]}" | sha256sum | cut -d' ' -f1)
branch=$(git -C "$KSRC" symbolic-ref -q --short HEAD || true)
head=$(git -C "$KSRC" rev-parse HEAD)
base=$(git -C "$KSRC" rev-parse 'base^{commit}')
read -r old_hash old_head < <(cat "$stamp" 2>/dev/null || true; echo)

leave() {
	say "series: $KSRC $1; left alone and built as it is (make patches writes its commits to kernel-patches/)"
	exit 0
}
[[ $hash != "$old_hash" || $head != "$old_head" ]] || exit 0
[[ $branch == watchdog ]] || leave "is on ${branch:-no branch}, not on watchdog"
if [[ $head != "$base" && $head != "$old_head" ]]; then
	# Made from these very patches, only not by this script?
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	"$configs/regen.sh" "$tmp" >/dev/null
	mapfile -t now < <(cd "$tmp" && printf '%s\n' *.patch)
	if [[ "${now[*]}" == "${series[*]}" ]] &&
			(cd "$tmp" && cat "${now[@]}") | cmp -s - <(cd "$patches" && cat "${series[@]}"); then
		echo "$hash $head" >"$stamp"
		exit 0
	fi
	leave 'has commits that differ from the series'
fi
[[ -z $(git -C "$KSRC" status --porcelain | head -n 1) ]] || leave 'has uncommitted changes'
[[ ! -d $KSRC/.git/rebase-apply && ! -d $KSRC/.git/rebase-merge ]] || leave 'is in the middle of git am or rebase'

[[ $head == "$base" ]] || kgit -C "$KSRC" reset -q --hard base
if ! out=$(cd "$patches" && kgit -C "$KSRC" am -q --committer-date-is-author-date \
		"${series[@]/#/$patches/}" 2>&1); then
	printf '%s\n' "$out" | sed 's/^/  | /' >&2
	kgit -C "$KSRC" am --abort
	die "the series does not apply to $(git -C "$KSRC" log -1 --format=%s base)"
fi
echo "$hash $(git -C "$KSRC" rev-parse HEAD)" >"$stamp"
say "series: ${#series[@]} patches applied to $(git -C "$KSRC" log -1 --format=%s base)"

#!/bin/bash
# Write the commits base..watchdog of the kernel tree as patches, and `series`.
#   regen.sh [DIR]     default: kernel-patches/$KVER/
# Run twice, or after apply.sh, it changes no byte. Headings in `series` stay with
# the patches below them; a new patch joins the group of the one before it.
set -euo pipefail
. "$(dirname "$0")/../scripts/lib.sh"

out=${1:-$patches}
rev=${REV:-watchdog}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

n=$(git -C "$KSRC" rev-list --count "base..$rev")
(( n )) || die "no commits on $rev after base in $KSRC"
[[ -z $(git -C "$KSRC" rev-list --merges "base..$rev") ]] || die "$rev has merge commits"
kgit -C "$KSRC" -c diff.algorithm=default -c diff.context=3 -c diff.noprefix=false \
	-c diff.mnemonicPrefix=false -c diff.suppressBlankEmpty=false -c format.pretty=email \
	-c core.abbrev=12 -c format.from=false \
	-c format.signOff=false -c format.subjectPrefix=PATCH -c format.useAutoBase=false -c log.mailmap=false \
	format-patch -q -N --zero-commit --no-signature --full-index --no-renames \
	--stat=75 --no-attach --no-ext-diff --no-textconv --no-thread --no-cover-letter --no-notes -o "$new" "base..$rev"

awk -v old="$patches/series" '
	function bare(f) { sub(/^[0-9]+-/, "", f); return f }
	BEGIN {
		while ((getline line < old) > 0) {
			if (line ~ /^#/) {
				if (!sealed) head = head line "\n"
				else { head = line "\n"; sealed = 0 }
			} else if (line != "") { group[bare(line)] = head; sealed = 1 }
		}
	}
	{
		g = bare($0) in group ? group[bare($0)] : last
		if (g != last) { if (NR > 1) print ""; printf "%s", g; last = g }
		print
	}' < <(cd "$new" && printf '%s\n' *.patch) >"$new/series"

mkdir -p "$out"
find "$out" -maxdepth 1 -name '[0-9]*.patch' -delete
cp "$new"/*.patch "$new/series" "$out/"
say "patches: $n written to $out"

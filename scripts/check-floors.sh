#!/bin/bash
# The order of folders, by scripts/floors: no file includes one of a higher folder.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

rc=0
bad() { echo "$*"; rc=1; }

while read -r tree floors; do
	[[ -n $tree && $tree != \#* ]] || continue
	while IFS=: read -r file _ include; do
		from=${file#"$tree/"} to=${include#*\"}
		from=${from%%[/.]*} to=${to%%\"*}
		case $to in
		*/*) to=${to%%/*} ;;
		*.skel.h) continue ;;	# made from progs/
		*) to=${to%.h} ;;
		esac
		[[ " $floors " == *" $from "* ]] || { bad "$file: no floor '$from' in scripts/floors"; continue; }
		[[ " $floors " == *" $to "* ]] || { bad "$file: '$to' of $include is no floor: include by folder"; continue; }
		# what is left of the list from there on
		[[ " $from ${floors#*"$from"} " == *" $to "* ]] || bad "$file: $from/ must not see $to/:$include"
	done < <(cd "$repo" && git ls-files -co --exclude-standard "$tree/*.c" "$tree/*.h" |
		grep -vE '/(fuzz|kshim|kmod|unit|random|demo)/|\.bpf\.c$|^selftests/progs/' | xargs -r grep -HnE '^#include "')
done <"$repo/scripts/floors"
exit $rc

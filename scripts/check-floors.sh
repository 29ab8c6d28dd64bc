#!/bin/bash
# The order of folders, by scripts/floors: no file includes one of a higher folder. And no two
# files of the folders below have a static function of the same name, so that a name in a
# backtrace, a message or a search is one place.
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

mapfile -t sources < <(cd "$repo" && git ls-files -co --exclude-standard '*.[ch]' |
	grep -E '^(watchdog|bench|selftests/unit)/' | grep -v '/progs/.*\.bpf\.c$')
twice=$(cd "$repo" && awk '
	/(^|\) )static .*[a-z0-9_]+\(/ && !/;$/ && !/^\t/ {
		name = $0
		sub(/.*\) static/, "static", name)
		sub(/\(.*/, "", name)
		sub(/.*[ *]/, "", name)
		if (name in where && where[name] != FILENAME)
			print name ": " where[name] " and " FILENAME
		where[name] = FILENAME
	}' "${sources[@]}")
[[ -z $twice ]] || bad "static functions of the same name:
$twice"
exit $rc

#!/bin/bash
# All C files as the kernel formats its own, by the .clang-format of the kernel's tree.
#   format.sh            formats
#   format.sh --check    only says what is not formatted
set -euo pipefail
. "$(dirname "$0")/lib.sh"

style=$KSRC/.clang-format
[[ -e $style ]] || die "no $style; try: make series"
how=(-i)
[[ ${1:-} != --check ]] || how=(--dry-run --Werror)
cd "$repo"
git ls-files -z -co --exclude-standard '*.c' '*.h' | xargs -0 clang-format-19 --style="file:$style" "${how[@]}"

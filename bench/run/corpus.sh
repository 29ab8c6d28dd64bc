#!/bin/bash
# Programs of others to try things on, in $(O)/corpus: the BPF selftests of the kernel's
# tree, and its veristat.
set -euo pipefail
exec "$(dirname "$0")/../../scripts/corpus.sh" all

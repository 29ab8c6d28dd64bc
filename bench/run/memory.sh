#!/bin/bash
# Bytes per program, with and without image: all objects of the selftests.
#   OBJECTS='*.bpf.o files' to measure others
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need_kernel "$patched" kernel
objects=${OBJECTS:-$(find "$O/selftests" -maxdepth 1 -name '*.bpf.o' | sort)}
[[ -n $objects ]] || die "no BPF objects in $O/selftests; try: make selftests"
start memory
rc=0
# shellcheck disable=SC2086 # a list
guest "$patched" patched "$bench run memory -o \$raw "$objects || rc=$?
finish $rc

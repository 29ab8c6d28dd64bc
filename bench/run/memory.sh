#!/bin/bash
# Bytes per program, with and without image: the project's selftests and the kernel's.
#   OBJECTS='*.bpf.o files' to measure others
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need_kernel "$patched" kernel
[[ -n ${OBJECTS:-} || -d $O/corpus ]] || die "no $O/corpus; try: make -C bench corpus"
# Of the kernel's, not those that are parts of another object or that libbpf is to refuse.
objects=${OBJECTS:-$(find "$O/selftests" "$O/corpus" -maxdepth 1 -name '*.bpf.o' \
	! -name 'linked_*' ! -name 'test_subskeleton*' ! -name 'test_usdt_multispec*' \
	! -name 'test_pinning_invalid*' ! -name 'test_sk_assign.*' | sort)}
[[ -n $objects ]] || die "no BPF objects in $O/selftests; try: make selftests"
export TIMEOUT=${TIMEOUT:-1800}
start memory
rc=0
# shellcheck disable=SC2086 # a list
guest "$patched" patched "ulimit -l unlimited; $bench run memory -o \$raw "$objects || rc=$?
finish $rc

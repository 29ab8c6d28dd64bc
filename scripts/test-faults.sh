#!/bin/bash
# Allocations that are made to fail, one after the other: the tests faults/* on the kernel
# with the checkers.
#   test-faults.sh [GLOB of tests]     KERNEL=bzImage: another one with fault injection
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [[ -z ${KERNEL:-} ]]; then
	"$repo/scripts/kernel.sh" debug
	KERNEL=$KSRC/.debug/arch/x86/boot/bzImage
fi
export KERNEL TIMEOUT=${TIMEOUT:-3600}
exec "$repo/scripts/test.sh" "${1:-faults}"

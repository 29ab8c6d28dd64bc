#!/bin/bash
# QEMU with two CPUs that take turns: with -icount the runner asks for one, and
# the last -smp counts. Both can be stalled at once, and time is still exact.
exec "${QEMU_REAL:-qemu-system-x86_64}" "$@" -smp 2

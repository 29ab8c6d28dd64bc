/* SPDX-License-Identifier: GPL-2.0 */
/* For the kernel's samples/bpf: types from BTF, and the constants that BTF lacks.
 * The headers that they ask for are empty files, made by the Makefile.
 */
#include "vmlinux.h"
#define PERF_MAX_STACK_DEPTH 127
#define TASK_COMM_LEN 16
#define AF_INET6 10
#define SOL_TCP 6
#define TCP_CONGESTION 13
#define LINUX_VERSION_CODE 0
#ifndef memcpy
#define memcpy __builtin_memcpy
#endif

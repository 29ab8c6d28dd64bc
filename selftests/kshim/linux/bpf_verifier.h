/* SPDX-License-Identifier: GPL-2.0 */
/* All of it is in bpf.h. */
struct bpf_verifier_env;

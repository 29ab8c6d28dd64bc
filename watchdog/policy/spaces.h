/* SPDX-License-Identifier: GPL-2.0 */
/* Namespaces and file systems of BPF that a rule names by a path. */
#ifndef BPFWD_POLICY_SPACES_H
#define BPFWD_POLICY_SPACES_H

/* A file descriptor of the namespace, type CLONE_NEWUSER or CLONE_NEWPID; -ENOENT: it is
 * not there, -EINVAL: it is something else, or -errno.
 */
int ns_open(const char *path, int type);
/* The same of a folder of a bpffs. */
int bpffs_open(const char *path);

#endif

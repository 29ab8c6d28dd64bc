/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets, packets and cgroups that tests share. What fails here ends the test. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <netinet/in.h>
#include "harness/test_util.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Mounts it, unless it is. */
void cgroup_mount(void);
int cgroup_open(void);
int netns_open(void);

struct sockaddr_in ipv4(const char *ip, in_port_t port);
/* Bound to TRIGGER_PORT, which others may share. */
int udp_open(const char *ip);
/* One byte to that port; 0 or -errno. */
int udp_send(const char *ip);
/* Both ends of a connection; by a congestion control, or NULL: the kernel's default. */
void tcp_open(int pair[2], const char *congestion);
void close_both(const int pair[2]);

/*
 * A route of SRv6 with the program as End.BPF, and a packet that has it as its segment
 * before the last one. To that it is forwarded.
 */
int seg6_up(struct bpf_program *prog); /* 0 or -errno */
void seg6_down(void);
int seg6_send(void);
__u64 ipv6_forwarded(void);

/* Without output, unless it fails; 0 or -EINVAL. */
int command(const char *cmd);

#endif

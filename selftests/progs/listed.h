/* SPDX-License-Identifier: GPL-2.0 */
/* A list that a value of a map can hold: as long as memory is. Needs common.h. */
#ifndef __LISTED_H
#define __LISTED_H

struct node {
	struct bpf_list_node list;
	__u64 key;
};

struct listed {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(node, list);
};

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A ring buffer to hold a record of, and the program that shows it is usable. */
#ifndef RINGBUF_H
#define RINGBUF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");

/* A record that stays busy blocks this one: the consumer never gets to it. */
SEC("syscall")
int rb_probe(void *unused)
{
	__u64 *rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);

	if (!rec)
		return -1;
	*rec = RB_MAGIC;
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The preemption counter of this CPU, wherever the kernel has it. */
#ifndef PERCPU_H
#define PERCPU_H

struct pcpu_hot___6_12 {
	int preempt_count;
} __attribute__((preserve_access_index));

extern const struct pcpu_hot___6_12 pcpu_hot __ksym __weak;
extern const unsigned long __preempt_count __ksym __weak;

static __always_inline __u32 preempt_count(void)
{
	const struct pcpu_hot___6_12 *hot;
	const unsigned long *count;

	/* Not bpf_ksym_exists(): that the one which is there is not NULL, the verifier does not know. */
	if (bpf_core_type_exists(struct pcpu_hot___6_12)) {
		hot = bpf_this_cpu_ptr(&pcpu_hot);
		return hot->preempt_count & 0x7fffffff;
	}
	count = bpf_this_cpu_ptr(&__preempt_count);
	return *count & 0x7fffffff;
}

#endif

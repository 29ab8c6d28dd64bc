// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that are dangerous to skip, or to get wrong: a program or more for each row
 * of call_classes.tsv that is marked so. danger.tsv says which has which call.
 */
#include "common.h"
#include "percpu.h"

#define TC_ACT_OK 0
#define BPF_F_CURRENT_NETNS (-1L)

unsigned long long load_byte(void *skb,
			     unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb,
			     unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb,
			     unsigned long long off) asm("llvm.bpf.load.word");

extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern struct bpf_cpumask *
bpf_cpumask_acquire(struct bpf_cpumask *cpumask) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;
extern struct bpf_list_node *
bpf_list_pop_front(struct bpf_list_head *head) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root,
			       struct bpf_rb_node *node,
			       bool(less)(struct bpf_rb_node *a,
					  const struct bpf_rb_node *b),
			       void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root,
					     struct bpf_rb_node *node) __ksym;
extern void bpf_throw(__u64 cookie) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p,
			    struct bpf_dynptr *clone) __ksym;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it,
				 struct task_struct *task, __u64 addr) __ksym;
extern struct vm_area_struct *
bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it,
				 struct cgroup_subsys_state *css,
				 unsigned int flags) __ksym;
extern struct task_struct *
bpf_iter_css_task_next(struct bpf_iter_css_task *it) __ksym;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it,
			    struct cgroup_subsys_state *start,
			    unsigned int flags) __ksym;
extern struct cgroup_subsys_state *
bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id,
				u64 flags) __ksym;
extern struct task_struct *
bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
extern void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;
extern const struct cpumask *scx_bpf_get_possible_cpumask(void) __ksym;
extern const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym;
extern const struct cpumask *scx_bpf_get_idle_cpumask(void) __ksym;
extern const struct cpumask *scx_bpf_get_idle_smtmask(void) __ksym;
extern void scx_bpf_put_cpumask(const struct cpumask *cpumask) __ksym;
extern void scx_bpf_put_idle_cpumask(const struct cpumask *cpumask) __ksym;
extern struct cgroup *scx_bpf_task_cgroup(struct task_struct *p) __ksym;
extern __u64 *bpf_session_cookie(void) __ksym __weak;
/* So since Linux 7.0. */
extern __u64 *bpf_session_cookie___ctx(void *ctx) __ksym __weak;
extern struct bpf_key *bpf_lookup_system_key(__u64 id) __ksym;
extern void bpf_key_put(struct bpf_key *key) __ksym;
extern int bpf_verify_pkcs7_signature(struct bpf_dynptr *data,
				      struct bpf_dynptr *signature,
				      struct bpf_key *keyring) __ksym;
extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *xdp,
					       struct bpf_sock_tuple *tuple,
					       u32 tuple_size,
					       struct bpf_ct_opts *opts,
					       u32 opts_size) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *ct) __ksym;
extern void bpf_ct_set_timeout(struct nf_conn___init *ct, u32 ms) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

struct node {
	struct bpf_list_node list;
	struct bpf_rb_node tree;
	struct bpf_refcount refs;
	__u64 key;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");

struct kept {
	struct node __kptr *node;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kept);
} kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} records SEC(".maps");

private(list) struct bpf_spin_lock list_lock;
private(list) struct bpf_list_head list_head __contains(node, list);
private(tree) struct bpf_spin_lock tree_lock;
private(tree) struct bpf_rb_root tree_root __contains(node, tree);
__u64 sink;
__u8 memory[64];

/* --- What is not NULL, and taken for it ---------------------------------------------------------- */

SEC("cgroup_skb/egress")
int danger_local_storage(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&storage, 0);

	__sync_fetch_and_add(value, 1);
	return 1;
}

SEC("syscall")
int danger_pointers(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	sink = task->pid + preempt_count();
	return 0;
}

SEC("kprobe.session/__x64_sys_getpgid")
int danger_session(struct pt_regs *ctx)
{
	if (bpf_ksym_exists(bpf_session_cookie___ctx))
		*bpf_session_cookie___ctx(ctx) += 1;
	else
		*bpf_session_cookie() += 1;
	return 0;
}

SEC("syscall")
int danger_cpumasks(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create(), *again;

	if (!mask)
		return 0;
	again = bpf_cpumask_acquire(mask);
	bpf_cpumask_release(again);
	bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int danger_scx(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cpumask *mask;
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	struct cgroup *cgrp;

	mask = scx_bpf_get_possible_cpumask();
	scx_bpf_put_cpumask(mask);
	mask = scx_bpf_get_online_cpumask();
	scx_bpf_put_cpumask(mask);
	mask = scx_bpf_get_idle_cpumask();
	scx_bpf_put_idle_cpumask(mask);
	mask = scx_bpf_get_idle_smtmask();
	scx_bpf_put_idle_cpumask(mask);
	bpf_rcu_read_lock();
	cgrp = scx_bpf_task_cgroup(task);
	bpf_cgroup_release(cgrp);
	bpf_iter_scx_dsq_new(&it, 0, 0);
	while ((p = bpf_iter_scx_dsq_next(&it)))
		sink += p->pid;
	bpf_iter_scx_dsq_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

/* --- Ownership that moves ------------------------------------------------------------------------ */

SEC("syscall")
int danger_xchg(void *ctx)
{
	struct node *node = obj_new(struct node), *old;
	__u32 zero = 0;
	struct kept *k = bpf_map_lookup_elem(&kept, &zero);

	if (!node)
		return 0;
	if (!k) {
		obj_drop(node);
		return 0;
	}
	old = bpf_kptr_xchg(&k->node, node);
	if (old)
		obj_drop(old);
	return 0;
}

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct node, tree)->key <
	       container_of(b, struct node, tree)->key;
}

SEC("tc")
int danger_list(struct __sk_buff *skb)
{
	struct node *first = obj_new(struct node), *second;
	struct bpf_list_node *n;

	if (!first)
		return TC_ACT_OK;
	second = obj_new(struct node);
	if (!second) {
		obj_drop(first);
		return TC_ACT_OK;
	}
	bpf_spin_lock(&list_lock);
	bpf_list_push_front_impl(&list_head, &first->list, NULL, 0);
	bpf_list_push_back_impl(&list_head, &second->list, NULL, 0);
	bpf_spin_unlock(&list_lock);
	bpf_spin_lock(&list_lock);
	n = bpf_list_pop_front(&list_head);
	bpf_spin_unlock(&list_lock);
	if (n)
		obj_drop(container_of(n, struct node, list));
	return TC_ACT_OK;
}

SEC("tc")
int danger_tree(struct __sk_buff *skb)
{
	struct node *node = obj_new(struct node), *again;
	struct bpf_rb_node *n;

	if (!node)
		return TC_ACT_OK;
	node->key = bpf_ktime_get_ns();
	again = refcount_acquire(node);
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_add_impl(&tree_root, &node->tree, less, NULL, 0);
	n = bpf_rbtree_first(&tree_root);
	if (n)
		n = bpf_rbtree_remove(&tree_root, n);
	bpf_spin_unlock(&tree_lock);
	if (n)
		obj_drop(container_of(n, struct node, tree));
	obj_drop(again);
	return TC_ACT_OK;
}

/* A connection that is made belongs to the program until it is in the table. */
SEC("xdp")
int danger_conntrack(struct xdp_md *xdp)
{
	struct bpf_ct_opts opts = {
		.netns_id = -1, .l4proto = 17, /* UDP */
	};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn___init *made;
	struct nf_conn *ct;

	tuple.ipv4.saddr = bpf_get_prandom_u32();
	tuple.ipv4.daddr = bpf_get_prandom_u32();
	tuple.ipv4.sport = bpf_htons(1000);
	tuple.ipv4.dport = bpf_htons(53);
	made = bpf_xdp_ct_alloc(xdp, &tuple, sizeof(tuple.ipv4), &opts,
				sizeof(opts));
	if (!made)
		return XDP_PASS;
	bpf_ct_set_timeout(made, 1000);
	ct = bpf_ct_insert_entry(made);
	if (ct)
		bpf_ct_release(ct);
	return XDP_PASS;
}

/* --- Sections, exceptions, subprograms ------------------------------------------------------------- */

SEC("syscall")
int danger_sections(void *ctx)
{
	bpf_rcu_read_lock();
	sink = bpf_ktime_get_ns();
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	sink += bpf_ktime_get_ns();
	bpf_preempt_enable();
	return 0;
}

SEC("tc")
int danger_throw(struct __sk_buff *skb)
{
	sink = bpf_ktime_get_ns();
	if (skb->len > 60)
		bpf_throw(0);
	return TC_ACT_OK;
}

static __noinline struct task_struct *acquire(int pid)
{
	return bpf_task_from_pid(pid);
}

SEC("syscall")
int danger_static(void *ctx)
{
	struct task_struct *task = acquire(1);

	if (!task)
		return 0;
	sink = bpf_ktime_get_ns() + task->pid;
	bpf_task_release(task);
	return 0;
}

/* --- Iterators ------------------------------------------------------------------------------------- */

SEC("syscall")
int danger_iterators(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_iter_task_vma vmas;
	struct bpf_iter_num numbers;
	struct bpf_iter_bits bits;
	__u64 words = 0x11;

	bpf_iter_num_new(&numbers, 0, 3);
	while (bpf_iter_num_next(&numbers))
		sink++;
	bpf_iter_num_destroy(&numbers);
	bpf_iter_bits_new(&bits, &words, 1);
	while (bpf_iter_bits_next(&bits))
		sink++;
	bpf_iter_bits_destroy(&bits);
	bpf_iter_task_vma_new(&vmas, task, 0);
	while (bpf_iter_task_vma_next(&vmas))
		sink++;
	bpf_iter_task_vma_destroy(&vmas);
	return 0;
}

SEC("syscall")
int danger_cgroup_iterators(void *ctx)
{
	struct cgroup *root = bpf_cgroup_from_id(1);
	struct bpf_iter_css_task tasks;
	struct bpf_iter_css groups;
	struct bpf_iter_task all;

	if (!root)
		return 0;
	bpf_iter_css_task_new(&tasks, &root->self, CSS_TASK_ITER_PROCS);
	while (bpf_iter_css_task_next(&tasks))
		sink++;
	bpf_iter_css_task_destroy(&tasks);
	bpf_rcu_read_lock();
	bpf_iter_css_new(&groups, &root->self, BPF_CGROUP_ITER_DESCENDANTS_PRE);
	while (bpf_iter_css_next(&groups))
		sink++;
	bpf_iter_css_destroy(&groups);
	bpf_iter_task_new(&all, NULL, BPF_TASK_ITER_ALL_PROCS);
	while (bpf_iter_task_next(&all))
		sink++;
	bpf_iter_task_destroy(&all);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(root);
	return 0;
}

/* --- Dynptrs ----------------------------------------------------------------------------------------- */

SEC("syscall")
int danger_dynptrs(void *ctx)
{
	struct bpf_dynptr mem, record, clone;

	bpf_dynptr_from_mem(memory, sizeof(memory), 0, &mem);
	bpf_dynptr_write(&mem, 0, &sink, sizeof(sink), 0);
	bpf_ringbuf_reserve_dynptr(&records, 32, 0, &record);
	bpf_dynptr_clone(&record, &clone);
	sink = bpf_ktime_get_ns();
	bpf_ringbuf_discard_dynptr(&clone, 0);
	return 0;
}

/* --- Where 0 means success --------------------------------------------------------------------------- */

SEC("syscall")
int danger_close(void *ctx)
{
	bpf_sys_close(100000);
	return 0;
}

SEC("raw_tp/sys_enter")
int danger_branches(void *ctx)
{
	__u8 entries[72] = {};

	sink = bpf_get_branch_snapshot(entries, sizeof(entries), 0);
	return 0;
}

SEC("tc")
int danger_skb(struct __sk_buff *skb)
{
	struct bpf_fib_lookup fib = { .family = 2, .ifindex = 1 };
	struct bpf_sock_tuple tuple = {};
	struct iphdr ip = { .version = 4, .ihl = 5 };
	struct tcphdr tcp = { .doff = 5, .ack = 1 };
	struct bpf_sock *sk;
	__u32 mtu = 0;

	sink = bpf_skb_pull_data(skb, 0);
	sink += bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	sink += bpf_check_mtu(skb, 1, &mtu, 0, 0);
	tuple.ipv4.dport = bpf_htons(80);
	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4),
				BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		sink += bpf_tcp_check_syncookie(sk, &ip, sizeof(ip), &tcp,
						sizeof(tcp));
		bpf_sk_release(sk);
	}
	return TC_ACT_OK;
}

SEC("tc")
int danger_syncookies(struct __sk_buff *skb)
{
	struct iphdr ip = { .version = 4, .ihl = 5 };
	struct tcphdr tcp = { .doff = 5, .ack = 1 };
	struct ipv6hdr ip6 = { .version = 6 };

	sink = bpf_tcp_raw_check_syncookie_ipv4(&ip, &tcp);
	sink += bpf_tcp_raw_check_syncookie_ipv6(&ip6, &tcp);
	return TC_ACT_OK;
}

SEC("fentry.s/__x64_sys_getpgid")
int danger_signature(void *ctx)
{
	struct bpf_dynptr data, signature;
	struct bpf_key *keyring;

	bpf_dynptr_from_mem(memory, sizeof(memory), 0, &data);
	bpf_dynptr_from_mem(memory, 16, 0, &signature);
	keyring = bpf_lookup_system_key(0);
	if (!keyring)
		return 0;
	sink = bpf_verify_pkcs7_signature(&data, &signature, keyring);
	bpf_key_put(keyring);
	return 0;
}

SEC("xdp")
int danger_xdp(struct xdp_md *xdp)
{
	struct bpf_fib_lookup fib = { .family = 2, .ifindex = 1 };
	__u32 mtu = 0;

	sink = bpf_fib_lookup(xdp, &fib, sizeof(fib), 0);
	sink += bpf_check_mtu(xdp, 1, &mtu, 0, 0);
	return XDP_PASS;
}

/*
 * The verifier puts a call of bpf_skb_pull_data() in front. At its entry nothing is
 * redirected: the rest is long enough for an end to find it elsewhere.
 */
SEC("tc")
int danger_prologue(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;
	int i;

	if (data + 1 > (__u8 *)(long)skb->data_end)
		return TC_ACT_OK;
	data[0] = 1;
	for (i = 0; i < 20000; i++)
		sink += i;
	return TC_ACT_OK;
}

/* LD_ABS: calls that are in no program as it is loaded. */
SEC("socket")
int danger_ld_abs(struct __sk_buff *skb)
{
	return load_byte(skb, 0) + load_half(skb, 2) + load_word(skb, 4);
}

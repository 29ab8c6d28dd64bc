// SPDX-License-Identifier: GPL-2.0
/*
 * The other way to end a program, for comparison: its text is patched while it runs, as
 * public attempts do. A timer expires at the budget and queues a work item. On another CPU that
 * has text_poke_bp(), which sends interrupts to all CPUs, make a call of each place where
 * the program loops through a helper or an iterator return what ends the loop.
 *
 * User space finds the places and lists them beforehand, and has the text put back
 * afterwards. So what is measured is a timer, a work item, and patching.
 *
 * Not for anything but a benchmark in a VM: who opens the file patches the kernel.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <asm/text-patching.h>
#include "livepoke.h"

#define PATCH_SIZE 5
#define INT3 0xcc
#define CALL 0xe8
#define JMP 0xe9

static void (*poke)(void *addr, const void *opcode, size_t len,
		    const void *emulate);
static struct mutex *poke_mutex;

static DEFINE_MUTEX(lock);
static struct livepoke_plan plan;
static struct livepoke_times times;
static u8 saved[LIVEPOKE_SITES][PATCH_SIZE];
static struct task_struct *armed;
static struct hrtimer timer;
static atomic64_t strays;

/* Called by programs in place of what they called. */
static noinline notrace u64 return_zero(void)
{
	return 0;
}

static noinline notrace u64 return_one(void)
{
	return 1;
}

static void patch(bool back)
{
	u32 i;

	mutex_lock(poke_mutex);
	for (i = 0; i < plan.nr; i++) {
		const struct livepoke_site *s = &plan.site[i];
		unsigned long to = (unsigned long)(s->kind == LIVEPOKE_ENTRY ?
							   return_one :
							   return_zero);
		u8 insn[PATCH_SIZE];
		s32 rel = to - (s->addr + PATCH_SIZE);

		insn[0] = s->kind == LIVEPOKE_ENTRY ? JMP : CALL;
		memcpy(insn + 1, &rel, sizeof(rel));
		poke((void *)s->addr, back ? saved[i] : insn, PATCH_SIZE, NULL);
	}
	mutex_unlock(poke_mutex);
}

static void livepoke_work(struct work_struct *work)
{
	times.patching = ktime_get_ns();
	patch(false);
	times.patched = ktime_get_ns();
}

static DECLARE_WORK(work, livepoke_work);

static enum hrtimer_restart livepoke_timer(struct hrtimer *t)
{
	times.decided = ktime_get_ns();
	queue_work_on(plan.worker, system_highpri_wq, &work);
	return HRTIMER_NORESTART;
}

/* The last function before the program: what BPF_PROG_TEST_RUN has done until then is not its. */
static int livepoke_entry(struct kprobe *p, struct pt_regs *regs)
{
	if (READ_ONCE(armed) != current)
		return 0;
	WRITE_ONCE(armed, NULL);
	times.began = ktime_get_ns();
	hrtimer_start(&timer, ns_to_ktime(plan.budget_ns),
		      HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static struct kprobe entry = {
	.symbol_name = "bpf_test_run",
	.pre_handler = livepoke_entry,
};

/*
 * QEMU before 8.1 may go on executing an int3 that is no longer there, for ever: then do what is there
 * now. Else the benchmark would end here, in an oops.
 */
static int livepoke_int3(struct notifier_block *nb, unsigned long what,
			 void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	unsigned long next;
	const u8 *insn;
	s32 rel;
	u32 i;

	if (what != DIE_INT3)
		return NOTIFY_DONE;
	for (i = 0; i < READ_ONCE(plan.nr); i++) {
		insn = (const u8 *)plan.site[i].addr;
		if (regs->ip - 1 != (unsigned long)insn || *insn == INT3)
			continue;
		atomic64_inc(&strays);
		memcpy(&rel, insn + 1, sizeof(rel));
		next = (unsigned long)insn + PATCH_SIZE;
		if (*insn == CALL)
			int3_emulate_call(regs, next + rel);
		else
			int3_emulate_jmp(regs,
					 *insn == JMP ? next + rel : next);
		return NOTIFY_STOP;
	}
	return NOTIFY_DONE;
}

static struct notifier_block int3_block = {
	.notifier_call = livepoke_int3,
	.priority = INT_MAX,
};

static long livepoke_arm(const void __user *arg)
{
	u32 i;

	if (armed || times.patched)
		return -EBUSY;
	if (copy_from_user(&plan, arg, sizeof(plan)))
		return -EFAULT;
	if (plan.nr > LIVEPOKE_SITES || plan.worker >= nr_cpu_ids ||
	    !cpu_online(plan.worker)) {
		plan.nr = 0;
		return -EINVAL;
	}
	for (i = 0; i < plan.nr; i++)
		memcpy(saved[i], (void *)plan.site[i].addr, PATCH_SIZE);
	memset(&times, 0, sizeof(times));
	WRITE_ONCE(armed, current);
	return 0;
}

static long livepoke_done(void __user *arg)
{
	WRITE_ONCE(armed, NULL);
	hrtimer_cancel(&timer);
	flush_work(&work);
	times.strays = atomic64_read(&strays);
	return copy_to_user(arg, &times, sizeof(times)) ? -EFAULT : 0;
}

static long livepoke_back(void)
{
	if (times.patched)
		patch(true);
	times.patched = 0;
	return 0;
}

static long livepoke_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	long err = -ENOTTY;

	mutex_lock(&lock);
	if (cmd == LIVEPOKE_ARM)
		err = livepoke_arm((const void __user *)arg);
	else if (cmd == LIVEPOKE_DONE)
		err = livepoke_done((void __user *)arg);
	else if (cmd == LIVEPOKE_BACK)
		err = livepoke_back();
	mutex_unlock(&lock);
	return err;
}

static const struct file_operations livepoke_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.unlocked_ioctl = livepoke_ioctl,
};

static struct dentry *file;

/* Nothing of this is exported: found as by a debugger. */
static int __init find_symbols(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long (*lookup)(const char *name);
	int err;

	err = register_kprobe(&kp);
	if (err)
		return err;
	lookup = (void *)kp.addr;
	unregister_kprobe(&kp);
	poke = (void *)lookup("text_poke_bp");
	poke_mutex = (void *)lookup("text_mutex");
	return poke && poke_mutex ? 0 : -ENOENT;
}

static int __init livepoke_init(void)
{
	int err;

	err = find_symbols();
	if (err)
		return err;
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = livepoke_timer;
	err = register_die_notifier(&int3_block);
	if (err)
		return err;
	err = register_kprobe(&entry);
	if (err) {
		unregister_die_notifier(&int3_block);
		return err;
	}
	file = debugfs_create_file_unsafe("livepoke", 0600, NULL, NULL,
					  &livepoke_fops);
	return 0;
}

static void __exit livepoke_exit(void)
{
	debugfs_remove(file);
	unregister_kprobe(&entry);
	hrtimer_cancel(&timer);
	flush_work(&work);
	unregister_die_notifier(&int3_block);
}

module_init(livepoke_init);
module_exit(livepoke_exit);
MODULE_DESCRIPTION("Ends BPF programs by patching their text, for comparison");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* Rules by the namespaces of who has loaded a program, by BPF token and by the BTF. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/policy_ways.h"
#include "policy_spaces.skel.h"

#define BUDGET (7 * NSEC_PER_MSEC)
#define DIGEST_SIZE 32

/* Another process, in namespaces of its own, with the same file descriptors: it does what it
 * is asked for, and says what that returned.
 */
struct space {
	pid_t pid;
	int ask[2], answer[2];
};
static struct space spaces[2];

struct question {
	char what;
	int arg;
};

static int load(int token_fd)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int fd;

	if (token_fd) {
		opts.prog_flags = BPF_F_TOKEN_FD;
		opts.token_fd = token_fd;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "p_space", "GPL", insns,
			   ARRAY_SIZE(insns), &opts);
	return fd < 0 ? -errno : fd;
}

/* And off again. */
static int attach(int prog_fd)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd,
			 sizeof(prog_fd)) ?
		      -errno :
		      0;
	close(fd);
	return err;
}

static int opened(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int start(struct space *s, int flags);

/* A BPF token of the bpffs that is mounted there. */
static int token_of(int mount_fd)
{
	int dir = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -errno : bpf_token_create(dir, NULL);

	if (dir >= 0)
		close(dir);
	return fd;
}

static int fs_open(void)
{
	int fd = syscall(SYS_fsopen, "bpf", FSOPEN_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int answer(const struct question *q)
{
	switch (q->what) {
	case 'l':
		return load(q->arg);
	case 'a':
		return attach(q->arg);
	case 'u':
		return opened("/proc/self/ns/user");
	case 'p':
		return opened("/proc/self/ns/pid");
	case 'c':
		return start(&spaces[1], q->arg);
	case 'f':
		return fs_open();
	case 't':
		return token_of(q->arg);
	}
	return -EINVAL;
}

static void serve(const struct space *s)
{
	struct question q;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(s->ask[0], &q, sizeof(q)) == sizeof(q)) {
		int ret = answer(&q);

		if (write(s->answer[1], &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static int start(struct space *s, int flags)
{
	s->pid = syscall(SYS_clone, flags | CLONE_FILES | SIGCHLD, NULL, NULL,
			 NULL, 0);
	if (!s->pid)
		serve(s);
	return s->pid < 0 ? -errno : 0;
}

static int ask(int space, char what, int arg)
{
	struct question q = { .what = what, .arg = arg };
	int ret = -EPIPE;

	REQUIRE(write(spaces[space].ask[1], &q, sizeof(q)) == sizeof(q) &&
			read(spaces[space].answer[0], &ret, sizeof(ret)) ==
				sizeof(ret),
		"space %d: %m", space);
	return ret;
}

/* A file descriptor. */
static int ask_fd(int space, char what, int arg)
{
	int fd = ask(space, what, arg);

	REQUIRE(fd >= 0, "%c: %s", what, strerror(-fd));
	return fd;
}

static void make_pipes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		REQUIRE(!pipe(spaces[i].ask) && !pipe(spaces[i].answer),
			"pipe: %m");
}

static void start_space(int flags)
{
	int err = start(&spaces[0], flags);

	REQUIRE(!err, "clone: %s", strerror(-err));
}

static void end_space(void)
{
	kill(spaces[0].pid, SIGKILL);
	REQUIRE(waitpid(spaces[0].pid, NULL, 0) == spaces[0].pid, "wait: %m");
}

/* Nothing may be attached, but for the one that this rule speaks of. */
static struct bpf_policy_rule *all_but(struct policy **policy, __u32 flag)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	*policy = p;
	return policy_rule(p, BPF_POLICY_EXEMPT,
			   BPF_POLICY_F_EXEMPT_ATTACH | flag, "");
}

static void use_ns(__u32 flag, __u32 which, int fd)
{
	struct policy *p;
	struct bpf_policy_rule *r = all_but(&p, flag);

	if (flag == BPF_POLICY_F_USER_NS) {
		r->user_ns = which;
		r->user_ns_fd = fd;
	} else {
		r->pid_ns = which;
		r->pid_ns_fd = fd;
	}
	policy_use(p);
}

static void use_token(__u32 which, int fd)
{
	struct policy *p;
	struct bpf_policy_rule *r = all_but(&p, BPF_POLICY_F_TOKEN);

	r->token = which;
	r->token_fd = fd;
	policy_use(p);
}

static void is(int err, int want, const char *what)
{
	CHECK(err == want, "%s: %s, want %s", what, strerror(-err),
	      strerror(-want));
}

static void pid_ns(void)
{
	int own, other, below, ns[3];

	make_pipes();
	start_space(CLONE_NEWPID);
	is(ask(0, 'c', CLONE_NEWPID), 0, "a namespace below it");
	own = load(0);
	other = ask_fd(0, 'l', 0);
	below = ask_fd(1, 'l', 0);
	ns[0] = opened("/proc/self/ns/pid");
	ns[1] = ask_fd(0, 'p', 0);
	ns[2] = ask_fd(1, 'p', 0);

	use_ns(BPF_POLICY_F_PID_NS, BPF_POLICY_NS_INITIAL, 0);
	is(attach(own), 0, "initial");
	is(attach(other), -EACCES, "initial: loaded in another one");
	is(ask(0, 'a', own), -EACCES, "initial: attached in another one");
	is(ask(0, 'a', other), -EACCES, "initial: neither");

	use_ns(BPF_POLICY_F_PID_NS, BPF_POLICY_NS_OTHER, 0);
	is(attach(own), -EACCES, "other: neither");
	is(ask(0, 'a', other), 0, "other");
	is(ask(1, 'a', below), 0, "other: below");
	is(attach(other), -EACCES, "other: attached in the initial one");

	use_ns(BPF_POLICY_F_PID_NS, BPF_POLICY_NS_BELOW, ns[1]);
	is(ask(0, 'a', other), 0, "this one");
	is(ask(1, 'a', below), 0, "below this one");
	is(attach(own), -EACCES, "above this one");

	use_ns(BPF_POLICY_F_PID_NS, BPF_POLICY_NS_BELOW, ns[2]);
	is(ask(0, 'a', other), -EACCES, "above the lowest one");
	is(ask(0, 'a', below), -EACCES, "attached above the lowest one");
	is(ask(1, 'a', below), 0, "the lowest one");

	use_ns(BPF_POLICY_F_PID_NS, BPF_POLICY_NS_BELOW, ns[0]);
	is(attach(own), 0, "below the initial one: itself");
	is(ask(1, 'a', below), 0, "below the initial one");
	end_space();
}

static __u64 budget(int fd)
{
	return prog_info(fd).watchdog_effective_budget_ns;
}

/* A rule of programs, which is kept until another one is used. */
static void use_budget(__u32 which, int fd)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_PROGRAM,
			    BPF_POLICY_F_BUDGET | BPF_POLICY_F_PID_NS, "");

	r->budget_ns = BUDGET;
	r->pid_ns = which;
	r->pid_ns_fd = fd;
	policy_use(p);
}

static ino_t inode(int fd)
{
	struct stat st;

	REQUIRE(!fstat(fd, &st), "fstat: %m");
	return st.st_ino;
}

/* Namespaces that are kept, so that their numbers are not free. */
static int kept[500], n_kept;

static void keep(int ns)
{
	REQUIRE(n_kept < (int)ARRAY_SIZE(kept), "too many namespaces");
	kept[n_kept++] = ns;
}

/* The lowest free number goes first: take those that others have left. */
static void take_free_numbers(void)
{
	ino_t last = 0, this;
	int ns, row = 0;

	while (row < 20) {
		start_space(CLONE_NEWPID);
		ns = ask_fd(0, 'p', 0);
		end_space();
		this = inode(ns);
		row = this == last + 1 ? row + 1 : 0;
		last = this;
		keep(ns);
	}
}

/* It is not held. Programs from there are those of a namespace that was there, also when another
 * one has the number of its inode.
 */
static void pid_ns_gone(void)
{
	int prog, ns, fd;
	ino_t old;

	make_pipes();
	take_free_numbers();
	start_space(CLONE_NEWPID);
	prog = ask_fd(0, 'l', 0);
	ns = ask_fd(0, 'p', 0);
	old = inode(ns);
	use_budget(BPF_POLICY_NS_BELOW, ns);
	end_space();
	CHECK(budget(prog) == BUDGET, "this one: budget %llu", budget(prog));
	use_budget(BPF_POLICY_NS_INITIAL, 0);
	CHECK(budget(prog) != BUDGET, "initial: budget %llu", budget(prog));
	use_budget(BPF_POLICY_NS_BELOW, ns);
	close(ns);
	CHECK(budget(prog) == BUDGET, "closed: budget %llu", budget(prog));

	for (;;) {
		grace_period();
		start_space(CLONE_NEWPID);
		ns = ask_fd(0, 'p', 0);
		if (inode(ns) == old)
			break;
		end_space();
		keep(ns);
	}
	fd = ask_fd(0, 'l', 0);
	CHECK(budget(fd) != BUDGET, "its inode: budget %llu", budget(fd));
	use_budget(BPF_POLICY_NS_BELOW, ns);
	CHECK(budget(fd) == BUDGET && budget(prog) != BUDGET,
	      "by its inode: budgets %llu %llu", budget(fd), budget(prog));
	use_budget(BPF_POLICY_NS_OTHER, 0);
	CHECK(budget(fd) == BUDGET && budget(prog) == BUDGET,
	      "other: budgets %llu %llu", budget(fd), budget(prog));
	end_space();
}

/* A bpffs of the user namespace, from which that may make tokens. Its mount. */
static int bpffs(void)
{
	static const char *const keys[] = { "delegate_cmds", "delegate_maps",
					    "delegate_progs",
					    "delegate_attachs" };
	int fs = ask_fd(0, 'f', 0), fd;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		REQUIRE(!syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, keys[i],
				 "any", 0),
			"%s: %m", keys[i]);
	REQUIRE(!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0),
		"bpffs: %m");
	fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	REQUIRE(fd >= 0, "fsmount: %m");
	close(fs);
	return fd;
}

static void start_user_ns(void)
{
	char path[60];

	make_pipes();
	start_space(CLONE_NEWUSER | CLONE_NEWNS);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", spaces[0].pid);
	file_write(path, "deny");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", spaces[0].pid);
	REQUIRE(!file_write(path, "0 0 1"), "uid_map: %m");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", spaces[0].pid);
	REQUIRE(!file_write(path, "0 0 1"), "gid_map: %m");
}

/* What a mount is of, as a rule names it. */
static int folder(int mount_fd)
{
	int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	REQUIRE(fd >= 0, "bpffs: %m");
	return fd;
}

/* A program that the other process loads by a token of the bpffs. */
static int load_by_token(int mount_fd)
{
	int token = ask_fd(0, 't', mount_fd), fd = ask_fd(0, 'l', token);

	/* It holds the mount. */
	close(token);
	return fd;
}

static void user_ns(void)
{
	int own, other, mount_fd, ns, init;

	start_user_ns();
	mount_fd = bpffs();
	own = load(0);
	other = load_by_token(mount_fd);
	ns = ask_fd(0, 'u', 0);
	init = opened("/proc/self/ns/user");

	use_ns(BPF_POLICY_F_USER_NS, BPF_POLICY_NS_INITIAL, 0);
	is(attach(own), 0, "initial");
	is(attach(other), -EACCES, "initial: loaded in another one");
	is(ask(0, 'a', own), -EACCES, "initial: attached in another one");

	use_ns(BPF_POLICY_F_USER_NS, BPF_POLICY_NS_OTHER, 0);
	is(attach(own), -EACCES, "other: neither");
	is(attach(other), -EACCES, "other: attached in the initial one");
	is(ask(0, 'a', other), 0, "other");

	use_ns(BPF_POLICY_F_USER_NS, BPF_POLICY_NS_BELOW, ns);
	is(ask(0, 'a', other), 0, "this one");
	is(attach(own), -EACCES, "not this one");
	use_ns(BPF_POLICY_F_USER_NS, BPF_POLICY_NS_BELOW, init);
	is(ask(0, 'a', other), 0, "below the initial one");
	end_space();
}

static void token(void)
{
	int none, first, second, third, mounts[3], dir;
	struct stat old, new;

	start_user_ns();
	mounts[0] = bpffs();
	mounts[1] = bpffs();
	none = load(0);
	first = load_by_token(mounts[0]);
	second = load_by_token(mounts[1]);

	use_token(BPF_POLICY_TOKEN_NONE, 0);
	is(attach(none), 0, "none");
	is(attach(first), -EACCES, "none: by a token");
	use_token(BPF_POLICY_TOKEN_ANY, 0);
	is(attach(none), -EACCES, "any: by none");
	is(ask(0, 'a', first), 0, "any");
	is(ask(0, 'a', second), 0, "any: of another bpffs");
	/* It is the program that has it, whoever attaches it. */
	is(attach(first), 0, "any: attached by another one");
	dir = folder(mounts[1]);
	use_token(BPF_POLICY_TOKEN_OF, dir);
	is(ask(0, 'a', second), 0, "of this bpffs");
	is(ask(0, 'a', first), -EACCES, "of another bpffs");
	is(attach(none), -EACCES, "of none");

	/* Nothing holds it, and one that comes later is another one, also on the same device. */
	is(fstat(dir, &old), 0, "fstat");
	close(dir);
	close(mounts[1]);
	is(ask(0, 'a', second), 0, "of a bpffs that is gone");
	end_space();
	close(mounts[0]);
	grace_period();
	start_user_ns();
	mounts[2] = bpffs();
	third = load_by_token(mounts[2]);
	dir = folder(mounts[2]);
	is(fstat(dir, &new), 0, "fstat");
	diag("devices %lu and %lu", (unsigned long)old.st_dev,
	     (unsigned long)new.st_dev);
	is(ask(0, 'a', third), -EACCES, "of a later one");
	end_space();
}

/* Who is given a token, but has no rights where it is from, has not loaded by it. */
static void token_lent(void)
{
	int token, mine, lent;

	start_user_ns();
	token = ask_fd(0, 't', bpffs());
	mine = ask_fd(0, 'l', token);
	REQUIRE(!file_write("/proc/sys/kernel/unprivileged_bpf_disabled", "0"),
		"unprivileged_bpf_disabled: %m");
	/* Of this thread only. */
	REQUIRE(!syscall(SYS_setresuid, -1, 1000, -1), "setresuid: %m");
	lent = load(token);
	REQUIRE(!syscall(SYS_setresuid, -1, 0, -1), "setresuid: %m");
	REQUIRE(lent >= 0, "without privileges: %s", strerror(-lent));
	use_token(BPF_POLICY_TOKEN_ANY, 0);
	is(attach(mine), 0, "by its token");
	is(attach(lent), -EACCES, "by that of another one");
	use_token(BPF_POLICY_TOKEN_NONE, 0);
	is(attach(mine), -EACCES, "none: by a token");
	is(attach(lent), 0, "none: without a right to it");
	end_space();
}

/* A program of this name that has been loaded, or -1. */
static int loaded_as(const char *name)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0 && !strcmp(prog_info(fd).name, name))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int queue_load(struct policy_spaces *skel)
{
	struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	__u64 before = ctl->finished;

	REQUIRE(!prog_run(bpf_program__fd(skel->progs.queues), NULL),
		"run: %m");
	REQUIRE(wait_for(&ctl->finished, before + 1, NSEC_PER_SEC * 10),
		"nothing was loaded");
	return skel->bss->loaded;
}

/* A kernel thread that loads for a program is not the one whose that program is. */
static void kernel_thread(void)
{
	struct policy_spaces *skel = policy_spaces__open_and_load();
	int own, fd, err;

	REQUIRE(skel, "policy_spaces: %m");
	err = queue_load(skel);
	REQUIRE(err >= 0, "without a policy: %s", strerror(-err));
	own = load(0);
	fd = loaded_as("p_queued");
	REQUIRE(own >= 0 && fd >= 0, "%d %d", own, fd);
	use_budget(BPF_POLICY_NS_INITIAL, 0);
	CHECK(budget(own) == BUDGET, "ours: budget %llu", budget(own));
	CHECK(budget(fd) != BUDGET, "its: budget %llu", budget(fd));
	is(queue_load(skel), -EACCES, "where a policy enforces");
	policy_spaces__destroy(skel);
}

/* That of the BTF of a program, as user space finds it. */
static void digest_of(int prog_fd, __u8 *digest)
{
	static char data[256 * 1024];
	struct bpf_btf_info info = { .btf = (unsigned long)data,
				     .btf_size = sizeof(data) };
	__u32 len = sizeof(info);
	char path[200], text[200];
	FILE *f;
	int fd = bpf_btf_get_fd_by_id(prog_info(prog_fd).btf_id);

	REQUIRE(fd >= 0 && !bpf_btf_get_info_by_fd(fd, &info, &len) &&
			info.btf_size <= sizeof(data),
		"BTF: %m");
	close(fd);
	snprintf(path, sizeof(path), "%s/btf", scratch());
	f = fopen(path, "we");
	REQUIRE(f && fwrite(data, info.btf_size, 1, f) == 1 && !fclose(f),
		"%s: %m", path);
	REQUIRE(!run_command(text, sizeof(text), "sha256sum %s", path),
		"sha256sum: %s", text);
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		REQUIRE(sscanf(text + 2 * i, "%2hhx", &digest[i]) == 1, "%s",
			text);
}

static void use_btf(const __u8 *digest, const __u8 *tag)
{
	struct policy *p;
	struct bpf_policy_rule *r = all_but(&p, BPF_POLICY_F_BTF);

	memcpy(r->btf_digest, digest, DIGEST_SIZE);
	if (tag) {
		r->flags |= BPF_POLICY_F_TAG;
		memcpy(r->tag, tag, sizeof(r->tag));
	}
	policy_use(p);
}

/* Other instructions with the BTF of a program. */
static int load_with_btf(int prog_fd)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = prog_info(prog_fd);
	struct bpf_func_info func[8] = {};
	struct bpf_prog_info more = { .nr_func_info = 1,
				      .func_info_rec_size = sizeof(func[0]),
				      .func_info = (unsigned long)func };
	__u32 len = sizeof(more);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .func_info = func,
		    .func_info_cnt = 1, .func_info_rec_size = sizeof(func[0]));
	int fd;

	REQUIRE(!bpf_prog_get_info_by_fd(prog_fd, &more, &len), "info: %m");
	opts.prog_btf_fd = bpf_btf_get_fd_by_id(info.btf_id);
	REQUIRE((int)opts.prog_btf_fd >= 0, "BTF: %m");
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "p_other", "GPL", insns,
			   ARRAY_SIZE(insns), &opts);
	REQUIRE(fd >= 0, "load: %m");
	close(opts.prog_btf_fd);
	return fd;
}

/* The BTF alone is a name that others may use; with the tag it is the object. */
static void btf(void)
{
	__u8 digest[DIGEST_SIZE];
	struct bpf_prog_info info;
	int prog, other, bare = load(0);

	OPEN("p_socket");
	prog = way_fd("p_socket");
	info = prog_info(prog);
	other = load_with_btf(prog);
	digest_of(prog, digest);
	use_btf(digest, NULL);
	is(attach(prog), 0, "its BTF");
	is(attach(bare), -EACCES, "without BTF");
	is(attach(other), 0, "other instructions with it");
	use_btf(digest, info.tag);
	is(attach(prog), 0, "its BTF and tag");
	is(attach(other), -EACCES, "another tag");
	digest[DIGEST_SIZE - 1] ^= 1;
	use_btf(digest, NULL);
	is(attach(prog), -EACCES, "another BTF");
	use_btf(digest, info.tag);
	is(attach(prog), -EACCES, "another BTF, its tag");
}

/* What is loaded while a policy is in force. */
static void loaded_later(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	int own, other;

	make_pipes();
	start_space(CLONE_NEWPID);
	r = policy_rule(p, BPF_POLICY_PROGRAM,
			BPF_POLICY_F_BUDGET | BPF_POLICY_F_PID_NS |
				BPF_POLICY_F_USER_NS | BPF_POLICY_F_TOKEN,
			"");
	r->budget_ns = BUDGET;
	r->pid_ns = BPF_POLICY_NS_OTHER;
	policy_use(p);
	own = load(0);
	other = ask_fd(0, 'l', 0);
	CHECK(budget(own) != BUDGET, "own: budget %llu", budget(own));
	CHECK(budget(other) == BUDGET, "other: budget %llu", budget(other));
	end_space();
}

/* What was given comes back, with the inode in place of the file descriptor. */
static void read_back(void)
{
	int ns = opened("/proc/self/ns/user");
	struct policy *p;
	struct bpf_policy_rule *r =
		all_but(&p, BPF_POLICY_F_USER_NS | BPF_POLICY_F_PID_NS |
				    BPF_POLICY_F_TOKEN | BPF_POLICY_F_BTF);
	struct stat st;
	int dir;

	mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
	dir = opened("/sys/fs/bpf");
	REQUIRE(ns >= 0 && dir >= 0 && !fstat(dir, &st), "%m");
	r->user_ns = BPF_POLICY_NS_BELOW;
	r->user_ns_fd = ns;
	r->pid_ns = BPF_POLICY_NS_OTHER;
	r->token = BPF_POLICY_TOKEN_OF;
	r->token_fd = dir;
	memset(r->btf_digest, 7, sizeof(r->btf_digest));
	policy_use(p);
	memset(r, 0, sizeof(*r));
	REQUIRE(!policy_get(p), "get");
	r = &p->rules[2];
	CHECK(r->user_ns == BPF_POLICY_NS_BELOW && r->user_ns_fd == inode(ns),
	      "user_ns %u %u", r->user_ns, r->user_ns_fd);
	CHECK(r->pid_ns == BPF_POLICY_NS_OTHER && !r->pid_ns_fd, "pid_ns %u %u",
	      r->pid_ns, r->pid_ns_fd);
	CHECK(r->token == BPF_POLICY_TOKEN_OF && r->token_fd == st.st_dev,
	      "token %u %u, want %lu", r->token, r->token_fd,
	      (unsigned long)st.st_dev);
	CHECK(r->btf_digest[31] == 7, "digest");
}

static int ns_of_users, ns_of_pids, no_ns;

static void not_open(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_USER_NS;
	r->user_ns = BPF_POLICY_NS_BELOW;
	r->user_ns_fd = 9999;
}
static void ns_of_another_kind(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_USER_NS;
	r->user_ns = BPF_POLICY_NS_BELOW;
	r->user_ns_fd = ns_of_pids;
}
static void pid_ns_of_another_kind(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_PID_NS;
	r->pid_ns = BPF_POLICY_NS_BELOW;
	r->pid_ns_fd = ns_of_users;
}
static void file_is_no_ns(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_PID_NS;
	r->pid_ns = BPF_POLICY_NS_BELOW;
	r->pid_ns_fd = no_ns;
}
static void file_is_no_bpffs(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_TOKEN;
	r->token = BPF_POLICY_TOKEN_OF;
	r->token_fd = no_ns;
}
static void ns_out_of_range(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_USER_NS;
	r->user_ns = BPF_POLICY_NS_BELOW + 1;
}
static void token_out_of_range(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_TOKEN;
	r->token = BPF_POLICY_TOKEN_OF + 1;
}
static void ns_without_below(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_USER_NS;
	r->user_ns_fd = ns_of_users;
}
static void bpffs_of_any(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_TOKEN;
	r->token = BPF_POLICY_TOKEN_ANY;
	r->token_fd = no_ns;
}
static void user_ns_without_flag(struct bpf_policy_rule *r)
{
	r->user_ns = BPF_POLICY_NS_OTHER;
}
static void pid_ns_without_flag(struct bpf_policy_rule *r)
{
	r->pid_ns_fd = ns_of_pids;
}
static void token_without_flag(struct bpf_policy_rule *r)
{
	r->token = BPF_POLICY_TOKEN_ANY;
}
static void digest_without_flag(struct bpf_policy_rule *r)
{
	r->btf_digest[31] = 1;
}
static void says_nothing(struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_USER_NS | BPF_POLICY_F_PID_NS |
		   BPF_POLICY_F_TOKEN | BPF_POLICY_F_BTF;
}
static void of_hook(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_HOOK;
	r->flags = BPF_POLICY_F_TOKEN;
}

static void input(void)
{
	static const struct {
		const char *what;
		void (*spoil)(struct bpf_policy_rule *r);
		__u32 reason;
	} rows[] = {
		{ "not open", not_open, BPF_POLICY_BAD_FD },
		{ "a namespace of PIDs", ns_of_another_kind,
		  BPF_POLICY_BAD_FD },
		{ "a user namespace", pid_ns_of_another_kind,
		  BPF_POLICY_BAD_FD },
		{ "no namespace", file_is_no_ns, BPF_POLICY_BAD_FD },
		{ "no bpffs", file_is_no_bpffs, BPF_POLICY_BAD_FD },
		{ "which namespace", ns_out_of_range, BPF_POLICY_BAD_MATCH },
		{ "which token", token_out_of_range, BPF_POLICY_BAD_MATCH },
		{ "a namespace besides the initial one", ns_without_below,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "a bpffs besides any token", bpffs_of_any,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "user_ns without its flag", user_ns_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "pid_ns without its flag", pid_ns_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "token without its flag", token_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "digest without its flag", digest_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "exempt from nothing", says_nothing, BPF_POLICY_NO_LIMIT },
		{ "of a hook", of_hook, BPF_POLICY_BAD_FLAGS },
	};
	struct policy *p;
	size_t i;
	int err;

	ns_of_users = opened("/proc/self/ns/user");
	ns_of_pids = opened("/proc/self/ns/pid");
	no_ns = opened("/dev/null");
	REQUIRE(ns_of_users >= 0 && ns_of_pids >= 0 && no_ns >= 0, "%m");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		rows[i].spoil(policy_rule(p, BPF_POLICY_EXEMPT,
					  BPF_POLICY_F_EXEMPT_ATTACH, "x"));
		err = policy_load(p);
		CHECK(err == -EINVAL && p->bad_reason == rows[i].reason,
		      "%s: %s, reason %u", rows[i].what, strerror(-err),
		      p->bad_reason);
	}
}

#define TEST(fn, desc) { #fn, desc, fn, NEEDS_WATCHDOG }

static const struct test tests[] = {
	TEST(btf, "exempt by the BTF of the program, and whoever else uses it"),
	TEST(input, "namespaces, tokens and hashes that no rule can mean"),
	TEST(kernel_thread, "what a kernel thread loads for a program"),
	TEST(loaded_later, "programs that come while the policy is in force"),
	TEST(pid_ns, "exempt by namespace of PIDs, of loader and attacher"),
	TEST(pid_ns_gone, "a namespace that is gone, and its inode another's"),
	TEST(read_back, "what a rule names is read back"),
	TEST(token, "exempt by BPF token, and by the bpffs that it is of"),
	TEST(token_lent, "a token that grants nothing does not count"),
	TEST(user_ns, "exempt by user namespace, of loader and attacher"),
};

const struct suite suite_policy_spaces = {
	.name = "policy_spaces",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};

// SPDX-License-Identifier: GPL-2.0
/* How SEC() spells types of programs and of attachments. */
#include <bpf/libbpf.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "progs/sections.h"
#include "show/types.h"

/* libbpf knows which type and attach type a section name stands for; the other
 * way round, the first name of this list that yields them is the answer.
 */
static const char *const sections[] = {
	"socket",
	"sk_reuseport/migrate",
	"sk_reuseport",
	"kprobe",
	"kprobe.multi",
	"kprobe.session",
	"uprobe.multi",
	"tcx/ingress",
	"tcx/egress",
	"tc",
	"action",
	"netkit/primary",
	"netkit/peer",
	"tp",
	"raw_tp",
	"raw_tp.w",
	"tp_btf",
	"fentry",
	"fmod_ret",
	"fexit",
	"freplace",
	"lsm",
	"lsm_cgroup",
	"iter",
	"syscall",
	"xdp/devmap",
	"xdp/cpumap",
	"xdp",
	"perf_event",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"lwt_seg6local",
	"sockops",
	"sk_skb/stream_parser",
	"sk_skb/stream_verdict",
	"sk_skb/verdict",
	"sk_skb",
	"sk_msg",
	"lirc_mode2",
	"flow_dissector",
	"cgroup_skb/ingress",
	"cgroup_skb/egress",
	"cgroup/skb",
	"cgroup/sock_create",
	"cgroup/sock_release",
	"cgroup/post_bind4",
	"cgroup/post_bind6",
	"cgroup/bind4",
	"cgroup/bind6",
	"cgroup/connect4",
	"cgroup/connect6",
	"cgroup/connect_unix",
	"cgroup/sendmsg4",
	"cgroup/sendmsg6",
	"cgroup/sendmsg_unix",
	"cgroup/recvmsg4",
	"cgroup/recvmsg6",
	"cgroup/recvmsg_unix",
	"cgroup/getpeername4",
	"cgroup/getpeername6",
	"cgroup/getpeername_unix",
	"cgroup/getsockname4",
	"cgroup/getsockname6",
	"cgroup/getsockname_unix",
	"cgroup/sysctl",
	"cgroup/getsockopt",
	"cgroup/setsockopt",
	"cgroup/dev",
	"struct_ops",
	"sk_lookup",
	"netfilter",
};

const char *section_of_attach(enum bpf_attach_type attach)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		enum bpf_prog_type type;
		enum bpf_attach_type expected;

		if (!libbpf_prog_type_by_name(sections[i], &type, &expected) &&
		    expected == attach &&
		    (attach || type == BPF_PROG_TYPE_CGROUP_SKB))
			return sections[i];
	}
	return libbpf_bpf_attach_type_str(attach);
}

size_t section_attach_types(enum bpf_prog_type of, enum bpf_attach_type *types,
			    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections) && n < max; i++) {
		enum bpf_prog_type type;
		enum bpf_attach_type expected;
		size_t k = 0;

		if (libbpf_prog_type_by_name(sections[i], &type, &expected) ||
		    type != of)
			continue;
		while (k < n && types[k] != expected)
			k++;
		if (k == n)
			types[n++] = expected;
	}
	return n;
}

/* Types that the operator can attach without a link. Of the others a program
 * without a link is not attached.
 */
static const struct {
	enum bpf_prog_type type;
	const char *section;
	bool told; /* the kernel says where they are */
} linkless[] = {
	{ BPF_PROG_TYPE_SOCKET_FILTER, "socket" },
	{ BPF_PROG_TYPE_SCHED_CLS, "tc", true },
	{ BPF_PROG_TYPE_SCHED_ACT, "action" },
	{ BPF_PROG_TYPE_PERF_EVENT, "perf_event" },
	{ BPF_PROG_TYPE_CGROUP_SKB, "cgroup/skb", true },
	{ BPF_PROG_TYPE_CGROUP_SOCK, "cgroup/sock", true },
	{ BPF_PROG_TYPE_CGROUP_DEVICE, "cgroup/dev", true },
	{ BPF_PROG_TYPE_CGROUP_SYSCTL, "cgroup/sysctl", true },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, "cgroup/sockopt", true },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "cgroup/sock_addr", true },
	{ BPF_PROG_TYPE_LWT_IN, "lwt_in" },
	{ BPF_PROG_TYPE_LWT_OUT, "lwt_out" },
	{ BPF_PROG_TYPE_LWT_XMIT, "lwt_xmit" },
	{ BPF_PROG_TYPE_LWT_SEG6LOCAL, "lwt_seg6local" },
	{ BPF_PROG_TYPE_SOCK_OPS, "sockops", true },
	{ BPF_PROG_TYPE_SK_SKB, "sk_skb", true },
	{ BPF_PROG_TYPE_SK_MSG, "sk_msg", true },
	{ BPF_PROG_TYPE_SK_REUSEPORT, "sk_reuseport" },
	{ BPF_PROG_TYPE_LIRC_MODE2, "lirc_mode2", true },
	{ BPF_PROG_TYPE_FLOW_DISSECTOR, "flow_dissector", true },
	{ BPF_PROG_TYPE_SYSCALL, "syscall" },
};

const char *section_of_linkless(enum bpf_prog_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(linkless); i++)
		if (linkless[i].type == type)
			return linkless[i].section;
	return NULL;
}

bool section_is_told(enum bpf_prog_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(linkless); i++)
		if (linkless[i].type == type)
			return linkless[i].told;
	return true;
}

/* Hooks that no SEC() names: uses of a program that the kernel's policy gate knows. */
static const char *const gate_kinds[] = {
	"kretprobe", "uprobe",	"uretprobe",  "prog_array", "xt_bpf",
	"tun",	     "kcm",	"fanout",     "tcx",	    "netkit",
	"cgroup",    "unknown", "breakpoint",
};

bool section_kind_fits(const char *pattern)
{
	for (size_t i = 0; i < ARRAY_SIZE(gate_kinds); i++)
		if (!fnmatch(pattern, gate_kinds[i], 0))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		char kind[64];

		snprintf(kind, sizeof(kind), "%.*s",
			 (int)strcspn(sections[i], "/"), sections[i]);
		if (!fnmatch(pattern, kind, 0))
			return true;
	}
	return false;
}

bool section_is_kind(const char *kind)
{
	return !strpbrk(kind, "*?[\\") && section_kind_fits(kind);
}

/* What SEC() may say, and what the kernel's policy gate says of that. */
static const struct {
	const char *section, *hook;
} spellings[] = {
	{ "tracepoint", "tp" },
	{ "raw_tracepoint", "raw_tp" },
	{ "raw_tracepoint.w", "raw_tp" },
	{ "raw_tp.w", "raw_tp" },
	{ "kprobe.multi", "kprobe" },
	{ "kprobe.session", "kprobe" },
	{ "kretprobe.multi", "kretprobe" },
	{ "ksyscall/", "kprobe/__x64_sys_" },
	{ "kretsyscall/", "kretprobe/__x64_sys_" },
	{ "uprobe.s", "uprobe" },
	{ "uprobe.multi", "uprobe" },
	{ "uprobe.multi.s", "uprobe" },
	{ "uretprobe.s", "uretprobe" },
	{ "uretprobe.multi", "uretprobe" },
	{ "uretprobe.multi.s", "uretprobe" },
	{ "usdt", "uprobe" },
	{ "usdt.s", "uprobe" },
	{ "fentry.s", "fentry" },
	{ "fexit.s", "fexit" },
	{ "fmod_ret.s", "fmod_ret" },
	{ "lsm.s", "lsm" },
	{ "iter.s", "iter" },
	{ "struct_ops.s", "struct_ops" },
	{ "xdp.frags", "xdp" },
	{ "classifier", "tc" },
};

/* Those that end in SEC() where the kernel goes on: with a device, a function, ... */
static const char *const open_ended[] = {
	"xdp",	       "tc",	     "tcx",	   "tcx/ingress",
	"tcx/egress",  "netkit",     "netfilter",  "netkit/primary",
	"netkit/peer", "kprobe",     "kretprobe",  "uprobe",
	"uretprobe",   "fentry",     "fexit",	   "fmod_ret",
	"lsm",	       "lsm_cgroup", "tp",	   "raw_tp",
	"tp_btf",      "iter",	     "struct_ops", "freplace",
	"breakpoint",
};

/* Is text this word, or does a slash follow, unless one is in it? Then what is behind. */
static const char *behind_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len))
		return NULL;
	return !text[len] || text[len] == '/' || word[len - 1] == '/' ?
		       text + len :
		       NULL;
}

char *section_hook(const char *section, const char *open)
{
	const char *kind = "", *rest = section, *at, *more = "";
	size_t len;
	char *hook;

	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		at = behind_word(section, spellings[i].section);
		if (!at)
			continue;
		kind = spellings[i].hook;
		rest = at;
		break;
	}
	len = strlen(rest);
	/* where a probe is in the file, only its loader knows */
	if (*rest && !strncmp(section, "usdt", 4)) {
		len = strcspn(rest, ":");
		more = ":";
	}
	for (size_t i = 0; i < ARRAY_SIZE(open_ended); i++)
		if (!strcmp(*kind && !*rest ? kind : section, open_ended[i]))
			more = "/";
	if (asprintf(&hook, "%s%.*s%s%s", kind, (int)len, rest, more,
		     *more ? open : "") < 0)
		return NULL;
	return hook;
}

#!/bin/bash
# Does estimate_random find faults? Puts each of these into the algorithms, one by one, and
# runs it: mutate.sh [PROGRAMS]. KSRC and O as for the Makefile. A line: file|name|sed expression; "=" before the name:
# the fault changes no bound for the worse, the reason is said, and it must not be found.
# Exit status: 0 if all that are to be found are.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
O=${O:-$(readlink -f "$here/../../.output")}
est=${KSRC:-$O/linux}/kernel/bpf/runtime
nr=${1:-100000}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
missed=0

while IFS='|' read -r file name expr; do
	[[ -n $file && $file != '#'* ]] || continue
	cp "$est"/estimate{,_solve,_spots,_fast}.c "$tmp"
	sed -i -e "$expr" "$tmp/$file.c"
	if cmp -s "$tmp/$file.c" "$est/$file.c"; then
		printf '%-55s not applied: its line has changed\n' "$name"
		missed=1
		continue
	fi
	gcc -O2 -w -I"$here" -I"$est" -I"$O/uapi/include" -o "$tmp/random" \
		"$here/estimate_random.c" "$tmp"/estimate*.c
	# One in a million programs shows the rarest; those after are other ones.
	if timeout 120 "$tmp/random" "$nr" >"$tmp/out" 2>&1 && { [[ $name == =* ]] ||
		timeout 600 "$tmp/random" $((nr * 20)) $((nr + 1)) >"$tmp/out" 2>&1; }; then
		found=no
	else
		found=yes
	fi
	case $name$found in
	=*yes) verdict='found, but is said to be none' missed=1 ;;
	=*no) verdict='none' ;;
	*yes) verdict=found ;;
	*) verdict='NOT FOUND' missed=1 ;;
	esac
	printf '%-55s %s\n' "$name" "$verdict"
done <<'X'
estimate_solve|a way out on the way counts all rounds less one, always|s/rounds -= !leave \&\& rounds;/rounds -= !!rounds;/
estimate_solve|the least rounds are counted where the loop is left before|s/leave ? bpf_est_add(way.min, extra) : way.min/bpf_est_add(way.min, extra)/
estimate_solve|headers elsewhere are forgotten|s/least \&= heads == g->vars\[var\].heads;//
estimate_solve|each loop is taken to begin anew|s/least = est_is_fresh(ev, nodes, nr, comp, var);/least = 1;/
estimate_solve|=a way that begins the loop anew is not told (less is the least)|s/if (est_resets(ev, ev->out\[j\], var))/if (0)/
estimate_solve|resets do not count|s/g->vars\[bpf_est_find(g, g->events\[k\].id)\].stamp = comp;/;/
estimate_solve|callbacks never stop|s/\&\& !var->may_stop \&\& cycle_min/\&\& cycle_min/
estimate_solve|sinks that a node has no value for|s/last = min(level, ev->v\[v\].depth);/last = level;/
estimate_solve|the shortest way through the header is forgotten|s/val->min = min(val->min, bpf_est_add(to_head->min, min));/;/
estimate_solve|a new call of the helper does not begin its loop anew|s/g->vars\[var\].stamp = comp;$/;/
estimate_solve|=the innermost loop first (any order is right)|s/nodes\[i\] < head) {/(head == U32_MAX || nodes[i] > head)) {/
estimate_solve|the longest of the shortest ways|s/val->min = min(val->min, min);/val->min = max(val->min == U64_MAX ? 0 : val->min, min);/
estimate_solve|the longest of the shortest rounds|s/cycle_min = min(cycle_min, val->min);/cycle_min = cycle_min == U64_MAX ? val->min : max(cycle_min, val->min);/
estimate_solve|one round less|s/loop->max = bpf_est_add(g->vars\[var\].max, more);/loop->max = g->vars[var].max - 1 + more;/
estimate_solve|passes of a may_goto that is used up|s/loop->max = bpf_est_add(g->vars\[var\].max, more);/loop->max = g->vars[var].max;/
estimate_solve|=a cycle of a may_goto that is used up (no limit of rounds)|s/if (more == U64_MAX) {/if (0) {/
estimate|global functions cost nothing|s/cost->worst = bpf_est_add(cost->worst, func->worst);/;/
estimate|global functions take their worst at least|s/cost->best = bpf_est_add(cost->best, func->best);/cost->best = bpf_est_add(cost->best, func->worst);/
estimate|global functions weigh nothing|s/cost->worst = bpf_est_add(cost->worst, func->weight);/;/
estimate_solve|what has no bound has one|s/all.max = U64_MAX;/all.max = ev->val[sink][nodes[i]].max;/
estimate_solve|no way out is no way|s/.max = sink ? 0 : U64_MAX, .min/.max = 0, .min/
estimate_solve|loops without a limit have one|s/if (rounds == U64_MAX || loop->cycle == U64_MAX) {/if (0) {/
estimate_solve|headers are the exit|s/sink = v ? ev->v\[v\].depth : 0;/sink = 0;/
estimate_solve|only the last header counts|s/if (val->max > cycle_max || !loop->head) {/if (1) {/
estimate_solve|what jumps to itself is no cycle|s/cycle = u == est_rep/cycle = 0 \&\& u == est_rep/
estimate_solve|only the first way out of a header counts|s/if (way.max > \*max) {/if (!*max) {/
estimate_solve|only the first edge counts|s/if (max > val->max) {/if (!val->max) {/
estimate_solve|no way through the header|s/if (to_head->max \&\& bpf_est_add(to_head->max - 1, max) > val->max) {/if (0) {/
estimate_solve|nested bounds are lost|s/bpf_est_mul(rounds, loop->cycle)/loop->cycle/
estimate|one less at least|s/func->best = ev->val\[0\]\[root\].min == U64_MAX ? 0 : ev->val\[0\]\[root\].min;/func->best = ev->val[0][root].min + 1;/
estimate|timers run for nothing|s/all = max(all, ev->val\[0\]\[root\].max - 1);/;/
estimate|a timer without an end has one|s/if (!ev->val\[0\]\[root\].max || ev->val\[0\]\[root\].max == U64_MAX)/if (0)/
estimate|timers weigh nothing|s/res->weight = max(g->funcs\[0\].weight, async);/res->weight = g->funcs[0].weight;/
estimate|timers have the best of two bounds that fits neither|s/res->async = min(res->async, async);/res->async = min(res->async, async) \/ 2;/
estimate_fast|elements are taken|s/if (n->var \&\& !(edge->flags \& BPF_EST_LEAVE) \&\& g->insns\[n->insn\] \& BPF_EST_CUT)/if (0)/
estimate_fast|jumps are forced the other way|s/^#define EST_NO_TAKE\t\t(BPF_EST_FORCE_FALL/#define EST_NO_TAKE\t\t(BPF_EST_FORCE_TAKE/
estimate_fast|calls that run are stubs|s/flags \& BPF_EST_STUB ? g->stub : event->worst;/g->stub;/
estimate_fast|global functions that run cost nothing|s/return flags \& BPF_EST_STUB ? g->stub : g->funcs\[event->id\].worst;/return g->stub;/
estimate_fast|a helper returns at once|s/worst = bpf_est_add(worst, fast_return(ev, edge->dst));/;/
estimate_fast|no call is running|s/rest = bpf_est_add(rest, fast_running(ev, e));/;/
estimate_fast|no global function is running|s/worst = fast_stop(ev, event->id);/worst = 0;/
estimate_fast|what follows the edge is forgotten|s/u64 rest = v ? ev->val\[0\]\[v\].max : 1;/u64 rest = 1;/
estimate_fast|only the first node|s/for (u = func->root; u < end; u++) {/for (u = func->root; u < func->root + 1; u++) {/
estimate_fast|cycles pass|s/res->endless = ev.endless;/res->endless = false;/
estimate_fast|only the way from the root is looked at|s/err = est_solve(ev, nodes, g->nr_nodes - 1, 0, 0, 0);/err = est_solve(ev, nodes, 1, 0, 0, 0);/
X
exit $missed

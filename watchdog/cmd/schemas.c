// SPDX-License-Identifier: GPL-2.0
/* What each command prints as JSON: --schema. selftests/cli/schema.sh compares all of it with what is printed.
 */
#include <string.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "progs/holders.h"
#include "progs/place.h"
#include "show/shape.h"

#define JUDGED                                                              \
	"{allow:i would_deny:i deny:i detach:i programs:[{id?:i name?:s "   \
	"hook?:s cost_ns?:i! source?:s stop_ns?:i! there_ns?:i! limit_ns?:" \
	"i decision:s rule?:s policy?:s terminable?:s reason?:s why?:s "    \
	"at?:s path?:s}]}"

#define FAULT "{code:s message:s why?:s hint?:s exit:i}"

#define SETTINGS                                             \
	"enabled:b period_ns:i budget_ns:i min_budget_ns:i " \
	"user_budget_ns?:i slack_percent:i quarantine_after:i"

static const struct {
	const char *command, *name, *shape;
	json_t *(*make)(void);
} documents[] = {
	{ "doctor", "bpfwd.doctor/1",
	  "{ok:b probes:[{name:s ok:b required:b text:s}] patches_add?:[s]}" },
	{ "status", "bpfwd.status/1",
	  "{" SETTINGS " programs:i quarantined:i own_budget:i warn_only:i "
	  "overruns:i terminations:i fast_path_images:i fast_path_bytes:i "
	  "terminable:{*:i} late_ends:i stuck_ends:i asleep:i throttled:i "
	  "policy?:{name:s mode:s denied:i shares_unmeasured:b} bpf_stats_enabled?:b "
	  "cost_model?:{source:s stale:b text:s}}" },
	{ "enable", "bpfwd.enable/1", "{" SETTINGS " persisted:b dry_run:b}" },
	{ "disable", "bpfwd.enable/1", "{" SETTINGS " persisted:b dry_run:b}" },
	{ "ps", .make = ps_schema },
	{ "set", "bpfwd.set/1",
	  "{programs?:[{id:i name:s watchdog_budget_ns:i watchdog_action:s "
	  "watchdog_verdict:s quarantined:b}] released_all?:b dry_run:b}" },
	{ "kill", "bpfwd.kill/1",
	  "{programs:[{id:i name:s ended:i late?:i pending?:i asleep_in?:s "
	  "hook?:s detached?:[{" PLACE_KEYS " how:s text:s}] "
	  "stays?:[{" PLACE_KEYS " code:s message:s hint?:s}] attached?:b "
	  "loaded?:b holders?:[{" HOLDER_KEYS "}]}] dry_run:b error?:" FAULT
	  "}" },
	{ "estimate", .make = estimate_schema },
	{ "estimate", "bpfwd.compare/1",
	  "{worse:i programs:[{object:s name:s worst_a_ns?:i! "
	  "worst_b_ns?:i! worst_change_percent?:n verdict:s}]}" },
	{ "explain", "bpfwd.explain/1",
	  "{programs:[{name:s id?:i best_ns?:i worst_ns?:i! bounded?:b "
	  "source:s reason?:s reason_text?:s at?:s tail_ns?:i! "
	  "tail_calls?:[{map:s key:i "
	  "entries:i id:i name:s worst_ns:i!}] budget_ns?:i terminable:s "
	  "terminable_text:s stop_bound_ns?:i! stop_reason?:s stop_at?:s "
	  "spots:[{kind:s what:s worst_ns:i! runs:i! insn:i bound?:i! "
	  "bound_from?:s at?:s}] advice?:s tighter:[s]}]}" },
	{ "policy", "bpfwd.policy/1",
	  "{loaded:b name?:s mode:s generation?:i returns_in_s?:i "
	  "rules:[{policy?:s rule?:s allowed?:i would_deny?:i denied?:i "
	  "programs?:i latency_ns?:i limit_ns?:i share_taken_ns?:i share_ns?:i "
	  "share_window_ns?:i over_share?:i text?:s at?:s}]}" },
	{ "policy", "bpfwd.policy-check/1", JUDGED },
	{ "policy", "bpfwd.policy-path/1",
	  "{hook:s call_graphs:[{name:s path?:s}]}" },
	{ "policy", "bpfwd.policy-load/1",
	  "{changed:b mode:s name:s rules:i returns_in_s:i}" },
	{ "policy", "bpfwd.policy-change/1", "{action:s changed:b}" },
	{ "policy", "bpfwd.policy-diff/1",
	  "{same:b changes:[{only_in:s rule:s}]}" },
	{ "policy", "bpfwd.policy-observe/1", "{calls:i}" },
	{ "check", "bpfwd.check/1", JUDGED },
	{ "calibrate", "bpfwd.calibrate/1",
	  "{cpu:s kernel:s date:s clock:s quantile_percent?:n "
	  "max_error_percent?:n error_percent?:n microcode?:s build?:s "
	  "passes?:i cpu_b?:s entries:[{name:s best_ns?:n mean_ns?:n "
	  "worst_ns?:n per_unit_ns?:n fit_error_percent?:n "
	  "difference_percent?:n cpus2_percent?:i calls?:i outliers?:i "
	  "source?:s reason?:s best_a_ns?:n best_b_ns?:n worst_a_ns?:n "
	  "worst_b_ns?:n unit_a_ns?:n unit_b_ns?:n "
	  "worst_change_percent?:n}]}" },
	{ "calibrate", "bpfwd.calibrate-load/1",
	  "{generation:i entries:i left_out:i stale:b}" },
	{ "metrics", "bpfwd.metrics/1",
	  "{metrics:[{name:s type:s help:s samples:[{name:s labels:{*:s} "
	  "value:s}]}]}" },
	{ "serve", "bpfwd.health/1",
	  "{ok:b enabled:b programs:i checks:{sysctls:s programs:s events:s} "
	  "policy?:{name:s mode:s} policy_error?:s}" },
	{ "events", "bpfwd.event/1",
	  "{event:s seq:i cpu?:i lost?:i ts?:s mono_ns?:i reason?:s action?:s "
	  "ran_ns?:i budget_ns?:i late_ns?:i stop_ns?:i commits?:i "
	  "terminations?:i policy?:s rule?:s rule_at?:s why?:s worst_ns?:i "
	  "there_ns?:i limit_ns?:i file?:s line?:i prog?:{id:i name:s tag?:s "
	  "type?:s hook?:s hooks?:s extends?:{id:i name:s}} "
	  "task?:{pid:i comm?:s} at?:{file:s line:i text?:s}}" },
	{ NULL, "bpfwd.error/1", "{error:" FAULT "}" },
};

static bool is_of(const char *document, const char *command)
{
	return document == command ||
	       (document && command && !strcmp(document, command));
}

/* One document as it is, several as alternatives. */
json_t *command_schema(const char *command)
{
	json_t *all = json_array(), *schema = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++)
		if (is_of(documents[i].command, command))
			json_array_append_new(
				all,
				documents[i].make ?
					documents[i].make() :
					shape_document(documents[i].name,
						       documents[i].shape));
	if (json_array_size(all) == 1)
		schema = json_incref(json_array_get(all, 0));
	else if (json_array_size(all))
		schema = json_pack("{s:O}", "anyOf", all);
	json_object_set_new(
		schema, "$schema",
		json_string("https://json-schema.org/draft/2020-12/schema"));
	json_decref(all);
	return schema;
}

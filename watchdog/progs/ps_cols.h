/* SPDX-License-Identifier: GPL-2.0 */
/* The columns of `bpfwd ps`. */
#ifndef BPFWD_PS_COLS_H
#define BPFWD_PS_COLS_H

#include "progs/prog.h"
#include "show/table.h"

/* One program at one moment, with what is derived. */
struct ps_row {
	const struct prog *p;
	bool feature; /* the kernel filled the watchdog's fields */
	u64 default_budget_ns, now_ns;
	double rate, cpu, cpu_rel; /* cpu in % */
	u64 runs, time_ns; /* since the last look */
	u64 p99_ns; /* of the runs that were timed since then, 0: none */
	bool rates;
	char *hooks; /* of which device, cgroup and so on */
	char *devices, *cgroups, *functions; /* NULL: none */
	char *holders;
	json_t *places_json, *holders_json; /* NULL: not asked for */
	const char *btf; /* digest; NULL: not asked for */
	const char *source; /* of its estimate */
	char *asleep; /* where, and who; NULL: no task sleeps in it */
};

extern const struct col ps_cols[];
extern const size_t ps_n_cols;

#endif

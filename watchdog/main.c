// SPDX-License-Identifier: GPL-2.0
/* bpfwd: control tool of the BPF runtime watchdog. serve is a program of its own,
 * main_serve.c: to load its HTTP server, with GnuTLS, would take longer than all the
 * rest of a command's start.
 */
#include "cmd/cmd.h"

static const struct cmd cmds[] = {
	{ "doctor", "what this kernel supports, and what is missing",
	  cmd_doctor },
	{ "status", "state of the watchdog", cmd_status },
	{ "enable", "switch the watchdog on, set its defaults", cmd_enable },
	{ "disable", "switch the watchdog off", cmd_disable },
	{ "ps", "one table of all programs, or of some", cmd_ps },
	{ "top", "the same table, live", cmd_top },
	{ "set", "budget, action and quarantine of a program", cmd_set },
	{ "kill", "end the running invocations of a program", cmd_kill },
	{ "estimate", "how long the programs of objects can take",
	  cmd_estimate },
	{ "explain", "what makes the worst case of a program", cmd_explain },
	{ "policy", "which programs may be attached where", cmd_policy },
	{ "check", "would a policy admit the programs of objects", cmd_check },
	{ "calibrate", "what instructions, helpers and kfuncs cost here",
	  cmd_calibrate },
	{ "metrics", "everything as Prometheus text, once", cmd_metrics },
	{ "serve", "policies, metrics by HTTP, events to the log", NULL },
	{ "events", "what the watchdog did", cmd_events },
	{ 0 },
};

int main(int argc, char **argv)
{
	return cmd_main(cmds, argc, argv);
}

// SPDX-License-Identifier: GPL-2.0
/* bpfwd-serve: what `bpfwd serve` runs. */
#include "cmd/cmd.h"

static const struct cmd cmds[] = {
	{ "serve", "policies, metrics by HTTP, events to the log", cmd_serve },
	{ 0 },
};

int main(int argc, char **argv)
{
	return cmd_main(cmds, argc, argv);
}

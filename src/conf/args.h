/* SPDX-License-Identifier: MIT */
#pragma once

/* args - a command line read with the same tables as the configuration file. */

#include "conf/opt.h"

/**
 * args_parse - set what the options in @argv say, and leave the operands.
 *
 * @argv ends with NULL and begins with the first argument (main's argv + 1).
 * Understood: --name=value, --name value, --flag, -c value, -cvalue, and `--`,
 * behind which all are operands. Options may stand behind operands, except
 * with ARGS_STOP: there everything from the first operand on is one, because
 * it is another program's command line.
 *
 * Returns how many operands there are, now at the front of @argv in their
 * order and followed by NULL; or negative with @reason.
 */
[[nodiscard]] int args_parse(
	const struct opt_group *group, char **argv, unsigned flags, struct reason *reason);

enum args_flags {
	ARGS_STOP = 1 << 0,
};

/* SPDX-License-Identifier: MIT */
#pragma once

/* hooks - a fork as the interpreter wants it: pfi_options' four functions. */

#include "interp/prefork_interp.h"

#include <sys/types.h>

/* before_fork, the fork itself, and in the parent after_fork_in_parent. As fork_here. */
[[nodiscard]] pid_t hooks_fork(const struct pfi_options *options);

/* after_fork_in_child: once the child is what it is to be. */
void hooks_in_child(const struct pfi_options *options);

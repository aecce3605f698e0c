/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fork - a copy of this process that goes on where the call was made.
 *
 * proc_spawn is for children with a main of their own. This is for the script
 * server, whose children return into the interpreter that called it, with all
 * that interpreter's descriptors.
 */

#include <sys/types.h>

/* The child's pid; 0 in the child; or -errno. Flushes no buffers. */
[[nodiscard]] pid_t fork_here(void);

/* Sends @sig to a child that was not waited for yet, or to the group it leads, or led: while
 * anybody is in that, the number is not given out anew. */
void fork_signal(pid_t child, int sig);
void fork_signal_group(pid_t leader, int sig);

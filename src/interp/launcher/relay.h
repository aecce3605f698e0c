/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * relay - the launcher's own signals: what it gets is meant for the script.
 *
 * While a relay is open the signals in it are blocked and read from a
 * descriptor. Not in it are those the launcher's own faults raise, CHLD, and
 * TTIN and TTOU, which it never causes.
 */

#include <signal.h>
#include <stdbool.h>

struct relay {
	int fd;          /* owned; -1 while closed */
	sigset_t before; /* the caller's mask */
};
#define RELAY_NONE ((struct relay){.fd = -1})

/* One signal that came. */
struct relay_signal {
	int number;
	bool from_terminal; /* a key or a closed line: the kernel sent it to the whole group
			     */
};

/* Blocks, and opens; with @children SIGCHLD is read too. 0, or -errno and nothing blocked.
 */
[[nodiscard]] int relay_open(struct relay *relay, bool children);

/* The next signal; false when there is none. */
bool relay_next(struct relay *relay, struct relay_signal *out);

/* Gives the mask back. A signal that was put back by relay_return comes now. */
void relay_close(struct relay *relay);

/* Makes a signal that was read pending again, for whatever this process becomes. */
void relay_return(int number);

/* Stops this process as @number would have; comes back when it is continued (or at once,
 * where nobody could continue it and the kernel therefore does not stop it). */
void relay_stop_self(int number);

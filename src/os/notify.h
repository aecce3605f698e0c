/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * notify - what a service manager is told of this program: sd_notify(3)'s datagrams.
 *
 * Who started us says where by NOTIFY_SOCKET: a path, or "@" and an abstract
 * name. Without it nobody listens, and everything here does nothing.
 */

#include "os/addr.h"

#include <stdint.h>

struct notify {
	int fd; /* owned; -1: nobody listens */
	struct addr to;
	uint64_t watchdog_ns; /* how often WATCHDOG=1 must come at least; 0: never */
};
#define NOTIFY_NONE ((struct notify){.fd = -1})

/* Takes what the environment says out of it, so that no child takes it for its own. */
void notify_take(struct notify *out);

/* Sends "NAME=VALUE" lines. Waits a moment where the manager is behind; then they are lost. */
void notify_say(const struct notify *n, const char *lines);

/* In a process that is about to become our successor: puts back what was taken. */
void notify_bequeath(const struct notify *n);

void notify_fini(struct notify *n);

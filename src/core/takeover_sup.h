/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * takeover_sup - taking over from an older server: the new server's part of an upgrade.
 * Runs in the supervisor; upgrade_wire.h has the conversation.
 */

#include "core/listen_sup.h"
#include "os/addr.h"
#include "os/loop.h"
#include "os/pidfile.h"

#include <stdbool.h>

struct reason;
struct server;

struct takeover {
	struct server *server;
	struct loop_io io;
	int chan;           /* owned; -1: there is nobody to take over from */
	struct stock stock; /* the listening sockets: owned, all of its descriptors too */
	int control_fd; /* owned until the old server answers there no more; -1 for none */
	struct addr control_addr;
	struct pidfile
		pidfile;     /* owned until we are ready, and still names the old server */
	uint64_t generation; /* the old server's newest */
	char *input;         /* owned: of the guest that comes next */
	uint32_t n_input;
	uint64_t input_of; /* which guest's */
};
#define TAKEOVER_NONE \
	((struct takeover){.chan = -1, .control_fd = -1, .pidfile = PIDFILE_NONE})

/**
 * takeover_begin - receive the sockets over @chan, which is taken.
 *
 * Waits for them, some seconds at most. 0; or negative with @reason, and
 * takeover_fini is still to be called.
 */
[[nodiscard]] int takeover_begin(
	struct takeover *t, struct server *server, int chan, struct reason *reason);

/* All serves: tells the old server, and takes its connections as they come. */
void takeover_ready(struct takeover *t);

/* Tells the old server at the other end of @chan (-1: nobody) why there will be no new one. */
void takeover_refuse(int chan, const char *sentence);

void takeover_fini(struct takeover *t);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * upgrade_sup - another program takes over: the old server's part. Runs in the supervisor.
 *
 *   in         until                                        then
 *   OFF        somebody asks                                GIVING
 *   GIVING     all listeners have been sent                 WAITING
 *   WAITING    the new one says READY                       HANDING (this server drains)
 *              it ends, or is too slow, or talks nonsense   OFF (it is killed; all goes on)
 *   HANDING    the last worker here has gone                (this process ends)
 *
 * The new program is the one that lies now where this one was started from. Its
 * sockets are those of this server: nobody is refused at any moment.
 */

#include "base/reason.h"
#include "core/control_sup.h"
#include "core/upgrade_wire.h"
#include "os/loop.h"
#include "os/proc.h"

#include <stdbool.h>

struct crew;
struct guest;
struct server;

enum upgrade_state { UPGRADE_OFF, UPGRADE_WAITING, UPGRADE_HANDING };

enum { UPGRADE_TAKES_MAX = 256 };

struct upgrade {
	enum upgrade_state state;
	struct server *server;
	struct proc proc; /* the new one, while it is watched */
	struct loop_io pid_io;
	struct loop_io chan_io;
	int chan; /* owned */
	struct loop_timer deadline;
	struct control_client *client; /* who asked; NULL for nobody */
	struct reason why;             /* it cannot start, in its own words */
	struct {
		char service[UPGRADE_NAME_MAX];
		char run[UPGRADE_NAME_MAX];
		uint32_t who;       /* enum model_takes */
	} takes[UPGRADE_TAKES_MAX]; /* whose connections may go over */
	unsigned n_takes;
};

void upgrade_init(struct upgrade *u, struct server *server);
void upgrade_fini(struct upgrade *u);

/* Begins. @client (or NULL) is answered sooner or later. 0, or negative with @reason. */
[[nodiscard]] int upgrade_begin(
	struct upgrade *u, struct control_client *client, struct reason *reason);

/* Whether a connection that waits in @crew has gone to the new server; it is not closed
 * here. */
bool upgrade_send_guest(
	struct upgrade *u, const struct crew *crew, const struct guest *g, bool parked);

/* The same of one that the server before this one has just sent: @msg with @input and @fd. */
bool upgrade_pass_guest(
	struct upgrade *u, struct upgrade_msg *msg, const char *input, int fd);

/* Has the new server count what @service has done here besides. */
void upgrade_send_totals(struct upgrade *u, const char *service, const struct totals *more);

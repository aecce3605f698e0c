/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * slot_sup - the supervisor's place for one worker: which state it is in.
 *
 *   in         until                          then
 *   EMPTY      a worker is wanted             STARTING
 *   STARTING   it says it is ready            READY
 *              it is told to finish           DRAINING
 *              the start deadline passes      KILLING
 *   READY      it is told to finish           DRAINING
 *              it broke the protocol          KILLING
 *   DRAINING   the drain deadline passes      KILLING
 *   any of STARTING READY DRAINING KILLING
 *              its pidfd is readable          COOLING
 *   COOLING    the back-off has passed        EMPTY
 */

#include <stdbool.h>

enum slot_state {
	SLOT_EMPTY,
	SLOT_STARTING,
	SLOT_READY,
	SLOT_DRAINING,
	SLOT_KILLING,
	SLOT_COOLING,
	SLOT_N_STATES,
};

const char *slot_state_name(enum slot_state state);

/* Whether the table leads from @from to @to. */
bool slot_may_go(enum slot_state from, enum slot_state to);

/* Changes *@state. A step that the table does not have is a bug, and aborts. */
void slot_go(enum slot_state *state, enum slot_state to);

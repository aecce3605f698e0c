/* SPDX-License-Identifier: MIT */

#include "core/slot_sup.h"

#include "base/util.h"

#include <assert.h>

static const struct {
	const char *name;
	unsigned next; /* BIT() of every state it may go to */
} table[SLOT_N_STATES] = {
	[SLOT_EMPTY] = {"empty", BIT(SLOT_STARTING)},
	[SLOT_STARTING] = {"starting", BIT(SLOT_READY) | BIT(SLOT_DRAINING)
					       | BIT(SLOT_KILLING) | BIT(SLOT_COOLING)},
	[SLOT_READY] = {"ready",
		BIT(SLOT_DRAINING) | BIT(SLOT_KILLING) | BIT(SLOT_COOLING)},
	[SLOT_DRAINING] = {"draining", BIT(SLOT_KILLING) | BIT(SLOT_COOLING)},
	[SLOT_KILLING] = {"killing", BIT(SLOT_COOLING)},
	[SLOT_COOLING] = {"cooling", BIT(SLOT_EMPTY)},
};

const char *slot_state_name(enum slot_state state)
{
	return table[state].name;
}

bool slot_may_go(enum slot_state from, enum slot_state to)
{
	return table[from].next & BIT(to);
}

void slot_go(enum slot_state *state, enum slot_state to)
{
	assert(slot_may_go(*state, to));
	*state = to;
}

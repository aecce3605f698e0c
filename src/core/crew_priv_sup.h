/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * crew_priv_sup - what the files of a crew have of each other, and care_sup.c of them:
 * crew_open_sup.c (from settings to a crew), crew_make_sup.c (a worker's beginning),
 * crew_sup.c (its life, and how many there are), crew_end_sup.c (its end, and the crew's).
 */

#include "core/crew_sup.h"

/* crew_open_sup.c */
[[nodiscard]] int crew_open_log(struct crew *crew, struct reason *reason);

/* crew_make_sup.c: makes a worker in an EMPTY place, which is STARTING then; or, with the
 * sentence logged, COOLING. */
void crew_spawn(struct slot *slot);

/* crew_sup.c */
void crew_init_slot(struct crew *crew, unsigned index);
void crew_go(struct slot *slot, enum slot_state to);
void crew_set_timer(struct slot *slot, uint64_t after_ns); /* 0: none */
void crew_forget(struct slot *slot); /* its process has been reaped, or never was */
void crew_look(struct crew *crew);   /* makes what is missing, or says that all have gone */

/* No worker could be made, or one has ended: the place is EMPTY at once, or after a while. */
void crew_cool(struct slot *slot, bool failed, bool was_ready);

/* crew_end_sup.c */

/* It has failed: its workers end, and who connects is refused by the kernel at once. Whoever
 * has been told that it failed may still end it, as any other. */
void crew_give_up(struct crew *crew);
void crew_say_last(struct slot *slot);
void crew_finish(struct slot *slot); /* READY: it is to finish in its own time */
void crew_end_now(
	struct slot *slot); /* it is killed, and this is its last state but COOLING */

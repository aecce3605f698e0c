/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * care_sup - looks after workers that have become old, large or stuck. Runs in the
 * supervisor, now and then, from the boards and /proc.
 *
 * Recycling: a worker that has done enough (recycle_requests, recycle_age) or has
 * grown too large (recycle_memory) is replaced: first another is made in a place
 * that is kept for this, and when that is ready the old one is told to finish. One
 * at a time, so there are never fewer than there should be. Limits are jittered,
 * so that workers made together do not end together.
 *
 * Stuck: a worker that has work or owes its model a word, whose progress counter has
 * not moved for half of stuck_timeout, is asked to move it. One that waits for its clients does; one
 * whose loop does not turn cannot. If it has still not moved at the end, what is
 * known of it is logged, and it is killed; its model does the rest, as for any
 * worker that dies. One that the kernel has asleep until the disk answers (state D)
 * has ten times as long: flushing a large upload may take a slow disk minutes.
 */

#include <stdbool.h>
#include <stddef.h>

struct crew;
struct settings;
struct slot;

/* Begins; ends with care_stop. */
void care_start(struct crew *crew);
void care_stop(struct crew *crew);

/* How many places more than workers this takes. */
unsigned care_spare_slots(const struct settings *settings);

/* A worker is ready: it begins young. The one that it replaces may go. */
void care_ready(struct slot *slot);

/* A worker has ended, perhaps before it could replace another. */
void care_gone(struct slot *slot);

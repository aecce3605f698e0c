/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chores - what one worker of a drive does for all of them: when it begins, it takes
 * away what dead servers left, and says what the folder cannot do; and now and then one
 * empties the trash of what is too old or too much.
 */

struct drive;

void chores_begin(struct drive *drive);

/* Nobody waits just now, as far as one can see. An idle drive does nothing, but that one
 * worker wakes up when the oldest in the trash is too old: once an hour at most. */
void chores_quiet(struct drive *drive);

/* The worker is about to end: under fork each does before it is ever quiet. */
void chores_end(struct drive *drive);

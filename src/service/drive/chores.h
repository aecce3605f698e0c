/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chores - what one worker of a drive does for all of them, when it begins:
 * takes away what dead servers left, and says what the folder cannot do.
 */

struct drive;

void chores_begin(struct drive *drive);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fault - where a test may end everything: before each call that changes the disk.
 *
 * Compiled into the tests' own program (tests/preforkd-faults) alone; anywhere else a
 * FAULT_STEP is nothing. There the file that PREFORK_FAULT names says "N self" or "N
 * all": the N-th step from now is not done, and its process, or the supervisor too, is
 * killed. The file then says what that step would have been.
 */

#ifdef FAULT_POINTS
void fault_step(const char *step);
#define FAULT_STEP(step) fault_step(step)
#else
#define FAULT_STEP(step) ((void)0)
#endif

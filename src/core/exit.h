/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * exit - with which status a process of ours ends, and what the supervisor makes of it.
 *
 *   status            of a worker means                  then
 *   EXIT_DONE         told to finish, and did            nothing to say
 *   EXIT_SERVICE      the service's start() refused      back off; it said why itself
 *   EXIT_ORPHAN       the supervisor went away           nobody is left to care
 *   EXIT_CORE         our own set-up failed              back off
 *   anything else, or a signal                           back off, say so
 *
 * preforkd itself: 0 after an orderly end, 1 could not start or go on, 2 wrong
 * use, 78 the configuration is wrong (EX_CONFIG of sysexits.h).
 */

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78,

	EXIT_SERVICE = 80,
	EXIT_ORPHAN = 81,
	EXIT_CORE = 82,
};

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ending - what can be seen of a Perl interpreter's end, and none of the rest.
 *
 * Perl ends by freeing every object, 10 ms for a script with a few hundred
 * modules. To be seen of that are the destructors; and of those that an executor
 * runs only the script's own: an object that a module made in set-up belongs to
 * all executors, as it does to all children of a script that forks.
 *
 *   set-up     ending_prepare   marks the objects that are there and have a destructor
 *   executor   ending_start     notes what there is of their classes
 *              ending_run       after the last END block
 */

/* The order is Perl's. */
/* clang-format off */
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>
/* clang-format on */

void ending_prepare(pTHX);

void ending_start(pTHX);

/* Lets the file's lexicals go, destroys the other objects that are not marked, and flushes.
 */
void ending_run(pTHX);

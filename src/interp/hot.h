/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * hot - the memory that every call needs, learnt from the first few of them.
 *
 * The first write to a page that an executor shares with its server copies it, and
 * of its code nothing is mapped after a fork: two hundred faults, in each call in
 * the same places. So the first executors note, when their script has ended, which
 * pages they had written to or mapped; and what stands in all their notes, later
 * ones fetch while they wait for a call. Pages that some call did without stay as
 * they are, so nothing is copied in vain.
 *
 * The notes are in memory that the server shares with its executors, and so with
 * scripts. Nothing but time and memory depends on them: the worst that can be
 * written there is that everything is needed.
 */

#include <stdbool.h>

struct hot;

/* Looks at what is mapped now: before the first fork, in the server. NULL where memory or
 * /proc is not to be had; the others bear that, and do nothing. It lives as long as the
 * process. */
struct hot *hot_new(void);

/* In the server, now and then: makes one huge page of the next 2 MiB, so that a fork has one
 * entry to copy in place of 512, and an exit one to give back. True while there may be more
 * of them; takes a millisecond or two. */
bool hot_join(struct hot *hot);

/* In an executor that waits: fetches what all calls needed. False while too few are
 * known. */
bool hot_fetch(const struct hot *hot);

/* In an executor that has not fetched, when its script has ended: notes what it needed. */
void hot_note(const struct hot *hot);

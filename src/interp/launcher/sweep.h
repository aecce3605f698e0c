/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sweep - removes the notes and locks of identities that are no more.
 *
 * Every value of an -E and every edited command line is an identity. Called where a server
 * is about to be started, so that the directory shrinks whenever it could grow.
 */

struct place;

/* Removes what is left in @place's directory of some identities that have neither sockets
 * nor anybody who holds them, and were not called for long. What goes wrong is no matter. */
void sweep_dead(const struct place *place);

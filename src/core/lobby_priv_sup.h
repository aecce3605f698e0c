/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lobby_priv_sup - what the files of a lobby have of each other, and nobody else: lobby_sup.c
 * (from place to place), lobby_accept_sup.c (who comes), lobby_heir_sup.c (who goes over to
 * another crew, or to another process).
 */

#include "core/crew_sup.h"
#include "core/lobby_sup.h"

static inline uint64_t lobby_now_ns(const struct lobby *l)
{
	return loop_now_ns(l->crew->loop);
}

/* lobby_sup.c */

/* Puts it at the end of a line, as if it had come at @since_ns. */
void lobby_enter(struct guest *g, enum guest_place place, uint64_t since_ns);
void lobby_leave_line(struct guest *g);
struct guest *lobby_oldest(struct lobby *l, enum guest_place place); /* NULL for nobody */
void lobby_close_line(struct lobby *l, enum guest_place place);
void lobby_queue(struct guest *g);                     /* behind all others */
void lobby_on_io(struct loop_io *io, uint32_t events); /* a guest's */

/* lobby_accept_sup.c: its crew's listeners lead here; it does not accept yet. */
void lobby_accept_init(struct lobby *l);

/* lobby_heir_sup.c */

/* Whether @g is the heir's now; in none of its lines yet. */
bool lobby_go_over(struct guest *g, bool parked);

/* Whether @g has gone to another process, and is no more. */
bool lobby_go_abroad(struct guest *g, bool parked);

/* Which of the crew's listeners is at @addr. False, with *@out left alone, for none. */
bool lobby_find_listener(const struct crew *crew, const struct addr *addr, uint16_t *out);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * gate - how many connections an address has, and how fast they come: max_per_ip and
 * rate_per_ip. In memory that all processes of a service share, because under some models it is
 * the workers who accept.
 *
 * An address (an IPv6 one by its first 64 bits) has a cell in each of two rows,
 * by a hash with a secret key, and is over a limit if both cells are. So there
 * is nothing to look for, to evict or to lock, and its size does not change: a
 * flood of addresses raises all cells a little, and makes none forget. Two
 * strangers share both their cells once in 2^32 pairs.
 *
 * Who is counted has a ticket, and it is the ticket that is given back. It lies
 * where the connection is: in the guest while the supervisor holds it, in the seat
 * while a worker does. So the supervisor gives back what a dead worker had. (A
 * worker that dies while giving back has done so twice at worst: then a count is
 * one too low until its addresses have no connection left.)
 *
 * The next program of an upgrade goes on with the same memory, so that nobody gets a fresh
 * allowance by it, and what closes in the old one is counted no more in the new. (A supervisor
 * that is killed while it finishes leaves counted what it held.)
 *
 * A worker that was broken into can write anything here: the limits are lost
 * then, and nothing else.
 */

#include "os/addr.h"

#include <stdint.h>

struct gate;
struct heritage;
struct log;

struct gate_limits {
	unsigned most;  /* connections at once; 0: any number */
	unsigned rate;  /* connections a second; 0: any number */
	unsigned burst; /* that many may come at once before the rate counts */
};

enum gate_answer {
	GATE_OPEN,
	GATE_TOO_MANY,
	GATE_TOO_FAST,
};

/* A gate nobody has passed; NULL without memory. */
[[nodiscard]] struct gate *gate_new(void);

/**
 * gate_adopt - the gate that another program has, by its gate_fd, which is taken.
 *
 * NULL if it is laid out (gate_layout there) otherwise than here, or cannot be had.
 */
[[nodiscard]] struct gate *gate_adopt(int fd, uint64_t layout);
int gate_fd(const struct gate *gate); /* stays the gate's */
uint64_t gate_layout(void);

/* Adds to @out what a worker needs of it. */
void gate_heritage(const struct gate *gate, struct heritage *out);

/* By which tickets of this gate are known in another program. */
uint64_t gate_id(const struct gate *gate);

/* One more owner: each ends it by gate_free, which takes NULL. In the supervisor only. */
struct gate *gate_share(struct gate *gate);
void gate_free(struct gate *gate);

/**
 * gate_enter - whether somebody at @addr may come in now.
 *
 * With GATE_OPEN *@ticket is for gate_leave; 0 where nothing is counted (a unix socket). Else
 * it is 0.
 */
[[nodiscard]] enum gate_answer gate_enter(struct gate *gate,
	const struct gate_limits *limits, const struct addr *addr, uint64_t now_ns,
	uint32_t *ticket);

/* Counts who is in already: the ticket. */
[[nodiscard]] uint32_t gate_admit(struct gate *gate, const struct addr *addr);

void gate_leave(struct gate *gate, uint32_t ticket);

/* Logs now and then, for all processes together, that somebody was refused. */
void gate_say(struct gate *gate, struct log *log, const char *service,
	const struct addr *addr, enum gate_answer answer, uint64_t now_ns);

/* How many were refused. */
uint64_t gate_n_refused(const struct gate *gate);

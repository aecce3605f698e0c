/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * listen_sup - the sockets a crew listens at: taken over from those that are there already,
 * or bound anew. Runs in the supervisor.
 *
 * A socket is never closed and bound again while somebody goes on at its
 * address: whoever connects meanwhile waits in it. Each crew has a descriptor of
 * its own of the one socket, so the old one closes its own when it likes.
 *
 * A model with a socket per worker (reuseport) leaves several sockets at one
 * address. The kernel goes on spreading connections over all of them until they
 * are closed, and closing one resets who waits in it: so whoever comes after,
 * under whatever model, takes over all of them.
 */

#include "os/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct crew;
struct gate;
struct heritage;
struct listener;
struct log;
struct reason;
struct slot;

enum {
	LISTEN_BACKLOG =
		4096, /* connections the kernel keeps for us; it cuts this to somaxconn */
	LISTEN_ADDRESSES_MAX = 64, /* one service listens at */
	LISTEN_SOCKETS_MAX = 480,  /* of one crew; each may be a descriptor in a worker */
	LISTEN_ANY_SLOT = -1,      /* listener.slot: every worker's, or the supervisor's */
};

/* Listening sockets that are there already. */
struct stock_item {
	const char *service; /* whose it was; borrowed */
	struct addr asked;   /* as its configuration said: the port may be 0 */
	struct addr bound;
	int fd;       /* borrowed */
	bool foreign; /* another program has opened it: a unix socket's name is that one's */
	bool taken;
};

/* Who is counted at a service already (core/gate.h). */
struct stock_gate {
	const char *service; /* owned */
	struct gate *gate;   /* owned */
};

struct stock {
	struct stock_item *items; /* owned */
	size_t n;
	struct stock_gate *gates; /* owned */
	size_t n_gates;
};

/* Adds a socket; all in @item stays its owner's. 0 or -ENOMEM. */
[[nodiscard]] int stock_add(struct stock *stock, const struct stock_item *item);

/* Adds a gate, which is taken, also on failure. 0 or -ENOMEM. */
[[nodiscard]] int stock_add_gate(
	struct stock *stock, const char *service, struct gate *gate);

/* The service's, for gate_share; or NULL. */
struct gate *stock_gate(const struct stock *stock, const char *service);

/* Adds all of a crew's. 0 or -ENOMEM. */
[[nodiscard]] int stock_add_crew(struct stock *stock, const struct crew *crew);

void stock_fini(struct stock *stock); /* the sockets stay open */

/* The same for a stock to which all it holds belongs: names and sockets go too. */
void stock_close(struct stock *stock);

/**
 * listen_open - listen at @n addresses, first with what @stock has for them (NULL: none).
 *
 * Returns 0; or negative with @reason, and what was opened is closed by listen_close.
 */
[[nodiscard]] int listen_open(struct crew *crew, const struct addr *addrs, size_t n,
	struct stock *stock, struct reason *reason);

/* Closes all. The name of a unix socket goes too, unless another crew is there. */
void listen_close(struct crew *crew);

/* The same, and who connects is refused at once, though workers that end may have the sockets
 * still. But sockets that were passed to this program stay: they cannot be had again. */
void listen_give_up(struct crew *crew);

/* Whether the crew has a socket there. */
bool listen_is_at(const struct crew *crew, const struct addr *addr);

/* Where the workers have a socket each: makes those @slot lacks. 0 or -errno. */
[[nodiscard]] int listen_for_slot(struct slot *slot);

/* Whether the worker in slot @index has sockets of its own. */
bool listen_is_owned(const struct crew *crew, unsigned index);

/* What was the worker's in slot @from is the one's in slot @to, when that is made. */
void listen_move(struct crew *crew, unsigned from, unsigned to);

/* Adds to @out the sockets @slot's worker accepts from. */
void listen_heritage(const struct slot *slot, struct heritage *out);

/* Whether the worker in slot @index accepts from it. */
bool listen_is_for(const struct listener *l, unsigned index);

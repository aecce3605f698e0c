/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * crew_sup - the workers of one service: made, watched, replaced, finished.
 * Runs in the supervisor; moves no connection itself (that is the model's).
 */

#include "base/buf.h"
#include "base/list.h"
#include "base/reason.h"
#include "core/board.h"
#include "core/gate.h"
#include "core/listen_sup.h"
#include "core/service.h"
#include "core/slot_sup.h"
#include "core/totals.h"
#include "os/addr.h"
#include "os/loop.h"
#include "os/proc.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct guest;
struct lobby;
struct log;
struct model_ops;
struct net;
struct reason;
struct service_ops;
struct settings;

/* One service as it was asked for. All borrowed, and outlives the crew. */
struct spec {
	const char *name; /* the section's, or the service's own */
	const struct model_ops *model;
	const struct service_ops *service;
	const struct settings *settings;
	void *service_conf;
};

/* A socket the crew's service listens at. */
struct listener {
	struct loop_io io; /* watched or not by the model */
	struct addr asked; /* as the configuration said */
	struct addr addr;  /* as it is: the port is not 0 */
	struct crew *crew;
	unsigned index;
	unsigned address; /* which of the service's; the first sockets are one for each */
	int slot;         /* whose worker's it is, or LISTEN_ANY_SLOT */
	bool foreign;     /* opened by another program, as stock_item's */
	int fd;           /* owned by the crew */
};

/* What care_sup.h remembers of a worker. */
struct slot_care {
	uint64_t most_requests; /* 0: no limit */
	uint64_t most_age_ns;
	uint64_t progress; /* the counter when it last moved */
	uint64_t moved_ns;
	bool asked;
	bool said_waits;       /* that it waits for the disk was logged */
	struct slot *replaces; /* while it is made: who goes when it is ready */
};

/* The place of one worker. */
struct slot {
	struct crew *crew;
	unsigned index;
	enum slot_state state;
	struct proc proc;
	struct loop_io pid_io;
	struct loop_io chan_io;
	int chan; /* owned; -1 while there is no worker */
	struct loop_timer timer;
	struct board *board; /* owned; of this worker alone, but for those of crew_sow */
	uint64_t spawned_ns;
	unsigned n_failures; /* in a row, without a healthy period between */
	struct slot_care care;
	bool said_why; /* it sent its own sentence about why it ends */
	bool owes;     /* the model waits for a word of it: that is work too (care_sup.h) */
	void *model;   /* the model's own, per slot; it frees it */
};

/* Which worker a line of the log is about. */
#define SLOT_KVS(slot) KV("service", (slot)->crew->spec->name), KV("worker", (slot)->index)

/* What the crew tells the server. */
struct crew_events {
	void (*ready)(struct crew
			*crew); /* the first time that the minimum of workers is ready */
	void (*failed)(struct crew *crew); /* it cannot be started, and is given up */
	/* Drained: no worker is left. The crew may not be freed before this returns. */
	void (*gone)(struct crew *crew);
	/* The crew that goes on where this one, which is being replaced, leaves off; or
	 * NULL. */
	struct crew *(*heir)(struct crew *crew);
	/* Whether @g, which waits in this crew, has gone to another process: then it is to be
	 * closed here. */
	bool (*send_away)(const struct crew *crew, const struct guest *g, bool parked);
	/* Whether another crew that stays listens at that address. */
	bool (*in_use)(const struct crew *crew, const struct addr *addr);
};

/* Where a crew is to live. All borrowed, and outlives it but for the stock. */
struct crew_place {
	struct loop *loop;
	struct log *log;
	const struct crew_events *events;
	void *owner;
	struct stock *stock; /* sockets that are there already (listen_sup.h) */
	unsigned generation;
	const struct crew *forerunner; /* of the same name; NULL without one */
};

struct crew {
	const struct spec *spec;
	const struct crew_events *events;
	void *owner;         /* the server's */
	unsigned generation; /* which it is of all that this server has had */
	struct loop *loop;
	struct log *log;
	struct listener *listeners; /* owned; listen_sup.h */
	size_t n_listeners;
	size_t n_addresses;
	unsigned n_connections; /* seats of a worker */
	int access_fd;          /* owned; -1 for none */
	uid_t uid;              /* of the workers; (uid_t)-1: as the supervisor */
	gid_t gid;
	void *shared;        /* service_ops.shared_bytes */
	struct buf refusal;  /* owned: settings.refusal as bytes */
	struct net *proxies; /* owned: who may say for whom it has connected */
	size_t n_proxies;
	struct gate *gate; /* owned with its forerunner and its heir */
	struct gate_limits limits;
	bool is_limited;    /* by any of them */
	struct totals past; /* of workers that have gone, and of crews before this one */

	struct slot *slots; /* settings.workers.max of them */
	unsigned n_slots;
	unsigned n_wanted; /* how many workers there should be now */
	unsigned n_in[SLOT_N_STATES];
	struct loop_timer care;           /* care_sup.h */
	struct loop_timer drain_deadline; /* while lasting */
	bool was_ready;
	bool failed;
	bool draining;
	bool lasting;  /* while draining: its workers go on, for those who are still here */
	bool replaced; /* while draining: somebody goes on at its addresses */
	bool drain_sent;
	unsigned n_early_deaths; /* in a row, before any worker was ready */
	struct reason why;       /* what the last of them said; empty for nothing */
	void *model;             /* model_ops.sup_bytes */
	struct lobby *lobby; /* the model's; NULL where nobody waits in the supervisor */
};

/**
 * crew_open - a crew that listens and whose settings are checked, and with no worker yet.
 *
 * Returns 0 with *@out for crew_free; or negative with @reason and nothing left.
 */
[[nodiscard]] int crew_open(const struct spec *spec, const struct crew_place *place,
	struct crew **out, struct reason *reason);

/**
 * crew_check - whether @spec could be run, as far as can be said without binding or making anything.
 *
 * Reads its addresses into @all (room for LISTEN_ADDRESSES_MAX) and asks the service.
 * Returns 0; or negative with @reason and *@at_fault the setting to change (NULL: none in particular).
 */
[[nodiscard]] int crew_check(const struct spec *spec, struct log *log, struct addr *all,
	size_t *n_all, const char **at_fault, struct reason *reason);

/* Makes the minimum of workers and begins to accept. 0, or negative with @reason. */
[[nodiscard]] int crew_start(struct crew *crew, struct reason *reason);

/* Finishes: nothing new is accepted, workers drain, at the deadline they are killed; then
 * events->gone. */
void crew_drain(struct crew *crew);

/*
 * The same, but another crew goes on: what waits here goes over to its heir,
 * where both models have a lobby; and who is idle gets one more answer. May still be
 * followed by crew_drain or crew_kill.
 */
void crew_replace(struct crew *crew);

void crew_kill(struct crew *crew); /* the same, but now */
void crew_free(struct crew *crew); /* takes NULL; every worker must be gone */

/* Opens the access log anew and hands it to every worker. */
void crew_reopen(struct crew *crew);

/* Hands the log, which is another now, to every worker. */
void crew_share_log(const struct crew *crew);

/* Adds to @out what its workers have done, living and dead, and those of its forerunners. */
void crew_total(const struct crew *crew, struct totals *out);

/* What the connection it ends is told. */
struct span crew_refusal(const struct crew *crew, enum refusal why);

/* Whether who connects from @addr begins by saying for whom. */
bool crew_is_proxy(const struct crew *crew, const struct addr *addr);

/* For models. */

/* Changes how many workers there should be, within the settings; makes what is missing. */
void crew_want(struct crew *crew, unsigned n_workers);

/* Ends one worker in an orderly way, and makes no other in its place. */
void crew_retire(struct slot *slot);

/* Sends to a worker. False if it could not be: the worker is full or gone. */
[[nodiscard]] bool crew_send(struct slot *slot, const void *msg, size_t len, int fd);

/* The model has nothing left that waits for a worker: a draining crew may let its workers
 * go. */
void crew_settled(struct crew *crew);

/*
 * A seeded model's workers: another process of the model's makes them.
 *
 * crew_sow prepares an EMPTY slot (its board, its channel, of which *@chan_wrk
 * is the worker's end and the caller's to pass on and close) and makes it
 * STARTING; crew_sown takes over the process that was made for it, as READY;
 * crew_unsow gives up, and the slot is EMPTY again. 0 or -errno. Such a worker is
 * told things and says nothing, so nobody listens to it.
 */
[[nodiscard]] int crew_sow(struct slot *slot, int *chan_wrk);
[[nodiscard]] int crew_sown(struct slot *slot, pid_t pid);
void crew_unsow(struct slot *slot);

/* How many workers are READY. */
static inline unsigned crew_n_ready(const struct crew *crew)
{
	return crew->n_in[SLOT_READY];
}

#define crew_for_each_ready(slot, crew)                                            \
	for (slot = (crew)->slots; slot < (crew)->slots + (crew)->n_slots; slot++) \
		if (slot->state == SLOT_READY)

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * posts_sup - which crews there are, and how one takes over from another. Runs in the
 * supervisor.
 *
 *   in         until                                             then
 *   STARTING   each crew of the change has its workers           SERVING; those it
 *                                                                replaces LEAVING
 *              one that is to replace a serving one cannot start LEAVING, the whole change
 *   SERVING    a change has replaced it, or has left it out      LEAVING
 *   LEAVING    its last worker has gone                          (freed)
 *
 * A change is the crews of one plan, or one of them, and has one generation
 * number. There is one change at a time. What serves goes on serving until all of
 * the new is ready, listening at the same sockets meanwhile; so whatever is wrong
 * with the new costs nobody a connection. A crew that fails and replaces nobody, or
 * one that had failed too, does not hold the others up.
 */

#include "base/list.h"
#include "core/crew_sup.h"
#include "core/program.h"
#include "os/loop.h"

#include <stdbool.h>

enum post_state { POST_STARTING, POST_SERVING, POST_LEAVING };

struct guest;

/* A plan, for as long as a crew is made from it. */
struct sheet {
	struct server_plan plan;
	unsigned n_posts;
};

/* One crew. */
struct post {
	struct list link; /* in posts.all, oldest first */
	struct posts *posts;
	struct crew *crew;   /* owned */
	struct sheet *sheet; /* shared */
	enum post_state state;
	bool started;
	bool ready;
	bool failed;
	bool gone;          /* it is to be freed when nothing runs in it */
	struct totals told; /* that much of its totals another process knows */
};

/* Who hears what became of a change: 0, or negative and why. */
struct change_listener {
	void (*told)(struct change_listener *listener, int r, const char *sentence);
};

struct posts {
	struct loop *loop; /* borrowed, as the next */
	struct log *log;
	const struct server_program *program;
	struct list all;
	unsigned generation; /* of the newest change */
	bool changing;
	bool whole; /* the change is of everything */
	bool ending;
	bool handed_over; /* another process goes on at all addresses */
	bool taking_over; /* another process serves at all, until this one does */
	bool served;      /* a change has been completed */
	struct change_listener *listener;         /* of this change; NULL for nobody */
	void (*over)(struct posts *posts, int r); /* any change: 0, or it was given up */
	struct loop_task sweep;                   /* frees those that have gone */
	void (*empty)(struct posts *posts);       /* none is left */
	/* Whether a connection that waits in a leaving crew has gone to another process. */
	bool (*send_away)(struct posts *posts, const struct crew *crew,
		const struct guest *g, bool parked);
	/* After a hand-over: what @service has done here besides, which counts elsewhere. */
	void (*count_away)(
		struct posts *posts, const char *service, const struct totals *more);
	void (*failed)(struct posts *posts); /* none that serves could be started */
};

/* Prepares @p, of which the caller has set loop, log, program and the functions. */
void posts_init(struct posts *p);
void posts_fini(struct posts *p);

/**
 * posts_change - begin to change over to @plan, or to the service called @only of it.
 *
 * Takes the plan, also on failure. Sockets in @stock are taken over before those
 * of the crews that serve (NULL: none). Returns 0, and @listener (or NULL) hears
 * the rest; or negative with @reason, and nothing has changed.
 */
[[nodiscard]] int posts_change(struct posts *p, const struct server_plan *plan,
	const char *only, struct stock *stock, struct change_listener *listener,
	struct reason *reason);

void posts_drain(struct posts *p); /* all, and then posts.empty */
void posts_kill(struct posts *p);  /* the same, but now */

/* Drains all as if they were replaced: another process has taken over, and counts on. */
void posts_hand_over(struct posts *p);
void posts_reopen(struct posts *p);

/* The newest serving crew of that name; NULL without one. */
struct post *posts_find(const struct posts *p, const char *service);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * closer - closes descriptors beside the thread that has no time for it.
 *
 * The last close of a file that has no name frees its blocks, and returns when
 * that is done: after seconds, for many gigabytes. There is no call that asks
 * for it and does not wait; so a thread waits, the only one in this tree
 * (docs/decisions/0010). It is made with the first descriptor, has every signal
 * blocked, and touches nothing but what is here and close(2).
 *
 * A child of fork(2) begins anew, with a thread of its own. What waited to be
 * closed is its parent's; its own copies go with it, or with proc_spawn's list.
 */

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* Descriptors that wait: of the room that is kept free below RLIMIT_NOFILE they take half. */
#define CLOSER_MOST 8u

struct closer {
	pthread_mutex_t lock; /* of all below but owner, which one thread knows of */
	pthread_cond_t changed;
	pthread_t thread;
	pid_t owner; /* the process whose thread it is; 0 while there is none */
	bool ends;
	unsigned n_given, n_closed; /* ever */
	int fds[CLOSER_MOST];       /* those between, each at its number */
};

#define CLOSER_NONE       \
	((struct closer){ \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER})

/* Closes @fd: soon; or at once where enough wait already, or no thread can be made. */
void closer_give(struct closer *closer, int fd);

/* Waits until all is closed that was given. Whether there was anything to wait for. */
bool closer_wait(struct closer *closer);

/* Waits likewise, and ends the thread. */
void closer_fini(struct closer *closer);

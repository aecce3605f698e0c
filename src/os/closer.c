/* SPDX-License-Identifier: MIT */

#include "os/closer.h"

#include "base/util.h"

#include <signal.h>
#include <unistd.h>

#define STACK_BYTES (64 * KIB)

static void *close_all(void *arg)
{
	struct closer *closer = arg;

	(void)pthread_mutex_lock(&closer->lock);
	for (;;) {
		while (closer->n_closed == closer->n_given && !closer->ends)
			(void)pthread_cond_wait(&closer->changed, &closer->lock);
		if (closer->n_closed == closer->n_given)
			break;
		int fd = closer->fds[closer->n_closed % CLOSER_MOST];
		(void)pthread_mutex_unlock(&closer->lock);
		(void)close(fd);
		(void)pthread_mutex_lock(&closer->lock);
		closer->n_closed++; /* not before: who waits, waits for the close */
		(void)pthread_cond_signal(&closer->changed);
	}
	(void)pthread_mutex_unlock(&closer->lock);
	return NULL;
}

static bool start(struct closer *closer)
{
	pthread_attr_t how;
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_attr_init(&how);
	(void)pthread_attr_setstacksize(&how, STACK_BYTES);
	(void)pthread_attr_setsigmask_np(&how, &all);
	int err = pthread_create(&closer->thread, &how, close_all, closer);
	(void)pthread_attr_destroy(&how);
	if (err == 0)
		closer->owner = getpid();
	return err == 0;
}

/* A thread stays behind in the process that forked, and so may a lock it holds. */
static bool has_thread(struct closer *closer)
{
	if (closer->owner && closer->owner != getpid())
		*closer = CLOSER_NONE;
	return closer->owner != 0;
}

void closer_give(struct closer *closer, int fd)
{
	bool waits = has_thread(closer) || start(closer);

	if (waits) {
		(void)pthread_mutex_lock(&closer->lock);
		waits = closer->n_given - closer->n_closed < CLOSER_MOST;
		if (waits)
			closer->fds[closer->n_given++ % CLOSER_MOST] = fd;
		(void)pthread_mutex_unlock(&closer->lock);
		(void)pthread_cond_signal(
			&closer->changed); /* who wakes up finds it open */
	}
	if (!waits)
		(void)close(fd);
}

bool closer_wait(struct closer *closer)
{
	if (!has_thread(closer))
		return false;
	(void)pthread_mutex_lock(&closer->lock);
	bool waited = closer->n_closed != closer->n_given;
	while (closer->n_closed != closer->n_given)
		(void)pthread_cond_wait(&closer->changed, &closer->lock);
	(void)pthread_mutex_unlock(&closer->lock);
	return waited;
}

void closer_fini(struct closer *closer)
{
	if (!has_thread(closer))
		return;
	(void)pthread_mutex_lock(&closer->lock);
	closer->ends = true;
	(void)pthread_cond_signal(&closer->changed);
	(void)pthread_mutex_unlock(&closer->lock);
	(void)pthread_join(closer->thread, NULL);
	*closer = CLOSER_NONE;
}

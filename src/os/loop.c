/* SPDX-License-Identifier: MIT */

#include "os/loop.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/fd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define BATCH     64 /* events taken at once; the rest stay in the kernel */
#define FIRST_CAP 64u

struct loop {
	int epfd; /* owned; -1 until the first is added */
	bool stop;
	uint64_t now_ns;

	/* What this round still has to tell; an entry taken out meanwhile is NULL. */
	struct epoll_event batch[BATCH];
	int n_batch;

	/*
	 * A binary heap from 1, ordered by queued_ns. A timer moved to later stays
	 * where it is, and goes to its right place when it comes up too early.
	 */
	struct loop_timer **heap;
	size_t n_timers;
	size_t heap_cap;

	struct list tasks;
};

static int open_set(struct loop *loop)
{
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epfd < 0 ? -errno : 0;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->heap_cap = FIRST_CAP;
	loop->heap = malloc(FIRST_CAP * sizeof(struct loop_timer *));
	if (!loop->heap || open_set(loop) < 0) {
		free(loop->heap);
		free(loop);
		return NULL;
	}
	loop->now_ns = clock_mono_ns();
	list_init(&loop->tasks);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	fd_close(&loop->epfd);
	free(loop->heap);
	free(loop);
}

void loop_renew(struct loop *loop)
{
	fd_close(&loop->epfd);
	loop->stop = false;
	loop->now_ns = clock_mono_ns();
	loop->n_batch = 0;
	loop->n_timers = 0;
	list_init(&loop->tasks);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

uint64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

int loop_add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = io};
	int r = loop->epfd < 0 ? open_set(loop) : 0;

	if (r < 0)
		return r;
	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, io->fd, &ev) < 0)
		return -errno;
	io->added = true;
	return 0;
}

int loop_change(struct loop *loop, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = io};

	return epoll_ctl(loop->epfd, EPOLL_CTL_MOD, io->fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_io *io)
{
	if (!io->added)
		return;
	/* It cannot fail for what was added and not closed; and if it did, nothing could be
	 * done. */
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	io->added = false;

	for (int i = 0; i < loop->n_batch; i++) {
		if (loop->batch[i].data.ptr == io)
			loop->batch[i].data.ptr = NULL;
	}
}

static void place(struct loop *loop, size_t at, struct loop_timer *timer)
{
	loop->heap[at] = timer;
	timer->place = at;
}

static void sift_up(struct loop *loop, size_t at)
{
	struct loop_timer *timer = loop->heap[at];

	while (at > 1 && loop->heap[at / 2]->queued_ns > timer->queued_ns) {
		place(loop, at, loop->heap[at / 2]);
		at /= 2;
	}
	place(loop, at, timer);
}

static void sift_down(struct loop *loop, size_t at)
{
	struct loop_timer *timer = loop->heap[at];

	for (;;) {
		size_t child = 2 * at;

		if (child > loop->n_timers)
			break;
		if (child < loop->n_timers
			&& loop->heap[child + 1]->queued_ns < loop->heap[child]->queued_ns)
			child++;
		if (loop->heap[child]->queued_ns >= timer->queued_ns)
			break;
		place(loop, at, loop->heap[child]);
		at = child;
	}
	place(loop, at, timer);
}

static int heap_insert(struct loop *loop, struct loop_timer *timer)
{
	if (loop->n_timers + 1 >= loop->heap_cap) {
		size_t cap = 2 * loop->heap_cap;
		struct loop_timer **heap = realloc(loop->heap, cap * sizeof(*heap));

		if (!heap)
			return -ENOMEM;
		loop->heap = heap;
		loop->heap_cap = cap;
	}
	timer->queued_ns = timer->at_ns;
	place(loop, ++loop->n_timers, timer);
	sift_up(loop, timer->place);
	return 0;
}

int loop_at(struct loop *loop, struct loop_timer *timer, uint64_t at_ns)
{
	timer->at_ns = at_ns;
	if (!timer->place) {
		int r = at_ns ? heap_insert(loop, timer) : 0;

		if (r < 0)
			timer->at_ns = 0;
		return r;
	}
	if (at_ns && at_ns < timer->queued_ns) {
		timer->queued_ns = at_ns;
		sift_up(loop, timer->place);
	}
	return 0;
}

void loop_cancel(struct loop *loop, struct loop_timer *timer)
{
	size_t at = timer->place;

	timer->at_ns = 0;
	if (!at)
		return;
	timer->place = 0;

	struct loop_timer *last = loop->heap[loop->n_timers--];
	if (last == timer)
		return;
	place(loop, at, last);
	sift_up(loop, at);
	sift_down(loop, last->place);
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	assert(list_empty(&task->link));
	list_append(&loop->tasks, &task->link);
}

static void run_timers(struct loop *loop)
{
	while (loop->n_timers && loop->heap[1]->queued_ns <= loop->now_ns) {
		struct loop_timer *timer = loop->heap[1];

		if (timer->at_ns > timer->queued_ns) { /* it was moved to later */
			timer->queued_ns = timer->at_ns;
			sift_down(loop, 1);
			continue;
		}
		bool due = timer->at_ns != 0;
		loop_cancel(loop, timer);
		if (due)
			timer->on(timer);
	}
}

static void run_tasks(struct loop *loop)
{
	struct list now;

	if (list_empty(&loop->tasks))
		return;

	/* Only those that are here now: a task may defer itself again. */
	list_init(&now);
	list_append(&loop->tasks, &now);
	while (loop->tasks.next != &now) {
		struct loop_task *task = list_first(&loop->tasks, struct loop_task, link);

		list_remove(&task->link);
		task->on(task);
	}
	list_remove(&now);
}

/* How long epoll may sleep, in whole milliseconds rounded up; -1 for ever. */
static int may_sleep_ms(const struct loop *loop)
{
	if (loop->stop || !list_empty(&loop->tasks))
		return 0;
	if (!loop->n_timers)
		return -1;

	uint64_t at = loop->heap[1]->queued_ns, now = clock_mono_ns();
	if (at <= now)
		return 0;
	uint64_t ms = (at - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 3'600'000 ? 3'600'000 : (int)ms;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop) {
		int n = epoll_wait(loop->epfd, loop->batch, BATCH, may_sleep_ms(loop));

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->now_ns = clock_mono_ns();
		loop->n_batch = n > 0 ? n : 0;
		for (int i = 0; i < loop->n_batch; i++) {
			struct loop_io *io = loop->batch[i].data.ptr;

			if (io)
				io->on(io, loop->batch[i].events);
		}
		loop->n_batch = 0;
		run_timers(loop);
		run_tasks(loop);
	}
	loop->stop = false; /* it may be run again */
	return 0;
}

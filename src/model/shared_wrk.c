/* SPDX-License-Identifier: MIT */

#include "model/shared_wrk.h"

#include "core/conn.h"
#include "core/crew_sup.h"
#include "core/worker_wrk.h"
#include "model/shared.h"
#include "model/shared_sup.h"
#include "os/fd.h"

/* One at a time: the others are awake too, and each should get its share. */
enum { AT_ONCE_SHARED = 1, AT_ONCE_OWN = 16 };

static void accepted(struct accept_wrk *a)
{
	const struct core_msg msg = {.type = SHARED_FULL};

	if (!accept_wrk_has_room(a, false))
		worker_tell(a->worker, &msg, CORE_MSG_BARE);
}

static int start(struct worker *w, uint32_t events, unsigned at_once)
{
	struct shared_wrk *s = w->model;

	int r = accept_wrk_init(&s->accept, w, events, at_once);
	if (r < 0)
		return r;
	s->accept.accepted = accepted;
	accept_wrk_want(&s->accept, true);
	return 0;
}

int shared_wrk_start(struct worker *w)
{
	return start(w, EPOLLEXCLUSIVE, AT_ONCE_SHARED);
}

int shared_wrk_start_reuseport(struct worker *w)
{
	return start(w, 0, AT_ONCE_OWN);
}

void shared_wrk_fini(struct worker *w)
{
	struct shared_wrk *s = w->model;

	accept_wrk_fini(&s->accept);
}

void shared_wrk_message(struct worker *w, const void *msg, size_t len, int fd)
{
	(void)w; /* the supervisor has nothing to say that the core does not know */
	(void)msg;
	(void)len;
	fd_close(&fd);
}

void shared_wrk_idle(struct conn *c)
{
	struct shared_wrk *s = c->worker->model;

	accept_wrk_idle(&s->accept, c);
}

void shared_wrk_ended(struct conn *c)
{
	struct shared_wrk *s = c->worker->model;

	accept_wrk_ended(&s->accept, c);
}

void shared_wrk_yield(struct worker *w)
{
	struct shared_wrk *s = w->model;

	accept_wrk_drain(&s->accept);
}

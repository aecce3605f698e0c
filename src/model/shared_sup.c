/* SPDX-License-Identifier: MIT */

#include "model/shared_sup.h"

#include "base/reason.h"
#include "core/crew_sup.h"
#include "core/heritage.h"
#include "core/model.h"
#include "core/settings.h"
#include "model/shared.h"
#include "model/shared_wrk.h"
#include "os/fd.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int sup_start(struct crew *crew, struct reason *reason)
{
	struct shared_sup *s = crew->model;

	(void)reason;
	grow_init(&s->grow, crew);
	return 0;
}

static void sup_fini(struct crew *crew)
{
	struct shared_sup *s = crew->model;

	grow_fini(&s->grow);
}

static int sup_heritage(struct slot *slot, struct heritage *out)
{
	const struct crew *crew = slot->crew;

	for (size_t i = 0; i < crew->n_listeners; i++)
		heritage_add(out, crew->listeners[i].fd);
	return 0;
}

static int sup_message(struct slot *slot, const void *msg, size_t len)
{
	struct shared_sup *s = slot->crew->model;
	uint32_t type;

	if (len != sizeof(type))
		return -EPROTO;
	memcpy(&type, msg, sizeof(type));
	if (type != SHARED_FULL)
		return -EPROTO;
	grow_look(&s->grow);
	return 0;
}

static void sup_gone(struct slot *slot)
{
	(void)slot; /* its connections went with it; what waits in the kernel the others
		       take */
}

static void sup_drain(struct crew *crew)
{
	(void)crew; /* the listeners are closed here, and in the workers when they are told
		     */
}

static bool sup_idle(const struct crew *crew)
{
	(void)crew;
	return true;
}

const struct model_ops shared_model = {
	.name = "shared",
	.summary = "workers that all accept from the same listener",
	.sup_bytes = sizeof(struct shared_sup),
	.sup_start = sup_start,
	.sup_fini = sup_fini,
	.sup_heritage = sup_heritage,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.sup_drain = sup_drain,
	.sup_idle = sup_idle,
	.wrk_bytes = sizeof(struct shared_wrk),
	.wrk_start = shared_wrk_start,
	.wrk_fini = shared_wrk_fini,
	.wrk_message = shared_wrk_message,
	.wrk_idle = shared_wrk_idle,
	.wrk_ended = shared_wrk_ended,
	.wrk_yield = shared_wrk_yield,
};

/* -- reuseport: slot->model is an array of the slot's own listeners, as many as the crew
 * has -- */

/*
 * They outlive the slot's worker: what waits at them when it dies, its successor
 * takes. The crew's own listeners are the first slot's, so none is left without a worker.
 */
static int reuseport_heritage(struct slot *slot, struct heritage *out)
{
	const struct crew *crew = slot->crew;
	const struct sock_listen_opts opts = {.backlog = LISTEN_BACKLOG, .reuseport = true};
	int *fds = slot->model;

	if (!fds) {
		fds = slot->model = calloc(crew->n_listeners + 1, sizeof(*fds));
		if (!fds)
			return -ENOMEM;
		memset(fds, -1, crew->n_listeners * sizeof(*fds));
	}
	for (size_t i = 0; i < crew->n_listeners; i++) {
		const struct listener *l = &crew->listeners[i];

		/* Unix sockets have no such option: there the workers share one. */
		if (slot->index == 0 || l->addr.sa.sa_family == AF_UNIX)
			fds[i] = l->fd;
		else if (fds[i] < 0)
			fds[i] = sock_listen(&l->addr, &opts, NULL);
		if (fds[i] < 0)
			return fds[i];
		heritage_add(out, fds[i]);
	}
	return 0;
}

static void close_own_listeners(struct slot *slot)
{
	const struct crew *crew = slot->crew;
	int *fds = slot->model;

	for (size_t i = 0; fds && i < crew->n_listeners; i++) {
		if (slot->index > 0 && crew->listeners[i].addr.sa.sa_family != AF_UNIX)
			fd_close(&fds[i]);
	}
	free(fds);
	slot->model = NULL;
}

static void reuseport_drain(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_slots; i++)
		close_own_listeners(&crew->slots[i]);
}

static void reuseport_fini(struct crew *crew)
{
	reuseport_drain(crew);
	sup_fini(crew);
}

const struct model_ops reuseport_model = {
	.name = "reuseport",
	.summary = "workers that each have a listener of their own at one address",
	.reuseport = true,
	.sup_bytes = sizeof(struct shared_sup),
	.sup_start = sup_start,
	.sup_fini = reuseport_fini,
	.sup_heritage = reuseport_heritage,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.sup_drain = reuseport_drain,
	.sup_idle = sup_idle,
	.wrk_bytes = sizeof(struct shared_wrk),
	.wrk_start = shared_wrk_start_reuseport,
	.wrk_fini = shared_wrk_fini,
	.wrk_message = shared_wrk_message,
	.wrk_idle = shared_wrk_idle,
	.wrk_ended = shared_wrk_ended,
	.wrk_yield = shared_wrk_yield,
};

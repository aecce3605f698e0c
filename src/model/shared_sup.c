/* SPDX-License-Identifier: MIT */

#include "model/shared_sup.h"

#include "base/reason.h"
#include "core/crew_sup.h"
#include "core/heritage.h"
#include "core/model.h"
#include "core/settings.h"
#include "model/shared.h"
#include "model/shared_wrk.h"

#include <errno.h>
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
	listen_heritage(slot, out);
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

const struct model_ops shared_model = {
	.name = "shared",
	.summary = "workers that all accept from the same listener",
	.sup_bytes = sizeof(struct shared_sup),
	.sup_start = sup_start,
	.sup_fini = sup_fini,
	.sup_heritage = sup_heritage,
	.sup_message = sup_message,
	.wrk_bytes = sizeof(struct shared_wrk),
	.wrk_start = shared_wrk_start,
	.wrk_fini = shared_wrk_fini,
	.wrk_message = shared_wrk_message,
	.wrk_idle = shared_wrk_idle,
	.wrk_ended = shared_wrk_ended,
	.wrk_yield = shared_wrk_yield,
};

/* -- reuseport -- */

/*
 * A worker's sockets outlive it: what waits in them when it dies, its successor
 * takes. For the same reason there are never fewer workers than there were: nobody
 * would take what the kernel puts in the sockets of one that is gone.
 */
static int reuseport_start(struct crew *crew, struct reason *reason)
{
	struct shared_sup *s = crew->model;

	(void)reason;
	grow_init(&s->grow, crew);
	s->grow.only = true;
	return 0;
}

static int reuseport_heritage(struct slot *slot, struct heritage *out)
{
	int r = listen_for_slot(slot);

	if (r == 0)
		listen_heritage(slot, out);
	return r;
}

const struct model_ops reuseport_model = {
	.name = "reuseport",
	.summary = "workers that each have a listener of their own at one address",
	.reuseport = true,
	.sup_bytes = sizeof(struct shared_sup),
	.sup_start = reuseport_start,
	.sup_fini = sup_fini,
	.sup_heritage = reuseport_heritage,
	.sup_message = sup_message,
	.wrk_bytes = sizeof(struct shared_wrk),
	.wrk_start = shared_wrk_start_reuseport,
	.wrk_fini = shared_wrk_fini,
	.wrk_message = shared_wrk_message,
	.wrk_idle = shared_wrk_idle,
	.wrk_ended = shared_wrk_ended,
	.wrk_yield = shared_wrk_yield,
};

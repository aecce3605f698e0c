/* SPDX-License-Identifier: MIT */

/* conn_begin_wrk - from a connection's arrival to its service's open(): for whom it comes, and
 * whether it may. */

#include "base/util.h"
#include "core/conn_priv_wrk.h"
#include "core/crew_sup.h"
#include "core/hail_wrk.h"
#include "core/proxy.h"
#include "core/service.h"
#include "core/worker_wrk.h"
#include "log/log.h"

#include <sys/uio.h>

#define HAIL_NS       (5 * NS_PER_SEC) /* for a PROXY header to come */
#define SAY_EVERY_NS  (5 * NS_PER_SEC)
#define REFUSAL_NS    NS_PER_SEC /* for a refusal to be read */
#define REFUSAL_BYTES (64 * KIB)

/* Ends it in the service's own words, which it is given a moment to read. */
static void refuse(struct held *h, enum refusal why)
{
	struct span words = crew_refusal(h->pub.worker->boot->crew, why);
	const struct iovec iov = {.iov_base = (void *)words.p, .iov_len = words.n};

	if (words.n && conn_send(&h->pub, &iov, 1, false) == (ssize_t)words.n)
		conn_linger(&h->pub, REFUSAL_NS, REFUSAL_BYTES);
	conn_close(h);
}

/* Whether its address has not too many connections. Under some models the supervisor has seen
 * to that, and who was here before is not turned away. */
static bool may_enter(struct held *h)
{
	struct worker *w = h->pub.worker;
	const struct crew *crew = w->boot->crew;
	uint64_t now_ns = loop_now_ns(w->loop);
	enum gate_answer answer;
	uint32_t ticket;

	if (!crew->is_limited || atomic_load(&h->seat->ticket))
		return true;
	if (h->pub.resumed) {
		atomic_store(&h->seat->ticket, gate_admit(crew->gate, &h->peer));
		return true;
	}
	answer = gate_enter(crew->gate, &crew->limits, &h->peer, now_ns, &ticket);
	atomic_store(&h->seat->ticket, ticket);
	if (answer != GATE_OPEN)
		gate_say(crew->gate, w->log, crew->spec->name, &h->peer, answer, now_ns);
	return answer == GATE_OPEN;
}

static void come_in(struct held *h)
{
	if (!may_enter(h)) {
		refuse(h, REFUSE_GREEDY);
		return;
	}
	h->open = true;
	conn_follow(&h->pub, h->pub.worker->service->open(&h->pub));
}

static void say_bad_hail(struct held *h)
{
	struct worker *w = h->pub.worker;
	uint64_t now_ns = loop_now_ns(w->loop);
	char host[ADDR_TEXT_MAX];

	if (w->conns.said_ns && now_ns - w->conns.said_ns < SAY_EVERY_NS)
		return;
	w->conns.said_ns = now_ns;
	addr_host(&h->peer, host);
	log_warn(w->log, "proxy-header",
		"a proxy does not begin with a PROXY header, so its connections are closed",
		KV("address", host));
}

void conn_hail(struct held *h)
{
	struct proxy_header said;
	enum hail what = hail_read(h->fd, h->seat, &said);

	switch (what) {
	case HAIL_DONE: break;
	case HAIL_MORE:
		if (h->peer_ended || !conn_watch(h, EPOLLIN))
			conn_finish(h, false);
		return;
	case HAIL_BAD:
		say_bad_hail(h);
		conn_finish(h, true);
		return;
	case HAIL_NONE: conn_finish(h, false); return;
	}
	h->hailing = false;
	loop_cancel(h->pub.worker->loop, &h->timer);
	if (said.known) {
		h->peer = said.from;
		h->announced_local = said.to;
		h->pub.local = &h->announced_local;
		h->pub.proxied = true;
	}
	come_in(h);
}

/* Nobody waits for ever for a proxy to say for whom it comes. */
static void await_hail(struct held *h)
{
	struct loop *loop = h->pub.worker->loop;

	h->hailing = true;
	if (loop_at(loop, &h->timer, loop_now_ns(loop) + HAIL_NS) < 0)
		conn_finish(h, true);
	else
		conn_hail(h);
}

void conn_begin(struct held *h)
{
	const struct crew *crew = h->pub.worker->boot->crew;

	if (crew_is_proxy(crew, &h->peer) && !atomic_load(&h->seat->n_read))
		await_hail(h);
	else
		come_in(h);
}

/* SPDX-License-Identifier: MIT */

#include "core/listen_sup.h"

#include "base/reason.h"
#include "core/crew_sup.h"
#include "core/heritage.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/sock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- what is there already -- */

int stock_add(struct stock *stock, const struct stock_item *item)
{
	struct stock_item *grown =
		realloc(stock->items, (stock->n + 1) * sizeof(*stock->items));

	if (!grown)
		return -ENOMEM;
	stock->items = grown;
	grown[stock->n++] = *item;
	return 0;
}

int stock_add_gate(struct stock *stock, const char *service, struct gate *gate)
{
	struct stock_gate *grown =
		realloc(stock->gates, (stock->n_gates + 1) * sizeof(*stock->gates));
	char *name = strdup(service);

	if (grown)
		stock->gates = grown;
	if (!grown || !name) {
		free(name);
		gate_free(gate);
		return -ENOMEM;
	}
	grown[stock->n_gates++] = (struct stock_gate){.service = name, .gate = gate};
	return 0;
}

struct gate *stock_gate(const struct stock *stock, const char *service)
{
	for (size_t i = 0; stock && i < stock->n_gates; i++) {
		if (strcmp(stock->gates[i].service, service) == 0)
			return stock->gates[i].gate;
	}
	return NULL;
}

int stock_add_crew(struct stock *stock, const struct crew *crew)
{
	int r = 0;

	for (size_t i = 0; i < crew->n_listeners && r == 0; i++) {
		const struct listener *l = &crew->listeners[i];

		if (l->fd >= 0)
			r = stock_add(stock, &(struct stock_item){
						     .service = crew->spec->name,
						     .asked = l->asked,
						     .bound = l->addr,
						     .fd = l->fd,
						     .foreign = l->foreign,
					     });
	}
	return r;
}

void stock_fini(struct stock *stock)
{
	for (size_t i = 0; i < stock->n_gates; i++) {
		free((char *)stock->gates[i].service);
		gate_free(stock->gates[i].gate);
	}
	free(stock->gates);
	free(stock->items);
	*stock = (struct stock){0};
}

void stock_close(struct stock *stock)
{
	for (size_t i = 0; i < stock->n; i++) {
		free((char *)stock->items[i].service);
		fd_close(&stock->items[i].fd);
	}
	stock_fini(stock);
}

/* The next that is at @addr, or (port 0) was asked for as that by the same service; or
 * NULL. */
static struct stock_item *find(
	struct stock *stock, const char *service, const struct addr *addr)
{
	for (size_t i = 0; stock && i < stock->n; i++) {
		struct stock_item *item = &stock->items[i];

		if (item->taken)
			continue;
		if (addr_equal(&item->bound, addr)
			|| (addr_equal(&item->asked, addr)
				&& strcmp(item->service, service) == 0))
			return item;
	}
	return NULL;
}

/* -- a crew's own -- */

/* Takes over @fd. The array has room: listen_open has seen to that. */
static void add(struct crew *crew, int fd, const struct addr *asked, unsigned address)
{
	size_t index = crew->n_listeners++;
	struct listener *l = &crew->listeners[index];

	*l = (struct listener){
		.crew = crew,
		.index = (unsigned)index,
		.address = address,
		.slot = LISTEN_ANY_SLOT,
		.asked = *asked,
		.fd = fd,
		.io.fd = fd,
	};
	sock_local(fd, &l->addr);
}

/* Where the model has a socket for each worker: lets them be bound beside @fd. */
static int share(const struct crew *crew, int fd, const struct addr *addr)
{
	return crew->spec->model->reuseport && addr->sa.sa_family != AF_UNIX
		       ? sock_share(fd)
		       : 0;
}

static int take(struct crew *crew, struct stock_item *item, const struct addr *asked,
	unsigned address, struct reason *reason)
{
	char text[ADDR_TEXT_MAX];
	int fd = fd_dup(item->fd);

	/* A port the kernel chose stays what was asked for then. */
	if (fd >= 0) {
		add(crew, fd, asked, address);
		crew->listeners[crew->n_listeners - 1].foreign = item->foreign;
	}
	int r = fd < 0 ? fd : share(crew, fd, asked);
	item->taken = true;
	if (r == 0)
		return 0;
	addr_text(&item->bound, text);
	errno = -r;
	return reason_errno(reason, "cannot take over the socket at %s", text);
}

/* @beside: there is one of ours already. */
static int bind_new(struct crew *crew, const struct addr *addr, unsigned address,
	bool beside, struct reason *reason)
{
	const struct sock_listen_opts opts = {
		.backlog = LISTEN_BACKLOG,
		.unix_mode = 0666,
		.reuseport = beside,
	};
	int fd = sock_listen(addr, &opts, reason);

	if (fd >= 0)
		add(crew, fd, addr, address);
	return fd < 0 ? fd : 0;
}

/* Not beside one of another server, which would then have a part of those who come. */
static int bind_first(
	struct crew *crew, const struct addr *addr, unsigned address, struct reason *reason)
{
	int r = bind_new(crew, addr, address, false, reason);
	if (r < 0)
		return r;

	r = share(crew, crew->listeners[crew->n_listeners - 1].fd, addr);
	return r < 0 ? reason_errno(reason, "cannot share an address") : 0;
}

/* What another program has bound without SO_REUSEADDR stays the only socket there: whoever
 * has come to it already stands in the way of a second. */
static bool is_per_slot(const struct listener *l)
{
	return l->crew->spec->model->reuseport && l->addr.sa.sa_family != AF_UNIX
	       && (!l->foreign || sock_is_reusable(l->fd));
}

/*
 * The workers that are certain to be there share what there is: a socket
 * without a worker would be where connections wait for nobody.
 */
static void share_out(struct crew *crew)
{
	unsigned n_workers = (unsigned)crew->spec->settings->workers.min;

	for (unsigned address = 0; address < crew->n_addresses; address++) {
		unsigned next = 0;

		for (size_t i = 0; i < crew->n_listeners; i++) {
			struct listener *l = &crew->listeners[i];

			if (l->address == address && is_per_slot(l))
				l->slot = (int)(next++ % n_workers);
		}
	}
}

/* The other sockets at the same addresses. */
static int take_siblings(struct crew *crew, const struct addr *addrs, struct stock *stock,
	struct reason *reason)
{
	int r = 0;

	for (unsigned i = 0; i < crew->n_addresses; i++) {
		struct stock_item *item;

		while (r == 0 && crew->n_listeners < LISTEN_SOCKETS_MAX
			&& (item = find(stock, crew->spec->name, &crew->listeners[i].addr)))
			r = take(crew, item, &addrs[i], i, reason);
	}
	return r;
}

int listen_open(struct crew *crew, const struct addr *addrs, size_t n, struct stock *stock,
	struct reason *reason)
{
	size_t n_most = LISTEN_SOCKETS_MAX + n * (size_t)crew->n_slots;

	/* All at once: models keep pointers into it. */
	crew->listeners = calloc(n_most, sizeof(*crew->listeners));
	if (!crew->listeners)
		return reason_set(reason, "out of memory");

	int r = 0;
	for (; crew->n_addresses < n && r == 0; crew->n_addresses += r == 0) {
		unsigned i = (unsigned)crew->n_addresses;
		struct stock_item *item = find(stock, crew->spec->name, &addrs[i]);

		r = item ? take(crew, item, &addrs[i], i, reason)
			 : bind_first(crew, &addrs[i], i, reason);
	}
	if (r == 0)
		r = take_siblings(crew, addrs, stock, reason);
	share_out(crew);
	return r;
}

bool listen_is_at(const struct crew *crew, const struct addr *addr)
{
	for (size_t i = 0; i < crew->n_listeners; i++) {
		if (crew->listeners[i].fd >= 0
			&& addr_equal(&crew->listeners[i].addr, addr))
			return true;
	}
	return false;
}

static void close_one(struct listener *l)
{
	struct crew *crew = l->crew;

	loop_remove(crew->loop, &l->io);
	if (l->fd < 0)
		return;
	if (l->foreign || crew->events->in_use(crew, &l->addr))
		fd_close(&l->fd);
	else
		sock_unlisten(fd_take(&l->fd), &l->addr);
}

void listen_close(struct crew *crew)
{
	for (size_t i = 0; i < crew->n_listeners; i++)
		close_one(&crew->listeners[i]);
}

void listen_give_up(struct crew *crew)
{
	for (size_t i = 0; i < crew->n_listeners; i++) {
		struct listener *l = &crew->listeners[i];

		if (l->foreign || l->fd < 0)
			continue;
		if (!crew->events->in_use(crew, &l->addr))
			sock_refuse(l->fd);
		close_one(l);
	}
}

bool listen_is_for(const struct listener *l, unsigned index)
{
	return l->slot == LISTEN_ANY_SLOT || l->slot == (int)index;
}

static bool has_its_own(const struct slot *slot, unsigned address)
{
	const struct crew *crew = slot->crew;

	for (size_t i = 0; i < crew->n_listeners; i++) {
		const struct listener *l = &crew->listeners[i];

		if (l->address == address && listen_is_for(l, slot->index))
			return true;
	}
	return false;
}

int listen_for_slot(struct slot *slot)
{
	struct crew *crew = slot->crew;
	struct reason reason;
	int r = 0;

	for (unsigned i = 0; i < crew->n_addresses && r == 0; i++) {
		if (has_its_own(slot, i))
			continue;
		r = bind_new(crew, &crew->listeners[i].addr, i, true, &reason);
		if (r == 0)
			crew->listeners[crew->n_listeners - 1].slot = (int)slot->index;
	}
	return r;
}

bool listen_is_owned(const struct crew *crew, unsigned index)
{
	for (size_t i = 0; i < crew->n_listeners; i++) {
		if (crew->listeners[i].slot == (int)index)
			return true;
	}
	return false;
}

void listen_move(struct crew *crew, unsigned from, unsigned to)
{
	for (size_t i = 0; i < crew->n_listeners; i++) {
		if (crew->listeners[i].slot == (int)from)
			crew->listeners[i].slot = (int)to;
	}
}

void listen_heritage(const struct slot *slot, struct heritage *out)
{
	const struct crew *crew = slot->crew;

	for (size_t i = 0; i < crew->n_listeners; i++) {
		if (listen_is_for(&crew->listeners[i], slot->index))
			heritage_add(out, crew->listeners[i].fd);
	}
}

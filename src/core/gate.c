/* SPDX-License-Identifier: MIT */

#include "core/gate.h"

#include "base/sip.h"
#include "base/util.h"
#include "core/heritage.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/mem.h"
#include "os/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define LAYOUT 1u /* another for every change of what the table means */

#define N_ROWS       2u
#define N_CELLS      65536u /* of a row: an index is 16 bits of the ticket */
#define COUNT_MAX    0xffffu
#define TICK_BITS    10u /* a tick is 1.024 us: 48 bits of them last for nine years */
#define SAY_EVERY_NS (5 * NS_PER_SEC)

/* A cell: the count in its low 16 bits; above, the tick from which on nothing is owed. */
typedef _Atomic uint64_t cell;

struct table {
	uint64_t id; /* random, as the next */
	struct sip_key key;
	_Atomic uint64_t n_refused;
	_Atomic uint64_t said_ns;
	cell rows[N_ROWS][N_CELLS];
};

struct gate {
	unsigned n_owners;   /* the supervisor's */
	int fd;              /* owned, in the supervisor */
	struct table *table; /* shared with the workers, and with the next program */
};

/* Takes over both; NULL without either, or memory. */
static struct gate *make(struct table *table, int fd)
{
	struct gate *gate = table ? malloc(sizeof(*gate)) : NULL;

	if (!gate) {
		mem_unshare(table, sizeof(*table));
		fd_close(&fd);
		return NULL;
	}
	*gate = (struct gate){.n_owners = 1, .fd = fd, .table = table};
	return gate;
}

struct gate *gate_new(void)
{
	int fd = -1;
	struct table *table = mem_share_by_fd(sizeof(*table), &fd);

	if (table) {
		random_bytes(&table->id, sizeof(table->id));
		random_bytes(&table->key, sizeof(table->key));
	}
	return make(table, fd);
}

struct gate *gate_adopt(int fd, uint64_t layout)
{
	struct table *table = NULL;

	if (fd >= 0 && layout == gate_layout())
		table = mem_attach(fd, sizeof(*table));
	return make(table, fd);
}

int gate_fd(const struct gate *gate)
{
	return gate->fd;
}

void gate_heritage(const struct gate *gate, struct heritage *out)
{
	heritage_add_memory(out, gate->table, sizeof(*gate->table));
}

uint64_t gate_layout(void)
{
	return (uint64_t)LAYOUT << 32 | sizeof(struct table);
}

uint64_t gate_id(const struct gate *gate)
{
	return gate->table->id;
}

struct gate *gate_share(struct gate *gate)
{
	if (gate)
		gate->n_owners++;
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate || --gate->n_owners > 0)
		return;
	mem_unshare(gate->table, sizeof(*gate->table));
	fd_close(&gate->fd);
	free(gate);
}

/* 0 for who is not counted. No cell of the first row is number 0, so no other ticket is 0. */
static uint32_t ticket_of(const struct gate *gate, const struct addr *addr)
{
	unsigned char bytes[ADDR_BYTES_MAX];
	size_t n = addr_bytes(addr, bytes);

	if (!n)
		return 0;
	uint32_t ticket = (uint32_t)sip_hash(
		&gate->table->key, span_of((const char *)bytes, MIN(n, 8)));
	return ticket & 0xffff ? ticket : ticket | 1;
}

static cell *cell_of(struct gate *gate, uint32_t ticket, unsigned row)
{
	return &gate->table->rows[row][ticket >> 16 * row & 0xffff];
}

static uint64_t count_of(uint64_t value)
{
	return value & COUNT_MAX;
}

static uint64_t free_from(uint64_t value)
{
	return value >> 16;
}

/* One more, which owes @cost ticks. Returns the new count. */
static uint64_t add(cell *c, uint64_t now, uint64_t cost)
{
	uint64_t value = atomic_load(c), next;

	do {
		uint64_t count = MIN(count_of(value) + 1, COUNT_MAX);

		next = (MAX(free_from(value), now) + cost) << 16 | count;
	} while (!atomic_compare_exchange_weak(c, &value, next));
	return count_of(next);
}

static void take_off(cell *c)
{
	uint64_t value = atomic_load(c);

	while (count_of(value) && !atomic_compare_exchange_weak(c, &value, value - 1))
		continue;
}

static bool too_fast(
	struct gate *gate, const struct gate_limits *limits, uint32_t ticket, uint64_t now)
{
	uint64_t cost, slack;

	if (!limits->rate)
		return false;
	cost = (NS_PER_SEC / limits->rate) >> TICK_BITS;
	slack = cost * (MAX(limits->burst, 1) - 1);
	for (unsigned row = 0; row < N_ROWS; row++) {
		if (free_from(atomic_load(cell_of(gate, ticket, row))) <= now + slack)
			return false;
	}
	return true;
}

/* Counts a connection, whatever the limits. Returns how many there are, with it. */
static uint64_t count(struct gate *gate, uint32_t ticket, uint64_t now, uint64_t cost)
{
	uint64_t least = COUNT_MAX;

	for (unsigned row = 0; row < N_ROWS; row++) {
		uint64_t n = add(cell_of(gate, ticket, row), now, cost);

		least = MIN(least, n);
	}
	return least;
}

enum gate_answer gate_enter(struct gate *gate, const struct gate_limits *limits,
	const struct addr *addr, uint64_t now_ns, uint32_t *ticket)
{
	uint64_t now = now_ns >> TICK_BITS;
	uint64_t cost = limits->rate ? (NS_PER_SEC / limits->rate) >> TICK_BITS : 0;
	uint32_t own = ticket_of(gate, addr);

	*ticket = 0;
	if (!own)
		return GATE_OPEN;
	if (too_fast(gate, limits, own, now)) {
		atomic_fetch_add(&gate->table->n_refused, 1);
		return GATE_TOO_FAST;
	}
	/* Counted first and looked at then: so two at once cannot both be the last that
	 * fits. */
	if (count(gate, own, now, cost) > limits->most && limits->most) {
		gate_leave(gate, own);
		atomic_fetch_add(&gate->table->n_refused, 1);
		return GATE_TOO_MANY;
	}
	*ticket = own;
	return GATE_OPEN;
}

uint32_t gate_admit(struct gate *gate, const struct addr *addr)
{
	uint32_t ticket = ticket_of(gate, addr);

	if (ticket)
		(void)count(gate, ticket, 0, 0); /* how many is of no interest */
	return ticket;
}

void gate_leave(struct gate *gate, uint32_t ticket)
{
	for (unsigned row = 0; row < N_ROWS && ticket; row++)
		take_off(cell_of(gate, ticket, row));
}

void gate_say(struct gate *gate, struct log *log, const char *service,
	const struct addr *addr, enum gate_answer answer, uint64_t now_ns)
{
	uint64_t said = atomic_load(&gate->table->said_ns);
	char host[ADDR_TEXT_MAX];

	if ((said && now_ns - said < SAY_EVERY_NS)
		|| !atomic_compare_exchange_strong(&gate->table->said_ns, &said, now_ns))
		return; /* or another process says it just now */
	addr_host(addr, host);
	log_warn(log, "address-limited",
		answer == GATE_TOO_MANY
			? "connections were refused: too many from one address"
			: "connections were refused: too many a second from one address",
		KV("service", service), KV("address", host),
		KV("refused", gate_n_refused(gate)));
}

uint64_t gate_n_refused(const struct gate *gate)
{
	return atomic_load_explicit(&gate->table->n_refused, memory_order_relaxed);
}

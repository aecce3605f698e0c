/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/throttle.h"

#include "os/random.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/*
 * One address in one word, so that every change is one compare-and-swap:
 * 20 bits of its hash (which of the row it is), 4 of failures, and 40 of when
 * the next try may begin, in ms of CLOCK_MONOTONIC (34 years). 0 is free.
 */
struct throttle {
	_Atomic uint64_t key; /* 0: not yet chosen */
	_Atomic uint64_t slots[THROTTLE_ROWS][THROTTLE_IN_ROW];
};

static_assert(sizeof(struct throttle) == THROTTLE_BYTES, "what callers set aside");

struct place {
	uint64_t tag;
	unsigned level;
	uint64_t next_ms;
};

static uint64_t pack(struct place p)
{
	return p.tag << 44 | (uint64_t)p.level << 40 | (p.next_ms & 0xff'ffff'ffffu);
}

static struct place unpack(uint64_t word)
{
	return (struct place){.tag = word >> 44,
		.level = word >> 40 & 15,
		.next_ms = word & 0xff'ffff'ffffu};
}

/* The failures that are left at @now_ms, with the forgiven ones gone. */
static unsigned level_at(struct place p, uint64_t now_ms)
{
	uint64_t forgiven =
		now_ms <= p.next_ms
			? 0
			: (now_ms - p.next_ms) / (THROTTLE_FORGIVE_NS / NS_PER_MS);

	return forgiven >= p.level ? 0 : p.level - (unsigned)forgiven;
}

static uint64_t step_ms(unsigned level)
{
	if (level < 2)
		return 0;
	return THROTTLE_STEP_NS / NS_PER_MS << (MIN(level, THROTTLE_LEVEL_MAX - 1) - 2);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* The key of this table; the first to come chooses it. */
static uint64_t table_key(struct throttle *t)
{
	uint64_t key = atomic_load_explicit(&t->key, memory_order_relaxed), mine;

	if (key)
		return key;
	random_bytes(&mine, sizeof(mine));
	mine |= 1;
	/* If another was quicker, key becomes what that one chose. */
	return atomic_compare_exchange_strong(&t->key, &key, mine) ? mine : key;
}

/* What of @peer is one opponent, hashed; false if it is never throttled. */
static bool hash_peer(struct throttle *t, const struct addr *peer, uint64_t *hash)
{
	uint64_t word = 0, key = table_key(t);

	if (peer->sa.sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&peer->ss;
		word = in->sin_addr.s_addr;
	} else if (peer->sa.sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&peer->ss;
		bool v4 = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		memcpy(&word, in6->sin6_addr.s6_addr + (v4 ? 12 : 0), v4 ? 4 : 8);
	} else {
		return false;
	}
	*hash = mix(mix(key, word), key);
	return true;
}

static struct place look(_Atomic uint64_t *slot)
{
	return unpack(atomic_load_explicit(slot, memory_order_relaxed));
}

/* The slot of @tag in @row; else the one it may take: the least loaded. */
static _Atomic uint64_t *find_slot(_Atomic uint64_t row[THROTTLE_IN_ROW], uint64_t tag,
	uint64_t now_ms, struct place *was)
{
	_Atomic uint64_t *least = row;

	*was = look(least);
	for (size_t i = 0; i < THROTTLE_IN_ROW; i++) {
		struct place p = look(&row[i]);

		if (p.tag == tag && p.level) {
			*was = p;
			return &row[i];
		}
		if (level_at(p, now_ms) < level_at(*was, now_ms)) {
			least = &row[i];
			*was = p;
		}
	}
	return least;
}

uint64_t throttle_delay(struct throttle *t, const struct addr *peer, uint64_t now_ns)
{
	uint64_t hash, now_ms = now_ns / NS_PER_MS;

	if (!hash_peer(t, peer, &hash))
		return 0;
	for (;;) {
		struct place was;
		_Atomic uint64_t *slot =
			find_slot(t->slots[hash % THROTTLE_ROWS], hash >> 44, now_ms, &was);
		unsigned level = was.tag == hash >> 44 ? level_at(was, now_ms) : 0;
		uint64_t step = step_ms(level), word = pack(was);

		if (!step)
			return 0;
		uint64_t start = MAX(was.next_ms, now_ms);
		if (start - now_ms > THROTTLE_LINE_NS / NS_PER_MS)
			return THROTTLE_TOO_MANY;
		struct place next = {was.tag, level, start + step};
		if (atomic_compare_exchange_strong(slot, &word, pack(next)))
			return (start - now_ms) * NS_PER_MS;
	}
}

void throttle_failed(struct throttle *t, const struct addr *peer, uint64_t now_ns)
{
	uint64_t hash, now_ms = now_ns / NS_PER_MS;

	if (!hash_peer(t, peer, &hash))
		return;
	for (;;) {
		struct place was;
		_Atomic uint64_t *slot =
			find_slot(t->slots[hash % THROTTLE_ROWS], hash >> 44, now_ms, &was);
		bool ours = was.tag == hash >> 44 && was.level;
		unsigned level =
			MIN((ours ? level_at(was, now_ms) : 0) + 1, THROTTLE_LEVEL_MAX);
		uint64_t next_ms = MAX(ours ? was.next_ms : 0, now_ms + step_ms(level));
		struct place next = {hash >> 44, level, next_ms};
		uint64_t word = pack(was);

		if (atomic_compare_exchange_strong(slot, &word, pack(next)))
			return;
	}
}

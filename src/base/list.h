/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * list - a doubly linked ring that lives inside what it links.
 *
 * A node in no list points at itself, so that removing it twice is harmless.
 * Zeroed memory is not a valid node: list_init first.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts @node behind the last; it must be in no list. */
static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

/* Puts @node before the first; it must be in no list. */
static inline void list_prepend(struct list *l, struct list *node)
{
	list_append(l->next, node);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The first or last entry as a pointer to its struct; the list must not be empty. */
#define list_first(l, type, member) container_of((l)->next, type, member)
#define list_last(l, type, member)  container_of((l)->prev, type, member)

/* @at may be removed (and freed) in the body; other entries may not. */
#define list_for_each_safe(at, tmp, l, member)                        \
	for (at = container_of((l)->next, typeof(*at), member),       \
	    tmp = container_of(at->member.next, typeof(*at), member); \
		&at->member != (l);                                   \
		at = tmp, tmp = container_of(at->member.next, typeof(*at), member))

#define list_for_each(at, l, member)                                                \
	for (at = container_of((l)->next, typeof(*at), member); &at->member != (l); \
		at = container_of(at->member.next, typeof(*at), member))

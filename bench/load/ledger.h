/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ledger - what became of every request. Each ends in exactly one of these ways.
 */

#include "latency.h"

#include <stdint.h>
#include <stdio.h>

enum broken {
	BROKEN_CONNECT, /* the connection was refused */
	BROKEN_RESET,
	BROKEN_CLOSED, /* it ended before the answer did */
	BROKEN_TIMEOUT,
	BROKEN_GARBLED, /* what came was not an HTTP answer, or more than one */
	BROKEN_BODY,    /* a success, but its body was not the one expected */
	BROKEN_KINDS,
};

enum { LEDGER_STATUS_MAX = 1000 };

struct ledger {
	uint64_t begun_ns; /* CLOCK_MONOTONIC */
	uint64_t n_begun;
	uint64_t n_right;
	uint64_t n_refused; /* 503 with Retry-After */
	uint64_t n_wrong[LEDGER_STATUS_MAX];
	uint64_t n_broken_before[BROKEN_KINDS]; /* no byte of the answer had come */
	uint64_t n_broken_after[BROKEN_KINDS];
	uint64_t n_broken_reused; /* of broken_before: the connection had answered before */
	uint64_t n_connections;
	uint64_t n_held_lost; /* --hold: ended by the server while idle */
	uint64_t n_body_bytes;

	uint64_t last_right_ns;
	uint64_t longest_gap_ns; /* between two right answers */
	struct latency latency;  /* of the right ones */
};

/* A right answer, complete at @now_ns to a request begun at @since_ns. */
void ledger_right(struct ledger *l, uint64_t since_ns, uint64_t now_ns);

/* One JSON object and a newline. */
void ledger_print(const struct ledger *l, uint64_t now_ns, FILE *out);

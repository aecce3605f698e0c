/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * settings - what every service can be told, whatever it is: its table of options.
 *
 * The model's and the service's names are resolved by app/, which knows them all.
 */

#include "conf/opt.h"

#include <stdint.h>

/* In the ring: who gets the next connection. */
enum placement {
	PLACEMENT_FILL, /* one worker until it is full: warm caches, sleeping neighbours */
	PLACEMENT_BALANCE, /* each in turn */
};

struct settings {
	char *run; /* the service's name in service/services.def */
	struct opt_list listens;
	char *model;
	struct opt_range workers;
	struct opt_range spares;
	unsigned placement;   /* enum placement */
	uint64_t connections; /* per worker; 0 = the service's default */
	uint64_t queue;
	uint64_t queue_timeout_ns;
	uint64_t max_connections;
	char *refusal; /* escaped */
	struct opt_list proxy_from;
	uint64_t max_per_ip;
	uint64_t rate_per_ip; /* a second */
	uint64_t burst_per_ip;
	uint64_t linger_ns;
	uint64_t idle_timeout_ns;
	uint64_t start_timeout_ns;
	uint64_t drain_timeout_ns;
	uint64_t recycle_requests; /* 0: never; as the next three */
	uint64_t recycle_age_ns;
	uint64_t recycle_memory; /* bytes */
	uint64_t stuck_timeout_ns;
	char *user;
	char *group;
	char *access_log;
};

extern const struct opt settings_opts[];
extern const size_t settings_n_opts;

/* SPDX-License-Identifier: MIT */

#include "core/settings.h"

/* Why these defaults: docs/decisions/0003-pool-defaults.md. */
static const char *const placements[] = {"fill", "balance", NULL};

const struct opt settings_opts[] = {
	{"run", OPT_STRING(struct settings, run), .arg = "SERVICE", .flags = OPT_HIDDEN,
		.help = "what its processes do with a connection"},
	{"listen", OPT_LIST(struct settings, listens), .arg = "ADDRESS", .letter = 'l',
		.help = "where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH; may be given again"},
	{"model", OPT_STRING(struct settings, model), .arg = "NAME", .deflt = "pool",
		.help = "how a connection reaches a process"},
	{"workers", OPT_RANGE(struct settings, workers), .arg = "MIN..MAX", .letter = 'w',
		.deflt = "4..64", .min = 1, .max = 4096, .help = "how many processes"},
	{"spares", OPT_RANGE(struct settings, spares), .arg = "MIN..MAX", .deflt = "1..8",
		.max = 4096, .help = "idle workers to keep ready"},
	{"placement", OPT_CHOICE(struct settings, placement), .arg = "HOW", .deflt = "fill",
		.choices = placements,
		.help = "ring: one worker until it is full, or each in turn"},
	{"connections", OPT_UINT(struct settings, connections), .arg = "N", .max = 10000,
		.help = "how many connections a worker holds at once (0: what suits the service)"},
	{"queue", OPT_UINT(struct settings, queue), .arg = "N", .deflt = "1024",
		.max = 1000000,
		.help = "connections that may wait when every worker is full"},
	{"queue_timeout", OPT_DURATION(struct settings, queue_timeout_ns), .arg = "TIME",
		.deflt = "10s", .min = 1'000'000,
		.help = "how long one waits before it is refused"},
	{"max_connections", OPT_UINT(struct settings, max_connections), .arg = "N",
		.max = 10000000,
		.help = "connections in all (0: as many as descriptors allow)"},
	{"linger", OPT_DURATION(struct settings, linger_ns), .arg = "TIME",
		.deflt = "200ms",
		.help = "how long a worker keeps an idle connection before the supervisor watches it"},
	{"idle_timeout", OPT_DURATION(struct settings, idle_timeout_ns), .arg = "TIME",
		.deflt = "75s", .min = 1'000'000,
		.help = "how long a connection may be idle before it is closed"},
	{"start_timeout", OPT_DURATION(struct settings, start_timeout_ns), .arg = "TIME",
		.deflt = "30s", .min = 1'000'000,
		.help = "how long a worker may take to become ready"},
	{"drain_timeout", OPT_DURATION(struct settings, drain_timeout_ns), .arg = "TIME",
		.deflt = "30s",
		.help = "how long what has begun may take to finish at the end"},
	{"user", OPT_STRING(struct settings, user), .arg = "NAME",
		.help = "whose rights the workers have (needs root)"},
	{"group", OPT_STRING(struct settings, group), .arg = "NAME",
		.help = "the workers' group (the user's own if not given)"},
	{"access_log", OPT_PATH(struct settings, access_log), .arg = "FILE",
		.help = "a line for every request; \"-\" is standard output"},
};
const size_t settings_n_opts = ARRAY_LEN(settings_opts);

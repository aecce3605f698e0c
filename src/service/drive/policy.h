/* SPDX-License-Identifier: MIT */
#pragma once

/* policy - what an operator can say about a drive, and whether it makes sense. */

#include "conf/opt.h"

#include <stdbool.h>
#include <stdint.h>

struct reason;
struct service_site;

enum policy_durability {
	POLICY_FULL,   /* a write that was confirmed survives a power cut */
	POLICY_RENAME, /* it survives our crash; the kernel writes it when it likes */
};

enum policy_checksums {
	POLICY_SHA256, /* computed of every upload, kept and answered */
	POLICY_NONE,   /* only what a client sends is checked */
};

struct policy {
	char *root;
	char *users;
	struct opt_list hosts;
	bool read_only;
	bool index;
	unsigned durability;        /* enum policy_durability */
	unsigned checksums;         /* enum policy_checksums */
	unsigned access_log_format; /* enum access_format */

	/* How long a client may take, in nanoseconds. */
	uint64_t head_ns, body_ns, write_ns;

	uint64_t max_upload_bytes; /* 0: as the disk allows */
	uint64_t cache_bytes;      /* for small files, in each worker */
	char *trash, *trash_max;   /* as written: policy_trash reads them */
	uint64_t propfind_entries; /* of one answer with Depth: infinity */
};

enum { POLICY_N_OPTS = 16 };
extern const struct opt policy_opts[POLICY_N_OPTS];

/* What is kept of what is deleted or replaced. */
struct policy_trash {
	uint64_t keep_ns;   /* for how long; 0: nothing is kept */
	uint64_t max_bytes; /* at most so much, */
	unsigned percent;   /* or, where that is 0, this part of the disk */
};

/* 0; or negative with a @reason that names the setting. */
[[nodiscard]] int policy_trash(
	const struct policy *policy, struct policy_trash *out, struct reason *reason);

/* service_ops.check, on a struct policy. Runs in the supervisor. */
int policy_check(void *conf, const struct service_site *site, struct reason *reason);

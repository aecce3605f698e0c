/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * drive - the network drive as a service: one struct drive a worker, and what all its
 * requests share.
 */

#include "base/buf.h"
#include "base/date.h"
#include "base/util.h"
#include "core/service.h"
#include "log/access.h"
#include "service/drive/about.h"
#include "service/drive/auth/throttle.h"
#include "service/drive/checksum.h"
#include "service/drive/fs/cache.h"
#include "service/drive/fs/recall.h"
#include "service/drive/fs/trim.h"
#include "service/drive/lock/store.h"
#include "service/drive/policy.h"

#include <stdatomic.h>
#include <stdint.h>

struct auth;
struct http_media;
struct worker;

/* What a stranger can make grow, and to where. */
#define DRIVE_HEAD_MAX (16 * KIB) /* the head of an answer */
#define DRIVE_OUT_MAX \
	(256 * KIB) /* of an answer in memory, that the client is slow to take */
#define DRIVE_BLOCK_BYTES (256 * KIB) /* what is read of a body at a time */
#define DRIVE_PIPE_BYTES  MIB         /* likewise, where nobody looks at it */
#define DRIVE_SMALL_BYTES (64 * KIB)  /* the largest file that is kept in memory */
#define SKIP_MOST \
	(256 * KIB) /* of an unwanted body; more, and the connection is closed \
		     */

extern const struct service_ops drive_service;

/* What all workers of one drive share, zeroed at first. */
struct drive_shared {
	atomic_bool is_begun; /* some worker has begun: once is enough for its chores */
	_Atomic uint64_t
		kept_bytes; /* went to the trash since it was last looked through */
	_Atomic uint64_t trim_at_ns;    /* CLOCK_MONOTONIC: when it is to be again, */
	_Atomic uint64_t early_at_ns;   /* and when it may be, if much came since */
	_Atomic uint64_t expires_at_ns; /* when the oldest in it will be too old; 0: nothing
					   will be */
	_Atomic uint64_t
		wake_at_ns; /* when some worker will see to that, though nobody uses
					the drive; 0: none will */
	_Alignas(64) char throttle[THROTTLE_BYTES];
};

struct drive {
	struct worker *worker;
	const struct policy *policy;
	struct fs_root root;
	struct lock_store locks;
	struct fs_cache cache; /* of small files, */
	bool has_cache;        /* if there is one */
	struct fs_recall recall;
	struct buf head;    /* of the answer being written, */
	struct about about; /* and of the file in it, where the cache has none */
	char *block;        /* DRIVE_BLOCK_BYTES, for one callback's use */
	/* Owned; body.h. -1 until the first that needs it; empty between callbacks. */
	int pipe_in, pipe_out;
	struct access access;
	struct checksum_ways checksums; /* owned */
	struct auth *auth;              /* owned; NULL: without users */
	struct http_media *media;       /* owned */
	struct policy_trash trash;      /* with its max_bytes */
	struct fs_trim *trim;           /* owned; NULL: this worker is not at it */
	struct fs_trimmed trimmed;      /* by it so far */
	uint64_t trim_took_ns;          /* likewise */
	uint64_t wake_at_ns;            /* when it last said that it will wake up */
	struct span site;               /* what the folder is called */
	uint64_t reported_ns;           /* when trouble was last logged; */
	uint64_t unkept_ns;             /* when something not kept in the trash was, */
	uint64_t n_unkept;              /* and how much of that was not said since */
	int64_t date_sec;               /* what date says */
	char date[DATE_HTTP_BYTES];
};

/* Which addresses guess passwords. */
struct throttle *drive_throttle(const struct drive *drive);

/* Now, as answers say it: DATE_HTTP_BYTES. */
const char *drive_date(struct drive *drive);

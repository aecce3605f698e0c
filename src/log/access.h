/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * access - one line per request, in the forms other programs read.
 *
 *	common	  ::1 - ann [21/Nov/2026:12:04:31 +0100] "GET /a HTTP/1.1" 200 512
 *	combined  the same, then "REFERER" "USER AGENT"
 *	json	  {"time":"2026-11-21T11:04:31.208Z","peer":"::1","user":"ann",...}
 *
 * Lines are gathered and written many at a time, whole, by one write to a
 * descriptor that appends, so several workers may share a file. The owner
 * calls access_flush when there is nothing else to do. Strangers' bytes are
 * escaped, and cut at ACCESS_TEXT_MAX.
 */

#include "base/buf.h"
#include "base/span.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_TEXT_MAX    2048u       /* bytes of one text; longer is cut */
#define ACCESS_FLUSH_BYTES (32 * KIB)  /* so much is written without being asked */
#define ACCESS_HELD_BYTES  (256 * KIB) /* held for a log that takes nothing; then lost */

enum access_format {
	ACCESS_COMMON,
	ACCESS_COMBINED,
	ACCESS_JSON,
};

/* Their names in the order of the enum, for an option table; ends with NULL. */
extern const char *const access_formats[];

struct access_record {
	const char *peer; /* the address alone */
	struct span user; /* SPAN_NONE if nobody said who they are; so too the next ones */
	struct span method;
	struct span target;  /* as it was sent */
	struct span version; /* "HTTP/1.1" */
	struct span referer;
	struct span user_agent;
	uint64_t conn_id; /* as the log has it */
	uint64_t wall_ns; /* CLOCK_REALTIME when the request came */
	uint64_t duration_ns;
	uint64_t bytes; /* sent of the answer's body */
	unsigned status;
	bool is_whole; /* the answer was sent to its end */
};

struct access {
	int fd; /* borrowed; -1: nothing is recorded */
	enum access_format format;
	struct buf lines; /* not yet written */
	size_t flush_at;  /* when lines has so many bytes */
	uint64_t n_lost;
	int64_t stamp_sec; /* the second that stamp is the text of */
	char stamp[64];
};

void access_init(struct access *access, int fd, enum access_format format);

void access_add(struct access *access, const struct access_record *record);

/* Writes what was gathered, as far as there is room; the rest stays for the next time. */
void access_flush(struct access *access);

/* What was gathered goes to the old descriptor, what comes to @fd. The old one may be
 * closed then. */
void access_reopen(struct access *access, int fd);

/* How many lines were lost since this was last asked; for the log. */
uint64_t access_take_lost(struct access *access);

/* Writes all that is left, before the end; as access_reopen, waits up to a second for a
 * reader. */
void access_finish(struct access *access);

/* The same, and frees. */
void access_fini(struct access *access);

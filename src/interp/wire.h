/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wire - everything that crosses between the launcher and a server of ours.
 *
 *   launcher                  server                  executor
 *      |------ (connects) ------>|                       |
 *      |<----- WIRE_GO + channel-|                       |   an executor is yours
 *      |------ WIRE_CALL + descriptors ----------------->|   run this: first, and once
 *      |<----- WIRE_COLD --------------------------------|   I may not: run it yourself
 *      |<----- WIRE_BEGUN -------------------------------|   it has begun
 *      |------ WIRE_SIGNAL ----->|                       |   I was sent this signal
 *      |<----- WIRE_STOPPED -----|                       |   a signal stopped the script
 *      |<----- WIRE_ENDED -------------------------------|   it exits with this status, and
 *      |------ WIRE_DONE ------->|                       |     has closed all else: last
 *   or |<----- WIRE_ENDED -------|                       |   how wait(2) saw it end: last
 *
 * and before WIRE_GO, or instead of it:
 *
 *      |<----- WIRE_WAIT --------|   you are in the queue, and it moves
 *      |<----- WIRE_COLD --------|   run it yourself: last

 *
 * The launcher may run the script itself until it has sent WIRE_CALL, and never
 * after that but on the executor's own word. Nor does it send a descriptor
 * before an executor waits for it: in the queue of a server that was stopped it
 * would keep a pipe open that somebody waits for the end of.
 *
 * An executor's own word on its end spares the caller the time that the kernel
 * takes to give back an interpreter's memory. It need not come: then the server
 * tells, when it has waited for the process. WIRE_DONE keeps the server from
 * taking the launcher's going for a caller's death.
 *
 * SOCK_SEQPACKET, so a message is whole or is not there. Either side ends the
 * call by closing. The socket is "p<identity>" beside the known protocol's
 * "s<identity>": who only knows that one never sees this one.
 *
 * A call on the known wire the server makes into a WIRE_CALL itself, so that an
 * executor knows one form.
 *
 * Both ends are of one user and one machine, so fields are host-endian; they may
 * be of two versions, so the magic number changes with the layout, and a message
 * with another is answered like any garbage: by closing. The reader checks every
 * count against the bytes that came, and believes nothing else about them.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x50464932u /* "PFI2" */
#define WIRE_MSG_MAX \
	(48u * 1024u)               /* bytes of a message; longer text goes by descriptor \
				     */
#define WIRE_TEXT_MAX    (8u << 20) /* bytes: more than execve(2) takes */
#define WIRE_FDS_MAX     240u       /* of a caller; the kernel passes 253 at once */
#define WIRE_GROUPS_MAX  1024u      /* supplementary groups */
#define WIRE_LIMITS      16u        /* RLIMIT_CPU to RLIMIT_RTTIME, by number */
#define WIRE_PATIENCE_MS 250        /* without a sign from the server, then cold */

enum wire_type {
	WIRE_CALL = 1,

	WIRE_SIGNAL,
	WIRE_WAIT,
	WIRE_COLD,
	WIRE_STOPPED,
	WIRE_ENDED,
	WIRE_STATUS,
	WIRE_GO,
	WIRE_BEGUN,
	WIRE_DONE,
};

/* Why a call is, or was, run without a server: what --status tells. */
enum wire_why {
	WIRE_WHY_NOTHING,
	WIRE_WHY_FIRST,    /* there was no server yet */
	WIRE_WHY_STALE,    /* a file it loaded has changed */
	WIRE_WHY_RIGHTS,   /* the executor may not take the caller's limits, nice value or
			      groups */
	WIRE_WHY_FULL,     /* too many wait */
	WIRE_WHY_SILENT,   /* no sign of life in time */
	WIRE_WHY_GONE,     /* it ended before the script began */
	WIRE_WHY_TERMINAL, /* in the background of its terminal, and that is the input */
	WIRE_WHY_TOO_BIG,  /* more descriptors or groups than can be passed */
	WIRE_WHY_PLACE,    /* no safe directory for sockets */
	WIRE_WHY_START,    /* a server could not be started */
	WIRE_WHY_PLAIN,    /* the script never says that it is ready */
	WIRE_WHY_ASKED,    /* PREFORK_DISABLE, or privileges changed at exec */
	WIRE_WHY_TTY,      /* it has a terminal, and the script says that it opens that */
	WIRE_WHY_COUNT,
};

/* What every message begins with, and most consist of. */
struct wire_note {
	uint32_t magic; /* WIRE_MAGIC */
	uint32_t type;  /* enum wire_type */
	int32_t value;  /* SIGNAL, STOPPED: number; ENDED: wait(2) status; COLD: enum
			   wire_why */
	uint32_t flags; /* SIGNAL: WIRE_FROM_TERMINAL; CALL: enum wire_has */
};
static_assert(sizeof(struct wire_note) == 16, "no hidden padding on the wire");

#define WIRE_FROM_TERMINAL 1u /* the kernel sent it for a key: the whole group gets it */

/* Which descriptors come before the caller's own, in this order; and which facts are given.
 */
enum wire_has {
	WIRE_HAS_CWD = 1,   /* the working directory */
	WIRE_HAS_TEXT = 2,  /* a file with the text, which then is not in the message */
	WIRE_HAS_STATE = 4, /* umask, nice, limits, signals and groups are the caller's */
};

struct wire_limit {
	uint64_t soft, hard; /* ~0: none */
};

/*
 * WIRE_CALL. Behind it, without gaps: int32_t numbers[n_fds], uint32_t
 * groups[n_groups], and the text unless it comes by descriptor: interpreter,
 * script, n_args arguments, n_env "NAME=value", each ended by a NUL.
 */
struct wire_call {
	struct wire_note note;
	uint64_t blocked; /* signal n is bit n - 1 */
	uint64_t ignored;
	uint32_t umask;
	int32_t nice;
	uint32_t n_fds;
	uint32_t n_groups;
	uint32_t n_args;
	uint32_t n_env;
	uint32_t text_bytes;
	uint32_t zero;
	struct wire_limit limits[WIRE_LIMITS];
};
static_assert(
	sizeof(struct wire_call) == 64 + WIRE_LIMITS * 16, "no hidden padding on the wire");

/* WIRE_STATUS, the answer to a '?' on the known wire. Behind it the server's name and the
 * script, each ended by a NUL. */
struct wire_status {
	struct wire_note note;
	uint64_t up_s;
	uint64_t calls; /* executors that began */
	uint64_t cold;  /* calls sent back */
	uint32_t pid;
	uint32_t running;
	uint32_t waiting;
	uint32_t stale;   /* true or false */
	uint32_t n_files; /* that are watched */
	int32_t why;      /* enum wire_why of the last call sent back */
};
static_assert(sizeof(struct wire_status) == 64, "no hidden padding on the wire");

/* A message that was checked. The pointers point into it. */
struct wire_view {
	const struct wire_call *call;
	const int32_t *numbers; /* n_fds, ascending, each 0 or more */
	const uint32_t *groups;
	const char *text;   /* NULL when it comes by descriptor */
	uint32_t n_special; /* descriptors before the caller's own */
};

/* Whether @msg begins with a note of ours; it is aligned for struct wire_call, as is every
 * message below. */
bool wire_is_note(const void *msg, size_t n_bytes);

/**
 * wire_parse_call - check a WIRE_CALL of @n_bytes that came with @n_fds descriptors.
 *
 * False if any count, order or size is not as it should be. The text is not
 * looked at: that is wire_split's.
 */
bool wire_parse_call(const void *msg, size_t n_bytes, size_t n_fds, struct wire_view *out);

/**
 * wire_split - point at the @n strings in the first bytes of @text, in order.
 *
 * @out has room for @n + 1 pointers; a NULL follows the last. Returns how many
 * bytes they took, with their NULs, or 0 if @text_bytes hold fewer strings. n > 0.
 */
size_t wire_split(char *text, size_t text_bytes, size_t n, char **out);

/* Cut from the original's wire, version 1: "NAME=value" NUL ... NUL argument NUL ... */
struct wire_v1 {
	size_t n_env;
	size_t n_args;
	size_t args_at; /* where the first argument begins */
};

/* False if the last string is not ended, or the environment is not. */
bool wire_parse_v1(const char *text, size_t text_bytes, struct wire_v1 *out);

/* "there was no server yet": for a sentence; any number is allowed. */
const char *wire_why_text(int why);

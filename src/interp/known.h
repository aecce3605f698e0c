/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * known - the known wire, version 1, from the server's side: bytes in, a WIRE_CALL out.
 *
 *   in          what comes                                then
 *   SERVICE     one byte 0                                FD_0
 *   FD_0 .. 2   one byte 0 with one descriptor, each      SIZE
 *   SIZE        u32, big-endian, 1 to WIRE_TEXT_MAX       TEXT
 *   TEXT        that many bytes                           WHOLE
 *
 * No system calls but close: the server asks where the next bytes go, puts them
 * there, and says how many came.
 */

#include "interp/wire.h"

#include <stdbool.h>
#include <stddef.h>

#define KNOWN_GREETING \
	"PFI\n\0\0\0" /* and the literal's NUL: length 0, or its launcher waits */

enum known_state {
	KNOWN_SERVICE,
	KNOWN_FD_0,
	KNOWN_FD_1,
	KNOWN_FD_2,
	KNOWN_SIZE,
	KNOWN_TEXT,
	KNOWN_WHOLE,
	KNOWN_ASKED, /* a '?' came for SERVICE: only --status of ours sends that */
	KNOWN_BAD,
};

struct known_wire {
	enum known_state state;
	int fds[3]; /* owned */
	unsigned char small[4];
	char *text; /* owned */
	size_t n_text;
	size_t size, got; /* of what is being read */
};

void known_init(struct known_wire *known);
void known_fini(struct known_wire *known); /* closes what came */

/* Where the next bytes go, at most how many, and whether a descriptor may be with them.
 * NULL when no more are wanted. */
char *known_wants(struct known_wire *known, size_t *n_bytes, bool *with_fd);

/* @n bytes came, at least one, with descriptor @fd (adopted) or -1. The new state. */
enum known_state known_took(struct known_wire *known, size_t n, int fd);

/**
 * known_message - the call in our own form, when it is WHOLE.
 *
 * The arguments' first two, interpreter and script, are taken away, as that
 * launcher sends them although it says it does not. The message is the caller's
 * to free, *@n_bytes long; longer than WIRE_MSG_MAX means that the last
 * *@n_text bytes must travel by descriptor, and wants WIRE_HAS_TEXT. NULL: the
 * text was not what it should be, or there is no memory.
 */
[[nodiscard]] struct wire_call *known_message(
	const struct known_wire *known, size_t *n_bytes, size_t *n_text);

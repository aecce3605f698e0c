/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lookup - the names of two addresses, asked for without waiting.
 *
 * The resolver blocks, so a process is made for each question.
 */

#include "os/proc.h"

struct addr;

#define LOOKUP_NAME_MAX 256u /* a name of the DNS, with a NUL; longer counts as none */

struct lookup_names {
	char remote[LOOKUP_NAME_MAX]; /* "" for none */
	char local[LOOKUP_NAME_MAX];
};

struct lookup {
	struct proc proc;
	int fd; /* owned; readable when there is an answer; -1 for none */
};
#define LOOKUP_NONE ((struct lookup){.proc = PROC_NONE, .fd = -1})

/* Begins to ask. 0 with *@out for lookup_end, or -errno. */
[[nodiscard]] int lookup_start(
	const struct addr *remote, const struct addr *local, struct lookup *out);

/* Ends it, whether there was an answer or not. What is not known is empty. Takes
 * LOOKUP_NONE.
 */
void lookup_end(struct lookup *lookup, struct lookup_names *names);

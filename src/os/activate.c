/* SPDX-License-Identifier: MIT */

#include "os/activate.h"

#include "base/num.h"
#include "base/reason.h"
#include "base/span.h"
#include "os/sock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 3

static bool are_ours(void)
{
	const char *whose = getenv("LISTEN_PID");
	uint64_t pid;

	return whose && num_u64(span_str(whose), &pid) && pid == (uint64_t)getpid();
}

/* Writes the name at @names, and returns where the next one begins. */
static const char *take_name(const char *names, char out[ACTIVATE_NAME_MAX])
{
	size_t n = strcspn(names, ":");

	(void)snprintf(out, ACTIVATE_NAME_MAX, "%.*s", (int)n, names);
	return names[n] ? names + n + 1 : names + n;
}

static int take_all(struct activated *out, struct reason *reason)
{
	const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	uint64_t n;

	if (!count || !are_ours())
		return 0;
	if (!num_u64(span_str(count), &n) || n > ACTIVATE_MAX)
		return reason_set(reason,
			"LISTEN_FDS is \"%s\": a number up to %d is expected", count,
			ACTIVATE_MAX);
	for (int i = 0; i < (int)n; i++) {
		out[i] = (struct activated){.fd = FIRST + i};
		names = names ? take_name(names, out[i].name) : NULL;
		if (!sock_adopt_listener(out[i].fd))
			return reason_set(reason,
				"descriptor %d, which LISTEN_FDS counts, is no stream socket that listens",
				out[i].fd);
	}
	return (int)n;
}

int activate_take(struct activated out[ACTIVATE_MAX], struct reason *reason)
{
	int n = take_all(out, reason);

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return n;
}

/* SPDX-License-Identifier: MIT */

#include "os/notify.h"

#include "base/num.h"
#include "base/span.h"
#include "base/util.h"
#include "os/fd.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define SOCKET_ENV       "NOTIFY_SOCKET"
#define WATCHDOG_ENV     "WATCHDOG_USEC"
#define WATCHDOG_PID_ENV "WATCHDOG_PID"
#define WAIT_US          500'000 /* for a manager whose queue is full */

static bool parse(const char *name, struct addr *out)
{
	size_t n = strlen(name);

	*out = (struct addr){.un.sun_family = AF_UNIX};
	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(out->un.sun_path))
		return false; /* a kind of socket we do not know */
	memcpy(out->un.sun_path, name, n);
	if (name[0] == '@')
		out->un.sun_path[0] = '\0';
	/* An abstract name ends where its length says. */
	out->len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
	return true;
}

static uint64_t watchdog_ns(void)
{
	const char *period = getenv(WATCHDOG_ENV), *whose = getenv(WATCHDOG_PID_ENV);
	uint64_t us, pid;

	if (!period || !num_u64(span_str(period), &us) || us > UINT64_MAX / 1000)
		return 0;
	if (whose && (!num_u64(span_str(whose), &pid) || pid != (uint64_t)getpid()))
		return 0;
	return us * 1000;
}

void notify_take(struct notify *out)
{
	const struct timeval wait = {.tv_usec = WAIT_US};
	const char *name = getenv(SOCKET_ENV);

	*out = NOTIFY_NONE;
	if (name && parse(name, &out->to)) {
		out->watchdog_ns = watchdog_ns();
		out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		/* Without it a manager that hangs would hang us. */
		if (setsockopt(out->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
			fd_close(&out->fd);
	}
	(void)unsetenv(SOCKET_ENV);
	(void)unsetenv(WATCHDOG_ENV);
	(void)unsetenv(WATCHDOG_PID_ENV);
}

void notify_say(const struct notify *n, const char *lines)
{
	if (n->fd >= 0)
		(void)sendto(
			n->fd, lines, strlen(lines), MSG_NOSIGNAL, &n->to.sa, n->to.len);
}

void notify_bequeath(const struct notify *n)
{
	char text[sizeof(n->to.un.sun_path) + 2];

	if (n->fd < 0)
		return;
	size_t len = n->to.len - offsetof(struct sockaddr_un, sun_path);
	(void)snprintf(text, sizeof(text), "%s%.*s", n->to.un.sun_path[0] ? "" : "@",
		(int)len, n->to.un.sun_path + !n->to.un.sun_path[0]);
	(void)setenv(SOCKET_ENV, text, 1);
	if (!n->watchdog_ns)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, n->watchdog_ns / 1000);
	(void)setenv(WATCHDOG_ENV, text, 1);
}

void notify_fini(struct notify *n)
{
	fd_close(&n->fd);
}

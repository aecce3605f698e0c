/* SPDX-License-Identifier: MIT */

#include "core/manager_sup.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/notify.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINES_MAX = 400 };

/*
 * The loop's own timer: a supervisor that hangs anywhere does not come here, and
 * that is what the manager wants to know.
 */
static void on_watchdog(struct loop_timer *timer)
{
	struct manager *m = container_of(timer, struct manager, watchdog);

	notify_say(m->notify, "WATCHDOG=1");
	(void)loop_at(m->loop, timer, loop_now_ns(m->loop) + m->notify->watchdog_ns / 2);
}

void manager_begin(struct manager *m, const struct notify *notify, struct loop *loop)
{
	*m = (struct manager){.notify = notify, .loop = loop, .watchdog.on = on_watchdog};
	/* Not at once: until the old server has named us its successor, it is the one heard. */
	if (notify->watchdog_ns)
		(void)loop_at(
			loop, &m->watchdog, loop_now_ns(loop) + notify->watchdog_ns / 2);
}

void manager_end(struct manager *m)
{
	if (m->loop)
		loop_cancel(m->loop, &m->watchdog);
}

void manager_ready(const struct manager *m, const char *status)
{
	char lines[LINES_MAX];

	(void)snprintf(lines, sizeof(lines), "READY=1\nSTATUS=%s", status);
	notify_say(m->notify, lines);
}

void manager_reloading(const struct manager *m)
{
	char lines[LINES_MAX];

	(void)snprintf(lines, sizeof(lines),
		"RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=changing over",
		clock_mono_ns() / 1000);
	notify_say(m->notify, lines);
}

void manager_succeeded(const struct manager *m, pid_t by)
{
	char lines[LINES_MAX];

	/* By the old process, because only the main one is heard. */
	(void)snprintf(lines, sizeof(lines),
		"READY=1\nMAINPID=%d\nSTATUS=serving, after an upgrade", (int)by);
	notify_say(m->notify, lines);
}

void manager_stopping(const struct manager *m)
{
	notify_say(m->notify, "STOPPING=1\nSTATUS=finishing what has begun");
}

/* SPDX-License-Identifier: MIT */

/*
 * The next generation: the same set-up, run again by the stale server, with the
 * stale server's own listening sockets. It greets on its first connection when
 * it serves; until then this one goes on (turning its callers away, as a rule).
 * If it fails the sockets go, and the next caller meets the failure itself.
 */

#include "interp/managed.h"
#include "interp/prefork_interp.h"
#include "interp/server_priv.h"

#include "base/util.h"
#include "os/chan.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/inherit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

enum given {
	GIVEN_LISTENER,
	GIVEN_OWN_LISTENER,
	GIVEN_CALL,
	GIVEN_WATCHER, /* stands for both ends: we watch for ourselves */
	GIVEN_COUNT,
};

[[gnu::noreturn]] static void next_child(struct server *server, int call)
{
	const struct executor_base *base = server->setup->base;
	struct managed told = *server->setup->managed;
	char value[MANAGED_TEXT_MAX];
	int given[GIVEN_COUNT] = {
		[GIVEN_LISTENER] = server->known_listener.fd,
		[GIVEN_OWN_LISTENER] = server->own_listener.fd,
		[GIVEN_CALL] = call,
		[GIVEN_WATCHER] = STDIN_FILENO,
	};

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	told.first_fd = inherit_only(given, GIVEN_COUNT, MANAGED_FIRST_FD);
	if (told.first_fd < 0)
		_exit(127);
	told.started_ns = (int64_t)clock_wall_ns();
	told.pid = getpid();
	told.listener = given[GIVEN_LISTENER];
	told.own_listener = given[GIVEN_OWN_LISTENER];
	told.call = given[GIVEN_CALL];
	told.watcher_in = told.watcher_err = given[GIVEN_WATCHER];
	managed_format(&told, value);

	inherit_no_signals();
	environ = base->env;
	if (chdir(base->cwd) < 0 || setenv(MANAGED_VARIABLE, value, 1) < 0)
		_exit(127);
	(void)execvp(base->command[0], base->command);
	_exit(127);
}

/* It serves, or it has gone. */
static void on_next(struct loop_io *io, uint32_t events)
{
	struct server *server = container_of(io, struct server, next);
	char greeting[4];
	ssize_t n = read(io->fd, greeting, sizeof(greeting));

	(void)events;
	loop_remove(server->loop, io);
	fd_close(&io->fd);
	if (n == (ssize_t)sizeof(greeting)) {
		syslog(LOG_INFO, "the next generation serves; this one ends");
		server_drain(server);
	} else {
		syslog(LOG_WARNING, "the next generation could not be loaded");
		server_retire(server);
	}
}

void server_next_start(struct server *server)
{
	struct chan_pair pair = CHAN_PAIR_NONE;

	if (!server->setup->base->command || server->own_listener.fd < 0
		|| chan_pair_open_stream(&pair) < 0) {
		server_retire(server);
		return;
	}
	AUTO_CLOSE int call = pair.wrk;
	server->next = (struct loop_io){.on = on_next, .fd = pair.sup};
	pid_t pid = fork_here();
	if (pid == 0)
		next_child(server, call);
	if (pid < 0 || loop_add(server->loop, &server->next, EPOLLIN) < 0) {
		server_retire(server);
		return;
	}
	server->next_pid = pid;
}

void server_next_ended(struct server *server, pid_t pid, int wait_status)
{
	if (pid != server->next_pid)
		return;
	server->next_pid = 0;
	/* Ended well it leaves a server, which greets; what it left running may hold the
	 * connection, so its failure is not waited for. */
	if (wait_status == 0 || server->next.fd < 0)
		return;
	syslog(LOG_WARNING, "the next generation's set-up failed: status 0x%x",
		wait_status);
	loop_remove(server->loop, &server->next);
	fd_close(&server->next.fd);
	server_retire(server);
}

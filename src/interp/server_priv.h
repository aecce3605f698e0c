/* SPDX-License-Identifier: MIT */
#pragma once

/* server_priv - what the files of the server share: server.c and all that are called server_*.c. */

#include "base/list.h"
#include "interp/executor.h"
#include "interp/server.h"
#include "interp/wire.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_QUEUE_MAX 4096u /* calls that wait; a further one is told to run cold */
#define SERVER_NEWS_NS   (100ull * 1000 * 1000)      /* well inside WIRE_PATIENCE_MS */
#define SERVER_GRACE_NS  (2ull * 1000 * 1000 * 1000) /* from TERM to KILL, caller gone */
#define SERVER_RETRY_NS  (50ull * 1000 * 1000)       /* after fork or accept failed */
#define SERVER_FILL_NS   (2ull * 1000 * 1000) /* a spare is made when a call lasts longer */
#define SERVER_ROW_NS    (1500ull * 1000)     /* less leaves no time to make a spare in */
#define SERVER_JOIN_NS   (20ull * 1000 * 1000) /* from one huge page to the next */
#define SERVER_SWEEP_NS \
	(1000ull * 1000 * 1000) /* at most so often all files are looked at */

enum server_state {
	SERVER_SERVING,
	SERVER_STALE,
	SERVER_DRAINING,
};

enum call_state {
	CALL_OPEN,
	CALL_READY,
	CALL_RUNNING,
};

struct known_wire; /* what has come of a call on the known wire */

struct server_call {
	struct loop_io io; /* io.fd is owned */
	struct list link;  /* in server.open, .ready or .running */
	struct server *server;
	enum call_state state;
	struct known_wire *known; /* owned; NULL on our own wire */
	struct server_exec *exec; /* RUNNING: who runs it */
};

struct server_exec {
	struct loop_io io; /* the channel: io.fd is owned, -1 when closed */
	struct loop_timer grace;
	struct list link; /* in server.spares or .busy */
	struct server *server;
	pid_t pid;
	struct server_call *call; /* NULL for a spare, and when the caller has gone */
};

struct server {
	const struct server_setup *setup;
	enum server_state state;
	uid_t uid;
	struct loop *loop;
	/* Their fds are owned; -1: there is none. The news' belongs to setup->files. */
	struct loop_io known_listener, own_listener, child_end, news, watcher, next, hold;
	struct loop_timer idle, progress, retry, fill, sweep, join;
	struct loop_task dispatch;
	struct list open, ready, running; /* calls */
	struct list spares, busy;         /* executors */
	unsigned n_ready, n_spares, n_busy;
	bool held;         /* it stays for as long as somebody wants it (server_hold.c) */
	bool want_fork;    /* the loop stopped for it */
	bool in_a_row;     /* the last call was given out while or just after another ran */
	bool moved;        /* a call began or ended since the last word on progress */
	bool ended;        /* the loop stopped for good */
	unsigned n_errors; /* of fork or accept, in a row */
	int watcher_in;    /* owned; -1: none */
	pid_t next_pid;    /* the next generation's set-up; 0: none, or it has ended */
	uint64_t started_ns, swept_ns, reaped_ns, serial, n_cold;
	int last_why;
};

/* server_call.c: one caller. */
void server_call_accept(struct server *server, int fd, bool own_wire);
void server_call_end(struct server_call *call); /* frees it and closes the connection */
void server_call_say(struct server_call *call, int type, int value);
void server_call_finish(struct server_call *call, int wait_status);
void server_call_send_cold(struct server_call *call, int why);
/* Hands the call to @exec: true when it has it, or the call is over and done with. False
 * when
 * @exec cannot be reached. */
bool server_call_give(struct server_call *call, struct server_exec *exec);

/* server_exec.c: one executor. */
/* Forks one. True in the child, once it has a call. */
bool server_exec_fork(struct server *server, struct executor_call *out);
void server_exec_reap(struct server *server);
void server_exec_signal(struct server_exec *exec, int sig, bool from_terminal);
void server_exec_caller_gone(struct server_exec *exec);
/* Gives @call to a spare, of which there is one. False when it could not be reached, and is
 * gone. */
bool server_exec_give(struct server *server, struct server_call *call);

/* Closes and frees all that is the server's, in a child that is to be none. */
void server_exec_close_all(struct server *server);

/* server.c */
void server_dispatch_soon(struct server *server);
void server_drain(
	struct server *server); /* take no more calls, and end when none is left */
void server_retire(struct server *server); /* the same, and take the sockets' names away */
void server_failed(struct server *server, const char *what, int err); /* fork or accept */

/* "<dir>/s<identity>" as the name of that @kind of file; @out has room for a socket's path. */
void server_sibling(const struct server_setup *setup, char kind, char *out);

/* server_hold.c: sees whether somebody holds it, and hears of the end of that. */
void server_hold_start(struct server *server);

/* server_next.c: the next generation, when a file changed. It inherits the sockets. */
void server_next_start(struct server *server);
/* A child ended that is no executor. */
void server_next_ended(struct server *server, pid_t pid, int wait_status);

/* SPDX-License-Identifier: MIT */

/* One executor, from its fork to its end. */

#include "interp/pass.h"
#include "interp/prefork_interp.h"
#include "interp/server_priv.h"

#include "base/util.h"
#include "interp/files.h"
#include "interp/hooks.h"
#include "interp/hot.h"
#include "interp/known.h"
#include "os/chan.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static void forget_calls(struct list *calls)
{
	while (!list_empty(calls)) {
		struct server_call *call = list_first(calls, struct server_call, link);
		list_remove(&call->link);
		fd_close(&call->io.fd);
		if (call->known)
			known_fini(call->known);
		free(call->known);
		free(call);
	}
}

static void forget_exec(struct server_exec *exec)
{
	fd_close(&exec->io.fd);
	free(exec);
}

static void forget_execs(struct list *execs)
{
	while (!list_empty(execs)) {
		struct server_exec *exec = list_first(execs, struct server_exec, link);
		list_remove(&exec->link);
		forget_exec(exec);
	}
}

void server_exec_close_all(struct server *server)
{
	forget_calls(&server->open);
	forget_calls(&server->ready);
	forget_calls(&server->running);
	forget_execs(&server->spares);
	forget_execs(&server->busy);
	fd_close(&server->known_listener.fd);
	fd_close(&server->own_listener.fd);
	fd_close(&server->child_end.fd);
	fd_close(&server->watcher.fd);
	fd_close(&server->next.fd);
	fd_close(&server->hold.fd);
	fd_close(&server->watcher_in);
	files_close(server->setup->files);
	loop_free(server->loop);
}

/* In the child: an executor, waiting to become somebody's script. */
static void become_executor(
	struct server *server, int chan, pid_t parent, struct executor_call *out)
{
	const struct server_setup *setup = server->setup;

	/* The server answers for this process; without it nobody would end it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	out->notes = hot_fetch(setup->base->hot) ? NULL : setup->base->hot;
	server_exec_close_all(server);
	offsets_part(&setup->base->offsets);
	(void)setpgid(0, 0);
	hooks_in_child(setup->options);
	(void)fcntl(chan, F_SETFL, 0); /* it has nothing else to wait for */
	executor_wait(setup->base, chan, server->serial + 1, out);
}

/* What an executor says of its call, where that came on the known wire. False when it will
 * say no more. */
static bool take_words(struct server_exec *exec)
{
	struct wire_note note;
	struct pass_in in = {.buf = &note, .cap = sizeof(note)};
	int got = PASS_CLOSED;

	while (exec->io.fd >= 0
		&& (got = pass_recv(exec->io.fd, &in, MSG_DONTWAIT)) == PASS_OK
		&& wire_is_note(&note, in.n_bytes)) {
		if (note.type == WIRE_COLD && exec->call)
			server_call_send_cold(exec->call, note.value);
		if (note.type == WIRE_ENDED && exec->call)
			server_call_finish(exec->call, note.value);
	}
	return got == PASS_AGAIN;
}

static void on_exec(struct loop_io *io, uint32_t events)
{
	struct server_exec *exec = container_of(io, struct server_exec, io);

	(void)events;
	if (take_words(exec))
		return;
	loop_remove(exec->server->loop, io);
	fd_close(&io->fd);
}

static void on_grace(struct loop_timer *timer)
{
	fork_signal(container_of(timer, struct server_exec, grace)->pid, SIGKILL);
}

static struct server_exec *exec_new(struct server *server, int *chan)
{
	struct server_exec *exec = malloc(sizeof(*exec));

	if (!exec)
		return NULL;
	*exec = (struct server_exec){
		.io = {.on = on_exec, .fd = fd_take(chan)},
		.grace = {.on = on_grace},
		.server = server,
	};
	list_init(&exec->link);
	return exec;
}

bool server_exec_fork(struct server *server, struct executor_call *out)
{
	struct chan_pair pair = CHAN_PAIR_NONE;
	pid_t self = getpid();

	int bad = chan_pair_open(&pair);
	AUTO_CLOSE int sup = pair.sup;
	AUTO_CLOSE int wrk = pair.wrk;
	struct server_exec *exec = bad ? NULL : exec_new(server, &sup);
	if (!exec) {
		server_failed(server, "make a channel", bad ? bad : -ENOMEM);
		return false;
	}

	exec->pid = hooks_fork(server->setup->options);
	if (exec->pid == 0) {
		forget_exec(exec);
		become_executor(server, fd_take(&wrk), self, out);
		return true;
	}
	if (exec->pid < 0) {
		server_failed(server, "fork", exec->pid);
		forget_exec(exec);
		return false;
	}
	server->serial++;
	server->n_errors = 0;
	list_append(&server->spares, &exec->link);
	server->n_spares++;
	server_dispatch_soon(server);
	return false;
}

static struct server_exec *find(struct list *execs, pid_t pid)
{
	struct server_exec *exec;

	list_for_each (exec, execs, link)
		if (exec->pid == pid)
			return exec;
	return NULL;
}

/* wait(2)'s word for what waitid(2) said. */
static int wait_status(const siginfo_t *how)
{
	switch (how->si_code) {
	case CLD_EXITED: return (how->si_status & 0xff) << 8;
	case CLD_DUMPED: return how->si_status | 0x80;
	default: return how->si_status;
	}
}

static void exec_ended(struct server_exec *exec, bool spare, int status)
{
	struct server *server = exec->server;

	/* Who holds the server answers for all that runs; other callers' scripts may leave
	 * something behind, as they could without us. */
	if (server->held)
		fork_signal_group(exec->pid, SIGKILL);
	(void)take_words(exec);
	if (exec->call)
		server_call_finish(exec->call, status);
	loop_remove(server->loop, &exec->io);
	fd_close(&exec->io.fd);
	loop_cancel(server->loop, &exec->grace);
	list_remove(&exec->link);
	if (spare) {
		server->n_spares--;
		server_failed(server, "keep a spare executor", -ECHILD);
	} else {
		server->n_busy--;
		server->reaped_ns = clock_mono_ns();
	}
	free(exec);
	server_dispatch_soon(server);
}

static void take_end(struct server *server, const siginfo_t *how)
{
	struct server_exec *exec = find(&server->busy, how->si_pid);
	bool spare = !exec;

	if (spare)
		exec = find(&server->spares, how->si_pid);
	if (how->si_code == CLD_STOPPED) {
		if (exec && exec->call)
			server_call_say(exec->call, WIRE_STOPPED, how->si_status);
	} else if (exec) {
		exec_ended(exec, spare, wait_status(how));
	} else {
		server_next_ended(server, how->si_pid, wait_status(how));
	}
}

void server_exec_reap(struct server *server)
{
	siginfo_t how = {0};

	while (sig_next(server->child_end.fd))
		continue;
	while (waitid(P_ALL, 0, &how, WEXITED | WSTOPPED | WNOHANG) == 0
		&& how.si_pid != 0) {
		take_end(server, &how);
		how.si_pid = 0;
	}
}

/* What people send to a job goes to all of it; what programs send to a program, to that
 * one. */
static bool is_for_group(int sig)
{
	switch (sig) {
	case SIGHUP:
	case SIGINT:
	case SIGQUIT:
	case SIGTERM:
	case SIGTSTP:
	case SIGCONT:
	case SIGWINCH: return true;
	default: return false;
	}
}

void server_exec_signal(struct server_exec *exec, int sig, bool from_terminal)
{
	if (from_terminal || is_for_group(sig))
		fork_signal_group(exec->pid, sig);
	else
		fork_signal(exec->pid, sig);
}

void server_exec_caller_gone(struct server_exec *exec)
{
	fork_signal_group(exec->pid, SIGTERM);
	fork_signal_group(exec->pid, SIGCONT); /* or a stopped one would never hear of it */
	(void)loop_at(exec->server->loop, &exec->grace, clock_mono_ns() + SERVER_GRACE_NS);
}

bool server_exec_give(struct server *server, struct server_call *call)
{
	struct server_exec *exec = list_first(&server->spares, struct server_exec, link);

	if (!server_call_give(call, exec))
		return false;
	if (!exec->call)
		return true; /* the call was garbled; the spare is as it was */
	list_remove(&exec->link);
	list_append(&server->busy, &exec->link);
	server->n_spares--;
	server->n_busy++;
	/* On the known wire it is us that it tells of a refusal, and of its end. */
	if (exec->io.fd >= 0)
		(void)!loop_add(server->loop, &exec->io, EPOLLIN);
	return true;
}

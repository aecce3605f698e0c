/* SPDX-License-Identifier: MIT */

#include "interp/executor.h"

#include "base/util.h"
#include "interp/hot.h"
#include "interp/pass.h"
#include "os/fd.h"
#include "os/inherit.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SIGNALS    64
#define CHANNEL_FD 64 /* at least: below are the numbers that people choose by hand */

/* A call as it arrived. */
struct arrival {
	union {
		struct wire_call call;
		char bytes[WIRE_MSG_MAX];
	};
	int fds[PASS_FDS_MAX]; /* owned until they are placed */
	size_t n_fds;
	struct wire_view view;
};

static const __rlimit_resource_t lifted[EXECUTOR_LIFTED] = {RLIMIT_NOFILE, RLIMIT_CPU};

static void lift_limits(struct executor_base *base)
{
	for (size_t i = 0; i < EXECUTOR_LIFTED; i++) {
		struct rlimit limit;
		(void)getrlimit(lifted[i], &limit);
		base->soft[i] = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(lifted[i], &limit);
	}
}

void executor_note_base(struct executor_base *base)
{
	lift_limits(base);
	(void)sigprocmask(SIG_BLOCK, NULL, &base->mask);
	base->nice = getpriority(PRIO_PROCESS, 0);
	for (unsigned i = 0; i < WIRE_LIMITS; i++) {
		struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
		(void)getrlimit((__rlimit_resource_t)i, &limit);
		base->limits[i] = (struct wire_limit){limit.rlim_cur, limit.rlim_max};
	}
	base->n_groups = getgroups((int)WIRE_GROUPS_MAX, base->groups);
	base->hot = hot_new();
}

/* The descriptor that says @what; -1 where the call has none. */
static int special(const struct arrival *arrival, uint32_t what)
{
	uint32_t has = arrival->call.note.flags;
	int at = 0;

	if (!(has & what))
		return -1;
	for (uint32_t before = WIRE_HAS_CWD; before < what; before <<= 1)
		at += has & before ? 1 : 0;
	return arrival->fds[at];
}

static void say(int chan, uint32_t type, int value)
{
	const struct wire_note note = {.magic = WIRE_MAGIC, .type = type, .value = value};

	(void)!pass_send(chan, &note, sizeof(note), NULL, 0,
		MSG_DONTWAIT); /* who waits for it may have gone */
}

/* Ends an executor that never began. Who called it is told, and runs the script itself. */
[[gnu::noreturn]] static void give_up(int chan, int why, const char *what)
{
	if (what)
		syslog(LOG_WARNING, "an executor gave up: %s", what);
	say(chan, WIRE_COLD, why);
	_exit(0);
}

static void receive(struct arrival *arrival, int chan)
{
	struct pass_in in = {
		.buf = arrival->bytes,
		.cap = sizeof(arrival->bytes),
		.fds = arrival->fds,
		.max_fds = PASS_FDS_MAX,
	};
	int got;

	do
		got = pass_recv(chan, &in, 0);
	while (got == -EINTR);
	if (got == PASS_CLOSED)
		_exit(0); /* the server ended while this one was a spare */
	arrival->n_fds = in.n_fds;
	if (got != PASS_OK
		|| !wire_parse_call(arrival->bytes, in.n_bytes, in.n_fds, &arrival->view))
		give_up(chan, WIRE_WHY_TOO_BIG, "the call was garbled");
}

static bool take_limits(const struct executor_base *base, const struct wire_call *call)
{
	for (unsigned i = 0; i < WIRE_LIMITS; i++) {
		const struct wire_limit *want = &call->limits[i], *is = &base->limits[i];
		const struct rlimit limit = {want->soft, want->hard};
		if (want->soft == is->soft && want->hard == is->hard)
			continue;
		if (setrlimit((__rlimit_resource_t)i, &limit) < 0)
			return false;
	}
	return true;
}

/* The known wire says nothing of limits: as they were in set-up. */
static void restore_limits(const struct executor_base *base)
{
	for (size_t i = 0; i < EXECUTOR_LIFTED; i++) {
		const struct rlimit limit = {base->soft[i], base->limits[lifted[i]].hard};
		(void)setrlimit(lifted[i], &limit); /* lowering is always allowed */
	}
}

/* What may be refused: limits, nice value, groups. All of it comes before the script has
 * begun. */
static bool take_rights(const struct executor_base *base, const struct wire_view *view)
{
	const struct wire_call *call = view->call;

	if (call->nice != base->nice && setpriority(PRIO_PROCESS, 0, call->nice) < 0)
		return false;
	bool same_groups =
		(int)call->n_groups == base->n_groups
		&& memcmp(view->groups, base->groups, call->n_groups * sizeof(gid_t)) == 0;
	if (!same_groups && setgroups(call->n_groups, view->groups) < 0)
		return false;
	return take_limits(base, call);
}

/* The strings of the call, in memory of its own that lives as long as the process. */
static char *take_text(const struct arrival *arrival)
{
	size_t n = arrival->call.text_bytes;
	char *text = malloc(n + 1);

	if (text && arrival->view.text)
		memcpy(text, arrival->view.text, n);
	else if (text && pread(special(arrival, WIRE_HAS_TEXT), text, n, 0) != (ssize_t)n)
		return NULL;
	return text;
}

/* argv and env point into @text. */
static bool take_strings(const struct executor_base *base, const struct arrival *arrival,
	struct pfi_call *out)
{
	const struct wire_call *call = &arrival->call;
	size_t n = 2 + (size_t)call->n_args + call->n_env;
	char *text = take_text(arrival), **all = malloc((n + 2) * sizeof(*all));

	if (!text || !all || wire_split(text, call->text_bytes, n, all) != call->text_bytes)
		return false;
	out->interp = all[0][0] ? all[0] : base->interp;
	out->script = all[1][0] ? all[1] : base->script;
	out->argv = all + 2;
	out->argc = (int32_t)call->n_args;
	/* Both lists end with a NULL, so the second moves up by one. */
	out->env = all + 2 + call->n_args + 1;
	memmove(out->env, out->env - 1, (call->n_env + 1) * sizeof(*all));
	out->argv[call->n_args] = NULL;
	return true;
}

static bool move_up(int *fd, int first)
{
	if (*fd >= first)
		return true;
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, first);
	if (moved < 0)
		return false;
	(void)close(*fd);
	*fd = moved;
	return true;
}

/* Moves every descriptor that came above all the numbers they are to have. */
static bool move_clear(struct arrival *arrival)
{
	const struct wire_view *view = &arrival->view;
	int last = view->call->n_fds ? view->numbers[view->call->n_fds - 1] : 2;

	for (size_t i = 0; i < arrival->n_fds; i++)
		if (!move_up(&arrival->fds[i], last + 1))
			return false;
	return true;
}

/* The channel stays, out of the way of the caller's descriptors and of the script's. */
static bool keep_channel(const struct executor_base *base, const struct arrival *arrival,
	int chan, struct executor_call *out)
{
	const struct wire_view *view = &arrival->view;
	int last = view->call->n_fds ? view->numbers[view->call->n_fds - 1] : 2;
	struct stat st;

	if (!move_up(&chan, MAX(MAX(last + 1, base->first_fd), CHANNEL_FD))
		|| fstat(chan, &st) < 0)
		return false;
	out->channel = chan;
	out->channel_ino = st.st_ino;
	out->pid = getpid();
	return true;
}

/* The caller's numbers lead where the caller's do; its closed ones, below first_fd,
 * nowhere. */
static bool place_fds(const struct executor_base *base, struct arrival *arrival)
{
	const struct wire_view *view = &arrival->view;
	const int *from = arrival->fds + view->n_special;
	unsigned next = 0;

	for (uint32_t i = 0; i < view->call->n_fds; i++) {
		unsigned number = (unsigned)view->numbers[i];
		if (inherit_as(from[i], (int)number) < 0)
			return false;
		if (number > next && next < (unsigned)base->first_fd)
			(void)close_range(
				next, MIN(number, (unsigned)base->first_fd) - 1, 0);
		next = number + 1;
	}
	if (next < (unsigned)base->first_fd)
		(void)close_range(next, (unsigned)base->first_fd - 1, 0);
	for (size_t i = 0; i < arrival->n_fds; i++)
		(void)close(arrival->fds[i]);
	return true;
}

/* What set-up installed a handler for stays so; the rest is as the caller has it. */
static void take_signals(const struct executor_base *base, const struct wire_call *call)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, now;
	sigset_t mask = base->mask;

	(void)sigaction(SIGCHLD, &base->on_child_end, NULL);
	if (call->note.flags & WIRE_HAS_STATE) {
		sigemptyset(&mask);
		memcpy(&mask, &call->blocked, sizeof(call->blocked));
	}
	for (int sig = 1; sig <= SIGNALS && call->ignored; sig++)
		if (call->ignored >> (sig - 1) & 1 && sigaction(sig, NULL, &now) == 0
			&& now.sa_handler == SIG_DFL)
			(void)sigaction(sig, &ignore, NULL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

void executor_wait(const struct executor_base *base, int chan, uint64_t serial,
	struct executor_call *out)
{
	static struct arrival
		arrival; /* on the stack the compiler would touch every page of it */

	receive(&arrival, chan);
	bool has_state = arrival.call.note.flags & WIRE_HAS_STATE;
	/* Before the limits: the caller's may leave no room for this. */
	if (!move_clear(&arrival) || !take_strings(base, &arrival, &out->call)
		|| !keep_channel(base, &arrival, chan, out))
		give_up(chan, WIRE_WHY_TOO_BIG, "no room for the call");
	chan = out->channel;
	if (has_state && !take_rights(base, &arrival.view))
		give_up(chan, WIRE_WHY_RIGHTS, NULL);

	/* From here on it is the script: what fails now is the script's failure. */
	say(chan, WIRE_BEGUN, 0);
	int cwd = special(&arrival, WIRE_HAS_CWD);
	if (cwd >= 0 && fchdir(cwd) < 0)
		syslog(LOG_WARNING, "cannot enter the caller's working directory: %m");
	if (has_state)
		(void)umask((mode_t)arrival.call.umask & 0777);
	else
		restore_limits(base);
	if (!place_fds(base, &arrival)) {
		syslog(LOG_ERR, "cannot place the caller's descriptors: %m");
		_exit(127);
	}
	take_signals(base, &arrival.call);
	environ = out->call.env;
	random_bytes(out->call.seed, sizeof(out->call.seed));
	out->call.serial = serial;
}

/* Whether the channel's number still leads to the channel: the script may have closed it. */
static bool has_channel(const struct executor_call *call)
{
	struct stat st;

	return fstat(call->channel, &st) == 0 && S_ISSOCK(st.st_mode)
	       && st.st_ino == call->channel_ino;
}

void executor_leave(const struct executor_call *call, int status)
{
	/* To a process of one thread unshare does nothing, to others it is refused: another
	 * thread would go on with descriptors that lead nowhere, or somewhere else. */
	if (getpid() != call->pid || !has_channel(call) || unshare(CLONE_VM) < 0)
		_exit(status);

	/* UNSHARE: a process that shares our table keeps it, as on any exit. */
	(void)close_range((unsigned)call->channel + 1, ~0u, CLOSE_RANGE_UNSHARE);
	(void)close_range(0, (unsigned)call->channel - 1, 0);
	say(call->channel, WIRE_ENDED, (status & 0xff) << 8);
	/* Whom that woke may now wait for this very processor, and our end takes a while. */
	(void)sched_yield();
	hot_note(call->notes);
	_exit(status);
}

/* SPDX-License-Identifier: MIT */

#include "interp/launcher/setup.h"

#include "base/util.h"
#include "interp/launcher/args.h"
#include "interp/launcher/call.h"
#include "interp/launcher/leave.h"
#include "interp/launcher/place.h"
#include "interp/launcher/relay.h"
#include "interp/launcher/sweep.h"
#include "interp/launcher/watcher.h"
#include "interp/managed.h"
#include "interp/wire.h"
#include "os/fd.h"
#include "os/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

/* For the greeting of the known module, whose set-up is done: it forks before it greets. */
#define GREETING_MS 10'000

/* What set-up is given, in the order of the PREFORK_INTERP variable, and our ends of it. */
enum given {
	GIVEN_LISTENER,
	GIVEN_CALL,
	GIVEN_WATCHER_IN,
	GIVEN_WATCHER_ERR,
	GIVEN_COUNT,
};

struct setup {
	const struct place *place;
	const struct args *args;
	struct place_socket listener;
	int given[GIVEN_COUNT]; /* owned, GIVEN_LISTENER apart */
	int call;               /* owned: the other end of GIVEN_CALL */
	int watcher_in;         /* owned */
	int watcher_err;        /* owned */
};

static void setup_fini(struct setup *setup)
{
	for (size_t i = GIVEN_CALL; i < GIVEN_COUNT; i++)
		fd_close(&setup->given[i]);
	fd_close(&setup->call);
	fd_close(&setup->watcher_in);
	fd_close(&setup->watcher_err);
	fd_close(&setup->listener.fd);
}

/* Everything set-up needs but the process. 0 or -errno; setup_fini either way. */
static int make_channels(struct setup *setup)
{
	int pair[2], in[2], err[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	setup->call = pair[0];
	setup->given[GIVEN_CALL] = pair[1];
	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	setup->watcher_in = in[0];
	setup->given[GIVEN_WATCHER_IN] = in[1];
	if (pipe2(err, O_CLOEXEC) < 0)
		return -errno;
	setup->watcher_err = err[1];
	setup->given[GIVEN_WATCHER_ERR] = err[0];
	return fcntl(err[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* In the child: what is left of the caller's environment under -L. */
static void launder(const struct args *args)
{
	static const char *const kept[] = {"PATH", "HOME", "LANG"};
	char **before = environ;

	(void)clearenv();
	for (char **at = before; at && *at; at++) {
		size_t n = strcspn(*at, "=");
		bool keep = strncmp(*at, "LC_", 3) == 0;
		for (size_t i = 0; i < ARRAY_LEN(kept) && !keep; i++)
			keep = strlen(kept[i]) == n && strncmp(*at, kept[i], n) == 0;
		for (size_t i = 0; i < args->n_covers && !keep; i++)
			keep = args->covers[i].kind == 'E'
			       && strlen(args->covers[i].text) == n
			       && strncmp(*at, args->covers[i].text, n) == 0;
		if (keep)
			(void)putenv(*at);
	}
}

/* In the child: nothing of the caller's but its standard error and what is given. */
static bool take_descriptors(int given[GIVEN_COUNT], struct managed *told)
{
	told->first_fd = inherit_only(given, GIVEN_COUNT, MANAGED_FIRST_FD);
	if (told->first_fd < 0 || inherit_null(STDIN_FILENO) < 0)
		return false;
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 && inherit_null(STDERR_FILENO) < 0)
		return false;
	return inherit_as(STDERR_FILENO, STDOUT_FILENO) == 0;
}

[[gnu::noreturn]] static void child(
	const struct setup *setup, const struct timespec *started, pid_t launcher)
{
	const struct args *args = setup->args;
	char value[MANAGED_TEXT_MAX];
	int given[GIVEN_COUNT];
	struct managed told = {
		.started_ns = started->tv_sec * (int64_t)NS_PER_SEC + started->tv_nsec,
		.pid = getpid(),
		.dev = setup->listener.dev,
		.ino = setup->listener.ino,
		.own_listener = -1,
	};

	/* Who kills the launcher means the script. A server that comes of it is not its child. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(LEAVE_FAILED);
	memcpy(given, setup->given, sizeof(given));
	if (!take_descriptors(given, &told)) {
		leave_say("cannot prepare descriptors: %s", strerror(errno));
		_exit(LEAVE_FAILED);
	}
	told.listener = given[GIVEN_LISTENER];
	told.call = given[GIVEN_CALL];
	told.watcher_in = given[GIVEN_WATCHER_IN];
	told.watcher_err = given[GIVEN_WATCHER_ERR];
	inherit_no_signals();
	if (args->laundered) {
		launder(args);
		args->args[0] = NULL;
	}
	managed_format(&told, value);
	(void)setenv(MANAGED_VARIABLE, value, 1);
	(void)execvp(args->command[0], args->command);
	leave_say("cannot run %s: %s", args->command[0], strerror(errno));
	_exit(LEAVE_FAILED);
}

/* One signal, or several: passes them on to set-up. Those of the terminal it got itself. */
static void relay_signals(struct relay *relay, pid_t pid)
{
	struct relay_signal signal;

	while (relay_next(relay, &signal))
		if (signal.number != SIGCHLD && !signal.from_terminal)
			(void)kill(pid, signal.number);
}

/* Waits for set-up to end, and is stopped and continued with it. wait(2)'s status. */
static int wait_for(pid_t pid, struct relay *relay)
{
	for (;;) {
		struct pollfd polled = {.fd = relay->fd, .events = POLLIN};
		int status;
		(void)poll(&polled, 1, -1);
		relay_signals(relay, pid);
		while (waitpid(pid, &status, WNOHANG | WUNTRACED) == pid) {
			if (!WIFSTOPPED(status))
				return status;
			relay_stop_self(WSTOPSIG(status));
			(void)kill(pid, SIGCONT);
		}
	}
}

/* Runs set-up. 0 with *@status, or -errno and nothing was run. */
static int run(struct setup *setup, int *status)
{
	struct sigaction reaped = {.sa_handler = SIG_DFL}, before;
	struct relay relay = RELAY_NONE;
	struct timespec started;

	/* A change after this moment may have been missed. Not the coarse clock: where file
	 * times are fine, those of a moment ago are ahead of it. */
	(void)clock_gettime(CLOCK_REALTIME, &started);
	(void)sigaction(SIGCHLD, &reaped, &before); /* ignored, it would hide the status */
	int bad = relay_open(&relay, true);
	pid_t self = getpid(), pid = bad ? -1 : fork();
	if (pid == 0)
		child(setup, &started, self);
	bad = bad ? bad : pid < 0 ? -errno : 0;

	for (size_t i = GIVEN_CALL; i < GIVEN_COUNT; i++)
		fd_close(&setup->given[i]);
	fd_close(&setup->listener
			  .fd); /* or calls would wait at it when the server is dead */
	if (!bad)
		*status = wait_for(pid, &relay);
	relay_close(&relay);
	(void)sigaction(SIGCHLD, &before, NULL);
	return bad;
}

/* Set-up has ended well: who serves? */
static int first_call(struct setup *setup, int *status)
{
	int result = call_own_wire(setup->place, setup->args, status);

	if (result != CALL_NOBODY)
		return result;
	if (watcher_start(
		    setup->place, &setup->listener, setup->watcher_in, setup->watcher_err))
		leave_say("no watcher could be started: %s", strerror(errno));
	fd_close(&setup->watcher_in);
	fd_close(&setup->watcher_err);
	result = call_v1(fd_take(&setup->call), setup->args, GREETING_MS, status);
	if (result != CALL_NOBODY)
		return result;

	place_unlink_own(setup->place, &setup->listener);
	place_mark_plain(setup->place, setup->args->script);
	leave_say("%s has run without saying that its initialisation is complete; "
		  "from now on it is run directly, until it changes or -f is given",
		setup->args->script ? setup->args->script : setup->args->command[0]);
	*status = 0;
	return CALL_ENDED;
}

/* Under the lock: 0 with the new socket, 1 if somebody made a server meanwhile, or -errno.
 */
static int claim_place(const struct place *place, bool fresh, struct place_socket *out)
{
	AUTO_CLOSE int lock = place_lock(place, WIRE_PATIENCE_MS);
	if (lock < 0)
		return lock;

	if (!fresh) {
		AUTO_CLOSE int known = place_connect(place, 's');
		if (known >= 0 || known == -EAGAIN)
			return 1;
	}
	place_unlink(place);
	return place_listen(place, out);
}

int setup_and_call(
	const struct place *place, const struct args *args, bool fresh, int *status)
{
	struct setup setup = {
		.place = place,
		.args = args,
		.listener.fd = -1,
		.given = {-1, -1, -1, -1},
		.call = -1,
		.watcher_in = -1,
		.watcher_err = -1,
	};

	/* Where it is held at all, it is by us until our call is over: else it might leave,
	 * for want of others, between its set-up and that. */
	AUTO_CLOSE int hold = place_hold(place, false);
	int bad = claim_place(place, fresh, &setup.listener);
	if (bad > 0)
		return call_server(place, args, status);
	if (!bad)
		bad = make_channels(&setup);
	setup.given[GIVEN_LISTENER] = setup.listener.fd;
	sweep_dead(place);
	place_note_why(
		place, WIRE_WHY_FIRST, args->script ? args->script : args->command[0]);
	int result = CALL_COLD;
	if (!bad)
		bad = run(&setup, status);
	if (bad) {
		*status = WIRE_WHY_START;
	} else if (*status == 0) {
		result = first_call(&setup, status);
	} else {
		place_unlink_own(place, &setup.listener);
		result = CALL_ENDED;
	}
	setup_fini(&setup);
	return result;
}

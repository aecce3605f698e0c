/* SPDX-License-Identifier: MIT */

#include "interp/launcher/call.h"

#include "base/util.h"
#include "interp/launcher/args.h"
#include "interp/launcher/place.h"
#include "interp/launcher/relay.h"
#include "interp/launcher/request.h"
#include "os/fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define BUSY_STEP_MS 5 /* between tries when the kernel holds too much of ours already */

enum phase {
	WAITING,
	SENT,
	BEGUN,
};

/* What the wait for one call knows. */
struct wait {
	int sock;
	int channel; /* owned: to the executor, from SENT on; -1: there is none yet, or any more */
	struct relay relay;
	struct request *request;
	const struct args *args;
	enum phase phase;
	int *status;
};

/* The script was not begun, and will not be by anybody else. */
static int go_cold(struct wait *wait, int why)
{
	*wait->status = why;
	return CALL_COLD;
}

/* An executor waits for us on @channel, which is adopted. An enum call_result, or -1: wait
 * on. */
static int send_request(struct wait *wait, int channel)
{
	const struct request *request = wait->request;
	int sent = -ETOOMANYREFS; /* of this user, on their way to others: they do arrive */

	wait->channel = channel;
	for (int waited = 0; sent == -ETOOMANYREFS; waited += BUSY_STEP_MS) {
		sent = pass_send(channel, request->bytes, request->n_bytes, request->fds,
			request->n_fds, 0);
		if (sent == -ETOOMANYREFS && waited >= WIRE_PATIENCE_MS)
			break;
		if (sent == -ETOOMANYREFS)
			(void)poll(NULL, 0, BUSY_STEP_MS);
	}
	if (sent != PASS_OK)
		return go_cold(
			wait, sent == PASS_CLOSED ? WIRE_WHY_GONE : WIRE_WHY_TOO_BIG);
	wait->phase = SENT;
	return -1;
}

static void begin(struct wait *wait)
{
	const struct request *request = wait->request;

	/* The caller's are sent under their own numbers, behind those made for the call. */
	request_let_go(request->fds + request->n_own, request->n_fds - request->n_own);
	wait->phase = BEGUN;
}

/* The script's end, from the one who knows first. The server must not take our going for a
 * caller's death. */
static int end(struct wait *wait, int status)
{
	const struct wire_note done = {.magic = WIRE_MAGIC, .type = WIRE_DONE};

	(void)!pass_send(wait->sock, &done, sizeof(done), NULL, 0, MSG_DONTWAIT);
	*wait->status = status;
	return CALL_ENDED;
}

/* All that the executor says. An enum call_result, or -1: wait on. */
static int take_channel(struct wait *wait)
{
	struct wire_note note;
	struct pass_in in = {.buf = &note, .cap = sizeof(note)};
	int got;

	while ((got = pass_recv(wait->channel, &in, MSG_DONTWAIT)) == PASS_OK
		&& wire_is_note(&note, in.n_bytes)) {
		if (note.type == WIRE_COLD && wait->phase == SENT)
			return go_cold(wait, note.value);
		if (note.type == WIRE_BEGUN && wait->phase == SENT)
			begin(wait);
		if (note.type == WIRE_ENDED && wait->phase == BEGUN)
			return end(wait, note.value);
	}
	if (got == PASS_AGAIN)
		return -1;
	fd_close(&wait->channel);
	/* Closed by the script it says nothing; closed before that, there is no script. */
	return wait->phase == SENT ? go_cold(wait, WIRE_WHY_GONE) : -1;
}

/* One message. An enum call_result, or -1: wait on. */
static int take_note(struct wait *wait)
{
	struct wire_note note;
	int channel = -1, result;
	struct pass_in in = {
		.buf = &note, .cap = sizeof(note), .fds = &channel, .max_fds = 1};
	int got = pass_recv(wait->sock, &in, MSG_DONTWAIT);
	AUTO_CLOSE int owned = in.n_fds ? channel : -1;

	if (got == PASS_AGAIN)
		return -1;
	if (got != PASS_OK || !wire_is_note(&note, in.n_bytes))
		return wait->phase == WAITING ? go_cold(wait, WIRE_WHY_GONE) : CALL_LOST;
	switch (note.type) {
	case WIRE_GO:
		return owned >= 0 && wait->phase == WAITING
			       ? send_request(wait, fd_take(&owned))
			       : -1;
	case WIRE_ENDED:
		/* An executor that refused has ended well, and has said so before. */
		if (wait->channel >= 0 && (result = take_channel(wait)) >= 0)
			return result;
		*wait->status = note.value;
		return CALL_ENDED;
	case WIRE_COLD:
		return wait->phase == WAITING ? go_cold(wait, note.value) : CALL_LOST;
	case WIRE_STOPPED:
		relay_stop_self(note.value);
		relay_return(
			SIGCONT); /* also where nobody stopped us: the script must go on */
		return -1;
	default: return -1; /* WIRE_WAIT: it came, that is all */
	}
}

/* All signals that came. An enum call_result, or -1: wait on. */
static int take_signals(struct wait *wait)
{
	struct relay_signal signal;

	while (relay_next(&wait->relay, &signal)) {
		if (wait->phase == WAITING) {
			relay_return(signal.number); /* nothing runs yet: it is ours */
			return go_cold(wait, WIRE_WHY_NOTHING);
		}
		struct wire_note note = {
			.magic = WIRE_MAGIC,
			.type = WIRE_SIGNAL,
			.value = signal.number,
			.flags = signal.from_terminal ? WIRE_FROM_TERMINAL : 0,
		};
		(void)send(wait->sock, &note, sizeof(note), MSG_NOSIGNAL);
	}
	return -1;
}

static int wait_for_end(struct wait *wait)
{
	for (;;) {
		struct pollfd polled[] = {
			{.fd = wait->sock, .events = POLLIN},
			{.fd = wait->relay.fd, .events = POLLIN},
			{.fd = wait->channel, .events = POLLIN},
		};
		int n = poll(polled, ARRAY_LEN(polled),
			wait->phase == WAITING ? WIRE_PATIENCE_MS : -1);
		int result = n == 0 ? go_cold(wait, WIRE_WHY_SILENT) : -1;
		if (n > 0 && polled[2].revents)
			result = take_channel(wait);
		if (n > 0 && polled[1].revents && result < 0)
			result = take_signals(wait);
		if (n > 0 && polled[0].revents && result < 0)
			result = take_note(wait);
		if (result >= 0)
			return result;
	}
}

/* The server is waking up while the request is built. */
static int call_own(int sock, const struct args *args, int *status)
{
	struct request request;
	struct wait wait = {
		.sock = sock,
		.channel = -1,
		.relay = RELAY_NONE,
		.request = &request,
		.args = args,
		.status = status,
	};

	if (relay_open(&wait.relay, false) < 0)
		return go_cold(&wait, WIRE_WHY_START);
	int result = request_build(&request, args, &wait.relay.before);
	if (result == 0) {
		result = wait_for_end(&wait);
		request_end(&request);
	} else {
		result = go_cold(&wait, result > 0 ? result : WIRE_WHY_START);
	}
	fd_close(&wait.channel);
	relay_close(&wait.relay);
	return result;
}

/* Connects; where too many wait to be accepted, waits as well. */
static int connect_patiently(const struct place *place, char kind)
{
	for (int waited = 0;; waited += BUSY_STEP_MS) {
		int sock = place_connect(place, kind);
		if (sock != -EAGAIN || waited >= WIRE_PATIENCE_MS)
			return sock;
		(void)poll(NULL, 0, BUSY_STEP_MS);
	}
}

int call_own_wire(const struct place *place, const struct args *args, int *status)
{
	AUTO_CLOSE int sock = connect_patiently(place, 'p');

	if (sock >= 0)
		return call_own(sock, args, status);
	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return CALL_NOBODY;
	*status = sock == -EAGAIN ? WIRE_WHY_SILENT : WIRE_WHY_PLACE;
	return CALL_COLD;
}

int call_server(const struct place *place, const struct args *args, int *status)
{
	int result = call_own_wire(place, args, status);
	if (result != CALL_NOBODY)
		return result;

	AUTO_CLOSE int known = connect_patiently(place, 's');
	if (known == -ENOENT || known == -ECONNREFUSED)
		return CALL_NOBODY;
	*status = known == -EAGAIN ? WIRE_WHY_SILENT : WIRE_WHY_PLACE;
	if (known < 0)
		return CALL_COLD;

	/* It may be one of ours that was still loading: once it greets, its own wire is
	 * there. */
	struct pollfd greeted = {.fd = known, .events = POLLIN};
	*status = WIRE_WHY_SILENT;
	if (poll(&greeted, 1, WIRE_PATIENCE_MS) == 0)
		return CALL_COLD;
	result = call_own_wire(place, args, status);
	if (result != CALL_NOBODY)
		return result;
	result = call_v1(fd_take(&known), args, WIRE_PATIENCE_MS, status);
	*status = result == CALL_NOBODY ? WIRE_WHY_GONE : *status;
	return result == CALL_NOBODY ? CALL_COLD : result;
}

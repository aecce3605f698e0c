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

/* What the wait for one call knows. */
struct wait {
	int sock;
	struct relay relay;
	const struct request *request;
	bool begun;
	int *status;
};

/* Sends; where too much is on its way already, waits for the server to take some of it. */
static int send_request(int sock, const struct request *request)
{
	for (int waited = 0;; waited += BUSY_STEP_MS) {
		int sent = pass_send(sock, request->bytes, request->n_bytes, request->fds,
			request->n_fds, 0);
		if (sent != PASS_AGAIN && sent != -ETOOMANYREFS)
			return sent;
		if (waited >= WIRE_PATIENCE_MS)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, BUSY_STEP_MS);
	}
}

static int go_cold(struct wait *wait, int why)
{
	*wait->status = why;
	return CALL_COLD;
}

/* The server is gone, or silent. */
static int without_server(struct wait *wait, int why)
{
	if (!wait->begun && request_take_back(wait->request))
		return go_cold(wait, why);
	return CALL_LOST;
}

/* One message. An enum call_result, or -1: wait on. */
static int take_note(struct wait *wait)
{
	struct wire_note note;
	struct pass_in in = {.buf = &note, .cap = sizeof(note)};
	int got = pass_recv(wait->sock, &in, MSG_DONTWAIT);

	if (got == PASS_AGAIN)
		return -1;
	if (got != PASS_OK || !wire_is_note(&note, in.n_bytes))
		return without_server(wait, WIRE_WHY_GONE);
	switch (note.type) {
	case WIRE_ENDED: *wait->status = note.value; return CALL_ENDED;
	case WIRE_COLD:
		return request_take_back(wait->request) ? go_cold(wait, note.value)
							: CALL_LOST;
	case WIRE_STOPPED:
		wait->begun = true;
		relay_stop_self(note.value);
		relay_return(
			SIGCONT); /* also where nobody stopped us: the script must go on */
		return -1;
	default: return -1; /* WIRE_WAIT: that it came is all there is to it */
	}
}

/* All signals that came. An enum call_result, or -1: wait on. */
static int take_signals(struct wait *wait)
{
	struct relay_signal signal;

	while (relay_next(&wait->relay, &signal)) {
		if (!wait->begun && request_take_back(wait->request)) {
			relay_return(signal.number); /* nothing runs yet: it is ours */
			return go_cold(wait, WIRE_WHY_NOTHING);
		}
		wait->begun = true;
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
	struct pollfd polled[] = {
		{.fd = wait->sock, .events = POLLIN},
		{.fd = wait->relay.fd, .events = POLLIN},
	};

	for (;;) {
		int n = poll(
			polled, ARRAY_LEN(polled), wait->begun ? -1 : WIRE_PATIENCE_MS);
		int result = -1;
		if (n == 0) {
			if (request_take_back(wait->request))
				return go_cold(wait, WIRE_WHY_SILENT);
			wait->begun = true;
		}
		if (n > 0 && polled[1].revents)
			result = take_signals(wait);
		if (n > 0 && polled[0].revents && result < 0)
			result = take_note(wait);
		if (result >= 0)
			return result;
	}
}

static int call_own(int sock, const struct args *args, int *status)
{
	struct wait wait = {.sock = sock, .relay = RELAY_NONE, .status = status};
	struct request request;

	*status = WIRE_WHY_START;
	if (relay_open(&wait.relay, false) < 0)
		return CALL_COLD;
	int result = request_build(&request, args, &wait.relay.before);
	if (result != 0) {
		*status = result > 0 ? result : WIRE_WHY_START;
		relay_close(&wait.relay);
		return CALL_COLD;
	}

	wait.request = &request;
	int sent = send_request(sock, &request);
	if (sent == PASS_OK)
		result = wait_for_end(&wait);
	else
		result = go_cold(
			&wait, sent == PASS_CLOSED ? WIRE_WHY_GONE : WIRE_WHY_SILENT);
	request_end(&request);
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

/* SPDX-License-Identifier: MIT */

#include "interp/launcher/call.h"

#include "base/util.h"
#include "interp/launcher/request.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * The known wire, as its launcher: greeting, a byte, three descriptors, text,
 * status. From the last byte of the text on the script may have begun, and the
 * launcher must not run it any more.
 */

static const char greeting[] = {'P', 'F', 'I', '\n'};
#define GREETING_MOST \
	4096u /* bytes that may follow it: "information" of later versions \
	       */

static uint32_t from_big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads exactly @n bytes until @deadline_ms (-1: for ever). 0, PASS_CLOSED or -errno. */
static int read_whole(int sock, void *buf, size_t n, int64_t deadline_ms)
{
	for (char *at = buf; n > 0;) {
		int left = -1;
		if (deadline_ms >= 0)
			left = (int)MAX(deadline_ms - now_ms(), 0);
		struct pollfd readable = {.fd = sock, .events = POLLIN};
		if (poll(&readable, 1, left) == 0)
			return -ETIMEDOUT;
		ssize_t got = recv(sock, at, n, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return PASS_CLOSED;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

/* 0, PASS_CLOSED, or -errno (-EPROTO: not the known wire). */
static int read_greeting(int sock, int patience_ms)
{
	int64_t deadline_ms = now_ms() + patience_ms;
	unsigned char head[sizeof(greeting) + 4];
	char more[256];

	int bad = read_whole(sock, head, sizeof(head), deadline_ms);
	if (bad)
		return bad;
	uint32_t n = from_big_endian(head + sizeof(greeting));
	if (memcmp(head, greeting, sizeof(greeting)) != 0 || n > GREETING_MOST)
		return -EPROTO;
	for (; n > 0 && !bad; n -= MIN(n, sizeof(more)))
		bad = read_whole(sock, more, MIN(n, sizeof(more)), deadline_ms);
	return bad;
}

/* Descriptors 0 to 2, one in a message; all must be open. */
static bool send_standard_fds(int sock)
{
	for (int fd = 0; fd <= 2; fd++)
		if (pass_send(sock, "", 1, &fd, 1, 0) != PASS_OK)
			return false;
	return true;
}

static bool send_whole(int sock, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(sock, text, n, MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* All but the text, whose last byte is what lets the script begin. */
static bool offer(int sock, size_t n_text)
{
	const unsigned char size[4] = {(unsigned char)(n_text >> 24),
		(unsigned char)(n_text >> 16), (unsigned char)(n_text >> 8),
		(unsigned char)n_text};

	return send_whole(sock, "", 1) && send_standard_fds(sock)
	       && send_whole(sock, (const char *)size, sizeof(size));
}

int call_v1(int sock, const struct args *args, int patience_ms, int *status)
{
	AUTO_CLOSE int owned = sock;
	unsigned char raw[4];
	size_t n_text;

	int greeted = read_greeting(sock, patience_ms);
	if (greeted == PASS_CLOSED)
		return CALL_NOBODY;
	*status = greeted == -EPROTO ? WIRE_WHY_START : WIRE_WHY_SILENT;
	if (greeted != 0)
		return CALL_COLD;

	*status = WIRE_WHY_TOO_BIG; /* such as one descriptor less than three */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return CALL_COLD;
	char *text = request_v1_text(args, &n_text);
	if (!text || n_text > WIRE_TEXT_MAX || fcntl(sock, F_SETFL, 0) < 0)
		return CALL_COLD;

	*status = WIRE_WHY_GONE;
	if (!offer(sock, n_text))
		return CALL_COLD;
	if (!send_whole(sock, text, n_text))
		return CALL_LOST;
	request_let_go((const int[]){0, 1, 2}, 3);
	if (read_whole(sock, raw, sizeof(raw), -1) != 0)
		return CALL_LOST;
	*status = (int)from_big_endian(raw);
	return CALL_ENDED;
}

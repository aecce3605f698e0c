/* SPDX-License-Identifier: MIT */
#pragma once

/* slow_close - a descriptor whose close returns when the test says so: a connection that
 * lingers until its peer, who reads nothing, is gone; or for so many seconds. */

#include "os/fd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

struct slow_close {
	int fd;   /* whoever closes it waits */
	int peer; /* owned */
};

static struct slow_close slow_close_begin(int lingers_s)
{
	static const char bytes[65536];
	const struct linger linger = {.l_onoff = 1, .l_linger = lingers_s};
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(addr);
	AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(listener >= 0 && fd >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &n), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, n), 0);
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		continue;
	return (struct slow_close){.fd = fd, .peer = peer};
}

[[maybe_unused]] static void slow_close_end(struct slow_close *slow)
{
	fd_close(&slow->peer); /* with what it has not read: a reset */
}

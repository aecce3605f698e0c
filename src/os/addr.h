/* SPDX-License-Identifier: MIT */
#pragma once

/* addr - an address to listen at, or of a peer: IPv4, IPv6 or a unix socket. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct reason;

struct addr {
	socklen_t len; /* of the used part of ss */
	union {
		struct sockaddr sa;
		struct sockaddr_storage ss;
		struct sockaddr_un un;
	};
};

#define ADDR_TEXT_MAX 160u /* "unix:" and a path, or "[v6%scope]:port", with a NUL */
#define ADDR_MOST     16u  /* addresses one name may stand for */

/**
 * addr_parse - "127.0.0.1:80", "[::1]:http", "name:8080", "*:80", ":80" or "unix:/path".
 *
 * A name may have several addresses: all are returned, at most ADDR_MOST. May
 * ask the resolver (blocking): for settings, not for connections.
 *
 * Returns 0 with *@n set, or negative with @reason.
 */
[[nodiscard]] int addr_parse(
	const char *text, struct addr out[ADDR_MOST], size_t *n, struct reason *reason);

/* "127.0.0.1:80", "[::1]:80", "unix:/path", or "unix:" for a nameless peer. */
void addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);

/* The host alone, without brackets or port: "127.0.0.1", "::1", "unix:/path". */
void addr_host(const struct addr *addr, char out[ADDR_TEXT_MAX]);

/* 0 for a unix socket. */
uint16_t addr_port(const struct addr *addr);

/* The bytes of an internet address, in network order: how many (4 or 16); 0 for another. An
 * IPv4 address that IPv6 has wrapped is an IPv4 address. */
#define ADDR_BYTES_MAX 16u
size_t addr_bytes(const struct addr *addr, unsigned char out[ADDR_BYTES_MAX]);

/* Only this machine can reach it: 127.0.0.0/8, ::1, or a unix socket. */
bool addr_is_loopback(const struct addr *addr);

/* Whether a socket at the one is a socket at the other. */
bool addr_equal(const struct addr *a, const struct addr *b);

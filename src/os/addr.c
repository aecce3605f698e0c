/* SPDX-License-Identifier: MIT */

#include "os/addr.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/reason.h"
#include "base/span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 256u

static int parse_unix(struct span path, struct addr *out, struct reason *reason)
{
	if (!path.n)
		return reason_set(reason, "unix: needs a path, as in unix:/run/drive.sock");
	if (path.n >= sizeof(out->un.sun_path))
		return reason_set(reason,
			"the socket's path is longer than %zu bytes: %.*s",
			sizeof(out->un.sun_path) - 1, SPAN_FMT(path));
	*out = (struct addr){.un.sun_family = AF_UNIX};
	memcpy(out->un.sun_path, path.p, path.n);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return 0;
}

/* Splits "host:port" or "[v6]:port"; both pieces end with a NUL in @host and @port. */
static int split(
	const char *text, char host[HOST_MAX], const char **port, struct reason *reason)
{
	const char *colon = strrchr(text, ':');
	struct span name;

	if (!colon && text[strspn(text, "0123456789")] == '\0' && *text)
		return reason_set(reason,
			"\"%s\" has no address before the port; try 127.0.0.1:%s", text,
			text);
	if (strstr(text, "://"))
		return reason_set(reason,
			"\"%s\" is a URL; an address has a host and a port: 127.0.0.1:8080",
			text);
	if (!colon || !colon[1])
		return reason_set(reason, "\"%s\" has no port; try %.*s:8080", text,
			(int)strcspn(text, ":"), text);
	name = span_of(text, (size_t)(colon - text));

	bool bracketed = name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	if (bracketed)
		name = span_of(name.p + 1, name.n - 2);
	else if (span_find(name, ':') < name.n)
		return reason_set(reason, "an IPv6 address needs brackets: [%.*s]:%s",
			SPAN_FMT(name), colon + 1);
	if (name.n >= HOST_MAX)
		return reason_set(reason, "the host's name is too long: \"%s\"", text);

	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	if (!bracketed && strcmp(host, "*") == 0)
		host[0] = '\0';
	*port = colon + 1;
	return 0;
}

int addr_parse(
	const char *text, struct addr out[ADDR_MOST], size_t *n, struct reason *reason)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_ADDRCONFIG,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found, *at;
	char host[HOST_MAX];
	const char *port = NULL;

	if (strncmp(text, "unix:", 5) == 0) {
		*n = 1;
		return parse_unix(span_str(text + 5), &out[0], reason);
	}
	int r = split(text, host, &port, reason);
	if (r < 0)
		return r;

	/* The resolver takes numbers that are no ports, and cuts them. */
	uint64_t number;
	if (num_u64(span_str(port), &number) && number > 65535)
		return reason_set(
			reason, "%s in \"%s\" is no port: they end at 65535", port, text);

	/* ADDRCONFIG ignores loopback: an address given as a number must work on a machine
	 * without a network. */
	struct in6_addr any;
	if (!host[0] || inet_pton(AF_INET, host, &any) == 1 || strchr(host, ':')
		|| strcmp(host, "localhost") == 0)
		hints.ai_flags &= ~AI_ADDRCONFIG;

	int err = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (err == EAI_SERVICE)
		return reason_set(reason,
			"\"%s\" in \"%s\" is neither a port nor a service's name", port,
			text);
	if (err)
		return reason_set(reason, "cannot find the address of \"%s\": %s", text,
			err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));

	*n = 0;
	for (at = found; at && *n < ADDR_MOST; at = at->ai_next) {
		struct addr *one = &out[(*n)++];

		*one = (struct addr){.len = at->ai_addrlen};
		memcpy(&one->ss, at->ai_addr, at->ai_addrlen);
	}
	freeaddrinfo(found);
	return 0;
}

/* By far the most frequent, and asked for with every connection. */
static void ipv4_host(const struct sockaddr_in *in, char out[ADDR_TEXT_MAX])
{
	struct buf text = {.p = out, .cap = ADDR_TEXT_MAX, .max = ADDR_TEXT_MAX - 1};
	uint32_t bits = ntohl(in->sin_addr.s_addr);

	for (int shift = 24; shift >= 0; shift -= 8) {
		buf_put_u64(&text, bits >> shift & 0xff);
		buf_put_byte(&text, shift ? '.' : '\0');
	}
}

void addr_host(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];

	if (addr->sa.sa_family == AF_INET) {
		ipv4_host((const void *)&addr->ss, out);
		return;
	}
	if (addr->sa.sa_family == AF_UNIX) {
		size_t n = addr->len > offsetof(struct sockaddr_un, sun_path)
				   ? strnlen(addr->un.sun_path, sizeof(addr->un.sun_path))
				   : 0;
		(void)snprintf(out, ADDR_TEXT_MAX, "unix:%.*s", (int)n, addr->un.sun_path);
		return;
	}
	if (getnameinfo(&addr->sa, addr->len, host, sizeof(host), NULL, 0, NI_NUMERICHOST)
		!= 0)
		(void)snprintf(host, sizeof(host), "?");
	(void)snprintf(out, ADDR_TEXT_MAX, "%s", host);
}

void addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];

	addr_host(addr, host);
	if (addr->sa.sa_family == AF_UNIX)
		(void)snprintf(out, ADDR_TEXT_MAX, "%s", host);
	else
		(void)snprintf(out, ADDR_TEXT_MAX,
			addr->sa.sa_family == AF_INET6 ? "[%.100s]:%u" : "%.100s:%u", host,
			addr_port(addr));
}

uint16_t addr_port(const struct addr *addr)
{
	/* The port stands at the same place in both kinds of internet address. */
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->ss;

	return addr->sa.sa_family == AF_UNIX ? 0 : ntohs(in->sin_port);
}

size_t addr_bytes(const struct addr *addr, unsigned char out[ADDR_BYTES_MAX])
{
	const struct sockaddr_in6 *in6 = (const void *)&addr->ss;
	const struct sockaddr_in *in4 = (const void *)&addr->ss;

	if (addr->sa.sa_family == AF_INET) {
		memcpy(out, &in4->sin_addr, 4);
		return 4;
	}
	if (addr->sa.sa_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(out, in6->sin6_addr.s6_addr + 12, 4);
		return 4;
	}
	memcpy(out, &in6->sin6_addr, 16);
	return 16;
}

bool addr_is_loopback(const struct addr *addr)
{
	if (addr->sa.sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->ss;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (addr->sa.sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&addr->ss;

		return IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
	}
	return addr->sa.sa_family == AF_UNIX;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	const struct sockaddr_in6 *a6 = (const void *)&a->ss, *b6 = (const void *)&b->ss;
	const struct sockaddr_in *a4 = (const void *)&a->ss, *b4 = (const void *)&b->ss;

	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a4->sin_port == b4->sin_port
		       && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	case AF_INET6:
		return a6->sin6_port == b6->sin6_port
		       && a6->sin6_scope_id == b6->sin6_scope_id
		       && IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
	case AF_UNIX: return a->len == b->len && memcmp(&a->un, &b->un, a->len) == 0;
	default: return false;
	}
}

/* SPDX-License-Identifier: MIT */

#include "core/proxy.h"

#include "base/num.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define V1_LINE_MAX 107u /* with CRLF */
#define V1_BEGIN    SPAN("PROXY ")
#define V2_BEGIN    SPAN("\r\n\r\n\0\r\nQUIT\n")
#define V2_HEAD     16u
#define UNIX_BYTES  108u /* of a path, on the wire */

static bool begins(struct span in, struct span with)
{
	size_t n = MIN(in.n, with.n);

	return span_eq(span_of(in.p, n), span_of(with.p, n));
}

static void set_internet(struct addr *out, size_t n_bytes, const char *bytes, uint16_t port)
{
	struct sockaddr_in6 *in6 = (void *)&out->ss;
	struct sockaddr_in *in4 = (void *)&out->ss;

	*out = (struct addr){.len = n_bytes == 4 ? sizeof(*in4) : sizeof(*in6)};
	if (n_bytes == 4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, bytes, 4);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, bytes, 16);
	}
}

/* -- version 1: a line -- */

static bool parse_host(struct span text, size_t n_bytes, char out[16])
{
	char host[INET6_ADDRSTRLEN];

	if (!text.n || text.n >= sizeof(host))
		return false;
	memcpy(host, text.p, text.n);
	host[text.n] = '\0';
	return strlen(host) == text.n
	       && inet_pton(n_bytes == 4 ? AF_INET : AF_INET6, host, out) == 1;
}

static bool parse_port(struct span text, uint16_t *out)
{
	uint64_t n;

	if (!num_u64(text, &n) || n > 65535 || (text.n > 1 && text.p[0] == '0'))
		return false;
	*out = (uint16_t)n;
	return true;
}

/* "FROM TO FROM-PORT TO-PORT" */
static bool parse_ends(struct span line, size_t n_bytes, struct proxy_header *out)
{
	struct span words[4];
	char from[16], to[16];
	uint16_t from_port, to_port;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!span_cut(&line, ' ', &words[i]))
			return false;
	}
	if (line.p || !parse_host(words[0], n_bytes, from)
		|| !parse_host(words[1], n_bytes, to) || !parse_port(words[2], &from_port)
		|| !parse_port(words[3], &to_port))
		return false;
	out->known = true;
	set_internet(&out->from, n_bytes, from, from_port);
	set_internet(&out->to, n_bytes, to, to_port);
	return true;
}

static int parse_v1(struct span in, struct proxy_header *out)
{
	size_t n = span_find(span_of(in.p, MIN(in.n, V1_LINE_MAX)), '\n');

	if (n == MIN(in.n, V1_LINE_MAX))
		return n == V1_LINE_MAX ? PROXY_BAD : PROXY_MORE;
	if (n < V1_BEGIN.n || in.p[n - 1] != '\r')
		return PROXY_BAD;
	struct span line = span_of(in.p + V1_BEGIN.n, n - 1 - V1_BEGIN.n);
	struct span kind;

	(void)span_cut(&line, ' ', &kind); /* there is one, were it empty */
	if (span_eq(kind, SPAN("UNKNOWN")))
		return (int)n + 1; /* and whatever stood behind it */
	if (!span_eq(kind, SPAN("TCP4")) && !span_eq(kind, SPAN("TCP6")))
		return PROXY_BAD;
	return parse_ends(line, kind.p[3] == '4' ? 4 : 16, out) ? (int)n + 1 : PROXY_BAD;
}

/* -- version 2: bytes -- */

static unsigned byte_at(struct span in, size_t i)
{
	return (unsigned char)in.p[i];
}

static uint16_t port_at(struct span in, size_t i)
{
	return (uint16_t)(byte_at(in, i) << 8 | byte_at(in, i + 1));
}

static void set_unix(struct addr *out, const char *bytes)
{
	size_t n = strnlen(bytes, UNIX_BYTES);

	*out = (struct addr){.un.sun_family = AF_UNIX};
	n = MIN(n, sizeof(out->un.sun_path) - 1);
	memcpy(out->un.sun_path, bytes, n);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (n ? n + 1 : 0));
}

/* Both addresses and then both ports, or two paths. */
static bool parse_addresses(unsigned family, struct span body, struct proxy_header *out)
{
	size_t n = family == 1 ? 4 : 16;

	if (family == 3) {
		if (body.n < (size_t)2 * UNIX_BYTES)
			return false;
		set_unix(&out->from, body.p);
		set_unix(&out->to, body.p + UNIX_BYTES);
	} else {
		if (body.n < 2 * n + 4)
			return false;
		set_internet(&out->from, n, body.p, port_at(body, 2 * n));
		set_internet(&out->to, n, body.p + n, port_at(body, 2 * n + 2));
	}
	out->known = true;
	return true;
}

static int parse_v2(struct span in, struct proxy_header *out)
{
	if (in.n < V2_HEAD)
		return PROXY_MORE;
	unsigned version = byte_at(in, 12) >> 4, command = byte_at(in, 12) & 15;
	unsigned family = byte_at(in, 13) >> 4, transport = byte_at(in, 13) & 15;
	size_t n = V2_HEAD + port_at(in, 14);

	if (version != 2 || command > 1 || family > 3 || transport > 2
		|| n > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (in.n < n)
		return PROXY_MORE;
	/* LOCAL (0): a check of the proxy's own; what else it says does not count. */
	if (command == 0 || family == 0)
		return (int)n;
	return parse_addresses(family, span_of(in.p + V2_HEAD, n - V2_HEAD), out)
		       ? (int)n
		       : PROXY_BAD;
}

int proxy_parse(struct span in, struct proxy_header *out)
{
	*out = (struct proxy_header){0};
	if (begins(in, V2_BEGIN))
		return parse_v2(in, out);
	return begins(in, V1_BEGIN) ? parse_v1(in, out) : PROXY_BAD;
}

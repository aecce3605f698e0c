/* SPDX-License-Identifier: MIT */

#include "service/echo/echo.h"

#include "core/conn.h"
#include "core/service.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#define INPUT_MAX  4096u
#define PREFIX_MAX 32u

/* One answer on its way; the text itself is what c->in holds. */
struct echo {
	char prefix[PREFIX_MAX];
	size_t prefix_n;
	size_t sent; /* of prefix, text and newline together */
};

static enum conn_want reply(struct conn *c)
{
	struct echo *e = c->data;
	size_t whole = e->prefix_n + c->in.n + 1;

	while (e->sent < whole) {
		struct iovec parts[] = {
			{e->prefix, e->prefix_n},
			{c->in.p, c->in.n},
			{(char *)"\n", 1},
		};
		size_t skip = e->sent;
		int first = 0;

		while (skip >= parts[first].iov_len)
			skip -= parts[first++].iov_len;
		parts[first].iov_base = (char *)parts[first].iov_base + skip;
		parts[first].iov_len -= skip;

		ssize_t n = conn_send(c, &parts[first], 3 - first, false);
		if (n == CONN_IO_AGAIN)
			return CONN_WRITE;
		if (n < 0)
			return CONN_ABORT;
		e->sent += (size_t)n;
	}
	conn_consume(c, c->in.n);
	conn_settled(c);
	return CONN_IDLE;
}

static enum conn_want readable(struct conn *c)
{
	struct echo *e = c->data;
	ssize_t n = conn_fill(c);

	if (n == CONN_IO_AGAIN && !c->in.n)
		return CONN_IDLE;
	if (n == CONN_IO_EOF)
		return CONN_CLOSE;
	if (n < 0 && n != CONN_IO_AGAIN)
		return CONN_ABORT;

	conn_begun(c); /* the input is changed: it cannot be answered again */
	for (size_t i = 0; i < c->in.n; i++)
		c->in.p[i] = (char)toupper((unsigned char)c->in.p[i]);
	e->prefix_n = (size_t)snprintf(
		e->prefix, sizeof(e->prefix), "PROCESS[PID %d]: ", (int)getpid());
	e->sent = 0;
	conn_answer(c, c->in.n, e->prefix_n + c->in.n + 1);
	return reply(c);
}

static struct span refusal(enum refusal why)
{
	(void)why;
	return SPAN("BUSY\n");
}

const struct service_ops echo_service = {
	.name = "echo",
	.summary = "answers in upper case, with the process's number",
	.scheme = "tcp",
	.connections = 1,
	.conn_bytes = sizeof(struct echo),
	.input_bytes = INPUT_MAX,
	.refusal = refusal,
	.open = readable,
	.readable = readable,
	.writable = reply,
};

/* SPDX-License-Identifier: MIT */
#pragma once

/* options - load's command line. */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	OPTIONS_HEAD_MAX =
		4096, /* a request's head, fields from the command line included */
	OPTIONS_CONNECTIONS = 65'000, /* there are no more ports than that */
};

struct options {
	struct sockaddr_storage to; /* a loopback address, always */
	socklen_t n_to;
	char host[80]; /* as the Host field says it */

	const char *method;
	const char
		*path; /* "%c" in it becomes the connection's number, "%n" the request's */
	const char *rare_path; /* every hundredth request asks for it instead; NULL: none */
	char fields[OPTIONS_HEAD_MAX / 2]; /* -H, each with its line end */
	struct span body;      /* what to send; p == NULL: n_body bytes of a pattern */
	uint64_t n_body;       /* bytes of body to send */
	bool chunked;          /* as one chunked body, not by length */
	struct span expect;    /* the answer's body, byte for byte; p == NULL: any */
	uint64_t expect_bytes; /* its length; UINT64_MAX: any */

	unsigned n_connections;
	uint64_t n_requests; /* 0: until the time is up */
	uint64_t for_ns;     /* begin no request after so long */
	uint64_t timeout_ns; /* a request that takes longer is broken */
	bool one_each;       /* a new connection for every request */
	bool hold;           /* see options.c, usage */
	bool raw; /* no HTTP: nothing is sent, and the answer is all that comes */
};

/* Fills *@o or says on stderr what is wrong with the command line, and ends with status 2.
 */
void options_read(struct options *o, int argc, char **argv);

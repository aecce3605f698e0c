/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * proxy - the PROXY protocol's header, versions 1 and 2: for whom a proxy has connected.
 *
 * Bytes in, addresses out; nothing is waited for or kept. As in HAProxy's
 * proxy-protocol.txt, and read strictly: a header has one way to be written.
 */

#include "base/span.h"
#include "os/addr.h"

#include <stdbool.h>

/* No header is longer: 16 bytes, addresses, and as many additions (TLVs, which we skip). */
#define PROXY_HEADER_MAX 4096u

struct proxy_header {
	bool known; /* else the proxy speaks for itself, or does not know: take the real addresses */
	struct addr from; /* who connected to the proxy */
	struct addr to;   /* and to where */
};

/* What proxy_parse returns besides a length. */
enum {
	PROXY_MORE = 0, /* so far it is the beginning of one */
	PROXY_BAD = -1, /* it is none, or too long */
};

/* The header @in begins with: its length (> 0) with *@out filled, or as above. */
[[nodiscard]] int proxy_parse(struct span in, struct proxy_header *out);

/* SPDX-License-Identifier: MIT */

/* Any text is an address or a block of them, or a sentence; what is an address reads the same
 * when it is written. */

#include "base/reason.h"
#include "os/addr.h"
#include "os/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name would be looked up in the network, and so would a scope or a service. */
static bool asks_nobody(const char *text)
{
	size_t n_host = strspn(text, "0123456789.*[]:abcdefABCDEF");

	return strncmp(text, "unix:", 5) == 0
	       || (!text[n_host] && (text[0] == '[' || !strpbrk(text, "abcdefABCDEF"))
		       && strrchr(text, ':')
		       && !strpbrk(strrchr(text, ':'), "abcdefABCDEF.*[]"));
}

static void as_address(const char *text)
{
	struct addr found[ADDR_MOST], again[ADDR_MOST];
	char written[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX];
	unsigned char bytes[ADDR_BYTES_MAX];
	struct reason reason = {0};
	size_t n = 0, n_again = 0;

	if (addr_parse(text, found, &n, &reason) < 0) {
		assert(reason.text[0]);
		return;
	}
	assert(n > 0 && n <= ADDR_MOST);
	for (size_t i = 0; i < n; i++) {
		addr_text(&found[i], written);
		addr_host(&found[i], host);
		assert(strlen(written) < sizeof(written) && strlen(host) < sizeof(host));
		assert(addr_bytes(&found[i], bytes) <= sizeof(bytes));
		assert(addr_parse(written, again, &n_again, &reason) == 0);
		assert(n_again == 1 && addr_equal(&found[i], &again[0]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct reason reason = {0};
	struct net net;

	assert(text);
	if (net_parse(text, &net, &reason) < 0)
		assert(reason.text[0]);
	else
		assert(net.n_bits <= 8 * net.n_bytes && net.n_bytes <= ADDR_BYTES_MAX);
	if (asks_nobody(text))
		as_address(text);
	free(text);
	return 0;
}

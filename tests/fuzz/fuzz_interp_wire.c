/* SPDX-License-Identifier: MIT */

/* Whatever comes on either wire of a script's server, or in its environment, is refused or
 * lies within the bytes that came. */

#include "interp/known.h"
#include "interp/managed.h"
#include "interp/wire.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how many descriptors came with the message. */
static void try_call(const uint8_t *data, size_t size, uint8_t n_fds)
{
	char *message =
		malloc(size + 1); /* exactly as long, so that a byte beyond is found */
	struct wire_view view;

	memcpy(message, data, size);
	if (wire_parse_call(message, size, n_fds, &view)) {
		const struct wire_call *call = view.call;
		size_t n = (size_t)call->n_args + call->n_env + 2;
		char **strings = malloc((n + 1) * sizeof(*strings));
		assert(view.n_special + call->n_fds == n_fds);
		for (uint32_t i = 0; i < call->n_fds; i++)
			assert(view.numbers[i] >= 0);
		size_t used = view.text ? wire_split(
				      (char *)view.text, call->text_bytes, n, strings)
					: 0;
		assert(used <= call->text_bytes);
		for (size_t i = 0; used && i < n; i++)
			assert(strings[i] + strlen(strings[i]) < message + size);
		free(strings);
	}
	free(message);
}

/* Feeds the bytes one by one, with a descriptor that is none wherever one is wanted. */
static void try_known(const uint8_t *data, size_t size)
{
	struct known_wire known;
	size_t room, n_bytes, n_text;
	bool with_fd;

	known_init(&known);
	for (size_t i = 0; i < size && known.state < KNOWN_WHOLE; i++) {
		char *to = known_wants(&known, &room, &with_fd);
		assert(room > 0);
		*to = (char)data[i];
		/* 1000 is open in no fuzzer: closing it is harmless. */
		(void)known_took(&known, 1, with_fd ? 1000 : -1);
	}
	struct wire_call *call = known_message(&known, &n_bytes, &n_text);
	if (call) {
		struct wire_view view;
		assert(wire_parse_call(call, n_bytes, 3, &view));
		assert(view.call->text_bytes == n_text);
	}
	free(call);
	known_fini(&known);
}

static void try_variable(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), again[MANAGED_TEXT_MAX];
	struct managed managed, same;

	if (managed_parse(text, &managed) && managed.ours) {
		managed_format(&managed, again);
		assert(managed_parse(again, &same) && same.pid == managed.pid
			&& same.listener == managed.listener && same.ino == managed.ino);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	switch (data[0] >> 6) {
	case 0: try_call(data + 1, size - 1, data[0] & 63); break;
	case 1: try_known(data + 1, size - 1); break;
	default: try_variable(data + 1, size - 1);
	}
	return 0;
}

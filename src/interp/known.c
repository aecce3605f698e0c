/* SPDX-License-Identifier: MIT */

#include "interp/known.h"

#include "base/util.h"
#include "os/fd.h"

#include <stdlib.h>
#include <string.h>

/* What the launcher of the known implementation puts before the script's arguments. */
#define EXTRA_ARGS 2u

void known_init(struct known_wire *known)
{
	*known = (struct known_wire){.fds = {-1, -1, -1}, .size = 1};
}

void known_fini(struct known_wire *known)
{
	for (size_t i = 0; i < ARRAY_LEN(known->fds); i++)
		fd_close(&known->fds[i]);
	free(known->text);
	known->text = NULL;
}

char *known_wants(struct known_wire *known, size_t *n_bytes, bool *with_fd)
{
	*with_fd = known->state >= KNOWN_FD_0 && known->state <= KNOWN_FD_2;
	*n_bytes = known->size - known->got;
	if (known->state == KNOWN_TEXT)
		return known->text + known->got;
	return known->state < KNOWN_TEXT ? (char *)known->small + known->got : NULL;
}

static enum known_state begin(struct known_wire *known, enum known_state state, size_t size)
{
	known->got = 0;
	known->size = size;
	known->state = state;
	return state;
}

static enum known_state take_size(struct known_wire *known)
{
	const unsigned char *s = known->small;
	size_t n = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3];

	if (n == 0 || n > WIRE_TEXT_MAX || !(known->text = malloc(n)))
		return begin(known, KNOWN_BAD, 0);
	known->n_text = n;
	return begin(known, KNOWN_TEXT, n);
}

/* A byte 0 came. Descriptor 0 belongs to FD_0, and so on. */
static enum known_state take_byte(struct known_wire *known, int fd)
{
	bool wants_fd = known->state != KNOWN_SERVICE;

	if (!wants_fd && fd < 0 && known->small[0] == '?')
		return begin(known, KNOWN_ASKED, 0);

	if (known->small[0] != 0 || wants_fd != (fd >= 0)) {
		fd_close(&fd);
		return begin(known, KNOWN_BAD, 0);
	}
	if (wants_fd)
		known->fds[known->state - KNOWN_FD_0] = fd;
	return begin(known, known->state + 1, known->state == KNOWN_FD_2 ? 4 : 1);
}

enum known_state known_took(struct known_wire *known, size_t n, int fd)
{
	known->got += n;
	switch (known->state) {
	case KNOWN_SERVICE:
	case KNOWN_FD_0:
	case KNOWN_FD_1:
	case KNOWN_FD_2: return take_byte(known, fd);
	case KNOWN_SIZE:
	case KNOWN_TEXT: break;
	case KNOWN_WHOLE:
	case KNOWN_ASKED:
	case KNOWN_BAD: fd_close(&fd); return begin(known, KNOWN_BAD, 0);
	}
	if (fd >= 0) {
		fd_close(&fd);
		return begin(known, KNOWN_BAD, 0);
	}
	if (known->got < known->size)
		return known->state;
	return known->state == KNOWN_SIZE ? take_size(known) : begin(known, KNOWN_WHOLE, 0);
}

/* The length of @n strings at @text. */
static size_t strings_size(const char *text, size_t n)
{
	const char *at = text;

	for (; n > 0; n--)
		at += strlen(at) + 1;
	return (size_t)(at - text);
}

struct wire_call *known_message(
	const struct known_wire *known, size_t *n_bytes, size_t *n_text)
{
	static const int32_t standard[] = {0, 1, 2};
	struct wire_v1 v1;

	if (known->state != KNOWN_WHOLE || !wire_parse_v1(known->text, known->n_text, &v1))
		return NULL;
	size_t skip = MIN(v1.n_args, EXTRA_ARGS), n_env = v1.args_at - 1;
	const char *args = known->text + v1.args_at;
	args += strings_size(args, skip);
	size_t n_args = (size_t)(known->text + known->n_text - args);

	/* Interpreter and script are empty: the server knows its own. */
	*n_text = 2 + n_args + n_env;
	*n_bytes = sizeof(struct wire_call) + sizeof(standard) + *n_text;
	struct wire_call *call = calloc(1, *n_bytes);
	if (!call)
		return NULL;
	call->note = (struct wire_note){.magic = WIRE_MAGIC, .type = WIRE_CALL};
	call->n_fds = ARRAY_LEN(standard);
	call->n_args = (uint32_t)(v1.n_args - skip);
	call->n_env = (uint32_t)v1.n_env;
	call->text_bytes = (uint32_t)*n_text;

	char *to = (char *)(call + 1);
	memcpy(to, standard, sizeof(standard));
	to += sizeof(standard) + 2;
	memcpy(to, args, n_args);
	memcpy(to + n_args, known->text, n_env);
	return call;
}

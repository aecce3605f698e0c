/* SPDX-License-Identifier: MIT */

#include "interp/wire.h"

#include "base/util.h"

#include <string.h>

bool wire_is_note(const void *msg, size_t n_bytes)
{
	const struct wire_note *note = msg;

	return n_bytes >= sizeof(*note) && note->magic == WIRE_MAGIC;
}

static bool ascending(const int32_t *numbers, size_t n)
{
	int32_t last = -1;

	for (size_t i = 0; i < n; i++) {
		if (numbers[i] <= last)
			return false;
		last = numbers[i];
	}
	return true;
}

bool wire_parse_call(const void *msg, size_t n_bytes, size_t n_fds, struct wire_view *out)
{
	const struct wire_call *call = msg;

	if (n_bytes < sizeof(*call) || !wire_is_note(msg, n_bytes)
		|| call->note.type != WIRE_CALL)
		return false;
	if (call->n_fds > WIRE_FDS_MAX || call->n_groups > WIRE_GROUPS_MAX
		|| call->text_bytes > WIRE_TEXT_MAX || call->n_args > call->text_bytes
		|| call->n_env > call->text_bytes)
		return false;

	bool text_apart = call->note.flags & WIRE_HAS_TEXT;
	uint32_t n_special =
		(call->note.flags & WIRE_HAS_CWD ? 1u : 0u) + (text_apart ? 1u : 0u);
	size_t lists = (call->n_fds + call->n_groups) * sizeof(uint32_t);
	if (n_bytes != sizeof(*call) + lists + (text_apart ? 0 : call->text_bytes)
		|| n_fds != n_special + call->n_fds)
		return false;

	const int32_t *numbers = (const int32_t *)(call + 1);
	if (!ascending(numbers, call->n_fds))
		return false;

	const uint32_t *groups = (const uint32_t *)(numbers + call->n_fds);
	*out = (struct wire_view){
		.call = call,
		.numbers = numbers,
		.groups = groups,
		.text = text_apart ? NULL : (const char *)(groups + call->n_groups),
		.n_special = n_special,
	};
	return true;
}

size_t wire_split(char *text, size_t text_bytes, size_t n, char **out)
{
	char *at = text, *const end = text + text_bytes;

	for (size_t i = 0; i < n; i++) {
		char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
		if (!nul)
			return 0;
		out[i] = at;
		at = nul + 1;
	}
	out[n] = NULL;
	return (size_t)(at - text);
}

bool wire_parse_v1(const char *text, size_t text_bytes, struct wire_v1 *out)
{
	struct wire_v1 found = {0};
	const char *at = text, *const end = text + text_bytes;

	if (text_bytes == 0 || end[-1] != '\0')
		return false;
	for (; at < end; at += strlen(at) + 1) {
		if (found.args_at)
			found.n_args++;
		else if (*at)
			found.n_env++;
		else
			found.args_at = (size_t)(at - text) + 1;
	}
	*out = found;
	return found.args_at != 0;
}

const char *wire_why_text(int why)
{
	static const char *const text[WIRE_WHY_COUNT] = {
		[WIRE_WHY_NOTHING] = "nothing is known",
		[WIRE_WHY_FIRST] = "there was no server yet",
		[WIRE_WHY_STALE] = "a file it had loaded has changed",
		[WIRE_WHY_RIGHTS] =
			"the server may not take on the caller's limits, nice value or groups",
		[WIRE_WHY_FULL] = "too many calls were waiting",
		[WIRE_WHY_SILENT] = "the server gave no sign of life",
		[WIRE_WHY_GONE] = "the server ended before the script began",
		[WIRE_WHY_TERMINAL] =
			"it was in the background of the terminal it reads from",
		[WIRE_WHY_TOO_BIG] =
			"it had more open descriptors or groups than can be passed",
		[WIRE_WHY_PLACE] = "there is no safe directory for a socket",
		[WIRE_WHY_START] = "a server could not be started",
		[WIRE_WHY_PLAIN] =
			"the script never says that its initialisation is complete",
		[WIRE_WHY_ASKED] = "it was asked for",
		[WIRE_WHY_TTY] = "--tty was given, and there was a terminal",
	};

	return why >= 0 && why < WIRE_WHY_COUNT ? text[why]
						: "for a reason of another version";
}

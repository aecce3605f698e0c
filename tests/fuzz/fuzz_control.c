/* SPDX-License-Identifier: MIT */

/* Whatever a client of the control socket sends, in whatever pieces: it asks at most
 * once, in words of its line, and gets an answer then; and the next one is heard. */

#include "base/reason.h"
#include "base/util.h"
#include "core/control_sup.h"
#include "os/fd.h"
#include "os/sock.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control control;
static struct loop_task end_of_turn;
static unsigned n_asked;
static char path[] = "/tmp/fuzz_control.XXXXXX";

static void on_asked(struct control_client *c, const struct span *words, size_t n_words)
{
	n_asked++;
	assert(n_words <= CONTROL_WORDS_MAX);
	for (size_t i = 0; i < n_words; i++) {
		assert(words[i].n && words[i].p >= c->line
			&& words[i].p + words[i].n <= c->line + c->n);
		assert(span_find(words[i], ' ') == words[i].n
			&& span_find(words[i], '\n') == words[i].n);
	}
	control_say(c, true, "heard");
}

static void on_end_of_turn(struct loop_task *task)
{
	(void)task;
	loop_stop(control.loop);
}

/* Everything that is ready now. */
static void turn(void)
{
	loop_defer(control.loop, &end_of_turn);
	if (loop_run(control.loop) < 0)
		abort();
}

static void close_all(void)
{
	control_fini(&control);
	loop_free(control.loop);
}

static void begin(void)
{
	struct reason reason;
	int fd = mkstemp(path);

	if (fd < 0 || close(fd) < 0 || unlink(path) < 0)
		abort();
	control = CONTROL_NONE;
	control.asked = on_asked;
	control.loop = loop_new();
	end_of_turn.on = on_end_of_turn;
	list_init(&end_of_turn.link);
	if (!control.loop || control_open(&control, path, &reason) < 0)
		abort();
	(void)atexit(close_all);
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[4 * KIB];

	if (!control.loop)
		begin();
	if (size < 1)
		return 0;
	AUTO_CLOSE int fd = sock_connect_unix(path);
	assert(fd >= 0);
	n_asked = 0;
	size_t piece = data[0] ? data[0] : size;
	for (size_t at = 1; at < size; at += piece) {
		if (send(fd, data + at, MIN(piece, size - at), MSG_NOSIGNAL) < 0)
			break;
		turn();
	}
	(void)shutdown(fd, SHUT_WR); /* it may have ended first */
	while (sock_is_readable(control.fd) || control.n_clients)
		turn();

	assert(n_asked <= 1);
	ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	assert(n > 0 || !n_asked);
	if (n > 0)
		assert(n > 2 && answer[0] == '{' && memcmp(answer + n - 2, "}\n", 2) == 0);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * control_sup - the socket that preforkctl(8) talks to. Runs in the supervisor.
 *
 * A unix socket with mode 0600. A client sends one line of words, gets one JSON
 * object, and that is all. Only root and the supervisor's own user are heard:
 * the kernel says who they are. What they send is bounded all the same: the
 * words of a line are all the supervisor ever parses of anybody.
 */

#include "base/buf.h"
#include "base/list.h"
#include "base/span.h"
#include "os/addr.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct log;
struct reason;

enum {
	CONTROL_LINE_MAX = 512,       /* bytes of a question */
	CONTROL_WORDS_MAX = 4,        /* in it */
	CONTROL_ANSWER_MAX = 8 << 20, /* bytes */
	CONTROL_CLIENTS_MAX = 16,     /* at once; others wait to be accepted */
};

struct control;

struct control_client {
	struct list link;
	struct control *control;
	struct loop_io io;
	struct loop_timer deadline;
	int fd; /* owned */
	char line[CONTROL_LINE_MAX];
	size_t n;
	bool asked;        /* its line has come; the answer may take its time */
	struct buf answer; /* once there is one */
	size_t sent;
	void *waits; /* the asked function's: what the answer waits for; NULL for nothing */
	void (*forget)(struct control_client *c); /* called when a client that waits goes */
};

struct control {
	struct loop *loop; /* borrowed, as the next */
	struct log *log;
	struct loop_io io;
	struct loop_timer again; /* set while there is no descriptor for the next client */
	struct addr addr;
	int fd;           /* owned; -1 while there is none */
	const char *link; /* a name that leads to addr, and goes with it; NULL for none */
	struct list clients;
	unsigned n_clients;
	/* A question has come. Sooner or later control_answer is to be called. */
	void (*asked)(struct control_client *c, const struct span *words, size_t n_words);
};
#define CONTROL_NONE ((struct control){.fd = -1})

/**
 * control_open - listen at @path, where a dead server's socket is replaced.
 *
 * loop, log and asked have been set. Returns 0; or negative with @reason, and
 * control_fini is still fine.
 */
[[nodiscard]] int control_open(
	struct control *control, const char *path, struct reason *reason);

/* The same with a socket that listens already, @fd at @addr, which is taken. */
void control_adopt(struct control *control, int fd, const struct addr *addr);

/* Makes the link @path (borrowed; NULL for none) to the socket, or has it already. */
void control_link(struct control *control, const char *path);

void control_fini(struct control *control); /* takes the socket's name away too */

/* Leaves the name to another process, which has taken it over. */
void control_abandon(struct control *control);

/* Sends @answer, whose bytes are taken over, and ends the conversation. */
void control_answer(struct control_client *c, struct buf *answer);

/* The same with {"ok": ..., "said": ...}. */
void control_say(struct control_client *c, bool ok, const char *sentence);

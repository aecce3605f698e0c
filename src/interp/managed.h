/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * managed - what a launcher tells a set-up process: the PREFORK_INTERP variable.
 *
 *   v1,<sec>.<9-digit nsec> L,C,WI,WE [prefork1,<pid>,<first>,<dev>,<ino>,<P>]
 *
 * The first two words are the known wire's. The third is ours, and anything else
 * is somebody's: ignored. Both ends of this text are here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MANAGED_VARIABLE "PREFORK_INTERP"
#define MANAGED_TEXT_MAX 256u

/* Where set-up's own descriptors begin, so that they do not meet an executor's callers'. */
#define MANAGED_FIRST_FD 64

/* Bytes on C that are no greeting: there will be no server, run the script directly. */
#define MANAGED_NO_GREETING 8

struct managed {
	int64_t started_ns; /* when set-up began, since 1970 */
	int listener;       /* L: the known wire's */
	int call;           /* C: the first call's connection */
	int watcher_in;     /* WI: its closing ends the watcher */
	int watcher_err;    /* WE: what it says; its end means that the socket is lost */

	/* The rest is there only when a launcher of ours speaks. */
	bool ours;
	pid_t pid;    /* of the process that is meant: others inherited the variable */
	int first_fd; /* numbers from 3 to below it are placeholders; 3: there are none */
	dev_t dev;    /* of the listener's name */
	ino_t ino;
	int own_listener; /* P: our own wire's, already listening; -1: yet to be made */
};

/* Reads the variable's value. False if it is not of a form we know. */
bool managed_parse(const char *text, struct managed *out);

/* Writes it; never cut. */
void managed_format(const struct managed *managed, char out[MANAGED_TEXT_MAX]);

/* Whether the descriptors are what the text says: sockets that listen, or are connected. */
bool managed_is_real(const struct managed *managed);

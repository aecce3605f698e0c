/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * call - what the interpreter keeps of its own about who called it, made this call's.
 *
 * In C, and only what differs is written, because in an executor the first write to a
 * page copies it. A function in Python counts references to itself, to all names and
 * constants it mentions and to whatever it looks up: that was half of the pages that
 * a short script's call copied.
 */

#include "stream.h"

#include "interp/prefork_interp.h"

#include <signal.h>
#include <stdint.h>

/* The state of set-up that a call is taken over from. All zero before call_note. */
struct call_setup {
	PyObject *environ; /* os.environ's own dictionary, of bytes */
	PyObject *also;    /* a list of what is to be called in every executor */
	const char
		*coerced; /* LC_CTYPE, which the interpreter sets itself without a locale */
	const char *time_zone;
	struct stream streams[3];
	uint64_t by_default; /* signals whose handler is SIG_DFL; 1: signal 1 */
	bool interrupts;     /* SIGINT has the interpreter's own handler: taken away, */
	struct sigaction
		interrupt; /* or a caller who ignores the signal could not be told */
};

/*
 * Takes set-up's state from @args, server.py's, and from this process: to be called once,
 * as the last thing before the first fork. References are kept for life.
 * 0, or -1 with an exception.
 */
int call_note(struct call_setup *setup, PyObject *args);

/*
 * Makes this interpreter the callee of @call, whose environment is in environ(7) already.
 * 0, or -1 with an exception.
 */
int call_take(const struct call_setup *setup, const struct pfi_call *call);

/*
 * In an executor that waits for its call: the part of call_take that always writes, so
 * that it finds its pages copied. 0, or -1 with an exception.
 */
int call_rehearse(const struct call_setup *setup);

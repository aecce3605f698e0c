/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * stream - sys.stdin, sys.stdout and sys.stderr over what their descriptors lead to now.
 * Runs in executors; the objects stay, for whoever holds them.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

/* One of the three as set-up leaves it, from a tuple of server.py; its references are for
 * life, and so are the names'. */
struct stream {
	int fd;
	const char *name;       /* "stdin", as in sys.stdin */
	const char *given_name; /* "__stdin__" */
	const char *mode;       /* for open() */
	PyObject *text;         /* sys.__stdin__ */
	bool in_use;            /* sys.stdin is the same */
	int line_buffering; /* 0 or 1 if the script chose it, -1 if the descriptor does */
	bool write_through;

	/* None where @text is none of the interpreter's own, or closed. */
	PyObject *make_raw; /* a FileIO of the descriptor */
	PyObject *shown;    /* its name: "<stdin>" */
	PyObject *raw;      /* the present one, kept: its end is worth fifteen pages */
	PyObject *buffer;   /* None: the text is written as it comes */
	PyObject *encoding;
	PyObject *errors;

	/* Attributes. Found by other copies of a name, they would not be found in the cache. */
	PyObject *name_name, *blksize_name;
};

/* Takes @tuple apart, and references to what is in it. 0, or -1 with an exception. */
int stream_note(struct stream *stream, PyObject *tuple);

/* Makes @stream, and its names in sys, as a new interpreter would. 0, or -1 with an exception. */
int stream_reopen(const struct stream *stream);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * leaving - the end of an executor: all of it that can be seen, and none of the taking apart.
 *
 * Taking a loaded interpreter apart costs 8 to 15 ms. So when atexit handlers have run
 * and Python begins with it, this does what shows - the script's objects are let go, so
 * that their __del__ runs, and files are flushed - and then leaves. Where it is not sure
 * of the exit status it does nothing, and Python goes on.
 *
 * Python collects garbage once when it begins to end, after atexit and the flush and
 * before anything is taken apart, and tells gc.callbacks before and after.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <sys/types.h>

/* What set-up left: from leaving.py. All zero before leaving_note; references are for life. */
struct leaving {
	pid_t executor;  /* 0 until there is one; a child of it ends as any Python does */
	PyObject *files; /* a list of those open: no collection of an executor finds them */
	PyObject *modules;   /* a set of the names in sys.modules */
	PyObject *variables; /* of __main__ */
	PyObject *values;    /* a set of the id()s of what they held */
	PyObject *frame;     /* the outermost */
	const char *returns; /* the opcodes that end a frame without an exception */
	PyObject *writers;   /* a tuple of the classes whose files are flushed */
	PyTypeObject *file;  /* every file's class: these have their end by being flushed */
	PyObject *objects;   /* gc.get_objects */
	bool sure;           /* of this status: */
	int status;

	/* Attributes. Found by other copies of a name, they would not be found in the cache. */
	PyObject *lasti_name, *code_name, *closed_name, *flush_name;
};

/* Takes set-up's state from @args. To be called once. 0, or -1 with an exception. */
int leaving_note(struct leaving *leaving, PyObject *args);

/* What gc.callbacks are told. 0, or -1 with an exception; the end of an executor does not
 * come back. */
int leaving_collects(struct leaving *leaving, bool begins);

/* From now on the end of an uncaught @type's exception tells with which code. */
void leaving_watch(PyTypeObject *type);

/* In place of sys.exit, which makes no exception where nobody catches it, so that no code is
 * read. Always NULL. */
PyObject *leaving_exit(PyObject *code);

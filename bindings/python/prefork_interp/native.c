/* SPDX-License-Identifier: MIT */

/*
 * native - what of the Python binding is in C: it calls the library, runs Python's own
 * fork hooks around its forks, and does what executors do on a caller's time. What set-up
 * does once, and may take its time for, is in the .py files here.
 */

#include "call.h"
#include "leaving.h"

#include "interp/prefork_interp.h"

#include <unistd.h>

/* The module's own state, noted before the first fork. */
struct native {
	struct call_setup call;
	struct leaving leaving;
	bool is_server; /* what is forked from it is an executor */
};

/* os.register_at_fork, the import lock and the thread state: all done by these three. */
static void before_fork(void *arg)
{
	(void)arg;
	PyOS_BeforeFork();
}

static void after_fork_in_parent(void *arg)
{
	(void)arg;
	PyOS_AfterFork_Parent();
}

/* The first child is the server, all others are executors: these wait for a call, and may
 * take their time. */
static void after_fork_in_child(void *arg)
{
	struct native *native = arg;

	PyOS_AfterFork_Child();
	if (native->is_server && call_rehearse(&native->call) < 0)
		PyErr_WriteUnraisable(NULL);
	native->is_server = true;
}

/* serve(flags, max_servers, spares, idle_timeout, max_errors, log_facility, name): False
 * where nothing manages the process, True in an executor, whose call is taken over. */
static PyObject *native_serve(PyObject *self, PyObject *args)
{
	struct native *native = PyModule_GetState(self);
	struct pfi_options options = {
		.size = sizeof(options),
		.before_fork = before_fork,
		.after_fork_in_parent = after_fork_in_parent,
		.after_fork_in_child = after_fork_in_child,
		.fork_arg = native,
	};
	struct pfi_call call = {.size = sizeof(call)};
	char reason[256] = "";
	long long idle_timeout = 0;

	if (!PyArg_ParseTuple(args, "IiiLiiz", &options.flags, &options.max_servers,
		    &options.spares, &idle_timeout, &options.max_errors,
		    &options.log_facility, &options.name))
		return NULL;
	options.idle_timeout_s = idle_timeout;

	int result = pfi_init_complete(&options, &call, reason, sizeof(reason));
	if (result == PFI_UNMANAGED)
		Py_RETURN_FALSE;
	if (result < 0)
		return PyErr_Format(PyExc_OSError, "%s", reason);
	native->leaving.executor = getpid();
	if (call_take(&native->call, &call) < 0)
		return NULL;
	Py_RETURN_TRUE;
}

static PyObject *native_managed(PyObject *self, PyObject *nothing)
{
	(void)self;
	(void)nothing;
	return PyBool_FromLong(pfi_managed());
}

static PyObject *native_also_check(PyObject *self, PyObject *path)
{
	PyObject *bytes = NULL;

	(void)self;
	if (!PyUnicode_FSConverter(path, &bytes))
		return NULL;
	int result = pfi_also_check(PyBytes_AS_STRING(bytes));
	Py_DECREF(bytes);
	if (result < 0) {
		errno = -result;
		return PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
	}
	Py_RETURN_NONE;
}

static PyObject *native_note_call(PyObject *self, PyObject *args)
{
	struct native *native = PyModule_GetState(self);

	if (call_note(&native->call, args) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *native_note_leaving(PyObject *self, PyObject *args)
{
	struct native *native = PyModule_GetState(self);

	if (leaving_note(&native->leaving, args) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* collects("start" or "stop", info). */
static PyObject *native_collects(PyObject *self, PyObject *args)
{
	struct native *native = PyModule_GetState(self);
	const char *phase;
	PyObject *info;

	if (!PyArg_ParseTuple(args, "sO", &phase, &info)
		|| leaving_collects(&native->leaving, phase[2] == 'a') < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* watch_exit(SystemExit or a class derived from it). */
static PyObject *native_watch_exit(PyObject *self, PyObject *type)
{
	(void)self;
	if (!PyType_Check(type))
		return PyErr_Format(PyExc_TypeError, "a class is needed");
	leaving_watch((PyTypeObject *)type);
	Py_RETURN_NONE;
}

static PyObject *native_exit(PyObject *self, PyObject *args)
{
	PyObject *code = Py_None;

	(void)self;
	return PyArg_UnpackTuple(args, "exit", 0, 1, &code) ? leaving_exit(code) : NULL;
}

static PyMethodDef methods[] = {
	{"serve", native_serve, METH_VARARGS,
		"pfi_init_complete: whether this is an executor now."},
	{"managed", native_managed, METH_NOARGS, "pfi_managed."},
	{"also_check", native_also_check, METH_O, "pfi_also_check."},
	{"note_call", native_note_call, METH_VARARGS, "What a call is taken over from."},
	{"note_leaving", native_note_leaving, METH_VARARGS, "What set-up left."},
	{"collects", native_collects, METH_VARARGS, "For gc.callbacks."},
	{"watch_exit", native_watch_exit, METH_O, "Note the code of such an exception."},
	{"exit", native_exit, METH_VARARGS,
		"Exit the interpreter by raising SystemExit(status)."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "prefork_interp.native",
	.m_doc = "libprefork-interp, as Python sees it.",
	.m_size = sizeof(struct native),
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit_native(void);

PyMODINIT_FUNC PyInit_native(void)
{
	return PyModule_Create(&module);
}

/* SPDX-License-Identifier: MIT */

/*
 * native - the part of the Python binding that only C can do: call the library,
 * run Python's own fork hooks around its forks, and learn the status with which
 * the interpreter is about to end. Everything else is in the .py files here.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <signal.h>
#include <stdbool.h>

#include "interp/prefork_interp.h"

/*
 * The code of the SystemExit that is ending the interpreter, and whether there is
 * one. Static because a type's slot, unlike a module's function, has no state.
 */
static int exit_code;
static bool exit_seen;

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

/* The first child is the server, all others are executors: these call @arg, which waits for
 * no call and may take its time. */
static void after_fork_in_child(void *arg)
{
	static bool is_server = true;

	PyOS_AfterFork_Child();
	if (!is_server) {
		PyObject *done = PyObject_CallNoArgs(arg);
		if (!done)
			PyErr_WriteUnraisable(arg);
		Py_XDECREF(done);
	}
	is_server = false;
}

static PyObject *list_of(char **strings)
{
	PyObject *list = PyList_New(0);

	for (size_t i = 0; list && strings && strings[i]; i++) {
		PyObject *bytes = PyBytes_FromString(strings[i]);
		if (!bytes || PyList_Append(list, bytes) != 0)
			Py_CLEAR(list);
		Py_XDECREF(bytes);
	}
	return list;
}

/* (interp, script, [argument...], [b"NAME=value"...]), all of it bytes. */
static PyObject *call_as_tuple(const struct pfi_call *call)
{
	PyObject *args = list_of(call->argv);
	PyObject *env = list_of(call->env);

	if (!args || !env) {
		Py_XDECREF(args);
		Py_XDECREF(env);
		return NULL;
	}
	return Py_BuildValue("(yyNN)", call->interp, call->script, args, env);
}

/* serve(rehearse, flags, max_servers, spares, idle_timeout, max_errors, log_facility, name) */
static PyObject *native_serve(PyObject *self, PyObject *args)
{
	struct pfi_options options = {
		.size = sizeof(options),
		.before_fork = before_fork,
		.after_fork_in_parent = after_fork_in_parent,
		.after_fork_in_child = after_fork_in_child,
	};
	struct pfi_call call = {.size = sizeof(call)};
	char reason[256] = "";
	long long idle_timeout = 0;

	(void)self;
	if (!PyArg_ParseTuple(args, "OIiiLiiz", &options.fork_arg, &options.flags,
		    &options.max_servers, &options.spares, &idle_timeout,
		    &options.max_errors, &options.log_facility, &options.name))
		return NULL;
	options.idle_timeout_s = idle_timeout;

	int result = pfi_init_complete(&options, &call, reason, sizeof(reason));
	if (result == PFI_UNMANAGED)
		Py_RETURN_NONE;
	if (result < 0)
		return PyErr_Format(PyExc_OSError, "%s", reason);
	return call_as_tuple(&call);
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

/* The signals this process ignores, by number: what signal.getsignal would have found had
 * the interpreter started now. */
static PyObject *native_ignored(PyObject *self, PyObject *nothing)
{
	PyObject *set = PySet_New(NULL);

	(void)self;
	(void)nothing;
	for (int n = 1; set && n < NSIG; n++) {
		struct sigaction now;
		if (sigaction(n, NULL, &now) != 0 || now.sa_handler != SIG_IGN)
			continue;
		PyObject *number = PyLong_FromLong(n);
		if (!number || PySet_Add(set, number) != 0)
			Py_CLEAR(set);
		Py_XDECREF(number);
	}
	return set;
}

/* As the interpreter reads a SystemExit's code: None is 0, what is no number is 1. */
static void note_exit(PyObject *code)
{
	exit_seen = true;
	if (code == Py_None) {
		exit_code = 0;
	} else if (PyLong_Check(code)) {
		exit_code = (int)PyLong_AsLong(code);
		PyErr_Clear();
	} else {
		exit_code = 1;
	}
}

/*
 * Python tells nobody with which status it ends: not atexit, not sys. But the last
 * thing it does with an uncaught SystemExit, when no frame is left, is to read
 * its code; and so does nobody else without a frame.
 */
static PyObject *exit_getattro(PyObject *self, PyObject *name)
{
	PyObject *value = PyObject_GenericGetAttr(self, name);

	if (value && !PyEval_GetFrame()
		&& PyUnicode_CompareWithASCIIString(name, "code") == 0)
		note_exit(value);
	return value;
}

/* watch_exit(SystemExit or a class derived from it). */
static PyObject *native_watch_exit(PyObject *self, PyObject *arg)
{
	(void)self;
	if (!PyType_Check(arg))
		return PyErr_Format(PyExc_TypeError, "a class is needed");
	PyTypeObject *type = (PyTypeObject *)arg;
	if (type->tp_getattro == PyObject_GenericGetAttr)
		type->tp_getattro = exit_getattro;
	Py_RETURN_NONE;
}

/*
 * sys.exit, to be put in its place: that one leaves the exception unmade where
 * nobody catches it, and then no code is read.
 */
static PyObject *native_exit(PyObject *self, PyObject *args)
{
	PyObject *code = Py_None;

	(void)self;
	if (!PyArg_UnpackTuple(args, "exit", 0, 1, &code))
		return NULL;
	PyObject *exception =
		PyTuple_Check(code)
			? PyObject_CallObject(PyExc_SystemExit, code)
			: PyObject_CallFunctionObjArgs(PyExc_SystemExit, code, NULL);
	if (exception)
		PyErr_SetObject(PyExc_SystemExit, exception);
	Py_XDECREF(exception);
	return NULL;
}

/*
 * new_keys(dict, set): the keys of @dict that @set has not. With references borrowed all
 * the while: an iteration in Python counts one to every key, which in an executor
 * copies the page of each, 60 for the names of 300 modules.
 */
static PyObject *native_new_keys(PyObject *self, PyObject *args)
{
	PyObject *dict, *set, *key, *keys = PyList_New(0);
	Py_ssize_t at = 0;

	(void)self;
	if (!PyArg_ParseTuple(args, "O!O!", &PyDict_Type, &dict, &PySet_Type, &set))
		Py_CLEAR(keys);
	while (keys && PyDict_Next(dict, &at, &key, NULL)) {
		int known = PySet_Contains(set, key);
		if (known < 0 || (!known && PyList_Append(keys, key) != 0))
			Py_CLEAR(keys);
	}
	return keys;
}

static PyObject *native_exit_code(PyObject *self, PyObject *nothing)
{
	(void)self;
	(void)nothing;
	if (!exit_seen)
		Py_RETURN_NONE;
	return PyLong_FromLong(exit_code);
}

static PyObject *native_leave(PyObject *self, PyObject *status)
{
	long number = PyLong_AsLong(status);

	(void)self;
	if (number == -1 && PyErr_Occurred())
		return NULL;
	pfi_executor_exit((int)(number & 0xff));
}

static PyMethodDef methods[] = {
	{"serve", native_serve, METH_VARARGS,
		"pfi_init_complete: None, or the call this executor serves."},
	{"managed", native_managed, METH_NOARGS, "pfi_managed."},
	{"also_check", native_also_check, METH_O, "pfi_also_check."},
	{"ignored", native_ignored, METH_NOARGS, "The signals this process ignores."},
	{"watch_exit", native_watch_exit, METH_O, "Note the code of such an exception."},
	{"exit", native_exit, METH_VARARGS,
		"Exit the interpreter by raising SystemExit(status)."},
	{"new_keys", native_new_keys, METH_VARARGS,
		"The keys of a dictionary that are not in a set."},
	{"exit_code", native_exit_code, METH_NOARGS, "What it was, or None."},
	{"leave", native_leave, METH_O, "pfi_executor_exit."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "prefork_interp.native",
	.m_doc = "libprefork-interp, as Python sees it.",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit_native(void);

PyMODINIT_FUNC PyInit_native(void)
{
	return PyModule_Create(&module);
}

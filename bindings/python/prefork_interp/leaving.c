/* SPDX-License-Identifier: MIT */

#include "leaving.h"

#include "interp/prefork_interp.h"

#include <string.h>
#include <unistd.h>

#define STATUS_UNFLUSHED 120 /* Python's own, for output that could not be written */

/*
 * The code of the SystemExit that is ending the interpreter, and whether there is
 * one. Static because a type's slot, unlike a module's function, has no state.
 */
static int exit_code;
static bool exit_seen;

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

void leaving_watch(PyTypeObject *type)
{
	if (type->tp_getattro == PyObject_GenericGetAttr)
		type->tp_getattro = exit_getattro;
}

PyObject *leaving_exit(PyObject *code)
{
	PyObject *exception =
		PyTuple_Check(code)
			? PyObject_CallObject(PyExc_SystemExit, code)
			: PyObject_CallFunctionObjArgs(PyExc_SystemExit, code, NULL);

	if (exception)
		PyErr_SetObject(PyExc_SystemExit, exception);
	Py_XDECREF(exception);
	return NULL;
}

/* Whether the outermost frame ended where it returns, and not where an exception went
 * through it. */
static bool has_returned(const struct leaving *leaving)
{
	PyObject *last = PyObject_GetAttr(leaving->frame, leaving->lasti_name);
	PyObject *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)leaving->frame);
	PyObject *bytes = code ? PyObject_GetAttr(code, leaving->code_name) : NULL;
	Py_ssize_t at = last ? PyLong_AsSsize_t(last) : -1;

	bool inside =
		bytes && PyBytes_Check(bytes) && at >= 0 && at < PyBytes_GET_SIZE(bytes);
	char opcode = inside ? PyBytes_AS_STRING(bytes)[at] : '\0';
	bool returned = opcode && strchr(leaving->returns, opcode);
	Py_XDECREF(last);
	Py_XDECREF(code);
	Py_XDECREF(bytes);
	PyErr_Clear();
	return returned;
}

/*
 * Notes with what the interpreter will end, where that is certain. An exception that is
 * no SystemExit is left to Python, which knows which of them end it by a signal.
 */
static void note_status(struct leaving *leaving)
{
	bool returned = has_returned(leaving);

	leaving->status = returned ? 0 : exit_code;
	leaving->sure = returned || exit_seen;
}

/* Flushes @file if it is open. False with an exception. */
static bool flush(const struct leaving *leaving, PyObject *file)
{
	PyObject *closed = PyObject_GetAttr(file, leaving->closed_name);
	int is_closed = closed ? PyObject_IsTrue(closed) : -1;
	PyObject *done = is_closed == 0
				 ? PyObject_CallMethodNoArgs(file, leaving->flush_name)
				 : NULL;

	Py_XDECREF(closed);
	Py_XDECREF(done);
	return is_closed == 1 || done;
}

/* Whether all of the output could be written. */
static bool flush_standard(const struct leaving *leaving)
{
	static const char *const names[] = {"stdout", "stderr"};
	bool well = true;

	for (int i = 0; i < 2; i++) {
		PyObject *stream = PySys_GetObject(names[i]);
		if (stream && stream != Py_None)
			well = flush(leaving, stream) && well;
	}
	PyErr_Clear();
	return well;
}

int leaving_note(struct leaving *leaving, PyObject *args)
{
	if (!PyArg_ParseTuple(args, "O!O!O!O!OyO!O!O", &PyList_Type, &leaving->files,
		    &PySet_Type, &leaving->modules, &PyDict_Type, &leaving->variables,
		    &PySet_Type, &leaving->values, &leaving->frame, &leaving->returns,
		    &PyTuple_Type, &leaving->writers, &PyType_Type, &leaving->file,
		    &leaving->objects))
		return -1;
	Py_INCREF(args);
	Py_INCREF(leaving->frame); /* it alone is let go */
	leaving->lasti_name = PyUnicode_InternFromString("f_lasti");
	leaving->code_name = PyUnicode_InternFromString("co_code");
	leaving->closed_name = PyUnicode_InternFromString("closed");
	leaving->flush_name = PyUnicode_InternFromString("flush");
	if (!leaving->lasti_name || !leaving->code_name || !leaving->closed_name
		|| !leaving->flush_name)
		return -1;
	/* So that it is in the cache for all executors where these are found. */
	(void)has_returned(leaving);
	(void)flush_standard(leaving);
	return 0;
}

static bool is_writer(const struct leaving *leaving, PyObject *thing)
{
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(leaving->writers); i++)
		if (PyObject_TypeCheck(
			    thing, (PyTypeObject *)PyTuple_GET_ITEM(leaving->writers, i)))
			return true;
	return false;
}

/* The files among @things. One that cannot be flushed would say nothing in a cold run
 * either. */
static void flush_files(const struct leaving *leaving, PyObject *things)
{
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(things); i++)
		if (is_writer(leaving, PyList_GET_ITEM(things, i))
			&& !flush(leaving, PyList_GET_ITEM(things, i)))
			PyErr_Clear();
}

static bool has_del(const struct leaving *leaving, PyObject *value)
{
	(void)leaving;
	return Py_TYPE(value)->tp_finalize;
}

static bool is_new(const struct leaving *leaving, PyObject *value)
{
	PyObject *id = PyLong_FromVoidPtr(value);
	bool known = id && PySet_Contains(leaving->values, id) == 1;

	Py_XDECREF(id);
	PyErr_Clear();
	return !known;
}

static bool is_data(PyObject *value)
{
	bool code = PyModule_Check(value) || PyFunction_Check(value)
		    || PyCFunction_Check(value) || PyType_Check(value);

	return !code && !PyLong_Check(value) && !PyFloat_Check(value)
	       && !PyComplex_Check(value) && !PyUnicode_Check(value)
	       && !PyBytes_Check(value);
}

static bool is_new_data(const struct leaving *leaving, PyObject *value)
{
	return is_data(value) && is_new(leaving, value);
}

/* The names of __main__ that hold what @which says yes to. */
static PyObject *names_of(const struct leaving *leaving,
	bool (*which)(const struct leaving *leaving, PyObject *value))
{
	PyObject *names = PyList_New(0), *name, *value;
	Py_ssize_t at = 0;

	while (names && PyDict_Next(leaving->variables, &at, &name, &value)) {
		bool builtins =
			PyUnicode_Check(name)
			&& PyUnicode_CompareWithASCIIString(name, "__builtins__") == 0;
		if (value != Py_None && !builtins && which(leaving, value)
			&& PyList_Append(names, name) < 0)
			Py_CLEAR(names);
	}
	return names;
}

static int let_go(const struct leaving *leaving,
	bool (*which)(const struct leaving *leaving, PyObject *value))
{
	PyObject *names = names_of(leaving, which);
	int bad = names ? 0 : -1;

	for (Py_ssize_t i = 0; !bad && i < PyList_GET_SIZE(names); i++)
		bad = PyDict_SetItem(
			leaving->variables, PyList_GET_ITEM(names, i), Py_None);
	Py_XDECREF(names);
	return bad;
}

/* Takes the modules that the script loaded out of sys.modules. */
static int forget_modules(const struct leaving *leaving)
{
	PyObject *modules = PyImport_GetModuleDict(), *name, *module,
		 *names = PyList_New(0);
	Py_ssize_t at = 0;
	int bad = names ? 0 : -1;

	while (!bad && PyDict_Next(modules, &at, &name, &module))
		if (PySet_Contains(leaving->modules, name) == 0)
			bad = PyList_Append(names, name);
	for (Py_ssize_t i = 0; !bad && i < PyList_GET_SIZE(names); i++)
		bad = PyDict_DelItem(modules, PyList_GET_ITEM(names, i));
	Py_XDECREF(names);
	return bad;
}

/*
 * What a __del__ needs stays as long as it can: code and plain values until all have run,
 * those that come with the collection which now follows too. What set-up made stays for
 * good if it has none: to take apart 100 MB that are shared costs as much as to copy them.
 */
static int begin(struct leaving *leaving)
{
	note_status(leaving);
	if (leaving->sure && !flush_standard(leaving))
		leaving->sure = false; /* Python will fail in the same way, and say so */
	if (!leaving->sure)
		return 0;
	Py_CLEAR(leaving->frame);
	if (let_go(leaving, has_del) < 0 || let_go(leaving, is_new_data) < 0)
		return -1;
	return forget_modules(leaving);
}

/* What is still held, by something that set-up made: it is not let go, but it has its end. */
static void finish(const struct leaving *leaving, PyObject *things)
{
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(things); i++)
		if (!PyObject_TypeCheck(PyList_GET_ITEM(things, i), leaving->file))
			PyObject_CallFinalizer(PyList_GET_ITEM(things, i));
}

/* Those a collection looks at, so none from before the fork. */
static PyObject *new_objects(const struct leaving *leaving)
{
	/* Called without an argument Python would make a parser for arguments first. */
	return PyObject_CallFunctionObjArgs(leaving->objects, Py_None, NULL);
}

static int end(struct leaving *leaving)
{
	if (!leaving->sure)
		return 0;
	if (let_go(leaving, is_new) < 0)
		return -1;
	PyObject *things = new_objects(leaving);
	if (!things)
		return -1;
	finish(leaving, things);
	flush_files(leaving, leaving->files);
	flush_files(leaving, things);
	pfi_executor_exit(
		flush_standard(leaving) ? leaving->status & 0xff : STATUS_UNFLUSHED);
}

static bool is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
	return Py_IsFinalizing();
#else
	return _Py_IsFinalizing();
#endif
}

int leaving_collects(struct leaving *leaving, bool begins)
{
	if (!is_finalizing() || getpid() != leaving->executor)
		return 0;
	return begins ? begin(leaving) : end(leaving);
}

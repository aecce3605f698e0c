/* SPDX-License-Identifier: MIT */

#include "stream.h"

#include <fcntl.h>
#include <unistd.h>

int stream_note(struct stream *stream, PyObject *tuple)
{
	int in_use, write_through;

	if (!PyArg_ParseTuple(tuple, "isssOpipOOOOOO", &stream->fd, &stream->name,
		    &stream->given_name, &stream->mode, &stream->text, &in_use,
		    &stream->line_buffering, &write_through, &stream->make_raw,
		    &stream->shown, &stream->raw, &stream->buffer, &stream->encoding,
		    &stream->errors))
		return -1;
	Py_INCREF(tuple);
	stream->in_use = in_use;
	stream->write_through = write_through;
	stream->name_name = PyUnicode_InternFromString("name");
	stream->blksize_name = PyUnicode_InternFromString("_blksize");
	return stream->name_name && stream->blksize_name ? 0 : -1;
}

/* What the script has not chosen. */
static bool is_by_line(const struct stream *stream)
{
	if (stream->line_buffering >= 0)
		return stream->line_buffering;
	return stream->mode[0] == 'w' && !stream->write_through
	       && (stream->fd == STDERR_FILENO || isatty(stream->fd));
}

/* Calls @object's __init__ with @args, which it takes: both may be NULL after a failure. */
static int init_again(PyObject *object, PyObject *args)
{
	int bad = args ? Py_TYPE(object)->tp_init(object, args, NULL) : -1;

	Py_XDECREF(args);
	return bad;
}

/* A new FileIO, for the old one remembers whether it could seek; and it is told its name. */
static PyObject *make_raw(const struct stream *stream)
{
	PyObject *raw = PyObject_CallNoArgs(stream->make_raw);

	if (raw && PyObject_SetAttr(raw, stream->name_name, stream->shown) < 0)
		Py_CLEAR(raw);
	return raw;
}

/* As open() does it, with the objects that there are. The FileIO is kept, as @raw is. */
static int make_anew(const struct stream *stream)
{
	PyObject *binary = stream->buffer, *raw = make_raw(stream);
	int bad = raw ? 0 : -1;

	if (!bad && binary != Py_None)
		bad = init_again(
			binary, Py_BuildValue("(ON)", raw,
					PyObject_GetAttr(raw, stream->blksize_name)));
	if (!bad)
		bad = init_again(stream->text,
			Py_BuildValue("(OOOsNN)", binary == Py_None ? raw : binary,
				stream->encoding, stream->errors, "\n",
				PyBool_FromLong(is_by_line(stream)),
				PyBool_FromLong(stream->write_through)));
	return bad;
}

static int set_name(const char *name, PyObject *stream)
{
	return PySys_GetObject(name) == stream ? 0 : PySys_SetObject(name, stream);
}

static int set_names(const struct stream *stream, PyObject *now)
{
	int bad = set_name(stream->given_name, now);

	return bad || !stream->in_use ? bad : set_name(stream->name, now);
}

int stream_reopen(const struct stream *stream)
{
	if (fcntl(stream->fd, F_GETFD) < 0)
		return set_names(stream, Py_None); /* the caller had it closed */
	if (stream->make_raw != Py_None)
		return make_anew(stream) || set_names(stream, stream->text) ? -1 : 0;
	if (stream->text != Py_None)
		return 0; /* the script closed it, or put something of its own there */

	const char *errors =
		stream->fd == STDERR_FILENO ? "backslashreplace" : "surrogateescape";
	PyObject *file =
		PyFile_FromFd(stream->fd, NULL, stream->mode, -1, NULL, errors, "\n", 0);
	int bad = file ? set_names(stream, file) : -1;
	Py_XDECREF(file);
	return bad;
}

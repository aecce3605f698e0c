/* SPDX-License-Identifier: MIT */

#include "call.h"

#include <stdlib.h>
#include <string.h>

#define SIGNALS 64

static uint64_t bit(int signal)
{
	return (uint64_t)1 << (signal - 1);
}

/* A variable's value, for life; NULL if there is none, or no memory. */
static const char *copy_of(const char *name)
{
	const char *value = getenv(name);

	return value ? strdup(value) : NULL;
}

int call_note(struct call_setup *setup, PyObject *args)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	PyObject *streams[3];
	unsigned long long signals;
	int interrupts;

	if (!PyArg_ParseTuple(args, "O!O!(OOO)Kp", &PyDict_Type, &setup->environ,
		    &PyList_Type, &setup->also, &streams[0], &streams[1], &streams[2],
		    &signals, &interrupts))
		return -1;
	Py_INCREF(args);
	for (int i = 0; i < 3; i++)
		if (stream_note(&setup->streams[i], streams[i]) < 0)
			return -1;
	setup->coerced = copy_of("LC_CTYPE");
	setup->time_zone = copy_of("TZ");
	setup->by_default = signals;
	setup->interrupts = interrupts;
	if (interrupts)
		(void)sigaction(SIGINT, &by_default, &setup->interrupt);
	return call_rehearse(setup); /* so that all is there that Python makes once */
}

struct variable {
	const char *name, *value;
	size_t name_bytes, value_bytes;
};

/* The next entry of @at that is a variable. False at the end. */
static bool next_variable(char ***at, struct variable *out)
{
	for (; **at; (*at)++) {
		char *sign = strchr(**at, '=');
		if (!sign || sign == **at)
			continue;
		*out = (struct variable){.name = **at, .value = sign + 1};
		out->name_bytes = (size_t)(sign - out->name);
		out->value_bytes = strlen(out->value);
		(*at)++;
		return true;
	}
	return false;
}

static bool is_text(PyObject *bytes, const char *text, size_t n)
{
	return PyBytes_Check(bytes) && (size_t)PyBytes_GET_SIZE(bytes) == n
	       && memcmp(PyBytes_AS_STRING(bytes), text, n) == 0;
}

/* 1: @data is @env now. 0: it is not, for there are other names or another order.
 * -1: an exception. */
static int put_values_right(PyObject *data, char **env)
{
	struct variable variable;
	PyObject *name, *value;
	Py_ssize_t at = 0;
	int bad = 0;

	while (!bad && next_variable(&env, &variable)) {
		if (!PyDict_Next(data, &at, &name, &value)
			|| !is_text(name, variable.name, variable.name_bytes))
			return 0;
		if (is_text(value, variable.value, variable.value_bytes))
			continue;
		value = PyBytes_FromString(variable.value);
		bad = value ? PyDict_SetItem(data, name, value) : -1;
		Py_XDECREF(value);
	}
	return bad ? -1 : !PyDict_Next(data, &at, &name, &value);
}

/* Of two entries with one name the first counts, as for a new interpreter. */
static int add_variable(PyObject *data, const struct variable *variable)
{
	PyObject *name =
		PyBytes_FromStringAndSize(variable->name, (Py_ssize_t)variable->name_bytes);
	PyObject *value = PyBytes_FromString(variable->value);
	bool added = name && value && PyDict_SetDefault(data, name, value);

	Py_XDECREF(name);
	Py_XDECREF(value);
	return added ? 0 : -1;
}

static int fill(PyObject *data, char **env)
{
	struct variable variable;
	int bad = 0;

	PyDict_Clear(data);
	while (!bad && next_variable(&env, &variable))
		bad = add_variable(data, &variable);
	return bad;
}

/* Not by os.environ itself, which would call putenv for what is in environ(7) already. */
static int take_environment(const struct call_setup *setup, char **env)
{
	const struct variable coerced = {
		.name = "LC_CTYPE", .name_bytes = 8, .value = setup->coerced};
	const char *all = getenv("LC_ALL");

	int done = put_values_right(setup->environ, env);
	if (done < 0 || (done == 0 && fill(setup->environ, env) < 0))
		return -1;
	if (!setup->coerced || (all && *all) || getenv("LC_CTYPE"))
		return 0;
	/* Without a locale the interpreter chooses UTF-8 and tells its children so (PEP 538). */
	if (setenv("LC_CTYPE", setup->coerced, 1) < 0)
		return -1;
	return add_variable(setup->environ, &coerced);
}

static bool says(PyObject *word, const char *text)
{
	return PyUnicode_Check(word) && PyUnicode_IS_COMPACT_ASCII(word)
	       && (size_t)PyUnicode_GET_LENGTH(word) == strlen(text)
	       && memcmp(PyUnicode_1BYTE_DATA(word), text, strlen(text)) == 0;
}

/* 1 if @text had to be put there, 0 if it was, -1 with an exception. */
static int set_word(PyObject *list, const char *text)
{
	PyObject *word = PyList_GetItem(list, 0);

	if (word && says(word, text))
		return 0;
	word = word ? PyUnicode_DecodeFSDefault(text) : NULL;
	return !word || PyList_SetItem(list, 0, word) < 0 ? -1 : 1;
}

static bool has_words(PyObject *list, int n, char **words)
{
	if (PyList_GET_SIZE(list) != n + 1)
		return false;
	for (int i = 0; i < n; i++)
		if (!says(PyList_GET_ITEM(list, i + 1), words[i]))
			return false;
	return true;
}

/* As set_word, for all behind the first. */
static int set_words(PyObject *list, int n, char **words)
{
	if (has_words(list, n, words))
		return 0;
	PyObject *now = PyList_New(n);
	for (int i = 0; now && i < n; i++) {
		PyObject *word = PyUnicode_DecodeFSDefault(words[i]);
		if (!word)
			Py_CLEAR(now);
		else
			PyList_SET_ITEM(now, i, word);
	}
	int bad = now ? PyList_SetSlice(list, 1, PY_SSIZE_T_MAX, now) : -1;
	Py_XDECREF(now);
	return bad ? -1 : 1;
}

static int take_arguments(const struct pfi_call *call)
{
	PyObject *argv = PySys_GetObject("argv"), *whole = PySys_GetObject("orig_argv");

	if (!argv || !whole || !PyList_Check(argv) || !PyList_Check(whole)) {
		PyErr_SetString(PyExc_TypeError, "sys.argv is no list any more");
		return -1;
	}
	/* In front of both is what the interpreter itself was told: its options stay. */
	Py_ssize_t front = PyList_GET_SIZE(whole) - PyList_GET_SIZE(argv);
	int named = *call->script ? set_word(argv, call->script) : 0;
	int told = set_words(argv, call->argc, call->argv);
	if (named < 0 || told < 0 || (*call->interp && set_word(whole, call->interp) < 0))
		return -1;
	if (!named && !told)
		return 0;
	return PyList_SetSlice(whole, front > 1 ? front : 1, PY_SSIZE_T_MAX, argv);
}

static int ignore(int signal)
{
	PyObject *module = PyImport_ImportModule("_signal");
	PyObject *done = module ? PyObject_CallMethod(
				 module, "signal", "il", signal, (long)(intptr_t)SIG_IGN)
				: NULL;

	Py_XDECREF(module);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/* Two the interpreter itself ignores when it starts: that they are not is the script's will. */
static int keep_ignored(int signal)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};

	if (signal == SIGPIPE || signal == SIGXFSZ)
		return sigaction(signal, &by_default, NULL);
	return ignore(signal);
}

/* By the rules of a new interpreter. What set-up installed a handler for has it still. */
static int take_signals(const struct call_setup *setup)
{
	struct sigaction now;
	int bad = 0;

	for (int number = 1; !bad && number <= SIGNALS; number++) {
		bool interrupt = number == SIGINT && setup->interrupts;
		if (!interrupt && !(setup->by_default & bit(number)))
			continue;
		if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			bad = keep_ignored(number);
		else if (interrupt)
			bad = sigaction(number, &setup->interrupt, NULL);
	}
	return bad;
}

static int call_all(PyObject *list)
{
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
		PyObject *done = PyObject_CallNoArgs(PyList_GET_ITEM(list, i));
		if (!done)
			return -1;
		Py_DECREF(done);
	}
	return 0;
}

static int take_time_zone(const char *before)
{
	const char *now = getenv("TZ");

	if (before && now ? strcmp(before, now) == 0 : before == now)
		return 0;
	PyObject *module = PyImport_ImportModule("time");
	PyObject *done = module ? PyObject_CallMethod(module, "tzset", NULL) : NULL;
	Py_XDECREF(module);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

int call_rehearse(const struct call_setup *setup)
{
	int bad = 0;

	for (int i = 0; !bad && i < 3; i++)
		bad = stream_reopen(&setup->streams[i]);
	return bad;
}

int call_take(const struct call_setup *setup, const struct pfi_call *call)
{
	if (take_environment(setup, call->env) || take_arguments(call)
		|| take_signals(setup))
		return -1;
	if (call_rehearse(setup) || take_time_zone(setup->time_zone))
		return -1;
	return call_all(setup->also);
}

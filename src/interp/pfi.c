/* SPDX-License-Identifier: MIT */

/* The ABI of prefork_interp.h: who is asked, and what becomes of the set-up process. */

#include "interp/prefork_interp.h"

#include "base/reason.h"
#include "base/util.h"
#include "interp/executor.h"
#include "interp/files.h"
#include "interp/hazards.h"
#include "interp/hooks.h"
#include "interp/managed.h"
#include "interp/offsets.h"
#include "interp/server.h"
#include "os/addr.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/inherit.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define COMMAND_MAX (4u << 20) /* bytes of a command line or environment that are kept */

static const struct pfi_options defaults = {
	.size = sizeof(defaults),
	.max_servers = 16,
	.spares = 1,
	.idle_timeout_s = 900,
	.max_errors = 100,
	.log_facility = LOG_USER,
};

/*
 * The one thing here that outlives a call: a library's caller has nowhere to keep
 * it. Of the set-up process, and inherited by what is forked from it.
 */
static struct {
	struct files *files; /* from the first pfi_also_check on */
	bool done;           /* pfi_init_complete was called, here or in an ancestor */
	struct executor_call executor; /* its pid is 0 in all that are none */
} state;

/* What the launcher said, if it said it to this very process. */
static bool get_managed(struct managed *out)
{
	const char *text = getenv(MANAGED_VARIABLE);

	return text && managed_parse(text, out) && (!out->ours || out->pid == getpid())
	       && managed_is_real(out);
}

int pfi_managed(void)
{
	struct managed managed;

	return !state.done && get_managed(&managed);
}

int pfi_also_check(const char *path)
{
	if (!pfi_managed())
		return 0;
	if (!state.files)
		state.files = files_new();
	return state.files ? files_add(state.files, path) : -ENOMEM;
}

/* A file of NUL-ended strings, as a list that ends with NULL. NULL if it cannot be read. */
static char **read_strings(const char *path)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_RDONLY, 0);
	char *text = fd < 0 ? NULL : malloc(COMMAND_MAX);
	ssize_t n = text ? file_read_at(fd, text, COMMAND_MAX - 1, 0) : -1;
	size_t count = 0;

	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		count += text[i] == '\0';
	char **list = malloc((count + 1) * sizeof(*list));
	char *at = text;
	for (size_t i = 0; list && i < count; i++, at += strlen(at) + 1)
		list[i] = at;
	if (list)
		list[count] = NULL;
	return list;
}

/* Takes @name out of a list of "NAME=value". */
static void drop_variable(char **list, const char *name)
{
	size_t n = strlen(name);
	char **to = list;

	for (char **at = list; *at; at++)
		if (strncmp(*at, name, n) != 0 || (*at)[n] != '=')
			*to++ = *at;
	*to = NULL;
}

/* The command line's script is the first word that is a file, behind the interpreter. */
static char *find_script(char **command)
{
	struct stat st;

	for (char **at = command + 1; command[0] && *at; at++)
		if ((*at)[0] != '-' && stat(*at, &st) == 0 && S_ISREG(st.st_mode))
			return *at;
	return command[0];
}

/* What --status calls a server that gave itself no name. A word that names no file, as that
 * of an interpreter on PATH, stays as it is. To be freed; NULL: no memory. */
static char *full_name(const char *script)
{
	return access(script, F_OK) == 0 ? files_absolute(script) : strdup(script);
}

/* Completes *@to with what the caller knows of struct pfi_options; a zero is the default.
 */
static void take_options(const struct pfi_options *from, struct pfi_options *to)
{
	struct pfi_options given = {0};

	*to = defaults;
	if (!from)
		return;
	memcpy(&given, from, MIN(from->size, sizeof(given)));
	to->flags = given.flags;
	to->max_servers = given.max_servers ? given.max_servers : defaults.max_servers;
	to->spares = given.spares ? given.spares : defaults.spares;
	to->idle_timeout_s =
		given.idle_timeout_s ? given.idle_timeout_s : defaults.idle_timeout_s;
	to->max_errors = given.max_errors > 0 ? given.max_errors : defaults.max_errors;
	to->log_facility = given.log_facility ? given.log_facility : defaults.log_facility;
	to->name = given.name;
	to->before_fork = given.before_fork;
	to->after_fork_in_parent = given.after_fork_in_parent;
	to->after_fork_in_child = given.after_fork_in_child;
	to->fork_arg = given.fork_arg;
	to->fork = given.fork;
}

/* Everything the server will need, gathered before anything is forked. */
struct beginning {
	struct managed managed;
	struct pfi_options options;
	struct executor_base base;
	struct server_setup setup;
	struct addr place;
};

static int gather(struct beginning *b, struct reason *reason)
{
	struct stat st;
	char cwd[PATH_MAX], exe[PATH_MAX];

	sock_local(b->managed.listener, &b->place);
	if (b->place.un.sun_path[0] != '/' || lstat(b->place.un.sun_path, &st) < 0)
		return reason_set(reason, "the launcher's socket is gone");
	if (!b->managed.ours) {
		b->managed.dev = st.st_dev;
		b->managed.ino = st.st_ino;
	}
	b->base.command = read_strings("/proc/self/cmdline");
	b->base.env = read_strings("/proc/self/environ");
	b->base.cwd = strdup(getcwd(cwd, sizeof(cwd)) ? cwd : "/"); /* it may be gone */
	if (!state.files)
		state.files = files_new();
	if (!b->base.command || !b->base.command[0] || !b->base.env || !b->base.cwd
		|| !state.files)
		return reason_errno(reason, "cannot read what this process is");
	drop_variable(b->base.env, MANAGED_VARIABLE);

	b->base.interp = b->base.command[0];
	b->base.script = find_script(b->base.command);
	b->base.first_fd = b->managed.first_fd;
	offsets_note(&b->base.offsets, b->base.first_fd);
	int bad = files_add(state.files, b->base.script);
	int n = file_read_link(AT_FDCWD, "/proc/self/exe", exe, sizeof(exe));
	if (!bad && n >= 0)
		bad = files_add(state.files, exe);
	if (bad) {
		errno = -bad;
		return reason_errno(reason, "cannot remember files");
	}
	b->options.name =
		b->options.name ? strdup(b->options.name) : full_name(b->base.script);
	b->setup = (struct server_setup){
		.options = &b->options,
		.managed = &b->managed,
		.base = &b->base,
		.files = state.files,
		.socket_path = b->place.un.sun_path,
		.stale = files_changed_since(state.files, b->managed.started_ns),
	};
	return b->options.name ? 0 : reason_errno(reason, "cannot begin");
}

/* In the server: nothing of the first caller's. */
static void leave_caller(struct beginning *b)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};

	(void)setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)!inherit_null(fd);
	for (int fd = STDERR_FILENO + 1; fd < b->managed.first_fd; fd++)
		(void)close(fd);
	(void)chdir("/");
	/* What set-up wanted of it is the executors'; here it must tell of theirs. */
	(void)sigaction(SIGCHLD, &by_default, &b->base.on_child_end);
	const char *slash = strrchr(b->options.name, '/');
	openlog(slash ? slash + 1 : b->options.name, LOG_PID, b->options.log_facility);
	executor_note_base(&b->base);
}

/*
 * Ends the set-up process, and no server comes of it: the launcher then runs the script
 * itself. On the known wire alone ours would say less than the script is to know, and our
 * server would take its arguments for those of the known one.
 */
[[gnu::noreturn]] static void decline(const struct managed *managed)
{
	static const char no_greeting[MANAGED_NO_GREETING] = "COLD";

	(void)!send(managed->call, no_greeting, sizeof(no_greeting), MSG_NOSIGNAL);
	_exit(0);
}

static void give(const struct pfi_call *from, struct pfi_call *to)
{
	uint32_t size = MIN(to->size, (uint32_t)sizeof(*from));

	memcpy(to, from, size);
	to->size = size;
}

int pfi_init_complete(const struct pfi_options *options, struct pfi_call *call,
	char *sentence, size_t sentence_bytes)
{
	static struct beginning
		b; /* the server's, for life: its stack is the interpreter's */
	struct reason reason = {0};

	if (state.done)
		return -EALREADY;
	if (!get_managed(&b.managed))
		return PFI_UNMANAGED;
	state.done = true;
	take_options(options, &b.options);
	int bad = gather(&b, &reason);
	if (bad) {
		if (sentence && sentence_bytes > 0)
			(void)snprintf(sentence, sentence_bytes, "%s", reason.text);
		return bad;
	}
	if (!(b.options.flags & PFI_FORKS_THREADS))
		hazards_warn(b.base.script, &b.managed);
	(void)unsetenv(MANAGED_VARIABLE);
	(void)fflush(NULL);
	server_listen(&b.setup);
	if (b.managed.ours && b.managed.own_listener < 0)
		decline(&b.managed);

	pid_t pid = hooks_fork(&b.options);
	if (pid != 0)
		_exit(pid < 0 ? 255 : 0);
	leave_caller(&b);
	hooks_in_child(&b.options);
	state.executor.call.size = sizeof(state.executor.call);
	server_run(&b.setup, &state.executor);

	give(&state.executor.call, call);
	return PFI_EXECUTOR;
}

void pfi_executor_exit(int status)
{
	if (state.executor.pid == 0)
		exit(status);
	(void)fflush(NULL);
	executor_leave(&state.executor, status);
}

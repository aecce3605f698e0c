/* SPDX-License-Identifier: MIT */

#include "interp/launcher/leave.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool compat_dies_of(int sig)
{
	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGPIPE
	       || sig == SIGKILL;
}

[[gnu::noreturn]] static void die_of(int sig)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	const struct rlimit no_core = {0, 0};
	sigset_t one;

	(void)setrlimit(RLIMIT_CORE, &no_core); /* the script left one, if it was to */
	(void)sigaction(sig, &by_default, NULL);
	(void)kill(getpid(), sig);
	sigemptyset(&one);
	sigaddset(&one, sig);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
	_exit(128 + sig); /* only where the signal does not end a process */
}

void leave_as(int status, bool compat)
{
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	if (!WIFSIGNALED(status))
		leave_say("the script ended in a way that wait(2) does not know: 0x%x",
			status);
	else if (!compat || compat_dies_of(WTERMSIG(status)))
		die_of(WTERMSIG(status));
	else
		leave_say("the script died of signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	_exit(LEAVE_FAILED);
}

void leave_cold(char **command)
{
	(void)unsetenv("PREFORK_INTERP"); /* another script's, if it is there at all */
	(void)execvp(command[0], command);
	leave_say("cannot run %s: %s", command[0], strerror(errno));
	_exit(LEAVE_FAILED);
}

void leave_say(const char *fmt, ...)
{
	char text[1024] = "prefork-interp: ";
	size_t at = strlen(text);
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text + at, sizeof(text) - at - 1, fmt, args);
	va_end(args);
	at += n < 0 ? 0 : (size_t)n;
	if (at > sizeof(text) - 2)
		at = sizeof(text) - 2;
	text[at++] = '\n';
	(void)!write(STDERR_FILENO, text, at); /* there is nobody else to tell */
}

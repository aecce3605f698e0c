/* SPDX-License-Identifier: MIT */

/*
 * prefork-interp - run a script through a server that keeps it loaded.
 *
 * One static program of few system calls, for it is paid for by every call. It
 * promises never to be worse than running the script directly: whatever fails
 * before the script has begun ends in leave_cold, and nothing after that does.
 */

#include "base/reason.h"
#include "interp/launcher/args.h"
#include "interp/launcher/call.h"
#include "interp/launcher/leave.h"
#include "interp/launcher/place.h"
#include "interp/launcher/report.h"
#include "interp/launcher/request.h"
#include "interp/launcher/setup.h"
#include "interp/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char *name_of(const struct args *args)
{
	return args->script ? args->script : args->command[0];
}

/* Whether this call is not for a server at all. */
static bool is_plain_run(void)
{
	const char *disabled = getenv("PREFORK_DISABLE");

	return (disabled && strcmp(disabled, "0") != 0 && *disabled)
	       || getauxval(AT_SECURE);
}

[[gnu::noreturn]] static void run_cold(
	const struct place *place, const struct args *args, int why)
{
	if (why != WIRE_WHY_NOTHING)
		place_note_why(place, why, name_of(args));
	leave_cold(args->command);
}

static int find_place(const struct args *args, struct place *out, struct reason *reason)
{
	/* What geteuid would ask the kernel for. */
	return place_find(args->compat, (uid_t)getauxval(AT_EUID), out, reason);
}

static int run(const struct args *args)
{
	struct place place;
	struct reason reason;
	int status = 0;

	if (is_plain_run() || !(args->script || args->compat))
		leave_cold(
			args->command); /* commands on standard input are nobody else's */
	if (find_place(args, &place, &reason) < 0) {
		leave_say("%s; running without a server", reason.text);
		leave_cold(args->command);
	}
	if (place_identify(&place, args, &reason) < 0)
		leave_cold(args->command); /* whose own sentence says what is not there */
	if (request_in_background())
		run_cold(&place, args, WIRE_WHY_TERMINAL);
	if (args->opens_tty && request_has_terminal())
		run_cold(&place, args, WIRE_WHY_TTY);

	int result = args->fresh ? CALL_NOBODY : call_server(&place, args, &status);
	if (result == CALL_NOBODY && !args->fresh && place_is_plain(&place, args->script))
		run_cold(&place, args, WIRE_WHY_PLAIN);
	if (result == CALL_NOBODY)
		result = setup_and_call(&place, args, args->fresh, &status);
	if (result == CALL_ENDED)
		leave_as(status, args->compat);
	if (result == CALL_COLD)
		run_cold(&place, args, status);
	leave_say("the server of %s ended while the script ran; how it ended is not known",
		name_of(args));
	return LEAVE_FAILED;
}

static int end_server(const struct args *args)
{
	struct place place;
	struct reason reason;

	if (find_place(args, &place, &reason) < 0
		|| place_identify(&place, args, &reason) < 0) {
		leave_say("%s", reason.text);
		return LEAVE_FAILED;
	}
	int lock = place_lock(&place, WIRE_PATIENCE_MS);
	if (lock < 0) {
		leave_say("cannot lock %s: %s", place.dir, strerror(-lock));
		return LEAVE_FAILED;
	}
	place_unlink(&place); /* that is how a server is told */
	place_forget_why(&place);
	return 0;
}

static int print_status(const struct args *args)
{
	struct place place;
	struct reason reason;

	if (find_place(args, &place, &reason) < 0) {
		leave_say("%s", reason.text);
		return LEAVE_FAILED;
	}
	return report_print(&place, args->json);
}

static int print(const char *text)
{
	return write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text)
		       ? 0
		       : LEAVE_FAILED;
}

int main(int argc, char **argv)
{
	struct reason reason;
	struct args args;

	if (args_parse(argc, argv, &args, &reason) < 0) {
		leave_say("%s", reason.text);
		return LEAVE_USAGE;
	}
	switch (args.verb) {
	case ARGS_RUN: return run(&args);
	case ARGS_KILL: return end_server(&args);
	case ARGS_STATUS: return print_status(&args);
	case ARGS_HELP: return print(args_usage);
	case ARGS_VERSION: return print("prefork-interp " PREFORK_VERSION "\n");
	}
	return LEAVE_FAILED;
}

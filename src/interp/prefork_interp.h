/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * prefork_interp - what a script, or its language's binding, says to the launcher.
 *
 * A script loads what it needs and calls pfi_init_complete once. Run by
 * prefork-interp(1) the process has then become a server, and the call returns
 * only in executors: fresh forks of that loaded state, one per call of the
 * script, which already stand in their caller's place. Run by anything else it
 * returns at once and the script goes on as if this library were not there.
 *
 *     loads modules        pfi_also_check(every file it loaded)
 *          |               pfi_init_complete(...)
 *          |                 |-- not run by the launcher: PFI_UNMANAGED, at once
 *          |                 `-- the set-up process: never returns, it ends here
 *        SERVER                  (a fork; never returns either)
 *          |---- EXECUTOR     PFI_EXECUTOR, once per call:
 *          |       |            1 reseed, take over argv and environment
 *          |       |            2 run the script
 *          |       |            3 END/atexit handlers, flush, script's destructors
 *          |       `            pfi_executor_exit(status)
 *          `---- EXECUTOR
 *
 * An executor may also end by exit(3), _exit(2), exec(3) or a signal: the caller
 * gets whatever wait(2) tells about the process. pfi_executor_exit is there so
 * that nobody pays for the tearing down of an interpreter.
 *
 * Made for foreign-function interfaces: plain C types, no macros that must be
 * called, nothing to free, and a struct that begins with its own size, so that a
 * library and a binding of different ages understand each other. Not thread-safe,
 * and not meant to be: see PFI_FORKS_THREADS.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define PFI_API __attribute__((visibility("default")))
#else
#define PFI_API
#endif

/* Grows when something here changes its meaning; new fields do not count. */
#define PFI_ABI 1

/* What pfi_init_complete may answer. Negative is -errno. */
enum pfi_result {
	PFI_UNMANAGED = 0, /* not run by the launcher: just go on; *call was not touched */
	PFI_EXECUTOR = 1,  /* this is a fork that serves one call; *call describes it */
};

/* Bits of pfi_options.flags. */
enum pfi_flag {
	/*
	 * While the next generation loads, go on answering with the old code.
	 * Without it a call that finds its server stale is run cold, and so
	 * sees the new code at once, as it would without the launcher.
	 */
	PFI_RELOAD_BEHIND = 1,
	/* Do not look for files that changed: neither those named nor the script. */
	PFI_NO_RELOAD = 2,
	/* Say nothing of threads, sockets and locks that a fork does not copy well. */
	PFI_FORKS_THREADS = 4,
};

/*
 * All zero but for size is the defaults; a binding that was compiled before a
 * field existed passes a smaller size, and gets that field's default.
 */
struct pfi_options {
	uint32_t size;  /* sizeof(struct pfi_options) */
	uint32_t flags; /* enum pfi_flag, or-ed */

	/* How many executors at once; further calls queue. 0: the default, 16. Negative: no
	 * limit. The known module's default is 4: its compatibility layer passes that. */
	int32_t max_servers;
	/* How many executors wait in advance, forked and ready. 0: the default, 1.
	 * Negative: none. */
	int32_t spares;
	/* Seconds without a call until the server ends. 0: the default, 900. Negative:
	 * never. */
	int64_t idle_timeout_s;
	/* Failures of accept(2) or fork(2) in a row after which the server gives up. 0:
	 * 100. */
	int32_t max_errors;
	/* A facility of syslog(3), such as LOG_DAEMON. 0: LOG_USER. */
	int32_t log_facility;
	/* For syslog and --status. NULL: the script's path. Copied. */
	const char *name;

	/*
	 * Called around every fork: before in the forking process, then one of
	 * the two others on each side. The first fork makes the server, all
	 * further ones executors. Any may be NULL. They must come back quickly,
	 * must not fork, and in the server must not touch descriptors 0 to 2.
	 */
	void (*before_fork)(void *arg);
	void (*after_fork_in_parent)(void *arg);
	void (*after_fork_in_child)(void *arg);
	void *fork_arg;

	/*
	 * In place of fork(2), for a runtime with threads of its own that only its
	 * own fork makes anew. Returns as fork(2) does, but -errno. NULL: fork(2).
	 */
	pid_t (*fork)(void *arg);
};

/*
 * One call, as its executor sees it. Everything pointed to lives as long as the
 * process and may be written to.
 *
 * Already done when this is filled: the caller's descriptors are in place, each
 * under its number, and those it had closed are closed; working directory,
 * umask, resource limits, nice value, and supplementary groups (where the rights
 * allow) are the caller's; the signal mask is the caller's, what it ignored is
 * ignored unless set-up installed a handler, which stays, and everything else is
 * at its default; environ(7) holds exactly env;
 * the process leads its own process group.
 *
 * Left to the binding, because only it knows its interpreter: its own copies of
 * argv, $0 and the environment, its buffers over descriptors 0 to 2, its random
 * generators, and the signal handlers it wants.
 */
struct pfi_call {
	uint32_t size; /* in: sizeof(struct pfi_call) as the binding knows it */
	int32_t argc;  /* how many are in argv */
	char **argv; /* the script's arguments alone, without its name; NULL behind the last
		      */
	char **env;  /* "NAME=value"; NULL behind the last */
	const char *interp; /* as typed or found in PATH; "" if the caller's wire does not
			       say */
	const char *script; /* as typed in this call: $0; "" as above */
	uint8_t seed[32];   /* fresh randomness: no two executors get the same */
	uint64_t serial;    /* 1 for the server's first executor, and so on */
};

/**
 * pfi_managed - true (1) in a set-up process that prefork-interp started, else 0.
 *
 * So that a binding need not list what it loaded for nobody. Changes nothing.
 */
PFI_API int pfi_managed(void);

/**
 * pfi_also_check - the server is stale when this path is not what it is now.
 *
 * Call it before pfi_init_complete, for every file that the interpreter loaded,
 * and for every path that would have been taken instead had it existed: a path
 * that is absent now makes the server stale when it appears. "Changed" means
 * another device, inode, size, mtime or ctime, or a change after the set-up began.
 * A directory counts as what it is itself: its inode and times. The interpreter
 * and the script are always checked; naming them again is harmless.
 *
 * @path is copied; a relative one is taken from the present working directory.
 * Returns 0, also where nothing manages this process; -ENOMEM; or -ENAMETOOLONG.
 */
PFI_API int pfi_also_check(const char *path);

/**
 * pfi_init_complete - set-up is done: become the server, or go on.
 *
 * Flush your buffers first: the set-up process ends inside, by _exit. Handlers
 * for exit that are registered by now run in every executor, as in a cold run.
 * Descriptors opened during set-up stay open in executors. They do not meet the
 * caller's: the launcher sees to it that set-up opens at 64 and above. Where they
 * do meet after all the caller's has the number.
 *
 * @options may be NULL: the defaults. @call must have its size set.
 * @reason (or NULL), of @reason_bytes, gets one sentence when the result is
 * negative. That happens in the set-up process alone, and only before anything
 * was forked; print the sentence and end with status 255, for the caller's
 * standard input and output are not here and the script must not go on.
 *
 * Returns PFI_UNMANAGED, PFI_EXECUTOR or -errno (-EALREADY: called twice).
 */
PFI_API int pfi_init_complete(const struct pfi_options *options, struct pfi_call *call,
	char *reason, size_t reason_bytes);

/**
 * pfi_executor_exit - leave an executor with @status, without tearing down.
 *
 * The language's own end-of-script work comes before; this flushes stdio and
 * ends by _exit. In any other process it is exit(3).
 */
#ifdef __GNUC__
__attribute__((noreturn))
#endif
PFI_API void
pfi_executor_exit(int status);

#ifdef __cplusplus
}
#endif

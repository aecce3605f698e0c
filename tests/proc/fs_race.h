/* SPDX-License-Identifier: MIT */
#pragma once

/* fs_race - many processes that begin at the same moment. A child reports by its exit
 * status. */

#include "../cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RACERS 16

/* Runs @main in RACERS processes at once; returns how many of them said @status. */
[[maybe_unused]] static int race(int (*main)(void *arg, int me), void *arg, int status)
{
	int gate[2], won = 0;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < RACERS; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			char byte;
			(void)close(gate[1]);
			_exit(read(gate[0], &byte, 1) == 0 ? main(arg, i) : 99);
		}
	}
	(void)close(gate[0]);
	(void)close(gate[1]); /* the end of the file: go */
	for (int i = 0; i < RACERS; i++) {
		int how = 0;
		assert_true(wait(&how) > 0);
		assert_true(WIFEXITED(how));
		won += WEXITSTATUS(how) == status;
	}
	return won;
}

/* A process that runs @main until stop_child. */
[[maybe_unused]] static pid_t start_child(int (*main)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test never stops it */
		_exit(main(arg));
	}
	return pid;
}

[[maybe_unused]] static void stop_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

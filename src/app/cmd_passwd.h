/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cmd_passwd - "preforkd passwd FILE NAME": sets a password in a users file.
 *
 * Hashes with yescrypt, replaces the file in one step, and keeps its owner,
 * mode, comments and order. A password never stands on a command line.
 */

/* @argv[0] is "passwd". Returns the exit status (core/exit.h). */
int passwd_main(int argc, char **argv);

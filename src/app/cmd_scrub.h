/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cmd_scrub - "preforkd scrub FOLDER": reads every file again and says which have changed.
 *
 * A line on standard output for each that is not as it was, and a summary;
 * progress on standard error where that is a terminal.
 */

/* @argv[0] is "scrub". Returns the exit status: 0, 1 where a file has rotted, 2 where
 * something could not be looked at. */
int scrub_main(int argc, char **argv);

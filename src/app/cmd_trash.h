/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cmd_trash - "preforkd trash list|restore|empty FOLDER": what was deleted or replaced in
 * a drive's folder, for its administrator. The drive may be running or not.
 */

/* @argv[0] is "trash". Returns the exit status (core/exit.h). */
int trash_main(int argc, char **argv);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * probe - finds out, by trying, what the file system under a root can do.
 *
 * Leaves nothing behind, and writes under .prefork/tmp/ alone. What cannot be
 * tried (read-only) is taken to be missing, but for the clock.
 */

#include <stdbool.h>

struct fs_root;

/* Fills root->can, all but `writable`, which must be set. @plain: see fs_options. */
void fs_probe(struct fs_root *root, bool plain);

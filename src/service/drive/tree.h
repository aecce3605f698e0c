/* SPDX-License-Identifier: MIT */
#pragma once

/* tree - what changes names: DELETE, COPY, MOVE. Of files, and of folders as wholes.
 */

#include <stdbool.h>

struct fs_trashed;
struct request;

void tree_delete(struct request *r);
void tree_copy(struct request *r);
void tree_move(struct request *r);

/* MOVE out of the trash, and by a form: @done is the status when something was there before
 * (303: back to the trash's page). */
void tree_restore(struct request *r, const struct fs_trashed *kept);
void tree_restore_to(struct request *r, const struct fs_trashed *kept, const char *to,
	bool overwrite, unsigned done);

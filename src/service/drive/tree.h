/* SPDX-License-Identifier: MIT */
#pragma once

/* tree - what changes names: DELETE, COPY, MOVE. Of files, and of folders as wholes.
 */

struct request;

void tree_delete(struct request *r);
void tree_copy(struct request *r);
void tree_move(struct request *r);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * trashcan - the trash over HTTP: a page with forms, and a collection to WebDAV clients.
 *
 * For who may write alone: what somebody deleted was perhaps not for others to read. MOVE
 * out of it restores, DELETE removes for good, and the page's forms POST the same.
 */

struct request;

/* r->path is the trash's (trashfind.h), and it is known who asks. */
void trashcan_begin(struct request *r);

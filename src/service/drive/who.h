/* SPDX-License-Identifier: MIT */
#pragma once

/* who - finds out who asks, and whether they may. */

struct request;

/**
 * who_check - let @go_on happen if the request comes from somebody who may come in.
 *
 * Calls it at once, or after a while where wrong passwords came from that
 * address; or answers the request itself. Sets r->user and r->may_write.
 */
void who_check(struct request *r, void (*go_on)(struct request *r));

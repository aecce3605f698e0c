/* SPDX-License-Identifier: MIT */
#pragma once

/* locking - LOCK and UNLOCK. */

/* Longer than any editing session, shorter than a crashed client is remembered. */
#define LOCKING_MOST_SEC 86400u

struct request;

void locking_lock(struct request *r);
void locking_unlock(struct request *r);

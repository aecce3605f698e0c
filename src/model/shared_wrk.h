/* SPDX-License-Identifier: MIT */
#pragma once

/* shared_wrk - the worker's half of the models shared and reuseport. */

#include "model/accept_wrk.h"

struct shared_wrk {
	struct accept_wrk accept;
};

int shared_wrk_start(struct worker *w);
int shared_wrk_start_reuseport(struct worker *w);
void shared_wrk_fini(struct worker *w);
void shared_wrk_message(struct worker *w, const void *msg, size_t len, int fd);
void shared_wrk_idle(struct conn *c);
void shared_wrk_ended(struct conn *c);
void shared_wrk_yield(struct worker *w);

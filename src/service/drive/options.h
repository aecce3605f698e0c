/* SPDX-License-Identifier: MIT */
#pragma once

/* options - what can be done with a resource: OPTIONS, and the answer to what cannot. */

struct request;

void options_begin(struct request *r);

/* 405, with what is allowed. */
void options_not_allowed(struct request *r);

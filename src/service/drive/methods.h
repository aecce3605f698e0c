/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * methods - what the drive does, one row a method, and what must hold before it does it.
 */

#include "http/method.h"

#include <stdbool.h>

struct request;

struct method {
	enum http_method id;
	bool is_head; /* the answer has no body */
	bool writes;  /* it may change something: not for read-only users, nor for other
			 pages */
	/* Answers, or gives itself a task that will. NULL: not done here. */
	void (*begin)(struct request *r);
};

/* The head is whole: checks who asks and from where, and begins what is asked. */
void methods_begin(struct request *r);

/* SPDX-License-Identifier: MIT */
#pragma once

/* shared_sup - the supervisor's half of the models shared and reuseport: it only looks
 * after growth. */

#include "model/grow_sup.h"

struct shared_sup {
	struct grow grow;
};

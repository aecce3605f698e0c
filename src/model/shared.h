/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * shared - every worker watches the same listeners, and the kernel wakes one of them
 * (EPOLLEXCLUSIVE). The supervisor touches no connection. reuseport - the same, but each
 * worker has listeners of its own at the same address, and the kernel spreads connections
 * over them.
 *
 * Both have the worker's half of accept_wrk.h, and one message:
 *
 *   worker ------ SHARED_FULL ------> supervisor   my last seat is taken
 */

#include "core/core_wire.h"

struct model_ops;

enum shared_msg_type { SHARED_FULL = CORE_MODEL_FIRST };

extern const struct model_ops shared_model;
extern const struct model_ops reuseport_model;

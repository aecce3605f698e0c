/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool - workers made in advance; the supervisor accepts, and passes each connection to one
 * that is idle. The supervisor's half is pool_sup.c, the worker's pool_wrk.c.
 */

struct model_ops;

extern const struct model_ops pool_model;

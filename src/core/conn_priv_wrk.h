/* SPDX-License-Identifier: MIT */
#pragma once

/* conn_priv_wrk - what conn_wrk.c and conn_begin_wrk.c have of each other, and nobody else. */

#include "core/conn_wrk.h"

/* conn_begin_wrk.c: the first step of a connection that has come, and, while h->hailing, the
 * next. It may have ended when they return. */
void conn_begin(struct held *h);
void conn_hail(struct held *h);

/* conn_wrk.c: has it watched for @events (EPOLLIN ...) from now on, too. False if that cannot be. */
[[nodiscard]] bool conn_watch(struct held *h, uint32_t events);

/* Ends it at once, by a reset if @abort; or as the service would by CONN_CLOSE. */
void conn_finish(struct held *h, bool abort);
void conn_close(struct held *h);

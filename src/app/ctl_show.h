/* SPDX-License-Identifier: MIT */
#pragma once

/* ctl_show - a server's status for people and for collectors, as text that is appended. */

#include <jansson.h>

struct buf;

void ctl_show_table(const json_t *status, struct buf *out);   /* a line for each service */
void ctl_show_workers(const json_t *status, struct buf *out); /* and one for each worker */
void ctl_show_metrics(const json_t *status, struct buf *out); /* OpenMetrics text */

/* SPDX-License-Identifier: MIT */
#pragma once

/* ctl_show - a server's status for people and for collectors, on standard output. */

#include <jansson.h>

void ctl_show_table(const json_t *status);   /* a line for each service */
void ctl_show_workers(const json_t *status); /* and one for each worker */
void ctl_show_metrics(const json_t *status); /* OpenMetrics text */

/* SPDX-License-Identifier: MIT */
#pragma once

/* journal - the access log's line for a request. */

struct request;

/* The request has its answer, and its head can still be read. */
void journal_answered(const struct request *r);

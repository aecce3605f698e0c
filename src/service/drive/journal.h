/* SPDX-License-Identifier: MIT */
#pragma once

/* journal - the access log's line for a request. */

struct request;

/* The request has its answer, and its head can still be read. */
void journal_answered(const struct request *r);

/* The connection ends before the answer did; the same of the head. */
void journal_broken_off(const struct request *r);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * answer - what a request is answered with, and the sending of it.
 *
 * An answer is begun (status line), given its fields, and ended in one of the
 * ways below, which sends what the socket takes at once and leaves the rest to
 * REQUEST_SEND. The head is written in the worker's memory, not the connection's:
 * nothing is allocated for an answer that can be sent at once.
 */

#include "base/span.h"
#include "core/conn.h"
#include "service/drive/fs/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct request;
struct task_ops;

/* Begins the answer: fields go into what it returns (http/resp.h), until one of the
 * endings. */
struct buf *answer_begin(struct request *r, unsigned status);

/* Likewise of a page, with its fields. */
void answer_begin_page(struct request *r, struct span csp, struct span cache_control);

/* Endings: without a body; with one from memory, which may be let go afterwards; ... */
void answer_empty(struct request *r);
void answer_memory(struct request *r, struct span body);

/* ... with @n bytes of @file from @from on; the file is adopted; ... */
void answer_file(struct request *r, int file, uint64_t from, uint64_t n);

/* ... with what more() of the task that @ops make of it gives; @n_bytes where that is
 * known. */
#define ANSWER_UNKNOWN UINT64_MAX
void answer_stream(struct request *r, const struct task_ops *ops, uint64_t n_bytes);

/* ... likewise, of text that more() makes of @n_parts similar parts or more: encoded, if that
 * is worth it and the client asks. */
void answer_text(struct request *r, const struct task_ops *ops, uint64_t n_parts);

/* With fewer it is not worth it. */
#define ANSWER_FEW_PARTS 4u

/* From more(): behind what r->answer.out holds come @n bytes of r->answer.file. */
void answer_piece(struct request *r, uint64_t from, uint64_t n);

/* ... with a sentence for a person (lower case, no full stop): a page for one who navigates
 * a browser, a line of text for others. */
void answer_explain(struct request *r, const char *sentence);

/* A whole answer: @status and a sentence. */
void answer_sentence(struct request *r, unsigned status, const char *sentence);

/* Whether @result of a parser (dav/xml.h) is XML_OK. If not the request is answered: its body
 * is no such @document. */
bool answer_parsed(struct request *r, int result, const char *document);

/* A whole answer with WebDAV's name for the condition that failed (RFC 4918, 16), and for some
 * the URL it failed at; else SPAN_NONE. */
void answer_condition(
	struct request *r, unsigned status, const char *condition, struct span url);

/* A whole 207: @body is what dav/multistatus.h has put there. */
void answer_multistatus(struct request *r, const struct buf *body);

/* A whole answer for what the folder said; for FS_OK it is a bug. */
void answer_result(struct request *r, enum fs_result result);

/* The status for it alone, as a 207 needs it. */
unsigned answer_status_of(enum fs_result result);

/**
 * answer_send - go on sending, for at most a turn's worth.
 *
 * True when the answer is sent whole; else false with what to wait for in *@want.
 */
[[nodiscard]] bool answer_send(struct request *r, enum conn_want *want);

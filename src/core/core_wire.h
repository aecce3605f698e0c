/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * core_wire - what crosses between the supervisor and any worker, whatever the model.
 *
 *   supervisor                            worker
 *       |------ CORE_DRAIN -------------->|   take no more; finish what has begun; exit 0
 *       |------ CORE_LAST --------------->|   say "the last" to whoever is answered
 *       |------ CORE_RETIRE ------------->|   as DRAIN, but who is idle gets one more answer
 *       |------ CORE_PING --------------->|   move your progress counter
 *       |------ CORE_REOPEN + file ------>|   write the access log there from now on
 *       |------ CORE_LOG + file --------->|   and the log there, that much of it
 *       |<----- CORE_READY ---------------|   set up; may be given work
 *       |<----- CORE_FAILED + sentence ---|   cannot be set up; will exit
 *
 * Every message, a model's too, begins with its type; models count theirs from
 * CORE_MODEL_FIRST. Both ends come from one build and one fork, so fields are
 * host-endian and there is no version. The supervisor trusts a worker with
 * nothing here: the sentence is printed escaped, an unknown type is answered by
 * a kill.
 */

#include <stdint.h>

enum core_msg_type {
	CORE_DRAIN = 1,
	CORE_LAST,
	CORE_PING,
	CORE_RETIRE,
	CORE_REOPEN,
	CORE_LOG,
	CORE_READY,
	CORE_FAILED,
	CORE_MODEL_FIRST = 16,
};

#define CORE_SENTENCE_MAX 400u /* bytes; longer is cut */

struct core_msg {
	uint32_t type;                    /* enum core_msg_type */
	char sentence[CORE_SENTENCE_MAX]; /* CORE_FAILED: ends with a NUL; else not sent */
};
struct core_log_msg {
	uint32_t type;  /* CORE_LOG */
	uint32_t level; /* enum log_level */
	uint32_t stamp; /* enum log_stamp: what kind of file it is the worker may not see */
};

#define CORE_MSG_BARE sizeof(uint32_t) /* what is sent of one without a sentence */

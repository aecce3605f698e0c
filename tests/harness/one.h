/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * one - a service in the test's own process: no supervisor, no model, no other worker.
 *
 * It is everything core/conn.h and core/worker.h promise a service, on poll()
 * and the descriptors the test gives it. For unit tests of a service, for its
 * fuzz target, and (serve.c) to point curl at it. Link it in place of core.
 */

#include "core/service.h"

#include <stddef.h>
#include <stdint.h>

struct one;

/* Starts @ops with the settings @conf, which stay the caller's. Aborts if it cannot. */
struct one *one_start(const struct service_ops *ops, const void *conf, int access_fd);

/* Closes every connection and stops the service. */
void one_stop(struct one *one);

/* Hands the service the connected socket @fd, which is one's from now on. */
void one_give(struct one *one, int fd);

/*
 * Calls back whatever is ready, once, after waiting for it at most @wait_ms. Returns how
 * many callbacks that were: 0 means that nothing happens until somebody outside moves.
 */
size_t one_turn(struct one *one, int wait_ms);

/* Turns until nothing is ready. */
void one_settle(struct one *one);

/* How many connections are open. */
size_t one_conns(const struct one *one);

/* Lets @ns pass on the service's clocks, without waiting. */
void one_pass(struct one *one, uint64_t ns);

void one_drain(struct one *one);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * exec - a program per connection, with the socket as its 0 and 1: what tcpserver, s6 and
 * inetd run, runs here.
 *
 * The program talks to its client directly. What is done here: the environment,
 * the limits, its stderr to the log, and its end, with all it has started (run.h).
 */

struct service_ops;

extern const struct service_ops exec_service;

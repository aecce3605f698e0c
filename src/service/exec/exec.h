/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * exec - a program per connection, with the socket as its 0 and 1: what tcpserver, s6 and
 * inetd run, runs here.
 *
 * The program talks to its client directly. What is done here: the environment,
 * the limits, its stderr to the log, and its end, with all it has started.
 *
 *   in         until                                      then
 *   ASKING     the client's name is known, or takes too
 *              long (resolve = yes only)                  RUNNING
 *   RUNNING    the program exits                          (what it left is killed; closed)
 *              the client goes, or takes back its half of
 *              the connection for too long, or the time
 *              is up                                      ENDING (TERM to all)
 *   ENDING     the program exits, and nobody is left      (closed)
 *              it exits, and others are left              LEFT
 *              the grace has passed                       ENDING (KILL to all)
 *   LEFT       nobody is left                             (closed)
 *              the grace has passed                       (KILL to all; closed)
 */

struct service_ops;

extern const struct service_ops exec_service;

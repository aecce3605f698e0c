/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * script - as exec, but the program is a script whose loaded copy waits for the connection.
 *
 * A worker asks the script's server (interp/) for an executor and hands it the
 * connection as 0 and 1: nothing is exec'd. Where there is no server, or it says
 * no, or gives no sign, the launcher is run with the connection: it starts the
 * server under its lock, finds it stale, or runs the script directly, and so
 * nothing of that is here.
 */

struct service_ops;

extern const struct service_ops script_service;

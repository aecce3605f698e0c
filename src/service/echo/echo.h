/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * echo - answers what it reads with "PROCESS[PID n]: ", the bytes in upper case, and a
 * newline.
 *
 * The smallest service: an example to copy, and what the models are tested with.
 */

struct service_ops;

extern const struct service_ops echo_service;

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fork - a process per connection. A zygote has the service set up and forks; the
 * supervisor is the children's parent all the same. The halves are fork_sup.c and
 * fork_wrk.c.
 */

struct model_ops;

extern const struct model_ops fork_model;

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ring - workers share the listener and take turns through a token in a chain of pipes. The
 * halves are ring_sup.c and ring_wrk.c; docs/models/ring.pml is the protocol in Spin.
 */

struct model_ops;

extern const struct model_ops ring_model;

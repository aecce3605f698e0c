/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * plan_check - what can be said of a plan without opening, binding or making anything.
 *
 * By the rights of this process; but another user than root may check what root is to run,
 * so where a service is to change its user nothing is held against missing rights.
 */

struct plan;
struct reason;

/**
 * plan_check_service - whether the last service of the plan could be run beside the others.
 *
 * Keeps its addresses in the plan. Returns 0; or negative with @reason, and *@at_fault is the
 * setting to change (NULL: none in particular).
 */
[[nodiscard]] int plan_check_service(
	struct plan *plan, const char **at_fault, struct reason *reason);

/* The same of the files the program itself writes. */
[[nodiscard]] int plan_check_files(
	const struct plan *plan, const char **at_fault, struct reason *reason);

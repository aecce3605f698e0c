/* SPDX-License-Identifier: MIT */
#pragma once

/* report - --status: which servers this user has, and why a call was cold. */

#include <stdbool.h>

struct place;

/* Prints a table, or JSON, to standard output. Returns the launcher's exit status. */
[[nodiscard]] int report_print(const struct place *place, bool json);

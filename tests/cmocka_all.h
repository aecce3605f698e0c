/* SPDX-License-Identifier: MIT */
#pragma once

/* cmocka's header needs these four before it and does not say so. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

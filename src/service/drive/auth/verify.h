/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * verify - is this the password?
 *
 * Takes as long as the hash is meant to (10 to 500 ms): the caller has told
 * its worker that it blocks. A name nobody has costs as much as one somebody
 * has, so the time does not tell which names exist.
 */

#include "service/drive/auth/users.h"

#include <crypt.h>

#define VERIFY_PASSWORD_MAX (CRYPT_MAX_PASSPHRASE_SIZE - 1) /* bytes; longer is wrong */

enum verify_result {
	VERIFY_OK = 0,
	VERIFY_DENIED, /* no such user, or another password; nobody is told which */
};

/* Returns VERIFY_OK with *@user set, VERIFY_DENIED, or -ENOMEM. */
[[nodiscard]] int verify_password(const struct users *users, struct span name,
	struct span password, const struct user **user);

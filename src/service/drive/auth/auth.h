/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * auth - who a request is from: one users file, its memo, and its reloading.
 * Worker side; a worker has one and keeps it for its life.
 *
 *	user = auth_known(auth, value, now);         free, for nearly every request
 *	if (!user)
 *		...throttle_delay, worker_blocking...
 *		rc = auth_verify(auth, value, now, &user);   a password hash
 */

#include "base/span.h"
#include "base/util.h"
#include "service/drive/auth/users.h"

#include <stdbool.h>
#include <stdint.h>

struct auth;
struct reason;

#define AUTH_LOOK_NS NS_PER_SEC /* how often the file is looked at, at most */

enum auth_result {
	AUTH_OK = 0,
	AUTH_DENIED,    /* the name or the password is wrong */
	AUTH_MALFORMED, /* this is no Basic authorization */
	AUTH_CHANGED,   /* auth_refresh: a new file is in force */
	AUTH_KEPT,      /* auth_refresh: the new file is bad; the old users stay */
};

/* Reads the users file. 0 with a new *@out for auth_close; or negative with @reason. */
[[nodiscard]] int auth_open(const char *path, struct auth **out, struct reason *reason);

void auth_close(struct auth *auth); /* NULL is fine */

/* Whether the file names nobody, so that nobody can come in. */
bool auth_is_empty(const struct auth *auth);

/**
 * auth_refresh - take up a changed users file. Once a request; it looks at the disk at
 * most every AUTH_LOOK_NS.
 *
 * Returns 0 if nothing changed, AUTH_CHANGED, or AUTH_KEPT with a @reason: once
 * for each bad version of the file. Users found before it are gone after AUTH_CHANGED.
 */
[[nodiscard]] int auth_refresh(struct auth *auth, uint64_t now_ns, struct reason *reason);

/* Whose Authorization @value this is, if it was verified lately; or NULL. */
const struct user *auth_known(struct auth *auth, struct span value, uint64_t now_ns);

/* Verifies @value, and remembers it. AUTH_OK with *@user set, AUTH_DENIED, AUTH_MALFORMED
 * (at once), or -ENOMEM. */
[[nodiscard]] int auth_verify(
	struct auth *auth, struct span value, uint64_t now_ns, const struct user **user);

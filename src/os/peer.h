/* SPDX-License-Identifier: MIT */
#pragma once

/* peer - users and groups: who a process is to be. */

#include <sys/types.h>

struct reason;

#define PEER_SAME ((uid_t)-1) /* as it is now */

/**
 * peer_rights - the ids behind names (or numbers); asks the system's user database.
 *
 * Without @user both are PEER_SAME. Without @group it is the user's own.
 * Returns 0, or negative with @reason (no such user, or no right to become it).
 */
[[nodiscard]] int peer_rights(
	const char *user, const char *group, uid_t *uid, gid_t *gid, struct reason *reason);

/* Becomes @uid and @gid for good, without supplementary groups. 0, or -errno: then do not
 * go on. */
[[nodiscard]] int peer_become(uid_t uid, gid_t gid);

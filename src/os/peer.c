/* SPDX-License-Identifier: MIT */

#include "os/peer.h"

#include "base/num.h"
#include "base/reason.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int peer_rights(
	const char *user, const char *group, uid_t *uid, gid_t *gid, struct reason *reason)
{
	uint64_t number;

	*uid = PEER_SAME;
	*gid = (gid_t)PEER_SAME;
	if (!user)
		return group ? reason_set(reason, "group is set to %s, but no user", group)
			     : 0;
	if (geteuid() != 0)
		return reason_set(
			reason, "only root can make workers run as user %s", user);

	const struct passwd *pw = getpwnam(user);
	if (pw) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	} else if (num_u64(span_str(user), &number) && number < PEER_SAME) {
		*uid = (uid_t)number;
		*gid = (gid_t)number;
	} else {
		return reason_set(reason, "there is no user called %s", user);
	}
	if (!group)
		return 0;

	const struct group *gr = getgrnam(group);
	if (gr)
		*gid = gr->gr_gid;
	else if (num_u64(span_str(group), &number) && number < PEER_SAME)
		*gid = (gid_t)number;
	else
		return reason_set(reason, "there is no group called %s", group);
	return 0;
}

int peer_become(uid_t uid, gid_t gid)
{
	if (uid == PEER_SAME)
		return 0;
	/* In this order: each step needs the right that the next one gives up. */
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0
		|| setresuid(uid, uid, uid) < 0)
		return -errno;
	/* If root can be had back, nothing was given up. */
	return uid != 0 && setuid(0) == 0 ? -EPERM : 0;
}

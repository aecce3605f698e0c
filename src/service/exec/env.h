/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * env - the environment a program finds: ours, and who is connected to whom (UCSPI).
 *
 *   over          is set
 *   TCP, IPv4     PROTO=TCP; TCPLOCALIP and PORT, TCPREMOTEIP and PORT, and TCPLOCALHOST,
 *                 TCPREMOTEHOST where they are known, as tcpserver does
 *   TCP, IPv6     PROTO=TCP6; the same, and all of them again with TCP6, and
 *                 TCP6INTERFACE for an address that needs one, as ucspi-tcp6 does
 *   unix socket   PROTO=UNIX; UNIXLOCALPATH, UNIXREMOTEEUID, EGID and PID, as ucspi-unix
 *                 does, and IPCREMOTEEUID and EGID, by which s6 calls them
 *
 * Such a variable that is not set here is not there, wherever preforkd was
 * started from; nor are those in which an init system speaks to preforkd alone.
 */

#include "os/addr.h"

#include <stddef.h>
#include <sys/types.h>

#define ENV_OWN_MAX  24u
#define ENV_TEXT_MAX 4096u

struct env {
	char **vector; /* owned: n_base borrowed strings, and room for ENV_OWN_MAX and NULL
			*/
	size_t n_base;
	char *text; /* owned: the strings of the latest connection */
};

/* What is known of a connection. */
struct env_facts {
	const struct addr *local;
	const struct addr *remote;
	const char *local_host; /* "" for not known, as the next */
	const char *remote_host;
	bool has_creds; /* of a unix peer */
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/* From the environment @from, whose strings must stay. 0 or -ENOMEM. */
[[nodiscard]] int env_init(struct env *env, char *const *from);
void env_fini(struct env *env); /* takes zeroes */

/* The environment for one connection, good until the next call. */
char *const *env_of(struct env *env, const struct env_facts *facts);

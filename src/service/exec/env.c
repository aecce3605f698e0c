/* SPDX-License-Identifier: MIT */

#include "service/exec/env.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the names of variables begin that a program must not have from elsewhere. */
static const char *const dropped[] = {"PROTO=", "TCPLOCAL", "TCPREMOTE", "TCP6",
	"UNIXLOCAL", "UNIXREMOTE", "IPCLOCAL", "IPCREMOTE",
	"IPCCONNNUM=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "NOTIFY_SOCKET=",
	"WATCHDOG_PID=", "WATCHDOG_USEC="};

static bool is_dropped(const char *variable)
{
	for (size_t i = 0; i < ARRAY_LEN(dropped); i++) {
		if (strncmp(variable, dropped[i], strlen(dropped[i])) == 0)
			return true;
	}
	return false;
}

int env_init(struct env *env, char *const *from)
{
	size_t n = 0;

	while (from[n])
		n++;
	*env = (struct env){
		.vector = calloc(n + ENV_OWN_MAX + 1, sizeof(*env->vector)),
		.text = malloc(ENV_TEXT_MAX),
	};
	if (!env->vector || !env->text) {
		env_fini(env);
		return -ENOMEM;
	}
	for (; *from; from++) {
		if (!is_dropped(*from))
			env->vector[env->n_base++] = *from;
	}
	return 0;
}

void env_fini(struct env *env)
{
	free(env->vector);
	free(env->text);
	*env = (struct env){0};
}

/* The strings of one connection as they are made. */
struct maker {
	struct env *env;
	size_t n;
	size_t n_text;
};

[[gnu::format(printf, 2, 3)]] static void put(struct maker *m, const char *fmt, ...)
{
	char *at = m->env->text + m->n_text;
	size_t left = ENV_TEXT_MAX - m->n_text;
	va_list ap;

	assert(m->n < m->env->n_base + ENV_OWN_MAX);
	va_start(ap, fmt);
	int n = vsnprintf(at, left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		return; /* cannot be: names and addresses have their limits */
	m->env->vector[m->n++] = at;
	m->n_text += (size_t)n + 1;
}

/* One end of a TCP connection, under the names that begin with @proto and @side. */
static void put_end(struct maker *m, const char *proto, const char *side,
	const struct addr *addr, const char *host)
{
	char ip[ADDR_TEXT_MAX];

	addr_host(addr, ip);
	ip[strcspn(ip, "%")] = '\0'; /* the interface has a variable of its own */
	put(m, "%s%sIP=%s", proto, side, ip);
	put(m, "%s%sPORT=%u", proto, side, (unsigned)addr_port(addr));
	if (host && host[0])
		put(m, "%s%sHOST=%.255s", proto, side, host);
}

static void put_tcp(struct maker *m, const char *proto, const struct env_facts *f)
{
	put_end(m, proto, "LOCAL", f->local, f->local_host);
	put_end(m, proto, "REMOTE", f->remote, f->remote_host);
}

static void put_tcp6(struct maker *m, const struct env_facts *f)
{
	char ip[ADDR_TEXT_MAX];

	addr_host(f->remote, ip);
	const char *interface = strchr(ip, '%');

	put(m, "PROTO=TCP6");
	put_tcp(m, "TCP", f);
	put_tcp(m, "TCP6", f);
	if (interface)
		put(m, "TCP6INTERFACE=%s", interface + 1);
}

static void put_unix(struct maker *m, const struct env_facts *f)
{
	char path[ADDR_TEXT_MAX];

	addr_host(f->local, path);
	put(m, "PROTO=UNIX");
	put(m, "UNIXLOCALPATH=%s", path + strlen("unix:"));
	if (!f->has_creds)
		return;
	put(m, "UNIXREMOTEEUID=%u", f->uid);
	put(m, "UNIXREMOTEEGID=%u", f->gid);
	put(m, "UNIXREMOTEPID=%d", f->pid);
	put(m, "IPCREMOTEEUID=%u", f->uid);
	put(m, "IPCREMOTEEGID=%u", f->gid);
}

char *const *env_of(struct env *env, const struct env_facts *facts)
{
	struct maker m = {.env = env, .n = env->n_base};

	switch (facts->local->sa.sa_family) {
	case AF_UNIX: put_unix(&m, facts); break;
	case AF_INET6: put_tcp6(&m, facts); break;
	default: put(&m, "PROTO=TCP"); put_tcp(&m, "TCP", facts);
	}
	env->vector[m.n] = NULL;
	return env->vector;
}

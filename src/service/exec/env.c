/* SPDX-License-Identifier: MIT */

#include "service/exec/env.h"

#include "base/buf.h"
#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_NAME_MOST 255u /* bytes of a name that are passed on */

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

/* The strings of one connection as they are made. Not by printf: of all that a process made
 * for one connection would do, that touches the most memory. */
struct maker {
	struct env *env;
	size_t n;
	struct buf text;
};

/* A variable whose name comes in up to three parts, the last with the '='. */
static void put(struct maker *m, const char *proto, const char *side, const char *name,
	struct span value)
{
	char *at = m->text.p + m->text.n;

	assert(m->n < m->env->n_base + ENV_OWN_MAX);
	buf_put_str(&m->text, proto);
	buf_put_str(&m->text, side);
	buf_put_str(&m->text, name);
	buf_put_span(&m->text, value);
	buf_put_byte(&m->text, '\0');
	if (!m->text.failed) /* cannot be: names and addresses have their limits */
		m->env->vector[m->n++] = at;
}

static void put_number(struct maker *m, const char *proto, const char *side,
	const char *name, uint64_t number)
{
	char room[24];
	struct buf digits = BUF_FIXED(room);

	buf_put_u64(&digits, number);
	put(m, proto, side, name, buf_span(&digits));
}

/* One end of a TCP connection, under the names that begin with @proto and @side. */
static void put_end(struct maker *m, const char *proto, const char *side,
	const struct addr *addr, const char *host)
{
	char ip[ADDR_TEXT_MAX];
	struct span name = span_str(host ? host : "");

	addr_host(addr, ip);
	struct span all = span_str(ip);
	put(m, proto, side,
		"IP=", span_of(ip, span_find(all, '%'))); /* the interface has its own */
	put_number(m, proto, side, "PORT=", addr_port(addr));
	if (name.n)
		put(m, proto, side, "HOST=", span_of(name.p, MIN(name.n, HOST_NAME_MOST)));
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

	put(m, "PROTO=", "", "", SPAN("TCP6"));
	put_tcp(m, "TCP", f);
	put_tcp(m, "TCP6", f);
	if (interface)
		put(m, "TCP6", "", "INTERFACE=", span_str(interface + 1));
}

static void put_unix(struct maker *m, const struct env_facts *f)
{
	char path[ADDR_TEXT_MAX];

	addr_host(f->local, path);
	put(m, "PROTO=", "", "", SPAN("UNIX"));
	put(m, "UNIX", "LOCAL", "PATH=", span_str(path + strlen("unix:")));
	if (!f->has_creds)
		return;
	put_number(m, "UNIX", "REMOTE", "EUID=", f->uid);
	put_number(m, "UNIX", "REMOTE", "EGID=", f->gid);
	put_number(m, "UNIX", "REMOTE", "PID=", (uint64_t)f->pid);
	put_number(m, "IPC", "REMOTE", "EUID=", f->uid);
	put_number(m, "IPC", "REMOTE", "EGID=", f->gid);
}

char *const *env_of(struct env *env, const struct env_facts *facts)
{
	struct maker m = {
		.env = env,
		.n = env->n_base,
		.text = {.p = env->text, .cap = ENV_TEXT_MAX, .max = ENV_TEXT_MAX},
	};

	switch (facts->local->sa.sa_family) {
	case AF_UNIX: put_unix(&m, facts); break;
	case AF_INET6: put_tcp6(&m, facts); break;
	default: put(&m, "PROTO=", "", "", SPAN("TCP")); put_tcp(&m, "TCP", facts);
	}
	env->vector[m.n] = NULL;
	return env->vector;
}

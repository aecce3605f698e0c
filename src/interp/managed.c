/* SPDX-License-Identifier: MIT */

#include "interp/managed.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The numbers of a word of ours; false leaves *@out alone. */
static bool parse_ours(const char *word, struct managed *out)
{
	intmax_t pid, first, own;
	uintmax_t dev, ino;

	if (sscanf(word, "prefork1,%jd,%jd,%ju,%ju,%jd", &pid, &first, &dev, &ino, &own)
		!= 5)
		return false;
	out->ours = true;
	out->pid = (pid_t)pid;
	out->first_fd = (int)first;
	out->dev = (dev_t)dev;
	out->ino = (ino_t)ino;
	out->own_listener = (int)own;
	return true;
}

bool managed_parse(const char *text, struct managed *out)
{
	struct managed found = {.first_fd = 3, .own_listener = -1};
	intmax_t sec, nsec;
	int end = 0;

	if (sscanf(text, "v1,%jd.%9jd%*[^ ] %n", &sec, &nsec, &end) < 2)
		return false;
	const char *word = strchr(text, ' ');
	if (!word
		|| sscanf(word, " %d,%d,%d,%d", &found.listener, &found.call,
			   &found.watcher_in, &found.watcher_err)
			   != 4)
		return false;
	if (sec < 0 || sec > INT64_MAX / (intmax_t)NS_PER_SEC - 1)
		return false;
	found.started_ns = (int64_t)sec * (int64_t)NS_PER_SEC + (int64_t)nsec;
	while ((word = strchr(word + 1, ' ')))
		if (parse_ours(word + 1, &found))
			break;
	*out = found;
	return true;
}

void managed_format(const struct managed *managed, char out[MANAGED_TEXT_MAX])
{
	(void)snprintf(out, MANAGED_TEXT_MAX,
		"v1,%" PRId64 ".%09" PRId64 " %d,%d,%d,%d prefork1,%jd,%d,%ju,%ju,%d",
		managed->started_ns / (int64_t)NS_PER_SEC,
		managed->started_ns % (int64_t)NS_PER_SEC, managed->listener, managed->call,
		managed->watcher_in, managed->watcher_err, (intmax_t)managed->pid,
		managed->first_fd, (uintmax_t)managed->dev, (uintmax_t)managed->ino,
		managed->own_listener);
}

/* A unix socket of @type that listens, or does not. */
static bool is_socket(int fd, int type, int listens)
{
	int is_type = 0, is_listening = 0;
	socklen_t n = sizeof(int);
	struct sockaddr_un addr;
	socklen_t addr_n = sizeof(addr);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &is_type, &n) == 0 && is_type == type
	       && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) == 0
	       && is_listening == listens
	       && getsockname(fd, (struct sockaddr *)&addr, &addr_n) == 0
	       && addr.sun_family == AF_UNIX;
}

bool managed_is_real(const struct managed *managed)
{
	return is_socket(managed->listener, SOCK_STREAM, 1)
	       && is_socket(managed->call, SOCK_STREAM, 0)
	       && (managed->own_listener < 0
		       || is_socket(managed->own_listener, SOCK_SEQPACKET, 1));
}

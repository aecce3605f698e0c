/* SPDX-License-Identifier: MIT */

/*
 * Whatever a client sends, in whatever pieces, comes to answers or to an end of
 * the connection, and the next client is served. The folder is a real one, in
 * memory, and keeps what earlier inputs did to it.
 */

#include "one.h"

#include "base/util.h"
#include "service/drive/drive.h"
#include "service/drive/policy.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/dev/shm/fuzz_drive.XXXXXX";

static int remove_one(const char *path, const struct stat *, int, struct FTW *)
{
	return remove(path);
}

static void remove_root(void)
{
	(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct one *begin(void)
{
	static struct policy policy;
	struct opt_group group = OPT_GROUP("drive", policy_opts, &policy);

	if (!mkdtemp(root) || opt_defaults(&group, NULL) < 0
		|| opt_set(&group, SPAN("root"), span_str(root), NULL) < 0
		|| opt_set(&group, SPAN("durability"), SPAN("rename"), NULL) < 0)
		abort();
	(void)atexit(remove_root);
	return one_start(&drive_service, &policy, -1);
}

/* Reads what has come; the first bytes of all must be an answer's. */
static void receive(int client, size_t *n_received)
{
	char got[16384];
	ssize_t n;

	while ((n = recv(client, got, sizeof(got), 0)) > 0) {
		if (*n_received == 0)
			assert(n >= 9 && memcmp(got, "HTTP/1.1 ", 9) == 0);
		*n_received += (size_t)n;
	}
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct one *one;
	int ends[2];
	size_t n_received = 0;

	if (!one)
		one = begin();
	if (size < 1)
		return 0;
	size_t piece = data[0] ? data[0] : size;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		abort();
	one_give(one, ends[1]);
	for (size_t at = 1; at < size; at += piece) {
		if (send(ends[0], data + at, MIN(piece, size - at), MSG_NOSIGNAL) < 0)
			break;
		one_settle(one);
		receive(ends[0], &n_received);
	}
	(void)shutdown(ends[0], SHUT_WR);
	do
		receive(ends[0], &n_received);
	while (one_turn(one, 0) > 0);
	(void)close(ends[0]);
	one_settle(one);
	assert(one_conns(one) == 0);
	return 0;
}

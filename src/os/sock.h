/* SPDX-License-Identifier: MIT */
#pragma once

/* sock - stream sockets: listening, accepting, reading and writing. */

#include "os/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;
struct reason;

struct sock_listen_opts {
	int backlog;
	bool reuseport; /* several sockets share the address; the kernel spreads connections
			 */
	mode_t unix_mode;
	bool packets; /* a unix socket whose messages keep their bounds: SOCK_SEQPACKET */
};

/**
 * sock_listen - a listening socket at @addr (CLOEXEC, non-blocking, the caller's).
 *
 * At a unix path it replaces a socket left by a dead server, but not one that
 * still answers, and never anything that is not a socket. TCP sockets accepted
 * from it have TCP_NODELAY.
 *
 * Returns the descriptor, or -errno with @reason and nothing left behind.
 */
[[nodiscard]] int sock_listen(const struct addr *addr, const struct sock_listen_opts *opts,
	struct reason *reason);

/* Makes a socket listen no more, whoever else has it open: its address is free at once. */
void sock_refuse(int fd);

/* Closes a listening socket for good; a unix one leaves no name behind at @addr. */
void sock_unlisten(int fd, const struct addr *addr);

/* Makes a descriptor that was passed to us as one of sock_listen's. False if it is no stream
 * socket that listens. */
[[nodiscard]] bool sock_adopt_listener(int fd);

/* Whether this listener was bound with SO_REUSEADDR, as sock_listen does: what it has accepted
 * then keeps nobody from binding its address. */
bool sock_is_reusable(int fd);

/* Lets other sockets be bound to this listener's address, and the kernel spread connections
 * over all. 0 or -errno. */
[[nodiscard]] int sock_share(int fd);

/* Where @fd is bound: the port it got, if it asked for 0. */
void sock_local(int fd, struct addr *out);

/* What sock_accept returns besides a descriptor. */
enum {
	SOCK_AGAIN = -1,   /* nobody waits (or had gone when we looked) */
	SOCK_NO_ROOM = -2, /* out of descriptors or memory: stop accepting for a while */
};

/* Takes one waiting connection: its descriptor (CLOEXEC, non-blocking, yours) with *@peer,
 * or as above. */
[[nodiscard]] int sock_accept(int listener, struct addr *peer);

/* How the bytes of a peer stand, for a supervisor that must know what a dead worker had
 * read. */
struct sock_tally {
	bool known;      /* false for a socket that is not TCP: the kernel does not count */
	uint64_t n_read; /* bytes taken out of the socket by all its holders together */
	uint64_t n_sent; /* bytes put into it, on their way or acknowledged */
};
void sock_tally(int fd, struct sock_tally *out);

/* A connection (CLOEXEC, blocking, yours) to the unix socket at @path; or -errno, at once:
 * -EAGAIN where more wait already than the listener lets. */
[[nodiscard]] int sock_connect_unix(const char *path);

/* Who is at the other end of a unix connection, by the kernel's word. 0 or -errno. */
[[nodiscard]] int sock_peer_uid(int fd, uid_t *uid);

/* Whether a read, or an accept, would find something now. */
bool sock_is_readable(int fd);

/* Whether bytes wait to be read; also for a pipe. */
bool sock_has_input(int fd);

/* Sends @bytes, which must fit at once, and then FIN. Whether they went. */
bool sock_say_last(int fd, const void *bytes, size_t n);

/*
 * Drops what waits to be read, but not much more than @most bytes (not 0). Returns how many it
 * were: fewer than @most if now nothing waits; or -1 if the peer has ended.
 */
int64_t sock_discard(int fd, uint64_t most);

/* Makes reads and writes wait, for every process that holds the socket. 0 or -errno. */
[[nodiscard]] int sock_make_blocking(int fd);

/*
 * Lets the kernel ask a silent TCP peer, after @idle_s seconds and then every @idle_s / 3,
 * whether it is there; one that is not, or has closed both directions, is then known to be
 * gone. Other sockets know that anyway.
 */
void sock_keep_asking(int fd, int idle_s);

/* Who is at the other end of a unix socket. False for other sockets. */
struct sock_creds {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};
[[nodiscard]] bool sock_creds(int fd, struct sock_creds *out);

/* Ends the connection in both directions, for all who hold it. */
void sock_shut(int fd);

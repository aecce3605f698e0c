/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * conn - one connection, as the service that answers it sees it. Worker side.
 *
 * A service is called back when something happened and returns what it waits
 * for next (enum conn_want); it never blocks on the network and never closes a
 * socket. Which model brought the connection, and how many others this worker
 * holds, cannot be told from here.
 *
 * Input is read into c->in, memory that the supervisor shares: if this process
 * dies before conn_begun(), another worker is given the connection with those
 * very bytes. So until then everything that was read must still be in c->in,
 * and after it the service reads a body wherever it likes (conn_recv).
 */

#include "base/span.h"
#include "os/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;
struct worker;

/* What a callback returns: what it waits for. */
enum conn_want {
	CONN_READ,  /* call readable() when there is something to read */
	CONN_WRITE, /* call writable() when there is room to write */
	CONN_WAIT,  /* nothing but the timer (conn_timer), the peer's going away, and
		       conn_follow */
	CONN_IDLE,  /* between two requests: readable() when the next begins, here or
		       elsewhere */
	CONN_AGAIN, /* more to do at once: call writable() after the others had their turn
		     */
	CONN_CLOSE, /* done: end the connection, gracefully (see conn_linger) */
	CONN_ABORT, /* done: end it at once, unsent bytes are lost */
};

/* What conn_fill, conn_recv and the senders return besides a count of bytes (> 0). */
enum conn_io {
	CONN_IO_EOF = 0,    /* the peer will send nothing more */
	CONN_IO_AGAIN = -1, /* would block: return CONN_READ or CONN_WRITE */
	CONN_IO_GONE = -2,  /* the connection is broken: return CONN_ABORT */
	CONN_IO_FULL = -3,  /* conn_fill: c->in has no room left */
	CONN_IO_SHORT = -4, /* conn_sendfile: the file ends before it should */
};

struct conn {
	/* For the service to read. */
	struct worker *worker;
	const struct addr *peer;  /* who connected, or for whom a proxy did */
	const struct addr *local; /* to which of our addresses, or the proxy's */
	uint64_t id;              /* unique in this server's life, the same in every log */
	uint64_t accepted_ns;     /* CLOCK_MONOTONIC */
	bool proxied;             /* both are a proxy's word */
	bool resumed;             /* not its first time: it was idle, or its worker died */
	struct {
		char *p; /* bytes read and not yet consumed; only conn_consume moves them */
		size_t n;
		size_t max;
	} in;

	/* For the service to use: service_ops.conn_bytes of memory, zeroed before open().
	 */
	void *data;
};

/* Reads what has come, behind what c->in holds: the number of new bytes, or an enum
 * conn_io. */
[[nodiscard]] ssize_t conn_fill(struct conn *c);

/* Removes @n bytes from the front of c->in. */
void conn_consume(struct conn *c, size_t n);

static inline struct span conn_input(const struct conn *c)
{
	return span_of(c->in.p, c->in.n);
}

/* Reads past c->in, which must be empty, into the service's memory. After conn_begun()
 * only. */
[[nodiscard]] ssize_t conn_recv(struct conn *c, void *buf, size_t n);

/* The same, but into a pipe, which must be empty: up to @n bytes, and no more than it has room
 * for. They are not copied. */
[[nodiscard]] ssize_t conn_splice(struct conn *c, int pipe, size_t n);

/* Sends what fits of @iov. @more: another send follows at once (MSG_MORE). */
[[nodiscard]] ssize_t conn_send(
	struct conn *c, const struct iovec *iov, int n_iov, bool more);

/* Sends up to @n (> 0) bytes of file @fd from *@offset, which it moves. */
[[nodiscard]] ssize_t conn_sendfile(struct conn *c, int fd, off_t *offset, size_t n);

/**
 * conn_begun - from here on this request must not be given to another worker.
 *
 * Call it before the request's first effect. One that only reads never needs
 * it: while nothing was sent, another worker can answer it as well. A worker
 * that dies later ends this request (502 if nothing was sent yet).
 */
void conn_begun(struct conn *c);

/**
 * conn_answer - what is sent from here on is an answer of @n_answer bytes to the first @n_request
 * bytes of c->in, and the connection goes on after it.
 *
 * If this process dies when all of it was sent, the connection lives on. Leave
 * it out where any of this is not so, or not known.
 */
void conn_answer(struct conn *c, size_t n_request, uint64_t n_answer);

/* The request is answered whole; what c->in holds belongs to the next, which has not begun.
 */
void conn_settled(struct conn *c);

/* Calls timer() at @at_ns (CLOCK_MONOTONIC; 0 = never). One a connection; setting it moves
 * it. */
void conn_timer(struct conn *c, uint64_t at_ns);

/* For what happens besides the socket: goes on as if a callback had returned @want. */
void conn_follow(struct conn *c, enum conn_want want);

/**
 * conn_lend - let a program that this process is about to make have the socket.
 *
 * From here on it is the program that reads and writes; the connection stays
 * here, counted as held, until the service, which now waits with CONN_WAIT, ends
 * it: that ends it for the program too. Meanwhile service_ops.hangup is called.
 * It counts as begun, and as answered in part: nobody else can take it over.
 *
 * The socket is made blocking, for all who hold it: programs expect that. It
 * costs us nothing, because the supervisor never reads or writes a connection
 * without MSG_DONTWAIT, and the core lets go of it.
 *
 * Returns 0 with *@fd, which is borrowed; or negative: -EBUSY if bytes were read
 * already, because nobody can put them back.
 */
[[nodiscard]] int conn_lend(struct conn *c, int *fd);

/**
 * conn_linger - how long CONN_CLOSE may wait for the peer to read the answer.
 *
 * Closing with unread input makes TCP reset the connection, which can destroy
 * an answer still on its way. With a linger, CONN_CLOSE sends FIN, reads and
 * drops what still comes (up to @most_bytes), and ends at the peer's FIN or
 * after @for_ns. Without one (the default) it ends at once.
 */
void conn_linger(struct conn *c, uint64_t for_ns, uint64_t most_bytes);

/* Whether the peer has sent more than was consumed: a close without a linger would be a reset. */
bool conn_has_unread(const struct conn *c);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * place - where a server's socket, lock and notes are, and that it is safe there.
 *
 *   s<identity>  the known wire's socket     l<identity>  the lock for replacing it
 *   p<identity>  our own wire's socket       w<identity>  why the last call was cold
 *   n<identity>  "this script never says it is ready": its state when it did not
 *   h<identity>  a FIFO: the server stays while somebody has it open for writing
 *
 * In /run/user/UID/prefork, else ~/.prefork/HOST, else nowhere. Every directory
 * on the way that is ours is looked at each time: of this user, for nobody else,
 * and no symbolic link.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct args;
struct reason;

#define PLACE_IDENT_MAX 65u /* with the NUL */

struct place {
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char ident[PLACE_IDENT_MAX];
	uid_t uid; /* whose it is */
	bool compat;
};

/* Finds, and if need be makes, the directory alone, for @uid, who this process is. 0, or
 * negative with @reason. */
[[nodiscard]] int place_find(
	bool compat, uid_t uid, struct place *out, struct reason *reason);

/* Sets place->ident from what the command line covers. 0, or negative with @reason. */
[[nodiscard]] int place_identify(
	struct place *place, const struct args *args, struct reason *reason);

/* Sets place->ident to @ident, which a person or a file's name told. False if it is too long. */
[[nodiscard]] bool place_recall(struct place *place, const char *ident);

/* The address of the file of that @kind, which need not be a socket. */
void place_address(const struct place *place, char kind, struct sockaddr_un *out);

/**
 * place_connect - a connection to the socket of that @kind, whose owner is this user.
 *
 * Non-blocking, CLOEXEC, the caller's. -errno: -ENOENT and -ECONNREFUSED say
 * that nobody is there, -EAGAIN that too many wait, -EPERM that it is another's.
 */
[[nodiscard]] int place_connect(const struct place *place, char kind);

/* A listening socket, and which file its name was given. */
struct place_socket {
	int fd; /* owned */
	dev_t dev;
	ino_t ino;
};

/* Listens for the known wire where place_unlink made room. 0, or -errno with nothing made.
 */
[[nodiscard]] int place_listen(const struct place *place, struct place_socket *out);

/* Takes the lock within @patience_ms: a descriptor to close, or -errno (-ETIMEDOUT). */
[[nodiscard]] int place_lock(const struct place *place, int patience_ms);

/* Removes both sockets, and what is remembered of a plain script; the lock is held. What is
 * gone already is no error. */
void place_unlink(const struct place *place);

/* Removes both sockets if the known wire's is still that one. Takes the lock. */
void place_unlink_own(const struct place *place, const struct place_socket *own);

/**
 * place_hold - keep the server of that identity, whenever there is one, until the returned
 * descriptor and all others like it are closed; then it goes.
 *
 * Not to @make it says no more than others did: -ENOENT where nobody ever held it. The
 * descriptor is CLOEXEC and the caller's; or -errno.
 */
[[nodiscard]] int place_hold(const struct place *place, bool make);

/* Remembers why a call of @name, told with its directory, is run cold: for --status, so what
 * goes wrong here is nobody's matter. */
void place_note_why(const struct place *place, int why, const char *name);
void place_forget_why(const struct place *place);

/* Remembers, or asks, whether @script as it is now never said that it was ready. */
void place_mark_plain(const struct place *place, const char *script);
bool place_is_plain(const struct place *place, const char *script);

/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/auth.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/auth/basic.h"
#include "service/drive/auth/memo.h"
#include "service/drive/auth/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* A file that differs in none of these has not changed. */
struct version {
	uint64_t device, inode, size;
	struct statx_timestamp mtime, ctime;
	int error; /* -errno if it could not be looked at; the rest is 0 then */
};

struct auth {
	char *path;
	struct users *users;
	struct memo *memo;
	struct version seen; /* of the file that was read last, good or bad */
	uint64_t looked_ns;
};

static struct version version_of(const struct statx *st)
{
	return (struct version){
		.device = file_device(st),
		.inode = st->stx_ino,
		.size = st->stx_size,
		.mtime = st->stx_mtime,
		.ctime = st->stx_ctime,
	};
}

static bool same_time(struct statx_timestamp a, struct statx_timestamp b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size
	       && same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime)
	       && a->error == b->error;
}

/* Links are followed: the file they lead to is what is read. */
static struct version look(const char *path)
{
	struct statx st;
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_PATH, 0);
	int err = fd < 0 ? fd : file_stat(fd, "", &st);

	return err ? (struct version){.error = err} : version_of(&st);
}

static int cannot_read(const char *path, int err, struct reason *reason)
{
	errno = -err;
	return reason_errno(reason, "cannot read the users file %s", path);
}

static int read_users(const char *path, struct users **out, struct reason *reason)
{
	struct statx st;
	/* O_NONBLOCK: a FIFO in its place must not stop us. */
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	int err = fd < 0 ? fd : file_stat(fd, "", &st);

	if (err)
		return cannot_read(path, err, reason);
	if (!S_ISREG(st.stx_mode))
		return reason_set(reason, "the users file %s is not a file", path);

	char *text = malloc(USERS_FILE_MAX + 1);
	ssize_t n = text ? file_read_at(fd, text, USERS_FILE_MAX + 1, 0) : -ENOMEM;
	int rc = n < 0 ? cannot_read(path, (int)n, reason)
		       : users_parse(path, span_of(text, (size_t)n), out, reason);
	if (n > 0)
		explicit_bzero(text, (size_t)n);
	free(text);
	return rc;
}

int auth_open(const char *path, struct auth **out, struct reason *reason)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	int rc = -ENOMEM;

	if (auth && (auth->path = span_dup(span_str(path))) && (auth->memo = memo_new())) {
		auth->seen = look(path); /* before: a change meanwhile is seen as one */
		rc = read_users(path, &auth->users, reason);
	} else {
		(void)reason_set(reason, "no memory for the users of %s", path);
	}
	if (rc) {
		auth_close(auth);
		return rc;
	}
	*out = auth;
	return 0;
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	memo_free(auth->memo);
	users_free(auth->users);
	free(auth->path);
	free(auth);
}

bool auth_is_empty(const struct auth *auth)
{
	return auth->users->n == 0;
}

int auth_refresh(struct auth *auth, uint64_t now_ns, struct reason *reason)
{
	struct users *fresh = NULL;

	if (auth->looked_ns && now_ns - auth->looked_ns < AUTH_LOOK_NS)
		return 0;
	auth->looked_ns = now_ns;
	struct version version = look(auth->path);
	if (same_version(&version, &auth->seen))
		return 0;
	auth->seen = version;
	if (read_users(auth->path, &fresh, reason))
		return AUTH_KEPT;

	memo_clear(auth->memo);
	users_free(auth->users);
	auth->users = fresh;
	return AUTH_CHANGED;
}

const struct user *auth_known(struct auth *auth, struct span value, uint64_t now_ns)
{
	return memo_find(auth->memo, value, now_ns);
}

int auth_verify(
	struct auth *auth, struct span value, uint64_t now_ns, const struct user **user)
{
	struct basic basic;

	if (!basic_decode(value, &basic))
		return AUTH_MALFORMED;
	int rc = verify_password(auth->users, basic.name, basic.password, user);
	basic_wipe(&basic);
	if (rc == VERIFY_OK)
		memo_put(auth->memo, value, *user, now_ns);
	return rc == VERIFY_DENIED ? AUTH_DENIED : rc;
}

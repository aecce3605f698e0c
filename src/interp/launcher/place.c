/* SPDX-License-Identifier: MIT */

#include "interp/launcher/place.h"

#include "base/reason.h"
#include "base/util.h"
#include "interp/launcher/args.h"
#include "interp/launcher/ident.h"
#include "interp/wire.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STEP_MS \
	5 /* how long to stay away from a lock that another holds for moments */
#define IDENT_LEAST    16 /* hexadecimal digits: fewer could meet */
#define PLAIN_TEXT_MAX 160

/* Whether @dir is a directory, of this user and for no other. 0 or -errno. */
static int check_dir(const char *dir, uid_t uid)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid == uid && !(st.st_mode & 077) ? 0 : -EPERM;
}

/* The same, and makes it if it is not there. */
static int want_dir(const char *dir, uid_t uid, struct reason *reason)
{
	int bad = check_dir(dir, uid);

	if (bad == -ENOENT && (mkdir(dir, 0700) == 0 || errno == EEXIST))
		bad = check_dir(dir, uid);
	if (bad == -EPERM || bad == -ENOTDIR)
		return reason_set(
			reason, "%s is not a directory of yours with mode 0700", dir);
	errno = -bad;
	return bad ? reason_errno(reason, "cannot use %s", dir) : 0;
}

/* "<parent>/<name>" into @out; false if it does not fit. */
static bool join(struct place *out, const char *parent, const char *name)
{
	int n = snprintf(out->dir, sizeof(out->dir), "%s/%s", parent, name);

	return n > 0 && (size_t)n < sizeof(out->dir);
}

static int find_at_home(struct place *out, struct reason *reason)
{
	const char *home = getenv("HOME");
	struct utsname host;
	char parent[sizeof(out->dir)];

	if (!home || home[0] != '/' || uname(&host) < 0)
		return reason_set(
			reason, "there is neither /run/user/%u nor a HOME", out->uid);
	if (out->compat)
		host.nodename[strcspn(host.nodename, ".")] = '\0';
	if (!join(out, home, out->compat ? ".prefork-interp" : ".prefork"))
		return reason_set(reason, "the path of HOME is too long for a socket");
	if (want_dir(out->dir, out->uid, reason))
		return -EINVAL;

	memcpy(parent, out->dir, sizeof(parent));
	if (!join(out, parent, host.nodename))
		return reason_set(reason, "the path of HOME is too long for a socket");
	return want_dir(out->dir, out->uid, reason);
}

int place_find(bool compat, uid_t uid, struct place *out, struct reason *reason)
{
	const char *ours = compat ? "prefork-interp" : "prefork";
	const char *chosen = getenv("PREFORK_RUN_DIR");
	char run[64];

	*out = (struct place){.uid = uid, .compat = compat};
	if (chosen && chosen[0] == '/') {
		if (!join(out, chosen, ours))
			return reason_set(
				reason, "PREFORK_RUN_DIR is too long for a socket");
		return check_dir(chosen, uid) ? reason_set(reason,
			       "%s is not a directory of yours with mode 0700", chosen)
					      : want_dir(out->dir, out->uid, reason);
	}
	(void)snprintf(run, sizeof(run), "/run/user/%u", uid);
	if (check_dir(run, uid) == 0 && join(out, run, ours))
		return want_dir(out->dir, out->uid, reason);
	return find_at_home(out, reason);
}

/* Bytes of an identity; more than there are, if the directory leaves none. */
static size_t room_of(const struct place *place)
{
	/* 12: what the known implementation leaves for slash, kind, NUL and a suffix. */
	return sizeof(place->dir) - strlen(place->dir) - 12;
}

bool place_recall(struct place *place, const char *ident)
{
	size_t n = strlen(ident), room = room_of(place);

	if (n > room || room > sizeof(place->dir) || n >= sizeof(place->ident))
		return false;
	memcpy(place->ident, ident, n + 1);
	return true;
}

int place_identify(struct place *place, const struct args *args, struct reason *reason)
{
	size_t room = room_of(place);

	if (args->ident)
		return place_recall(place, args->ident)
			       ? 0
			       : reason_set(reason, "the identity is too long");
	if (room > sizeof(place->dir) || room < IDENT_LEAST)
		return reason_set(reason, "%s is too long for a socket's path", place->dir);
	int bad = ident_of(args, place->compat, place->ident);
	if (bad) {
		errno = -bad;
		return reason_errno(reason, "cannot find %s",
			args->script ? args->script : args->command[0]);
	}
	if (room < strlen(place->ident))
		place->ident[room] = '\0';
	return 0;
}

void place_address(const struct place *place, char kind, struct sockaddr_un *out)
{
	size_t n = strlen(place->dir);

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, place->dir, n);
	out->sun_path[n] = '/';
	out->sun_path[n + 1] = kind;
	/* place_identify saw to it that this fits */
	memcpy(out->sun_path + n + 2, place->ident, strlen(place->ident) + 1);
}

int place_connect(const struct place *place, char kind)
{
	int type = kind == 'p' ? SOCK_SEQPACKET : SOCK_STREAM;
	struct sockaddr_un addr;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	place_address(place, kind, &addr);
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0
		|| peer.uid != place->uid)
		return -EPERM;
	return fd_take(&fd);
}

int place_listen(const struct place *place, struct place_socket *out)
{
	struct sockaddr_un addr;
	struct stat st;

	place_address(place, 's', &addr);
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || fchmod(fd, 0600) < 0 /* what bind makes then has this mode */
		|| bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (listen(fd, SOMAXCONN) < 0 || lstat(addr.sun_path, &st) < 0) {
		int err = -errno;
		(void)unlink(addr.sun_path);
		return err;
	}
	*out = (struct place_socket){
		.fd = fd_take(&fd), .dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

/* Whether @fd is still what @path names. */
static bool is_current(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && lstat(path, &named) == 0
	       && open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* One try: the descriptor, -EWOULDBLOCK, or another -errno. */
static int try_lock(const char *path)
{
	AUTO_CLOSE int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return is_current(fd, path) ? fd_take(&fd) : -EWOULDBLOCK;
}

int place_lock(const struct place *place, int patience_ms)
{
	struct sockaddr_un path;
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	/* Not a waiting flock: nobody can be woken from one when a holder was stopped. */
	place_address(place, 'l', &path);
	for (int waited = 0;; waited += LOCK_STEP_MS) {
		int fd = try_lock(path.sun_path);
		if (fd != -EWOULDBLOCK)
			return fd;
		if (waited >= patience_ms)
			return -ETIMEDOUT;
		(void)nanosleep(&step, NULL);
	}
}

void place_unlink(const struct place *place)
{
	struct sockaddr_un path;

	place_address(place, 'p', &path);
	(void)unlink(path.sun_path);
	place_address(place, 's', &path);
	(void)unlink(path.sun_path);
	place_address(place, 'n', &path);
	(void)unlink(path.sun_path);
}

void place_unlink_own(const struct place *place, const struct place_socket *own)
{
	AUTO_CLOSE int lock = place_lock(place, WIRE_PATIENCE_MS);
	struct sockaddr_un path;
	struct stat st;

	place_address(place, 's', &path);
	if (lock >= 0 && lstat(path.sun_path, &st) == 0 && st.st_dev == own->dev
		&& st.st_ino == own->ino)
		place_unlink(place);
}

int place_hold(const struct place *place, bool make)
{
	struct sockaddr_un path;
	struct stat st;

	place_address(place, 'h', &path);
	if (make && mkfifo(path.sun_path, 0600) < 0 && errno != EEXIST)
		return -errno;
	/* For reading too: to open it for writing alone there would have to be a server. */
	AUTO_CLOSE int fd =
		open(path.sun_path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISFIFO(st.st_mode) ? fd_take(&fd) : -EEXIST;
}

static void write_note(const struct place *place, char kind, const char *text, size_t n)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	struct sockaddr_un path;

	place_address(place, kind, &path);
	(void)sigaction(
		SIGXFSZ, &ignore, &before); /* under ulimit -f it would be our end */
	AUTO_CLOSE int fd = open(path.sun_path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd >= 0)
		(void)!write(
			fd, text, n); /* a note that is lost costs nothing but itself */
	(void)sigaction(SIGXFSZ, &before, NULL);
}

void place_note_why(const struct place *place, int why, const char *name)
{
	char text[512], whole[PATH_MAX];
	bool is_file = access(name, F_OK) == 0 && ident_absolute(name, whole);

	int n = snprintf(text, sizeof(text), "%lld %d %s\n", (long long)time(NULL), why,
		is_file ? whole : name);

	write_note(place, 'w', text, MIN((size_t)n, sizeof(text) - 1));
}

void place_forget_why(const struct place *place)
{
	struct sockaddr_un path;

	place_address(place, 'w', &path);
	(void)unlink(path.sun_path);
}

/* What a file is now, as text; the number of bytes, 0 if there is none. */
static size_t describe(const char *script, char out[PLAIN_TEXT_MAX])
{
	struct stat st;

	if (!script || stat(script, &st) < 0)
		return 0;
	return (size_t)snprintf(out, PLAIN_TEXT_MAX,
		"%llx %llx %llx %lld.%09ld %lld.%09ld\n", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino, (unsigned long long)st.st_size,
		(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

void place_mark_plain(const struct place *place, const char *script)
{
	char text[PLAIN_TEXT_MAX];
	size_t n = describe(script, text);

	if (n > 0)
		write_note(place, 'n', text, n);
}

bool place_is_plain(const struct place *place, const char *script)
{
	struct sockaddr_un path;
	char then[PLAIN_TEXT_MAX], now[PLAIN_TEXT_MAX];

	place_address(place, 'n', &path);
	AUTO_CLOSE int fd =
		open(path.sun_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return false;
	size_t n = describe(script, now);
	return n > 0 && read(fd, then, sizeof(then)) == (ssize_t)n
	       && memcmp(then, now, n) == 0;
}

/* SPDX-License-Identifier: MIT */

#include "os/file.h"

#include "base/date.h"
#include "base/num.h"
#include "base/util.h"
#include "os/fault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define RACED_MOST  32u    /* tries; openat2(2) advises a bound */
#define PROC_FD_MAX 32u    /* "/proc/self/fd/" and ten digits */
#define COPY_PIECE  65536u /* bytes; where the kernel cannot copy by itself */

/* Younger than the C library's headers; the numbers are every architecture's but Alpha's. */
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif
#ifndef SYS_listxattrat
#define SYS_listxattrat 465
#endif

/* 0, or -errno, of a call that says no more than that. */
static int done(long result)
{
	return result < 0 ? -errno : 0;
}

int file_open(int dir, const char *name, int flags, mode_t mode)
{
	if (flags & O_CREAT)
		FAULT_STEP("create");
	long fd = TEMP_FAILURE_RETRY(openat(dir, name, flags | O_CLOEXEC, mode));

	return fd < 0 ? -errno : (int)fd;
}

/* Whether a file could be made in the directory that @path names before its last part. */
static int may_make(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? MAX((size_t)(slash - path), 1)
			 : 0; /* "/" is the directory of "/x" */

	if (n >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, n);
	dir[n] = '\0';
	return done(faccessat(AT_FDCWD, n ? dir : ".", W_OK | X_OK, AT_EACCESS));
}

int file_may_write(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? may_make(path) : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return done(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS));
}

int file_open_beneath(int dir, const char *path, int flags, unsigned not_across)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS
			   | (not_across & FILE_NO_LINKS ? RESOLVE_NO_SYMLINKS : 0)
			   | (not_across & FILE_NO_MOUNTS ? RESOLVE_NO_XDEV : 0),
	};

	/* The kernel gives up on ".." (in a link) when anything was renamed meanwhile. */
	for (unsigned tries = 0;; tries++) {
		long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EINTR && (errno != EAGAIN || tries == RACED_MOST))
			return -errno;
	}
}

int file_stat(int dir, const char *name, struct statx *out)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);

	return done(statx(
		dir, name, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, out));
}

uint64_t file_device(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

int file_make_dir(int dir, const char *name, mode_t mode)
{
	FAULT_STEP("mkdir");
	return done(mkdirat(dir, name, mode));
}

int file_unlink(int dir, const char *name)
{
	FAULT_STEP("unlink");
	return done(unlinkat(dir, name, 0));
}

int file_remove_dir(int dir, const char *name)
{
	FAULT_STEP("rmdir");
	return done(unlinkat(dir, name, AT_REMOVEDIR));
}

int file_symlink(int dir, const char *name, const char *target)
{
	FAULT_STEP("symlink");
	return done(symlinkat(target, dir, name));
}

int file_read_link(int dir, const char *name, char *buf, size_t cap)
{
	ssize_t n = readlinkat(dir, name, buf, cap);

	if (n < 0)
		return -errno;
	if ((size_t)n == cap)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int file_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	FAULT_STEP("rename");
	/* Plain renameat where no flag needs more: some file systems refuse even flags ==
	 * 0. */
	return done(flags ? renameat2(from_dir, from, to_dir, to, flags)
			  : renameat(from_dir, from, to_dir, to));
}

int file_link(int from_dir, const char *from, int to_dir, const char *to)
{
	FAULT_STEP("link");
	return done(linkat(from_dir, from, to_dir, to, 0));
}

static void proc_path(char out[PROC_FD_MAX], int fd)
{
	(void)snprintf(out, PROC_FD_MAX, "/proc/self/fd/%d", fd); /* always fits */
}

int file_link_unnamed(int fd, int to_dir, const char *to)
{
	FAULT_STEP("link");
	char path[PROC_FD_MAX];

	/* For root, and since Linux 6.10 for who opened it; everybody else goes through /proc. */
	if (linkat(fd, "", to_dir, to, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	proc_path(path, fd);
	return done(linkat(AT_FDCWD, path, to_dir, to, AT_SYMLINK_FOLLOW));
}

int file_where(int fd, char *buf, size_t cap)
{
	char path[PROC_FD_MAX];

	proc_path(path, fd);
	return file_read_link(AT_FDCWD, path, buf, cap);
}

ssize_t file_read_at(int fd, void *buf, size_t n, uint64_t offset)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = TEMP_FAILURE_RETRY(
			pread(fd, (char *)buf + at, n - at, (off_t)(offset + at)));
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		at += (size_t)got;
	}
	return (ssize_t)at;
}

ssize_t file_read_once(int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got = TEMP_FAILURE_RETRY(pread(fd, buf, n, (off_t)offset));

	return got < 0 ? -errno : got;
}

void file_forget(int fd, uint64_t offset, uint64_t n)
{
	(void)posix_fadvise(fd, (off_t)offset, (off_t)n, POSIX_FADV_DONTNEED);
}

int file_write_at(int fd, const void *buf, size_t n, uint64_t offset)
{
	FAULT_STEP("write");
	size_t at = 0;

	while (at < n) {
		ssize_t put = TEMP_FAILURE_RETRY(
			pwrite(fd, (const char *)buf + at, n - at, (off_t)(offset + at)));
		if (put < 0)
			return -errno;
		at += (size_t)put;
	}
	return 0;
}

ssize_t file_splice(int pipe, int fd, uint64_t offset, size_t n)
{
	FAULT_STEP("write");
	off64_t at = (off64_t)offset;

	ssize_t put = TEMP_FAILURE_RETRY(
		splice(pipe, NULL, fd, &at, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
	if (put == 0)
		return -EIO; /* nothing is in the pipe, and nobody will write there */
	return put < 0 ? -errno : put;
}

int file_sync(int fd)
{
	FAULT_STEP("sync");
	return done(TEMP_FAILURE_RETRY(fsync(fd)));
}

int file_sync_all(int fd)
{
	FAULT_STEP("sync");
	return done(TEMP_FAILURE_RETRY(syncfs(fd)));
}

void file_flush_early(int fd, uint64_t offset, uint64_t n)
{
	/* A write error this meets is kept by the kernel and reported by the fsync. */
	(void)sync_file_range(fd, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

int file_clone(int from, int to)
{
	FAULT_STEP("clone");
	return done(ioctl(to, FICLONE, from));
}

/* Through our memory, where copy_file_range cannot: /proc, FUSE, old kernels, two kinds of
 * disk. */
static ssize_t copy_by_hand(int from, int to, uint64_t offset, size_t n)
{
	char piece[COPY_PIECE];

	ssize_t got = file_read_at(from, piece, MIN(n, sizeof(piece)), offset);
	if (got <= 0)
		return got;

	int err = file_write_at(to, piece, (size_t)got, offset);
	return err < 0 ? err : got;
}

ssize_t file_copy_range(int from, int to, uint64_t offset, size_t n)
{
	FAULT_STEP("copy");
	off_t in = (off_t)offset, out = (off_t)offset;

	ssize_t copied = TEMP_FAILURE_RETRY(copy_file_range(from, &in, to, &out, n, 0));
	if (copied > 0)
		return copied;

	/* 0 is the end, or a file whose size lies (/proc): a read tells which. */
	if (copied == 0 || errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS
		|| errno == EINVAL)
		return copy_by_hand(from, to, offset, n);
	return -errno;
}

int file_set_mtime(int fd, int64_t mtime_ns)
{
	FAULT_STEP("time");
	const int64_t second = (int64_t)NS_PER_SEC;
	struct timespec times[] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = date_sec(mtime_ns),
			/* before 1970 they still count forward */
			.tv_nsec = (mtime_ns % second + second) % second}};
	return done(futimens(fd, times));
}

int file_set_mode(int fd, mode_t mode)
{
	FAULT_STEP("mode");
	return done(fchmod(fd, mode));
}

int file_set_owner(int fd, uid_t uid, gid_t gid)
{
	FAULT_STEP("owner");
	return done(fchown(fd, uid, gid));
}

int file_lock(int fd, int how)
{
	return done(TEMP_FAILURE_RETRY(flock(fd, how)));
}

ssize_t file_attr_get(int fd, const char *name, void *buf, size_t cap)
{
	ssize_t n = fgetxattr(fd, name, buf, cap);

	return n < 0 ? -errno : n;
}

struct attr_room { /* the kernel's struct xattr_args */
	uint64_t value;
	uint32_t size, flags;
};

/* By way of /proc, which costs three times as much. */
static ssize_t attr_by_path(
	int dir, const char *name, const char *attr, void *buf, size_t cap)
{
	char path[PROC_FD_MAX + NAME_MAX + 2];

	proc_path(path, dir);
	size_t n = strlen(path), n_name = strlen(name);
	if (n + n_name + 2 > sizeof(path))
		return -ENAMETOOLONG;
	path[n] = '/';
	memcpy(path + n + 1, name, n_name + 1);
	ssize_t got = lgetxattr(path, attr, buf, cap);
	return got < 0 ? -errno : got;
}

ssize_t file_attr_get_at(int dir, const char *name, const char *attr, void *buf, size_t cap)
{
	struct attr_room room = {.value = (uintptr_t)buf, .size = (uint32_t)cap};

	long got = syscall(
		SYS_getxattrat, dir, name, AT_SYMLINK_NOFOLLOW, attr, &room, sizeof(room));
	if (got < 0 && errno == ENOSYS)
		return attr_by_path(dir, name, attr, buf, cap);
	return got < 0 ? -errno : got;
}

ssize_t file_attr_list(int fd, char *buf, size_t cap)
{
	ssize_t n = flistxattr(fd, buf, cap);

	return n < 0 ? -errno : n;
}

ssize_t file_attr_list_at(int dir, const char *name, char *buf, size_t cap)
{
	ssize_t n = syscall(SYS_listxattrat, dir, name, AT_SYMLINK_NOFOLLOW, buf, cap);

	return n < 0 ? -errno : n;
}

int file_attr_set(int fd, const char *name, const void *value, size_t n, int flags)
{
	FAULT_STEP("attribute");
	return done(fsetxattr(fd, name, value, n, flags));
}

int file_attr_remove(int fd, const char *name)
{
	FAULT_STEP("attribute");
	return done(fremovexattr(fd, name));
}

ssize_t file_entries(int dir, void *buf, size_t cap)
{
	ssize_t n = getdents64(dir, buf, cap);

	return n < 0 ? -errno : n;
}

int file_space(int fd, struct file_space *out)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) < 0)
		return -errno;

	*out = (struct file_space){
		.total_bytes = vfs.f_blocks * vfs.f_frsize,
		.free_bytes = vfs.f_bfree * vfs.f_frsize,
		.available_bytes = vfs.f_bavail * vfs.f_frsize,
	};
	return 0;
}

void file_unique(char out[FILE_UNIQUE_MAX])
{
	uint64_t random = 0;

	/* Eight bytes come whole and cannot fail once the machine has booted
	 * (getrandom(2)). */
	ssize_t n = TEMP_FAILURE_RETRY(getrandom(&random, sizeof(random), 0));
	assert(n == sizeof(random));
	*num_put_hex_full(out, random) = '\0';
}

int64_t file_clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(
		CLOCK_REALTIME_COARSE, &now); /* fails for unknown clocks only */
	return now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

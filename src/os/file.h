/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * file - the system calls on files and directories, one function each.
 *
 * Every descriptor is CLOEXEC and the caller's. Every name is relative to the
 * directory @dir. Where nothing else is said a function returns 0 (or the
 * descriptor, or a count) and otherwise -errno with nothing changed. Calls a
 * signal interrupted are made again.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* openat(2). */
[[nodiscard]] int file_open(int dir, const char *name, int flags, mode_t mode);

/* Whether file_open could write to a file at @path, or make it there: 0 or -errno. By the
 * rights of this process, and nothing is opened or made. */
[[nodiscard]] int file_may_write(const char *path);

/* What file_open_beneath must not meet on the way; RESOLVE_BENEATH is always meant. */
enum {
	FILE_NO_LINKS = 1 << 0,  /* any symbolic link: -ELOOP */
	FILE_NO_MOUNTS = 1 << 1, /* another mount: -EXDEV */
};

/**
 * file_open_beneath - openat2(2) that never leaves the tree under @dir.
 *
 * -EXDEV where the path leads out of it, -EAGAIN where renames kept getting
 * in the way of being sure.
 */
[[nodiscard]] int file_open_beneath(
	int dir, const char *path, int flags, unsigned not_across);

/* statx(2) of everything cheap; an empty @name means @dir itself. Last links are not
 * followed. */
[[nodiscard]] int file_stat(int dir, const char *name, struct statx *out);

/* The device a file is on, as one number. */
uint64_t file_device(const struct statx *st);

[[nodiscard]] int file_make_dir(int dir, const char *name, mode_t mode);
[[nodiscard]] int file_unlink(int dir, const char *name);
[[nodiscard]] int file_remove_dir(int dir, const char *name);
[[nodiscard]] int file_symlink(int dir, const char *name, const char *target);

/* Reads a symbolic link into @buf and ends it with a NUL; -ENAMETOOLONG if it does not fit.
 */
[[nodiscard]] int file_read_link(int dir, const char *name, char *buf, size_t cap);

/* renameat2(2); @flags are RENAME_*. Without any it replaces, as rename(2) does. */
[[nodiscard]] int file_rename(
	int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* link(2): exactly one of any number of callers gets @to; the others -EEXIST. */
[[nodiscard]] int file_link(int from_dir, const char *from, int to_dir, const char *to);

/* Gives an O_TMPFILE its first name. Needs /proc, but on newer kernels. */
[[nodiscard]] int file_link_unnamed(int fd, int to_dir, const char *to);

/* Where @fd lies, by the kernel's reckoning: an absolute path, cut never. Needs /proc. */
[[nodiscard]] int file_where(int fd, char *buf, size_t cap);

/* Reads @n bytes from @offset; fewer only at the end of the file. Returns how many. */
[[nodiscard]] ssize_t file_read_at(int fd, void *buf, size_t n, uint64_t offset);

/* One pread(2), which may give fewer: for O_DIRECT, where a second one would start in the
 * middle of a block. */
[[nodiscard]] ssize_t file_read_once(int fd, void *buf, size_t n, uint64_t offset);

/* Tells the kernel that it need not remember a range that has been read: a hint, so no
 * result. */
void file_forget(int fd, uint64_t offset, uint64_t n);

/* Writes all of @n bytes at @offset. On an error any number of them may have been written.
 */
[[nodiscard]] int file_write_at(int fd, const void *buf, size_t n, uint64_t offset);

/**
 * file_splice - move up to @n bytes, that are in a pipe, into a file at @offset, past our
 * memory.
 *
 * Returns how many (> 0). What did not go is in the pipe still, also after -ENOSPC;
 * -EINVAL where the file system cannot.
 */
[[nodiscard]] ssize_t file_splice(int pipe, int fd, uint64_t offset, size_t n);

[[nodiscard]] int file_sync(
	int fd); /* fsync(2): contents and what is needed to find them */

[[nodiscard]] int file_sync_all(int fd); /* syncfs(2): the whole file system @fd is on */

/* Begins to write dirty pages of a range back and waits for none: a hint, so no result. */
void file_flush_early(int fd, uint64_t offset, uint64_t n);

/* Shares @from's blocks with the empty @to. -EOPNOTSUPP, -EXDEV and others: copy instead.
 */
[[nodiscard]] int file_clone(int from, int to);

/**
 * file_copy_range - copy up to @n bytes at @offset from file to file, in the kernel if it
 * can.
 *
 * Returns how many; 0 at the end of @from.
 */
[[nodiscard]] ssize_t file_copy_range(int from, int to, uint64_t offset, size_t n);

[[nodiscard]] int file_set_mtime(int fd, int64_t mtime_ns);
[[nodiscard]] int file_set_mode(int fd, mode_t mode);
[[nodiscard]] int file_set_owner(int fd, uid_t uid, gid_t gid);

/* flock(2) with LOCK_SH, LOCK_EX or LOCK_UN, waiting; with LOCK_NB too, -EWOULDBLOCK
 * instead. */
[[nodiscard]] int file_lock(int fd, int how);

/* Extended attributes of an open file. The counts are bytes; @cap 0 asks how many. */
[[nodiscard]] ssize_t file_attr_get(int fd, const char *name, void *buf, size_t cap);
/* Of the entry @name of @dir, a link itself and not what it leads to. Needs /proc, but on
 * newer kernels. */
[[nodiscard]] ssize_t file_attr_get_at(
	int dir, const char *name, const char *attr, void *buf, size_t cap);
[[nodiscard]] ssize_t file_attr_list(int fd, char *buf, size_t cap);
/* Of the entry @name of @dir, a link itself. -ENOSYS before Linux 6.13. */
[[nodiscard]] ssize_t file_attr_list_at(int dir, const char *name, char *buf, size_t cap);
[[nodiscard]] int file_attr_set(
	int fd, const char *name, const void *value, size_t n, int flags);
[[nodiscard]] int file_attr_remove(int fd, const char *name);

/**
 * file_entries - the next directory entries into @buf (aligned for struct dirent64).
 *
 * Returns how many bytes they take; each is d_reclen long. 0 at the end.
 */
[[nodiscard]] ssize_t file_entries(int dir, void *buf, size_t cap);

struct file_space {
	uint64_t total_bytes;
	uint64_t free_bytes;      /* not used by anybody */
	uint64_t available_bytes; /* of them, for us */
};

[[nodiscard]] int file_space(int fd, struct file_space *out);

#define FILE_UNIQUE_MAX 17u /* bytes, with the NUL */

/* Sixteen random hex digits: a name for something temporary that no other machine will
 * choose. */
void file_unique(char out[FILE_UNIQUE_MAX]);

/* The clock that file times are taken from: CLOCK_REALTIME as of the last tick. */
int64_t file_clock_ns(void);

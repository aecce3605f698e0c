/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * out - descriptors for logs: what is written there never makes the writer wait.
 *
 * (A regular file can still take as long as its disk does.) SIGPIPE is expected
 * to be blocked or ignored: a reader that went away is -EPIPE.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens a file to append to, and makes it (mode 0640). The descriptor, or -errno. */
[[nodiscard]] int out_open_file(const char *path);

/**
 * out_open_fd - a descriptor of our own for what @fd leads to.
 *
 * Opened anew where the kernel lets us: O_NONBLOCK on @fd itself would also be
 * set for the shell we were started from. A file is appended to from now on by
 * @fd too, and so by that shell: or what they write would come to lie upon what
 * was written here. Returns it, or -errno.
 */
[[nodiscard]] int out_open_fd(int fd);

/* Writes what there is room for: how many bytes; -EAGAIN if for none; or -errno. */
[[nodiscard]] ssize_t out_write(int fd, const void *bytes, size_t n);

/* Waits at most @most_ms for room. False if there is none, or never will be. */
bool out_wait(int fd, int most_ms);

/* It is the stream to systemd's journal that JOURNAL_STREAM names. */
bool out_is_journal(int fd);

bool out_is_file(int fd);

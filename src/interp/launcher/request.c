/* SPDX-License-Identifier: MIT */

#include "interp/launcher/request.h"

#include "interp/launcher/args.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIGNALS \
	64 /* of the kernel; libc keeps two for itself, and would not tell about them */

static bool is_told(const char *entry)
{
	return strncmp(entry, "PREFORK_INTERP=", 15) != 0;
}

/* getdents64's record, which musl shows only through readdir and its buffer. */
struct entry {
	uint64_t ino;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* What came over exec is open across exec; everything the launcher opens is not. */
static bool is_callers(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

/*
 * The caller's descriptors into @out, where no number was left out: open are the first
 * few, and the kernel tells (since 6.2; before, 0) that there are no more. To have
 * them listed costs three times as much, as each gets an inode. How many, or -1.
 */
static int list_first_fds(int *out, int most)
{
	struct stat st;
	int fd = 0, n = 0;

	for (int flags; (flags = fcntl(fd, F_GETFD)) >= 0; fd++) {
		if (flags & FD_CLOEXEC)
			continue;
		if (n == most)
			return -1;
		out[n++] = fd;
	}
	return stat("/proc/self/fd", &st) == 0 && st.st_size == fd ? n : -1;
}

/* The caller's descriptors into @out, ascending as /proc lists them: how many, or -1. */
static int list_fds(int *out, int most)
{
	alignas(struct entry) char buf[1024];
	int n = list_first_fds(out, most);

	if (n >= 0)
		return n;
	AUTO_CLOSE int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	n = 0;
	for (;;) {
		long got = syscall(SYS_getdents64, dir, buf, sizeof(buf));
		if (got <= 0)
			return got == 0 ? n : -1;
		for (long at = 0; at < got; at += ((struct entry *)(buf + at))->bytes) {
			const struct entry *entry = (const void *)(buf + at);
			int fd = entry->name[0] == '.' ? -1
						       : (int)strtol(entry->name, NULL, 10);
			if (fd < 0 || !is_callers(fd))
				continue;
			if (n == most)
				return -1;
			out[n++] = fd;
		}
	}
}

/* The kernel's own question, so that no signal is left out: 64 of them take 9 us, to read
 * /proc/self/status 12 to 18. */
static uint64_t ignored_signals(void)
{
	uint64_t ignored = 0;

	for (int sig = 1; sig <= SIGNALS; sig++) {
		uintptr_t action[8] = {
			0}; /* the kernel's struct sigaction: the handler is first */
		if (syscall(SYS_rt_sigaction, sig, NULL, action, SIGNALS / 8) == 0
			&& action[0] == (uintptr_t)SIG_IGN)
			ignored |= 1ull << (sig - 1);
	}
	return ignored;
}

static uint64_t mask_bits(const sigset_t *mask)
{
	uint64_t bits;

	memcpy(&bits, mask, sizeof(bits)); /* libc's set begins with the kernel's */
	return bits;
}

static void put_state(struct wire_call *call, const sigset_t *mask)
{
	mode_t mode = umask(0);

	(void)umask(mode);
	call->umask = mode;
	call->nice = getpriority(PRIO_PROCESS, 0);
	call->blocked = mask_bits(mask);
	call->ignored = ignored_signals();
	for (int i = 0; i < (int)WIRE_LIMITS; i++) {
		struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
		(void)getrlimit(i, &limit);
		call->limits[i] = (struct wire_limit){limit.rlim_cur, limit.rlim_max};
	}
}

static size_t text_size(const struct args *args, const char *script)
{
	size_t n = strlen(args->command[0]) + strlen(script) + 2;

	for (char **at = args->args; *at; at++)
		n += strlen(*at) + 1;
	for (char **at = environ; *at; at++)
		n += is_told(*at) ? strlen(*at) + 1 : 0;
	return n;
}

/* Puts @text with its NUL; returns where the next goes. */
static char *put_string(char *to, const char *text)
{
	return stpcpy(to, text) + 1;
}

static void put_text(
	char *to, const struct args *args, const char *script, struct wire_call *call)
{
	to = put_string(put_string(to, args->command[0]), script);
	for (char **at = args->args; *at; at++, call->n_args++)
		to = put_string(to, *at);
	for (char **at = environ; *at; at++) {
		if (!is_told(*at))
			continue;
		to = put_string(to, *at);
		call->n_env++;
	}
}

static int add_own(struct request *request, int fd, uint32_t what)
{
	if (fd < 0)
		return -errno;
	request->fds[request->n_fds++] = fd;
	request->n_own++;
	request->call.note.flags |= what;
	return 0;
}

/* A file of @n bytes for text that is too long for a message; *@where to write it. */
static int open_text(size_t n, char **where)
{
	AUTO_CLOSE int fd = memfd_create("prefork-interp", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)n) < 0)
		return -1;
	*where = mmap(NULL, n, PROT_WRITE, MAP_SHARED, fd, 0);
	return *where == MAP_FAILED ? -1 : fd_take(&fd);
}

/* Behind the fixed part: numbers, groups, text. */
static int put_lists(struct request *request, const struct args *args, const int *numbers)
{
	struct wire_call *call = &request->call;
	const char *script = args->script ? args->script : "";
	char *at = request->bytes + sizeof(*call);

	memcpy(at, numbers, call->n_fds * sizeof(*numbers));
	at += call->n_fds * sizeof(*numbers);
	int n_groups = getgroups((int)WIRE_GROUPS_MAX, (gid_t *)(void *)at);
	if (n_groups < 0)
		return WIRE_WHY_TOO_BIG;
	call->n_groups = (uint32_t)n_groups;
	at += (size_t)n_groups * sizeof(gid_t);

	size_t n = text_size(args, script);
	if (n > WIRE_TEXT_MAX)
		return WIRE_WHY_TOO_BIG;
	call->text_bytes = (uint32_t)n;
	bool fits = n <= (size_t)(request->bytes + sizeof(request->bytes) - at);
	request->n_bytes = (size_t)(at - request->bytes) + (fits ? n : 0);
	if (!fits && add_own(request, open_text(n, &at), WIRE_HAS_TEXT) < 0)
		return WIRE_WHY_TOO_BIG;
	put_text(at, args, script, call);
	return 0;
}

int request_build(struct request *request, const struct args *args, const sigset_t *mask)
{
	int numbers[WIRE_FDS_MAX];
	int n = list_fds(numbers, (int)WIRE_FDS_MAX);

	request->n_fds = request->n_own = 0;
	if (n < 0)
		return WIRE_WHY_TOO_BIG;
	memset(&request->call, 0, sizeof(request->call));
	request->call.note = (struct wire_note){
		.magic = WIRE_MAGIC,
		.type = WIRE_CALL,
		.flags = WIRE_HAS_STATE,
	};
	request->call.n_fds = (uint32_t)n;

	int bad =
		add_own(request, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), WIRE_HAS_CWD);
	if (!bad) {
		put_state(&request->call, mask);
		bad = put_lists(request, args, numbers);
	}
	if (bad) {
		request_end(request);
		return bad;
	}
	memcpy(request->fds + request->n_fds, numbers, (size_t)n * sizeof(*numbers));
	request->n_fds += (size_t)n;
	return 0;
}

void request_end(struct request *request)
{
	for (size_t i = 0; i < request->n_own; i++)
		(void)close(request->fds[i]);
	request->n_own = 0;
}

void request_let_go(const int *numbers, size_t n)
{
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (numbers[i] != STDERR_FILENO || fstat(STDERR_FILENO, &st) < 0
			|| S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
			(void)close(numbers[i]);
}

bool request_in_background(void)
{
	pid_t foreground;

	return ioctl(STDIN_FILENO, TIOCGPGRP, &foreground) == 0 && foreground != getpgrp();
}

bool request_has_terminal(void)
{
	AUTO_CLOSE int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

char *request_v1_text(const struct args *args, size_t *n_bytes)
{
	char *text = malloc(text_size(args, "") + 1);
	char *to = text;

	if (!text)
		return NULL;
	for (char **at = environ; *at; at++)
		if (is_told(*at))
			to = put_string(to, *at);
	to = put_string(to, "");
	for (char **at = args->args; *at; at++)
		to = put_string(to, *at);
	*n_bytes = (size_t)(to - text);
	return text;
}

/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/latch.h"
#include "os/pipe.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each test works in a directory of its own; the state is its descriptor. */
struct scratch {
	char path[32];
	int dir;
};

static int setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	assert_non_null(scratch);
	memcpy(scratch->path, "/var/tmp/file.XXXXXX", 21);
	assert_non_null(mkdtemp(scratch->path));
	scratch->dir = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->dir >= 0);
	*state = scratch;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *scratch = *state;
	static const char *const names[] = {"a", "b", "link", "d/x"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(scratch->dir, names[i], 0);
	(void)unlinkat(scratch->dir, "d", AT_REMOVEDIR);
	assert_int_equal(rmdir(scratch->path), 0);
	(void)close(scratch->dir);
	free(scratch);
	return 0;
}

static int make(const struct scratch *scratch, const char *name, const char *text)
{
	int fd = file_open(scratch->dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_at(fd, text, strlen(text), 0), 0);
	return fd;
}

static void a_path_beneath_cannot_leave_and_descriptors_are_cloexec(void **state)
{
	struct scratch *scratch = *state;

	AUTO_CLOSE int a = make(scratch, "a", "1");
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_make_dir(scratch->dir, "d", 0700), 0);
	assert_int_equal(file_symlink(scratch->dir, "d/x", "../a"), 0);
	assert_int_equal(file_symlink(scratch->dir, "link", "/etc"), 0);

	AUTO_CLOSE int inside = file_open_beneath(scratch->dir, "d/x", O_RDONLY, 0);
	assert_true(inside >= 0);
	assert_true(fcntl(inside, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(
		file_open_beneath(scratch->dir, "d/x", O_RDONLY, FILE_NO_LINKS), -ELOOP);
	assert_int_equal(file_open_beneath(scratch->dir, "link", O_RDONLY, 0), -EXDEV);
	assert_int_equal(file_open_beneath(scratch->dir, "..", O_RDONLY, 0), -EXDEV);
	assert_int_equal(file_open_beneath(scratch->dir, "/etc", O_RDONLY, 0), -EXDEV);
	assert_int_equal(file_open_beneath(scratch->dir, "none", O_RDONLY, 0), -ENOENT);
}

static void a_time_before_1970_and_one_after_are_kept_to_the_nanosecond(void **state)
{
	AUTO_CLOSE int a = make(*state, "a", "");
	static const int64_t times[] = {
		0, 1, -1, -1'000'000'001, 1'700'000'000'123'456'789};
	struct statx st;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		assert_int_equal(file_set_mtime(a, times[i]), 0);
		assert_int_equal(file_stat(a, "", &st), 0);
		assert_true(st.stx_mtime.tv_sec * (int64_t)NS_PER_SEC + st.stx_mtime.tv_nsec
			    == times[i]);
	}
}

static void a_read_stops_at_the_end_and_a_copy_is_exact(void **state)
{
	struct scratch *scratch = *state;
	AUTO_CLOSE int a = make(scratch, "a", "0123456789");
	AUTO_CLOSE int b = make(scratch, "b", "");
	char got[32];

	assert_int_equal(file_read_at(a, got, sizeof(got), 4), 6);
	assert_memory_equal(got, "456789", 6);
	assert_int_equal(file_read_at(a, got, sizeof(got), 40), 0);

	assert_int_equal(file_copy_range(a, b, 0, 4), 4);
	assert_int_equal(file_copy_range(a, b, 4, 100), 6);
	assert_int_equal(file_copy_range(a, b, 10, 100), 0);
	assert_int_equal(file_read_at(b, got, sizeof(got), 0), 10);
	assert_memory_equal(got, "0123456789", 10);

	/* /proc says its files are empty, and the kernel copies nothing of them. */
	AUTO_CLOSE int lies = file_open(AT_FDCWD, "/proc/self/stat", O_RDONLY, 0);
	assert_true(file_copy_range(lies, b, 0, 4096) > 10);
}

static void a_name_is_won_once_and_an_unnamed_file_gets_one(void **state)
{
	struct scratch *scratch = *state;
	char where[64];
	AUTO_CLOSE int a = make(scratch, "a", "1");

	assert_int_equal(file_link(scratch->dir, "a", scratch->dir, "b"), 0);
	assert_int_equal(file_link(scratch->dir, "a", scratch->dir, "b"), -EEXIST);
	assert_int_equal(file_where(a, where, sizeof(where)), 0);
	assert_int_equal(strncmp(where, scratch->path, strlen(scratch->path)), 0);
	assert_string_equal(where + strlen(scratch->path), "/a");
	assert_int_equal(file_where(a, where, 10), -ENAMETOOLONG);

	AUTO_CLOSE int unnamed = file_open(scratch->dir, ".", O_RDWR | O_TMPFILE, 0600);
	if (unnamed < 0) {
		print_message("# SKIPPED in part: no O_TMPFILE here\n");
		return;
	}
	assert_int_equal(file_link_unnamed(unnamed, scratch->dir, "a"), -EEXIST);
	assert_int_equal(file_link_unnamed(unnamed, scratch->dir, "link"), 0);
	assert_int_equal(file_unlink(scratch->dir, "link"), 0);
	assert_int_equal(file_unlink(scratch->dir, "link"), -ENOENT);
}

static void a_lock_is_the_open_files_and_is_refused_rather_than_waited_for(void **state)
{
	struct scratch *scratch = *state;
	AUTO_CLOSE int mine = make(scratch, "a", "");
	AUTO_CLOSE int other = file_open(scratch->dir, "a", O_RDONLY, 0);

	assert_int_equal(file_lock(mine, LOCK_EX), 0);
	assert_int_equal(file_lock(other, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	fd_close(&mine);
	assert_int_equal(file_lock(other, LOCK_EX | LOCK_NB), 0);
}

static int lock_in_child(struct latch *latch, int how)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(-latch_lock(latch, how));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void a_latch_keeps_out_a_child_that_was_forked_while_it_was_locked(void **state)
{
	struct scratch *scratch = *state;
	struct latch latch = latch_at(scratch->dir, "a");

	assert_int_equal(latch_lock(&latch, LOCK_EX), 0);
	assert_int_equal(lock_in_child(&latch, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	assert_int_equal(lock_in_child(&latch, LOCK_SH | LOCK_NB), -EWOULDBLOCK);
	latch_unlock(&latch);
	assert_int_equal(lock_in_child(&latch, LOCK_EX | LOCK_NB), 0);
	latch_fini(&latch);
}

/* What F_OFD_GETLK says stands in the way of locking @byte of the file: F_UNLCK for nothing. */
static int in_the_way(int fd, uint64_t byte, short type)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

	assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
	return lock.l_type;
}

static void bytes_of_a_latch_are_locked_one_by_one(void **state)
{
	struct scratch *scratch = *state;
	const uint64_t first = 0, last = INT64_MAX;
	struct latch latch = latch_at(scratch->dir, "a");

	assert_int_equal(latch_lock_byte(&latch, first, true), 0);
	assert_int_equal(latch_lock_byte(&latch, last, false), 0);
	AUTO_CLOSE int other = file_open(scratch->dir, "a", O_RDWR, 0);
	assert_int_equal(in_the_way(other, first, F_RDLCK), F_WRLCK);
	assert_int_equal(in_the_way(other, first + 1, F_WRLCK), F_UNLCK);
	assert_int_equal(in_the_way(other, last, F_WRLCK), F_RDLCK);
	assert_int_equal(in_the_way(other, last, F_RDLCK), F_UNLCK);

	latch_unlock_byte(&latch, first);
	assert_int_equal(in_the_way(other, first, F_WRLCK), F_UNLCK);
	assert_int_equal(in_the_way(other, last, F_WRLCK), F_RDLCK);
	latch_fini(&latch);
	assert_int_equal(in_the_way(other, last, F_WRLCK), F_UNLCK);
}

static void attributes_are_listed_by_name_where_the_kernel_can(void **state)
{
	struct scratch *scratch = *state;
	AUTO_CLOSE int fd = make(scratch, "a", "");
	char names[64];

	ssize_t n = file_attr_list_at(scratch->dir, "a", names, sizeof(names));
	if (n == -ENOSYS)
		skip();
	assert_int_equal(n, 0);
	assert_int_equal(file_attr_set(fd, "user.x", "1", 1, 0), 0);
	assert_int_equal(file_attr_list_at(scratch->dir, "a", names, sizeof(names)), 7);
	assert_string_equal(names, "user.x");
	assert_int_equal(
		file_attr_list_at(scratch->dir, "b", names, sizeof(names)), -ENOENT);
}

static void what_a_pipe_holds_goes_into_a_file_and_the_rest_stays(void **state)
{
	const struct scratch *scratch = *state;
	static char sent[300 << 10], got[sizeof(sent)];
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int in = -1;
	int n_left;

	AUTO_CLOSE int fd = make(scratch, "a", "0123456789");
	assert_int_equal(pipe_open_large(1 << 20, &out, &in), 0);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i / 7);
	assert_int_equal(write(in, sent, sizeof(sent)), sizeof(sent));

	assert_int_equal(file_splice(out, fd, 4, 3), 3);
	assert_int_equal(ioctl(out, FIONREAD, &n_left), 0);
	assert_int_equal(n_left, sizeof(sent) - 3);
	for (size_t at = 3; at < sizeof(sent);) {
		ssize_t n = file_splice(out, fd, 4 + at, sizeof(sent) - at);
		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_int_equal(file_splice(out, fd, 0, 1), -EAGAIN);
	fd_close(&in);
	assert_int_equal(file_splice(out, fd, 0, 1), -EIO);

	assert_int_equal(file_read_at(fd, got, 4, 0), 4);
	assert_memory_equal(got, "0123", 4);
	assert_int_equal(file_read_at(fd, got, sizeof(got), 4), sizeof(got));
	assert_memory_equal(got, sent, sizeof(got));
}

static void unique_names_differ(void **state)
{
	(void)state;
	char a[FILE_UNIQUE_MAX], b[FILE_UNIQUE_MAX];

	file_unique(a);
	file_unique(b);
	assert_int_equal(strlen(a), FILE_UNIQUE_MAX - 1);
	assert_string_not_equal(a, b);
}

/* clang-format off */
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
/* clang-format on */

/* Makes a system call that is not there, as on an older kernel. */
static bool forbid_getxattrat(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 464, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {ARRAY_LEN(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
	       && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* Whether "a" has the attribute and "b" and "link" have none. */
static bool reads_attributes_by_name(const struct scratch *scratch)
{
	char value[8];

	return file_attr_get_at(scratch->dir, "a", "user.x", value, sizeof(value)) == 2
	       && memcmp(value, "42", 2) == 0
	       && file_attr_get_at(scratch->dir, "b", "user.x", value, sizeof(value))
			  == -ENODATA
	       && file_attr_get_at(scratch->dir, "gone", "user.x", value, sizeof(value))
			  == -ENOENT
	       && file_attr_get_at(scratch->dir, "a", "user.x", value, 1) == -ERANGE
	       && file_attr_get_at(scratch->dir, "link", "user.x", value, sizeof(value))
			  < 0;
}

static void attributes_are_read_by_name_on_any_kernel(void **state)
{
	const struct scratch *scratch = *state;
	int status;

	AUTO_CLOSE int a = file_open(scratch->dir, "a", O_RDWR | O_CREAT, 0600);
	AUTO_CLOSE int b = file_open(scratch->dir, "b", O_RDWR | O_CREAT, 0600);
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(file_symlink(scratch->dir, "link", "a"), 0);
	assert_int_equal(file_attr_set(a, "user.x", "42", 2, 0), 0);
	assert_true(reads_attributes_by_name(scratch));

	pid_t pid = fork();
	if (pid == 0 && !forbid_getxattrat())
		_exit(2);
	if (pid == 0)
		_exit(!reads_attributes_by_name(scratch));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		print_message("# SKIPPED: no seccomp here\n");
	else
		assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(a_path_beneath_cannot_leave_and_descriptors_are_cloexec),
		IN_SCRATCH(a_time_before_1970_and_one_after_are_kept_to_the_nanosecond),
		IN_SCRATCH(a_read_stops_at_the_end_and_a_copy_is_exact),
		IN_SCRATCH(a_name_is_won_once_and_an_unnamed_file_gets_one),
		IN_SCRATCH(a_lock_is_the_open_files_and_is_refused_rather_than_waited_for),
		IN_SCRATCH(a_latch_keeps_out_a_child_that_was_forked_while_it_was_locked),
		IN_SCRATCH(bytes_of_a_latch_are_locked_one_by_one),
		IN_SCRATCH(attributes_are_listed_by_name_where_the_kernel_can),
		IN_SCRATCH(attributes_are_read_by_name_on_any_kernel),
		IN_SCRATCH(what_a_pipe_holds_goes_into_a_file_and_the_rest_stays),
		cmocka_unit_test(unique_names_differ),
	};
	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}

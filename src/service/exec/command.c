/* SPDX-License-Identifier: MIT */

#include "service/exec/command.h"

#include "base/buf.h"
#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* @path, absolute: a program may begin in another directory. False if it is too long. */
static bool make_absolute(struct span path, char out[PATH_MAX])
{
	char here[PATH_MAX] = "";

	if (path.p[0] != '/' && !getcwd(here, sizeof(here)))
		return false;
	return snprintf(out, PATH_MAX, "%s%s%.*s", here, here[0] ? "/" : "", SPAN_FMT(path))
	       < PATH_MAX;
}

/* For a script: that the program its first line names is there. */
static int look_at_interpreter(const char *path, struct reason *reason)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	char first[256]; /* the kernel reads no more (BINPRM_BUF_SIZE) */

	ssize_t n = fd < 0 ? 0 : file_read_at(fd, first, sizeof(first) - 1, 0);
	if (n < 2 || memcmp(first, "#!", 2) != 0)
		return 0; /* or it may be run and not read: then execve will tell */
	first[n] = '\0';
	char *name = first + 2 + strspn(first + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	if (access(name, X_OK) == 0)
		return 0;
	return reason_errno(
		reason, "cannot run \"%.200s\": its interpreter %.100s", path, name);
}

/* 0, or -1 with errno. */
static int look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES; /* what execve would say */
		return -1;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

static int find_in_path(const char *name, char out[PATH_MAX], struct reason *reason)
{
	const char *path = getenv("PATH");
	struct span rest = span_str(path ? path : "/usr/bin:/bin"), dir;

	while (span_cut(&rest, ':', &dir)) {
		AUTO_BUF at = BUF_INIT(PATH_MAX);

		/* An empty one is the directory we are in. */
		buf_printf(&at, "%.*s%s%s", SPAN_FMT(dir), dir.n ? "/" : "", name);
		if (!at.failed && make_absolute(buf_span(&at), out) && look_at(out) == 0)
			return 0;
	}
	return reason_set(reason, "there is no program called \"%.200s\" in PATH", name);
}

static int find(const char *name, char out[PATH_MAX], struct reason *reason)
{
	if (!strchr(name, '/'))
		return find_in_path(name, out, reason);
	if (!make_absolute(span_str(name), out))
		return reason_set(
			reason, "the program's path is too long: \"%.200s\"", name);
	if (look_at(out) < 0)
		return reason_errno(reason, "cannot run \"%.200s\"", name);
	return 0;
}

int command_find(const char *text, struct command *out, struct reason *reason)
{
	struct reason why;

	*out = (struct command){0};
	if (words_split(span_str(text), &out->words, &why) < 0)
		return reason_set(reason, "command: %s", why.text);
	if (!out->words.n || !out->words.v[0][0]) {
		command_fini(out);
		return reason_set(reason, "command: there is no program in it");
	}
	int r = find(out->words.v[0], out->path, reason);
	if (r == 0)
		r = look_at_interpreter(out->path, reason);
	if (r < 0)
		command_fini(out);
	return r;
}

void command_fini(struct command *command)
{
	words_fini(&command->words);
}

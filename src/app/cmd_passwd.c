/* SPDX-License-Identifier: MIT */

#include "app/cmd_passwd.h"

#include "app/ask.h"
#include "base/buf.h"
#include "base/reason.h"
#include "base/util.h"
#include "conf/args.h"
#include "core/exit.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/auth/users.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

struct options {
	bool remove, read_only, read_write, help;
};

static const struct opt table[] = {
	{"delete", OPT_BOOL(struct options, remove), .letter = 'D',
		.help = "remove the user; asks nothing"},
	{"read_only", OPT_BOOL(struct options, read_only), .letter = 'r',
		.help = "the user may read and change nothing"},
	{"read_write", OPT_BOOL(struct options, read_write), .letter = 'w',
		.help = "the user may change things, as a new one may; without either option "
			"an old one keeps the right it had"},
	{"help", OPT_BOOL(struct options, help), .letter = 'h', .help = "print this"},
};

/* The file that is changed: its folder is locked, so that two of us take turns. */
struct target {
	int dir;          /* owned */
	char *path;       /* owned: where the file is when links are followed */
	const char *name; /* its last part */
	bool exists;
	struct statx st; /* of the old one */
};

static int failed(int err, const char *what, const char *path, struct reason *reason)
{
	errno = -err;
	return reason_errno(reason, "cannot %s %s", what, path);
}

static void target_fini(struct target *target)
{
	fd_close(&target->dir); /* and with it the lock */
	free(target->path);
}

static int target_open(struct target *target, const char *path, struct reason *reason)
{
	*target = (struct target){.dir = -1};
	target->path = realpath(path, NULL); /* a link stays one */
	if (!target->path)
		target->path = span_dup(span_str(path));
	if (!target->path)
		return failed(-ENOMEM, "find", path, reason);

	char *slash = strrchr(target->path, '/');
	char folder[PATH_MAX] = ".";
	size_t n = slash ? (size_t)(slash - target->path) : 0;
	if (n >= sizeof(folder))
		return failed(-ENAMETOOLONG, "find", path, reason);
	if (slash)
		(void)snprintf(
			folder, sizeof(folder), "%.*s", n ? (int)n : 1, target->path);
	target->name = slash ? slash + 1 : target->path;

	target->dir = file_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	if (target->dir < 0)
		return failed(target->dir, "open the folder", folder, reason);
	/* Where there are no locks the last of two writers wins. */
	(void)file_lock(target->dir, LOCK_EX);

	int err = file_stat(target->dir, target->name, &target->st);
	if (err && err != -ENOENT)
		return failed(err, "read", path, reason);
	target->exists = !err;
	return 0;
}

/* The old file's text; nothing if there is none. */
static int target_read(const struct target *target, struct buf *text, struct reason *reason)
{
	if (!target->exists)
		return 0;
	if (!S_ISREG(target->st.stx_mode))
		return reason_set(reason, "%s is not a file", target->path);

	AUTO_CLOSE int fd = file_open(target->dir, target->name, O_RDONLY | O_NONBLOCK, 0);
	char *room = buf_reserve(text, USERS_FILE_MAX);
	ssize_t n = fd < 0  ? fd
		    : !room ? -ENOMEM
			    : file_read_at(fd, room, USERS_FILE_MAX, 0);
	if (n < 0)
		return failed((int)n, "read", target->path, reason);
	if (n == USERS_FILE_MAX)
		return reason_set(
			reason, "%s is larger than a users file may be", target->path);
	text->n += (size_t)n;
	return 0;
}

/* Writes @text to @fd, a new file, with the rights of the old one. */
static int fill(int fd, const struct target *target, struct span text)
{
	int err = 0;

	if (target->exists) {
		err = file_set_owner(fd, target->st.stx_uid, target->st.stx_gid);
		if (!err)
			err = file_set_mode(fd, target->st.stx_mode & 0777);
	}
	if (!err)
		err = file_write_at(fd, text.p, text.n, 0);
	return err ? err : file_sync(fd);
}

static int target_replace(
	const struct target *target, struct span text, struct reason *reason)
{
	char unique[FILE_UNIQUE_MAX], temporary[FILE_UNIQUE_MAX + 16];

	file_unique(unique);
	(void)snprintf(temporary, sizeof(temporary), ".passwd-%s", unique);
	AUTO_CLOSE int fd =
		file_open(target->dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return failed(fd, "write beside", target->path, reason);

	int err = fill(fd, target, text);
	if (!err)
		err = file_rename(target->dir, temporary, target->dir, target->name, 0);
	if (err) {
		(void)file_unlink(target->dir, temporary); /* the first error is the one */
		return failed(err, "replace", target->path, reason);
	}
	err = file_sync(target->dir);
	return err ? failed(err, "make sure of", target->path, reason) : 0;
}

/* Whether @line is the user's: "NAME:..."; then also whether it ends with ":ro". */
static bool is_line_of(struct span line, struct span name, bool *read_only)
{
	struct span first;

	line = span_trim(span_ends(line, SPAN("\r")) ? span_of(line.p, line.n - 1) : line);
	struct span rest = line;
	if (!span_cut(&rest, ':', &first) || !rest.p || !span_eq(first, name))
		return false;
	*read_only = span_ends(line, SPAN(":ro"));
	return true;
}

static void put_user(struct buf *out, struct span name, const char *hash, bool read_only)
{
	buf_put_span(out, name);
	buf_printf(out, ":%s%s\n", hash, read_only ? ":ro" : "");
}

/* Copies @old to @out with the user's line changed, added, or (@hash NULL) left out.
 * Returns whether there was such a line. */
static bool edit(struct buf *out, struct span old, struct span name, const char *hash,
	const struct options *o)
{
	struct span line;
	bool found = false, was_read_only = false;

	while (old.n && span_cut(&old, '\n', &line)) {
		bool ours = is_line_of(line, name, &was_read_only);

		if (!ours) {
			buf_put_span(out, line);
			buf_put_byte(out, '\n');
		} else if (hash && !found) {
			put_user(out, name, hash,
				o->read_only || (was_read_only && !o->read_write));
		}
		found = found || ours;
	}
	if (!found && hash)
		put_user(out, name, hash, o->read_only);
	return found;
}

/* Asks, and writes the hash of the answer into @hash. */
static int new_hash(const char *name, char hash[CRYPT_OUTPUT_SIZE], struct reason *reason)
{
	char password[ASK_MAX], setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int rc = ask_password(name, password, reason);

	if (rc)
		return rc;
	struct crypt_data *work = calloc(1, sizeof(*work));
	const char *made = NULL;
	if (work && crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		made = crypt_r(password, setting, work);
	if (made && made[0] != '*')
		(void)snprintf(hash, CRYPT_OUTPUT_SIZE, "%s", made);
	else
		rc = reason_errno(reason, "cannot hash the password");
	explicit_bzero(password, sizeof(password));
	if (work)
		explicit_bzero(work, sizeof(*work));
	free(work);
	return rc;
}

/* Says if the file as it is now would be refused: perhaps for another user's line. */
static void warn_of_faults(const char *path, struct span text)
{
	struct users *users = NULL;
	struct reason reason;

	if (users_parse(path, text, &users, &reason))
		(void)fprintf(stderr,
			"preforkd passwd: done, but the file has a fault: %s\n",
			reason.text);
	users_free(users);
}

static int change(struct target *target, const char *path, const char *name,
	const struct options *o, struct reason *reason)
{
	AUTO_BUF old = BUF_INIT(USERS_FILE_MAX), fresh = BUF_INIT(USERS_FILE_MAX);
	char hash[CRYPT_OUTPUT_SIZE];
	int rc = o->remove ? 0 : new_hash(name, hash, reason);

	if (!rc)
		rc = target_open(target, path, reason);
	if (!rc)
		rc = target_read(target, &old, reason);
	if (rc)
		return rc;

	bool found =
		edit(&fresh, buf_span(&old), span_str(name), o->remove ? NULL : hash, o);
	if (o->remove && !found)
		return reason_set(reason, "there is no user %s in %s", name, path);
	if (fresh.failed)
		return reason_set(reason, "%s would grow larger than 1 MiB", path);
	rc = target_replace(target, buf_span(&fresh), reason);
	if (!rc)
		warn_of_faults(path, buf_span(&fresh));
	return rc;
}

static int usage_error(const char *sentence)
{
	(void)fprintf(stderr,
		"preforkd passwd: %s\n"
		"preforkd passwd: \"preforkd passwd --help\" says more\n",
		sentence);
	return EXIT_USAGE;
}

static int help(const struct opt_group *group)
{
	AUTO_BUF text = BUF_INIT(8 * KIB);

	buf_put_str(&text,
		"usage: preforkd passwd [OPTIONS] FILE NAME\n\n"
		"Sets the password of NAME in the users file FILE, which is made if there is\n"
		"none. Asks for it at the terminal; else takes the first line of its input.\n\n");
	opt_help(group, &text);
	(void)fwrite(text.p, 1, text.n, stdout);
	return EXIT_DONE;
}

int passwd_main(int argc, char **argv)
{
	struct options o = {0};
	struct opt_group group = OPT_GROUP("Options", table, &o);
	struct reason reason = {0};
	struct target target = {.dir = -1};

	int n = argc < 1 ? 0 : args_parse(&group, argv + 1, 0, &reason);
	if (n < 0)
		return usage_error(reason.text);
	if (o.help)
		return help(&group);
	if (n != 2)
		return usage_error(n < 2 ? "it takes a FILE and a NAME"
					 : "too many arguments; the password is asked for, "
					   "never given here");
	if (o.read_only && o.read_write)
		return usage_error("--read-only and --read-write contradict each other");
	if (users_check_name(span_str(argv[2]), &reason))
		return usage_error(reason.text);

	int rc = change(&target, argv[1], argv[2], &o, &reason);
	target_fini(&target);
	if (rc)
		(void)fprintf(stderr, "preforkd passwd: %s\n", reason.text);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

/* SPDX-License-Identifier: MIT */

#include "interp/launcher/ident.h"

#include "base/util.h"
#include "interp/launcher/args.h"
#include "interp/launcher/sha256.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

/* What interpreters look at before the script's first line. A '*' stands for any ending. */
static const char *const read_at_start[] = {
	"PERL5LIB",
	"PERL5OPT",
	"PERL*",
	"PYTHON*",
	"VIRTUAL_ENV",
	"RUBYLIB",
	"RUBYOPT",
	"GEM_*",
	"LUA_PATH",
	"LUA_CPATH",
	"LD_*",
	"LANG",
	"LANGUAGE",
	"LC_*",
	"TZ",
};

#define MATTER_MAX 64 /* variables; a caller with more differs only by the first */

static void put_string(struct sha256 *sha, char tag, const char *text)
{
	sha256_put(sha, &tag, 1);
	sha256_put(sha, text, strlen(text) + 1);
}

static void put_file(struct sha256 *sha, char dev_tag, char ino_tag, const char *path)
{
	struct stat st = {0};

	(void)stat(path, &st); /* what cannot be looked at counts as nothing, each time */
	sha256_put(sha, &dev_tag, 1);
	sha256_put(sha, &st.st_dev, sizeof(st.st_dev));
	sha256_put(sha, &ino_tag, 1);
	sha256_put(sha, &st.st_ino, sizeof(st.st_ino));
}

static bool matters(const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < ARRAY_LEN(read_at_start); i++) {
		const char *name = read_at_start[i];
		size_t stem = strcspn(name, "*");
		if (strncmp(entry, name, stem) == 0 && (name[stem] == '*' || n == stem))
			return true;
	}
	return false;
}

/* Finds @name as execvp would. 0 with the path in @out, or -errno. */
static int find_in_path(const char *name, char out[PATH_MAX])
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX ? 0 : -ENAMETOOLONG;
	for (path = path ? path : "/usr/local/bin:/bin:/usr/bin";; path++) {
		int n = (int)strcspn(path, ":");
		int long_ =
			snprintf(out, PATH_MAX, "%.*s%s%s", n, path, n ? "/" : "", name);
		if (long_ < PATH_MAX && access(out, X_OK) == 0)
			return 0;
		path += n;
		if (!*path)
			return -ENOENT;
	}
}

/* openat2(2)'s, of whose header musl knows nothing. */
struct plain_how {
	uint64_t flags, mode, resolve;
};
#define NO_SYMLINKS 4u

/* Whether @path has a component that goes elsewhere or nowhere: "..", "." or an empty one. */
static bool has_dots(const char *path)
{
	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		size_t n = strcspn(at + 1, "/");
		if (n == 0 || (at[1] == '.' && (n == 1 || (n == 2 && at[2] == '.'))))
			return true;
	}
	return false;
}

bool ident_absolute(const char *path, char out[PATH_MAX])
{
	bool relative = path[0] != '/';

	out[0] = '\0';
	if (relative && (!getcwd(out, PATH_MAX) || out[0] != '/'))
		return false;
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	size_t n = strlen(out);
	int more = snprintf(out + n, PATH_MAX - n, "%s%s", relative ? "/" : "", path);
	return more > 0 && n + (size_t)more < PATH_MAX;
}

/* Where @path really is, by the kernel's reckoning. 0 or -errno. */
static int real_path(const char *path, char out[PATH_MAX])
{
	const struct plain_how plain = {
		.flags = O_PATH | O_CLOEXEC, .resolve = NO_SYMLINKS};
	char self[40];

	/* As a rule there is no link on the way, and to ask /proc costs five times as much. */
	if (ident_absolute(path, out) && !has_dots(out)) {
		AUTO_CLOSE int same =
			(int)syscall(SYS_openat2, AT_FDCWD, out, &plain, sizeof(plain));
		if (same >= 0)
			return 0;
	}
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(self, out, PATH_MAX - 1);
	if (n < 0)
		return realpath(path, out) ? 0 : -errno; /* no /proc here */
	out[n] = '\0';
	return 0;
}

static void put_covers(struct sha256 *sha, const struct args *args)
{
	for (size_t i = 0; i < args->n_covers; i++) {
		const struct args_cover *cover = &args->covers[i];
		put_string(sha, cover->kind, cover->text);
		if (cover->kind != 'E')
			continue;
		const char *value = getenv(cover->text);
		if (value)
			put_string(sha, 'v', value);
		else
			sha256_put(sha, "", 1);
	}
}

/* In the order of their names: the environment's own order says nothing. */
static void put_environment(struct sha256 *sha)
{
	const char *found[MATTER_MAX];
	size_t n = 0;

	for (char **at = environ; at && *at && n < MATTER_MAX; at++) {
		size_t place = n;
		if (!matters(*at))
			continue;
		for (; place > 0 && strcmp(found[place - 1], *at) > 0; place--)
			found[place] = found[place - 1];
		found[place] = *at;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		put_string(sha, 'e', found[i]);
}

/*
 * The file, and what set-up is told of it: __FILE__ and the like are what the script was
 * called by, and many a script does its work only where $0 is the same.
 */
static int put_script(struct sha256 *sha, const char *script)
{
	char path[PATH_MAX];

	int bad = real_path(script, path);
	if (bad)
		return bad;
	put_string(sha, 's', path);
	put_string(sha, 'b', script);
	if (script[0] == '/')
		return 0;
	if (!ident_absolute(script, path))
		return -ENOENT;     /* of a folder that is gone a server can keep nothing */
	put_string(sha, 'c', path); /* by another way, if there are links on it */
	return 0;
}

static int put_ours(struct sha256 *sha, const struct args *args)
{
	const unsigned uid = (unsigned)getauxval(AT_EUID);
	char found[PATH_MAX], path[PATH_MAX];

	int bad = find_in_path(args->command[0], found);
	if (bad)
		return bad;
	/* Not where links lead: by its own path alone a venv's Python knows what it is. */
	if (!ident_absolute(found, path))
		return -ENOENT;
	put_string(sha, 'i', path);
	for (size_t i = 1; i < args->n_interp; i++)
		put_string(sha, 'a', args->command[i]);

	bad = args->script ? put_script(sha, args->script) : 0;
	if (bad)
		return bad;
	sha256_put(sha, &uid, sizeof(uid));
	put_file(sha, '/', 'i', "/");
	put_string(sha, 'L', args->laundered ? "1" : "");
	put_covers(sha, args);
	put_environment(sha);
	return 0;
}

/* INTERP-PROTOCOL: native byte order, LP64, in exactly this order. */
static void put_compat(struct sha256 *sha, const struct args *args)
{
	struct utsname host = {0};
	size_t size = sizeof(host);

	(void)uname(&host);
	sha256_put(sha, "\x01u", 2);
	sha256_put(sha, &size, sizeof(size));
	sha256_put(sha, &host, sizeof(host));
	put_file(sha, '.', 'i', ".");
	put_file(sha, '/', 'i', "/");
	put_covers(sha, args);
	put_string(sha, 'i', args->command[0]);
	if (args->script)
		put_string(sha, 's', args->script);
}

int ident_of(const struct args *args, bool compat, char out[IDENT_DIGITS + 1])
{
	static const char digits[] = "0123456789abcdef";
	struct sha256 sha;
	uint8_t sum[SHA256_BYTES];

	sha256_init(&sha);
	int bad = compat ? (put_compat(&sha, args), 0) : put_ours(&sha, args);
	if (bad)
		return bad;
	sha256_end(&sha, sum);
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[IDENT_DIGITS] = '\0';
	return 0;
}

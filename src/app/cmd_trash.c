/* SPDX-License-Identifier: MIT */

#include "app/cmd_trash.h"

#include "base/buf.h"
#include "base/date.h"
#include "base/escape.h"
#include "base/reason.h"
#include "base/util.h"
#include "conf/args.h"
#include "core/exit.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/peer.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/trash_walk.h"
#include "service/drive/fs/trim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	bool json, overwrite, help;
	uint64_t older_ns;
	char *to;
};

static const struct opt table[] = {
	{"json", OPT_BOOL(struct options, json), .help = "list: for programs"},
	{"to", OPT_STRING(struct options, to), .arg = "PATH",
		.help = "restore: give it this name in the folder, not the one it had"},
	{"overwrite", OPT_BOOL(struct options, overwrite),
		.help = "restore: what has the name by now goes to the trash itself"},
	{"older", OPT_DURATION(struct options, older_ns), .arg = "TIME",
		.help = "empty: only what has been there for longer"},
	{"help", OPT_BOOL(struct options, help), .letter = 'h', .help = "print this"},
};

/* One call of the program. */
struct call {
	struct options o;
	struct fs_root root;
	char **operands; /* behind the folder; ends with NULL */
	size_t n_listed;
};

/* For people; what hardly happens has its short name. */
static const char *words_of(enum fs_result why)
{
	switch ((int)why) {
	case FS_NOT_FOUND: return "nothing of that name is in the trash";
	case FS_NO_PARENT: return "a file stands where one of its folders was";
	case FS_EXISTS:
	case FS_CHANGED:
		return "something has that name again: say --overwrite, or --to and another";
	case FS_FORBIDDEN: return "that name is not allowed here, or you may not";
	case FS_OUTSIDE: return "that leads out of the folder";
	case FS_READ_ONLY: return "the folder cannot be written to";
	case FS_NO_SPACE: return "the disk is full";
	case FS_PARTIAL: return "some of it cannot be removed";
	case FS_NO_MEMORY: return "out of memory";
	default: return fs_result_name(why);
	}
}

static int fail(const char *what, enum fs_result why)
{
	(void)fprintf(stderr, "preforkd trash: %s: %s\n", what, words_of(why));
	return EXIT_FAILED;
}

/* -- list -- */

static void put_json(struct buf *out, const struct fs_trashed *kept, const char *path)
{
	buf_put_str(out, "{\"id\":\"");
	buf_put_str(out, kept->id);
	buf_put_str(out, "\",\"path\":\"");
	escape_json(out, span_str(path));
	buf_put_str(out, "\",\"time\":\"");
	date_put_iso(out, kept->time_ns / (int64_t)NS_PER_SEC);
	buf_put_str(out, kept->is_deleted ? "\",\"kind\":\"deleted\",\"user\":\""
					  : "\",\"kind\":\"replaced\",\"user\":\"");
	escape_json(out, span_str(kept->user));
	buf_put_str(out, "\",\"bytes\":");
	if (kept->is_measured)
		buf_put_u64(out, kept->size);
	else
		buf_put_str(out, "null");
	buf_put_str(out, "}");
}

static void put_line(struct buf *out, const struct fs_trashed *kept, const char *path)
{
	char size[24] = "-";

	if (kept->is_measured)
		(void)snprintf(size, sizeof(size), "%" PRIu64, kept->size);
	buf_put_str(out, kept->id);
	buf_put_str(out, "  ");
	date_put_iso(out, kept->time_ns / (int64_t)NS_PER_SEC);
	buf_put_str(out, kept->is_deleted ? "  deleted   " : "  replaced  ");
	for (size_t n = strlen(size); n < 12; n++)
		buf_put_byte(out, ' ');
	buf_put_str(out, size);
	buf_put_str(out, "  ");
	escape_log(out, span_str(kept->user[0] ? kept->user : "-"), FS_TRASH_USER_MAX);
	buf_put_str(out, "  ");
	escape_log(out, span_str(path), FS_PATH_MAX);
	buf_put_str(out, "\n");
}

static int visit(struct call *call,
	bool (*each)(struct call *call, const struct fs_trashed *kept, const char *path))
{
	struct fs_trashed kept;
	struct fs_trash_walk *walk = malloc(sizeof(*walk));
	enum fs_result result = FS_NO_MEMORY;

	if (walk)
		result = fs_trash_walk_open(walk, &call->root);
	if (result == FS_OK) {
		while ((result = fs_trash_walk_next(walk, &kept)) == FS_OK)
			if (!each(call, &kept, walk->path))
				break;
		fs_trash_walk_close(walk);
	}
	free(walk);
	return result == FS_OK || result == FS_END ? EXIT_DONE
						   : fail("cannot read the trash", result);
}

static bool show(struct call *call, const struct fs_trashed *kept, const char *path)
{
	AUTO_BUF line = BUF_INIT(8 * FS_PATH_MAX);

	if (call->o.json)
		buf_put_str(&line, call->n_listed > 0 ? ",\n" : "");
	call->n_listed++;
	(call->o.json ? put_json : put_line)(&line, kept, path);
	(void)fwrite(line.p, 1, line.n, stdout);
	return true;
}

static int list(struct call *call)
{
	if (call->o.json)
		(void)printf("[");
	int status = visit(call, show);
	if (call->o.json)
		(void)printf("]\n");
	return status;
}

/* -- restore -- */

/* The newest version of a path. */
struct newest {
	struct call call;
	const char *path;
	struct fs_trashed kept;
	bool is_found;
};

static bool choose(struct call *call, const struct fs_trashed *kept, const char *path)
{
	struct newest *newest = container_of(call, struct newest, call);

	if (strcmp(path, newest->path) == 0
		&& (!newest->is_found || kept->time_ns > newest->kept.time_ns)) {
		newest->kept = *kept;
		newest->is_found = true;
	}
	return true;
}

/* By its number, or else by its path. */
static bool find(
	const struct call *call, const char *what, struct fs_trashed *kept, char *path)
{
	struct newest newest = {.call = *call, .path = what};

	if (fs_trash_find(&call->root, what, kept, path) == FS_OK)
		return true;
	if (strlen(what) >= FS_PATH_MAX || visit(&newest.call, choose) != EXIT_DONE
		|| !newest.is_found)
		return false;
	*kept = newest.kept;
	memcpy(path, what, strlen(what) + 1);
	return true;
}

static int restore_one(struct call *call, const char *what)
{
	const struct fs_condition condition = {.kind = FS_IF_ANY};
	char path[FS_PATH_MAX];
	struct fs_trashed kept;
	bool created;

	if (!find(call, what, &kept, path))
		return fail(what, FS_NOT_FOUND);
	const char *to = call->o.to ? call->o.to : path;
	enum fs_result result = fs_make_parents(&call->root, to);
	if (result == FS_OK)
		result = fs_trash_restore(
			&call->root, &kept, to, call->o.overwrite, &condition, &created);
	return result == FS_OK ? EXIT_DONE : fail(to, result);
}

static int restore(struct call *call)
{
	int status = call->operands[0] ? EXIT_DONE : EXIT_USAGE;

	if (status == EXIT_USAGE || (call->o.to && call->operands[1])) {
		(void)fprintf(stderr,
			"preforkd trash: restore takes what to restore: numbers or paths that list "
			"shows; with --to just one\n");
		return EXIT_USAGE;
	}
	for (char **what = call->operands; *what; what++)
		if (restore_one(call, *what) != EXIT_DONE)
			status = EXIT_FAILED;
	return status;
}

/* -- empty -- */

static int empty_some(struct call *call)
{
	int status = EXIT_DONE;

	for (char **what = call->operands; *what; what++) {
		char path[FS_PATH_MAX];
		struct fs_trashed kept;
		enum fs_result result = find(call, *what, &kept, path) ? fs_trash_purge(
						&call->root, &kept, FS_NO_WATCH)
								       : FS_NOT_FOUND;
		if (result != FS_OK)
			status = fail(*what, result);
	}
	return status;
}

static int empty(struct call *call)
{
	uint64_t older_ns = call->o.older_ns, wall_ns = clock_wall_ns();
	const struct fs_trim_limits limits = {
		.before_ns = older_ns < wall_ns ? (int64_t)(wall_ns - older_ns) : 0,
		.most_bytes = UINT64_MAX};
	struct fs_trimmed trimmed;

	if (call->operands[0])
		return empty_some(call);
	enum fs_result result = fs_trim(&call->root, &limits, FS_NO_WATCH, &trimmed);
	if (result != FS_OK)
		return fail("cannot empty the trash", result);
	if (trimmed.n_failed > 0)
		return fail("something cannot be removed", FS_PARTIAL);
	return EXIT_DONE;
}

/* -- the command -- */

static const struct verb {
	const char *name;
	int (*run)(struct call *call);
} verbs[] = {{"list", list}, {"restore", restore}, {"empty", empty}};

static int usage_error(const char *sentence)
{
	(void)fprintf(stderr,
		"preforkd trash: %s\npreforkd trash: \"preforkd trash --help\" says more\n",
		sentence);
	return EXIT_USAGE;
}

static int help(const struct opt_group *group)
{
	AUTO_BUF text = BUF_INIT(8 * KIB);

	buf_put_str(&text,
		"usage: preforkd trash list FOLDER [--json]\n"
		"       preforkd trash restore FOLDER [--to PATH] [--overwrite] WHAT...\n"
		"       preforkd trash empty FOLDER [--older TIME] [WHAT...]\n\n"
		"What a drive keeps of what was deleted or replaced in FOLDER. WHAT is a\n"
		"number that list shows; or a path, for its newest version.\n\n");
	opt_help(group, &text);
	(void)fwrite(text.p, 1, text.n, stdout);
	return EXIT_DONE;
}

static void say_unkept(void *, const char *path, enum fs_result why)
{
	(void)fprintf(stderr,
		"preforkd trash: %s: what had the name could not be kept: %s\n", path,
		words_of(why));
}

/* A folder that no drive served is left alone. */
static int open_root(struct call *call, const char *folder, struct reason *reason)
{
	const struct fs_options options = {.trash = true, .watch = {.failed = say_unkept}};
	struct statx st;
	char private[FS_PATH_MAX];

	(void)snprintf(private, sizeof(private), "%s/" FS_PRIVATE, folder);
	int err = file_stat(AT_FDCWD, private, &st);
	if (err < 0) {
		errno = -err;
		return reason_errno(reason, "no drive has served %s", folder);
	}
	/* What root makes in there, the drive could not use. */
	if (geteuid() == 0 && st.stx_uid != 0)
		err = peer_become(st.stx_uid, st.stx_gid);
	if (err < 0)
		return reason_set(reason, "cannot become the owner of %s", private);
	err = fs_root_open(&call->root, folder, &options, reason);
	if (err == 0 && call->root.trash < 0) {
		fs_root_close(&call->root);
		return reason_set(reason, "you may not change anything in %s", folder);
	}
	return err;
}

static int run(struct call *call, const struct verb *verb, const char *folder)
{
	struct reason reason = {0};

	if (open_root(call, folder, &reason) < 0) {
		(void)fprintf(stderr, "preforkd trash: %s\n", reason.text);
		return EXIT_FAILED;
	}
	int status = verb->run(call);
	fs_root_close(&call->root);
	return status;
}

int trash_main(int argc, char **argv)
{
	struct call call = {.root = FS_ROOT_NONE};
	struct opt_group group = OPT_GROUP("Options", table, &call.o);
	struct reason reason = {0};
	const struct verb *verb = NULL;

	int n = argc < 1 ? 0 : args_parse(&group, argv + 1, 0, &reason);
	if (n < 0)
		return usage_error(reason.text);
	if (call.o.help)
		return help(&group);
	if (n < 2)
		return usage_error("it takes list, restore or empty, and a FOLDER");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			verb = &verbs[i];
	if (!verb)
		return usage_error("it takes list, restore or empty, and a FOLDER");
	call.operands = argv + 3;
	int status = run(&call, verb, argv[2]);
	opt_fini(&group);
	return status;
}

/* SPDX-License-Identifier: MIT */

#include "app/cmd_scrub.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/reason.h"
#include "base/util.h"
#include "conf/args.h"
#include "os/file.h"
#include "service/drive/checksum.h"
#include "service/drive/scrub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The man page's, as cmp(1) and grep(1) have them. */
enum { STATUS_FINE = 0, STATUS_ROT = 1, STATUS_TROUBLE = 2 };

#define PROGRESS_NS (NS_PER_SEC / 5)

struct options {
	bool add, adopt, json, verbose, help;
};

static const struct opt table[] = {
	{"add", OPT_BOOL(struct options, add), .letter = 'a',
		.help = "compute and keep the SHA-256 of files that have none"},
	{"adopt", OPT_BOOL(struct options, adopt), .letter = 'A',
		.help = "take what other programs have changed as it is now"},
	{"json", OPT_BOOL(struct options, json), .letter = 'j',
		.help = "an object a line, for programs"},
	{"verbose", OPT_BOOL(struct options, verbose), .letter = 'v',
		.help = "a line for every file"},
	{"help", OPT_BOOL(struct options, help), .letter = 'h', .help = "print this"},
};

static const struct {
	const char *word;     /* for programs */
	const char *sentence; /* for people */
	bool is_quiet;        /* only with --verbose */
} findings[SCRUB_N_FINDINGS] = {
	[SCRUB_FINE] = {"fine", "as it was put there", true},
	[SCRUB_MISSING] = {"missing", "nothing is kept to compare it with", true},
	[SCRUB_ADDED] = {"added", "its SHA-256 is kept from now on", true},
	[SCRUB_TOUCHED] = {"touched", "restored or touched by another program; its "
				      "contents are the same"},
	[SCRUB_CHANGED] = {"changed", "another program has written it"},
	[SCRUB_ADOPTED] = {"adopted", "kept as it is now", true},
	[SCRUB_WRITTEN] = {"written", "somebody is writing it"},
	[SCRUB_ROT] = {"rot", "its contents are not what was put there"},
	[SCRUB_TROUBLE] = {"trouble", NULL},
};

struct tally {
	const struct options *options;
	uint64_t n_files, n_bytes, n_found[SCRUB_N_FINDINGS];
	bool shows_progress, is_line_open;
	int64_t shown_ns;
	struct buf line;
};

/* -- what is said -- */

static void end_progress(struct tally *tally)
{
	if (tally->is_line_open)
		(void)fprintf(stderr, "\r\033[K");
	tally->is_line_open = false;
}

static void show_progress(void *ctx, size_t n_bytes)
{
	struct tally *tally = ctx;
	int64_t now_ns = file_clock_ns();

	tally->n_bytes += n_bytes;
	if (!tally->shows_progress || now_ns - tally->shown_ns < (int64_t)PROGRESS_NS)
		return;
	tally->shown_ns = now_ns;
	tally->is_line_open = true;
	(void)fprintf(stderr, "\r\033[K%" PRIu64 " files, %" PRIu64 " MiB", tally->n_files,
		(uint64_t)(tally->n_bytes / MIB));
}

/* "STATE: "PATH": SENTENCE", or an object. Names hold anything, so they are written as JSON's
 * strings are in both. */
static void say(void *ctx, const char *path, enum scrub_finding finding, enum fs_result why)
{
	struct tally *tally = ctx;
	struct buf *line = &tally->line;
	bool has_why = finding == SCRUB_TROUBLE;

	tally->n_files++;
	tally->n_found[finding]++;
	if (findings[finding].is_quiet && !tally->options->verbose)
		return;
	end_progress(tally);
	buf_clear(line);
	buf_printf(line, tally->options->json ? "{\"state\":\"%s\",\"path\":\"" : "%s: \"",
		findings[finding].word);
	escape_json(line, span_str(path));
	buf_put_byte(line, '"');
	if (tally->options->json && has_why)
		buf_printf(line, ",\"why\":\"%s\"", fs_result_name(why));
	if (tally->options->json)
		buf_put_byte(line, '}');
	else
		buf_printf(line, ": %s",
			has_why ? fs_result_name(why) : findings[finding].sentence);
	buf_put_byte(line, '\n');
	(void)fwrite(line->p, 1, line->n, stdout);
}

static void sum_up_json(const struct tally *tally)
{
	(void)printf("{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64, tally->n_files,
		tally->n_bytes);
	for (enum scrub_finding finding = 0; finding < SCRUB_N_FINDINGS; finding++)
		(void)printf(",\"%s\":%" PRIu64, findings[finding].word,
			tally->n_found[finding]);
	(void)printf("}\n");
}

static void sum_up(const struct tally *tally)
{
	uint64_t n_missing = tally->n_found[SCRUB_MISSING];
	uint64_t n_stale = tally->n_found[SCRUB_CHANGED] + tally->n_found[SCRUB_TOUCHED];

	(void)printf("%" PRIu64 " files, %" PRIu64 " MiB read:", tally->n_files,
		(uint64_t)(tally->n_bytes / MIB));
	for (enum scrub_finding finding = 0; finding < SCRUB_N_FINDINGS; finding++)
		if (tally->n_found[finding] > 0 || finding == SCRUB_FINE
			|| finding == SCRUB_ROT)
			(void)printf("%s %" PRIu64 " %s", finding == 0 ? "" : ",",
				tally->n_found[finding], findings[finding].word);
	(void)printf("\n");
	if (n_missing > 0)
		(void)printf(
			"missing: not read, as no digest is kept to compare with; --add "
			"computes it\n");
	if (n_stale > 0)
		(void)printf("changed or touched: by another program; --adopt takes "
			     "it as it is\n");
}

/* -- what is done -- */

/* @root writes nothing of its own: files are read, and attributes set by their own
 * permissions. */
static int scrub(const char *dir, struct tally *tally, struct reason *reason)
{
	const struct fs_options read_only = {.read_only = true};
	struct fs_root root = FS_ROOT_NONE;
	struct checksum_ways ways;

	int rc = fs_root_open(&root, dir, &read_only, reason);
	if (rc < 0)
		return rc;
	checksum_learn(&ways);
	struct scrub order = {
		.root = &root,
		.ways = &ways,
		.options = {tally->options->add, tally->options->adopt},
		.block = aligned_alloc(SCRUB_BLOCK_BYTES, SCRUB_BLOCK_BYTES),
		.found = say,
		.read = show_progress,
		.ctx = tally,
	};
	enum fs_result result = FS_NO_MEMORY;
	if (!root.can.attributes)
		rc = reason_set(reason,
			"the disk of %s keeps no attributes, so there is nothing to compare "
			"with",
			dir);
	else if (order.block)
		result = scrub_run(&order);
	if (rc == 0 && result != FS_OK)
		rc = reason_set(
			reason, "cannot go through %s: %s", dir, fs_result_name(result));
	free(order.block);
	checksum_forget(&ways);
	fs_root_close(&root);
	return rc;
}

static int usage_error(const char *sentence)
{
	(void)fprintf(stderr,
		"preforkd scrub: %s\n"
		"preforkd scrub: \"preforkd scrub --help\" says more\n",
		sentence);
	return STATUS_TROUBLE;
}

static int help(const struct opt_group *group)
{
	AUTO_BUF text = BUF_INIT(8 * KIB);

	buf_put_str(&text,
		"usage: preforkd scrub [OPTIONS] FOLDER\n\n"
		"Reads every file of a drive's folder again, and compares it with the digests\n"
		"that were kept when it was uploaded. The drive may be running.\n"
		"Exit status: 0 all is well, 1 a file has rotted, 2 something could not be read.\n\n");
	opt_help(group, &text);
	(void)fwrite(text.p, 1, text.n, stdout);
	return STATUS_FINE;
}

static int status_of(const struct tally *tally)
{
	if (tally->n_found[SCRUB_ROT] > 0)
		return STATUS_ROT;
	return tally->n_found[SCRUB_TROUBLE] > 0 ? STATUS_TROUBLE : STATUS_FINE;
}

int scrub_main(int argc, char **argv)
{
	struct options o = {0};
	struct opt_group group = OPT_GROUP("Options", table, &o);
	struct reason reason = {0};

	int n = argc < 1 ? 0 : args_parse(&group, argv + 1, 0, &reason);
	if (n < 0)
		return usage_error(reason.text);
	if (o.help)
		return help(&group);
	if (n != 1)
		return usage_error("it takes one FOLDER");

	struct tally tally = {
		.options = &o,
		.shows_progress = isatty(STDERR_FILENO) == 1,
		.line = BUF_INIT(64 * KIB),
	};
	int rc = scrub(argv[1], &tally, &reason);
	end_progress(&tally);
	buf_fini(&tally.line);
	if (rc < 0) {
		(void)fprintf(stderr, "preforkd scrub: %s\n", reason.text);
		return STATUS_TROUBLE;
	}
	if (o.json)
		sum_up_json(&tally);
	else
		sum_up(&tally);
	return status_of(&tally);
}

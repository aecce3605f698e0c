/* SPDX-License-Identifier: MIT */

/* Any words are a command line or a sentence; operands are words of it, in their order. */

#include "conf/args.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MOST = 32 };

struct settings {
	bool flag;
	uint64_t count;
	struct opt_range workers;
	char *name;
	struct opt_list listen;
};

static const struct opt opts[] = {
	{"read_only", OPT_BOOL(struct settings, flag), .deflt = "no", .letter = 'r'},
	{"count", OPT_UINT(struct settings, count), .deflt = "1", .max = 100},
	{"workers", OPT_RANGE(struct settings, workers), .deflt = "1..4", .max = 64},
	{"root", OPT_PATH(struct settings, name)},
	{"listen", OPT_LIST(struct settings, listen), .letter = 'l'},
};

static void read_line(char *const *words, size_t n_words, unsigned flags)
{
	struct settings settings = {0};
	struct opt_group group = OPT_GROUP("fuzz", opts, &settings);
	struct reason reason = {0};
	char *argv[WORDS_MOST + 1];
	size_t at = 0;

	memcpy(argv, words, n_words * sizeof(*argv));
	argv[n_words] = NULL;
	assert(opt_defaults(&group, &reason) == 0);
	int n = args_parse(&group, argv, flags, &reason);
	assert(n >= 0 ? (size_t)n <= n_words && !argv[n] : reason.text[0] != '\0');
	for (int i = 0; i < n; i++) {
		while (at < n_words && words[at] != argv[i])
			at++;
		assert(at++ < n_words);
	}
	opt_fini(&group);
}

/* Words have a NUL in between. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *words[WORDS_MOST];
	size_t n_words = 0;

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && n_words < WORDS_MOST; at += strlen(text + at) + 1)
		words[n_words++] = text + at;
	read_line(words, n_words, 0);
	read_line(words, n_words, ARGS_STOP);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: MIT */

/* Any text is a configuration or a sentence; what was read prints and reads back the same.
 */

#include "conf/ini.h"
#include "conf/opt.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
	bool flag;
	uint64_t count, limit, wait;
	struct opt_range workers;
	char *name;
	unsigned model;
	struct opt_list listen;
};

static const char *const models[] = {"fork", "pool", NULL};

static const struct opt opts[] = {
	{"read_only", OPT_BOOL(struct settings, flag), .deflt = "no"},
	{"count", OPT_UINT(struct settings, count), .deflt = "1", .max = 100},
	{"limit", OPT_BYTES(struct settings, limit), .deflt = "64K"},
	{"wait", OPT_DURATION(struct settings, wait), .deflt = "5s", .min = NS_PER_MS},
	{"workers", OPT_RANGE(struct settings, workers), .deflt = "1..4", .max = 64},
	{"root", OPT_PATH(struct settings, name)},
	{"model", OPT_CHOICE(struct settings, model), .deflt = "pool", .choices = models},
	{"listen", OPT_LIST(struct settings, listen), .deflt = "127.0.0.1:80"},
};

/* What @section says, printed; an empty buffer if it is refused. */
static void read_section(
	const struct ini *ini, const struct ini_section *section, struct buf *out)
{
	struct settings settings = {0};
	struct opt_group group = OPT_GROUP("Test", opts, &settings);
	struct reason reason;

	assert(opt_defaults(&group, &reason) == 0);
	if (!ini_apply(ini, section, &group, &reason))
		opt_print(&group, out);
	else
		assert(reason.text[0]);
	opt_fini(&group);
}

static void must_read_back(struct span printed)
{
	AUTO_BUF text = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	struct ini *ini = NULL;

	buf_put_str(&text, "[preforkd]\n");
	buf_put_span(&text, printed);
	assert(ini_read("printed", buf_span(&text), &ini, NULL) == 0);
	read_section(ini, &ini->sections[0], &again);
	assert(span_eq(buf_span(&again), printed));
	ini_free(ini);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ini *ini = NULL;
	struct reason reason = {0};

	if (ini_read("fuzz", span_of((const char *)data, size), &ini, &reason)) {
		assert(reason.text[0] && !ini);
		return 0;
	}
	for (size_t i = 0; i < ini->n_sections; i++) {
		AUTO_BUF printed = BUF_INIT(1 << 20);

		read_section(ini, &ini->sections[i], &printed);
		if (printed.n && !printed.failed)
			must_read_back(buf_span(&printed));
	}
	ini_free(ini);
	return 0;
}

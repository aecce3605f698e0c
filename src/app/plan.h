/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * plan - what preforkd was asked to run, from a command line or a file: names resolved,
 * settings parsed, defaults filled in. Nothing has been opened or bound.
 */

#include "base/buf.h"
#include "conf/opt.h"
#include "core/crew_sup.h"
#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct reason;
struct service_ops;

/* What concerns the program and not one service: [preforkd] in a file. */
struct plan_global {
	unsigned log_level; /* enum log_level */
	char *log_file;
	char *control;
	char *pidfile;
};

struct plan_service {
	char *name;
	struct settings settings;
	void *conf; /* service_ops.conf_bytes */
	struct opt_group core_group;
	struct opt_group own_group;
	struct addr *addrs; /* owned: where it listens, if a file says so */
	size_t n_addrs;
};

struct plan {
	struct plan_global global;
	struct opt_group global_group;
	struct plan_service **services; /* owned */
	struct spec *specs;             /* of the services, in the same order */
	size_t n_services;
};

/* An empty plan with the program's defaults. Ends with plan_fini, whatever came of it. */
void plan_init(struct plan *plan);
void plan_fini(struct plan *plan);

/**
 * plan_args - "SERVICE [OPTIONS] [ARGUMENTS]": one service.
 *
 * @argv ends with NULL, begins with the service's name, and is reordered.
 * Returns 0, or negative with @reason.
 */
[[nodiscard]] int plan_args(struct plan *plan, char **argv, struct reason *reason);

/* Every section of the file at @path. 0, or negative with @reason, which names the line. */
[[nodiscard]] int plan_file(struct plan *plan, const char *path, struct reason *reason);

/**
 * plan_vary - the same plan once more, but for one setting of one service.
 *
 * Reads nothing again; without @name it is the same altogether. @out is
 * initialised. Returns 0, or negative with @reason; plan_fini ends @out in any case.
 */
[[nodiscard]] int plan_vary(const struct plan *plan, const char *service, const char *name,
	struct span value, struct plan *out, struct reason *reason);

/* Appends the plan as a configuration file that reads back the same. */
void plan_print(const struct plan *plan, struct buf *out);

/* What a service's bare argument is called: "FOLDER". Only for one that has an argument. */
const char *plan_operand(const struct service_ops *ops);

/* Appends the options of one service for --help; of all services when @service is NULL. */
void plan_help(const char *service, struct buf *out);

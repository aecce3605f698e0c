/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * command_sup - what preforkctl(8) can ask for. Runs in the supervisor.
 *
 *   status                    the report, see report_sup.h
 *   reload                    as SIGHUP, but answered when it is done
 *   resize SERVICE MIN..MAX   other numbers of workers, until the next reload
 *   switch-model SERVICE NAME another model, until the next reload
 *   restart SERVICE           other workers; also of a service that had failed
 *   upgrade                   the program that is installed now takes over (upgrade_sup.h)
 *   drain                     as SIGTERM
 *   stop                      as SIGQUIT
 */

#include "base/span.h"

#include <stddef.h>

struct control_client;

/* For control.asked, of a struct server's control. */
void command_run(struct control_client *c, const struct span *words, size_t n_words);

/* SPDX-License-Identifier: MIT */
#pragma once

/* registry - every model and every service there is, by name. The only place that knows
 * them all. */

#include <stddef.h>

struct buf;
struct model_ops;
struct service_ops;

/* NULL if there is none of that name. */
const struct model_ops *registry_model(const char *name);
const struct service_ops *registry_service(const char *name);

/* In the order of the tables; NULL past the last. */
const struct model_ops *registry_model_at(size_t i);
const struct service_ops *registry_service_at(size_t i);

/* Appends their names as a person would list them: "drive, echo". */
void registry_list_models(struct buf *out);
void registry_list_services(struct buf *out);

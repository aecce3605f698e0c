/* SPDX-License-Identifier: MIT */

#include "app/registry.h"

#include "base/buf.h"
#include "base/util.h"
#include "core/model.h"
#include "core/service.h"

#define MODEL(name)   extern const struct model_ops name##_model;
#define SERVICE(name) extern const struct service_ops name##_service;
#include "model/models.def"
#include "service/services.def"
#undef MODEL
#undef SERVICE

#define MODEL(name)   &name##_model,
#define SERVICE(name) &name##_service,
static const struct model_ops *const models[] = {
#include "model/models.def"
};
static const struct service_ops *const services[] = {
#include "service/services.def"
};

const struct model_ops *registry_model_at(size_t i)
{
	return i < ARRAY_LEN(models) ? models[i] : NULL;
}

const struct service_ops *registry_service_at(size_t i)
{
	return i < ARRAY_LEN(services) ? services[i] : NULL;
}

const struct model_ops *registry_model(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(models); i++) {
		if (strcmp(models[i]->name, name) == 0)
			return models[i];
	}
	return NULL;
}

const struct service_ops *registry_service(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	}
	return NULL;
}

void registry_list_models(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		buf_printf(out, "%s%s", i ? ", " : "", models[i]->name);
}

void registry_list_services(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		buf_printf(out, "%s%s", i ? ", " : "", services[i]->name);
}

/* SPDX-License-Identifier: MIT */

#include "dav/prop.h"

struct row {
	struct xml_name name;
	enum prop_ns ns;
	bool is_protected;
};

static const struct row rows[N_PROPS] = {
#define PROP(ID, NS, local, in_allprop, guarded) \
	[PROP_##ID] = {{SPAN(PROP_NS_##NS), SPAN(local)}, PROP_IN_##NS, guarded},
#include "dav/props.def"
#undef PROP
};

enum prop_id prop_find(struct xml_name name)
{
	for (enum prop_id id = PROP_UNKNOWN + 1; id < N_PROPS; id++) {
		if (xml_name_eq(rows[id].name, name))
			return id;
	}
	return PROP_UNKNOWN;
}

struct xml_name prop_name(enum prop_id id)
{
	return rows[id].name;
}

enum prop_ns prop_ns(enum prop_id id)
{
	return rows[id].ns;
}

bool prop_protected(enum prop_id id)
{
	return rows[id].is_protected;
}

uint64_t prop_allprop(void)
{
	return 0
#define PROP(ID, ns, local, in_allprop, is_protected) \
	| ((in_allprop) ? PROP_BIT(PROP_##ID) : 0)
#include "dav/props.def"
#undef PROP
		;
}

/* SPDX-License-Identifier: MIT */

#include "service/drive/propedit.h"

#include "dav/multistatus.h"
#include "dav/propbag.h"
#include "service/drive/fs/touch.h"
#include "service/drive/mtime.h"

/* Said to be done, and forgotten. */
#define FORGOTTEN                                                                   \
	(PROP_BIT(PROP_WIN32_CREATION_TIME) | PROP_BIT(PROP_WIN32_LAST_ACCESS_TIME) \
		| PROP_BIT(PROP_WIN32_FILE_ATTRIBUTES))

static bool read_executable(struct span text, bool *out)
{
	*out = span_ieq(text, SPAN("T"));
	return *out || span_ieq(text, SPAN("F"));
}

/* Puts a live property into @out. False if it cannot be set, or not to that. */
static bool set_live(const struct proppatch_op *op, struct fs_props_edit *out)
{
	enum prop_id id = op->prop.id;

	if (PROP_BIT(id) & FORGOTTEN)
		return true;
	if (op->is_remove)
		return false;
	if (id == PROP_LASTMODIFIED)
		return mtime_of_seconds(op->text, &out->mtime_ns);
	if (id == PROP_WIN32_LAST_MODIFIED_TIME)
		return mtime_of_date(op->text, &out->mtime_ns);
	if (id == PROP_EXECUTABLE)
		return out->sets_mode = read_executable(op->text, &out->is_executable);
	return false;
}

void propedit_init(struct propedit *edit, const struct proppatch *patch)
{
	edit->patch = patch;
	edit->n_bad = 0;
	for (size_t i = 0; i < patch->n_ops; i++) {
		const struct proppatch_op *op = &patch->ops[i];
		struct fs_props_edit unused = {.mtime_ns = FS_MTIME_NOW};
		bool is_made = patch->is_mkcol && op->prop.id == PROP_RESOURCETYPE
			       && !patch->is_other_type;
		bool is_good =
			op->prop.id == PROP_UNKNOWN || is_made || set_live(op, &unused);

		edit->verdicts[i] = is_good ? 200 : 403;
		edit->n_bad += !is_good;
	}
}

/* Sets or removes a dead property, in @bag by way of @next. */
static bool edit_dead(const struct proppatch_op *op, struct buf *bag, struct buf *next)
{
	buf_clear(next);
	if (!propbag_set(
		    next, buf_span(bag), op->prop.name, op->is_remove ? SPAN_NONE : op->xml)
		|| next->failed)
		return false;
	struct buf swapped = *bag;
	*bag = *next;
	*next = swapped;
	return true;
}

enum fs_result propedit_apply(void *ctx, struct fs_props_edit *out)
{
	struct propedit *edit = ctx;
	AUTO_BUF next = BUF_INIT(FS_PROPS_MAX);

	for (size_t i = 0; i < edit->patch->n_ops; i++) {
		const struct proppatch_op *op = &edit->patch->ops[i];

		if (op->prop.id != PROP_UNKNOWN) {
			(void)set_live(op, out); /* judged before */
		} else if (!edit_dead(op, out->props, &next)) {
			edit->verdicts[i] = 507;
			edit->n_bad++;
		}
	}
	return edit->n_bad > 0 ? FS_CANCELLED : FS_OK;
}

uint64_t propedit_named(const struct propedit *edit)
{
	uint64_t named = 0;

	for (size_t i = 0; i < edit->patch->n_ops; i++)
		named |= PROP_BIT(edit->patch->ops[i].prop.id);
	return named;
}

void propedit_put(const struct propedit *edit, struct buf *out)
{
	for (size_t i = 0; i < edit->patch->n_ops; i++) {
		const struct proppatch_op *op = &edit->patch->ops[i];
		unsigned verdict = edit->verdicts[i];

		multistatus_propstat_begin(out);
		multistatus_put_name(out, &op->prop);
		if (verdict == 403 && op->prop.id != PROP_UNKNOWN
			&& prop_protected(op->prop.id))
			multistatus_propstat_end_why(
				out, 403, "cannot-modify-protected-property");
		else
			multistatus_propstat_end(
				out, verdict == 200 && edit->n_bad > 0 ? 424 : verdict);
	}
}

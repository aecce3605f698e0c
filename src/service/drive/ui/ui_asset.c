/* SPDX-License-Identifier: MIT */

#include "service/drive/ui/ui_asset.h"

#include "service/drive/ui/ui_asset_data.h"

#include <assert.h>

const struct ui_asset *ui_asset_find(struct span name)
{
	for (size_t i = 0; i < ui_asset_data_n; i++) {
		if (span_eq(ui_asset_data[i].name, name))
			return &ui_asset_data[i];
	}
	return NULL;
}

void ui_asset_put_url(struct buf *out, struct span name)
{
	const struct ui_asset *asset = ui_asset_find(name);

	assert(asset);
	buf_put_span(out, SPAN(UI_ASSET_PATH));
	buf_put_span(out, name);
	buf_put_span(out, SPAN("?v="));
	buf_put_span(out, asset->version);
}

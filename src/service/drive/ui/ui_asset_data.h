/* SPDX-License-Identifier: MIT */
#pragma once

/* ui_asset_data - the table tools/embed writes; for ui_asset.c alone. */

#include "service/drive/ui/ui_asset.h"

extern const struct ui_asset ui_asset_data[];
extern const size_t ui_asset_data_n;

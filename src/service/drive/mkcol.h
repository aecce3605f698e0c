/* SPDX-License-Identifier: MIT */
#pragma once

/* mkcol - MKCOL: a new folder, with the properties its body gives it (RFC 5689). */

struct request;

void mkcol_begin(struct request *r);

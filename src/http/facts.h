/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * facts - what a request's fields say together: where its body ends, whether
 * the connection goes on, whether the client waits for a 100.
 */

struct http_head;

/**
 * http_facts_derive - fill in .body, .length, .keep_alive and .expect_continue.
 *
 * Called by the head parser at the empty line. Returns 0, or the status to
 * refuse the request with and a sentence in *@why.
 */
[[nodiscard]] unsigned http_facts_derive(struct http_head *head, const char **why);

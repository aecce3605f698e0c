/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * call - one call of a script through a server, on either wire.
 *
 *   in        until                                        then
 *   WAITING   the server sends WIRE_GO                     SENT
 *             no sign for WIRE_PATIENCE_MS, a signal,
 *             WIRE_COLD, or the server's end               COLD
 *   SENT      the executor sends WIRE_BEGUN                BEGUN
 *             it sends WIRE_COLD, or ends                  COLD
 *   BEGUN     it sends WIRE_ENDED, or the server does      ENDED
 *   SENT, BEGUN
 *             the server's end                             LOST
 */

struct args;
struct place;
struct reason;

enum call_result {
	CALL_ENDED = 0, /* *@status is wait(2)'s */
	CALL_COLD,      /* run it directly; *@status is an enum wire_why */
	CALL_NOBODY,    /* there is no server */
	CALL_LOST, /* the server went while the script ran: how it ended is not known */
};

/* Calls through our own wire, or CALL_NOBODY where it is not spoken. */
[[nodiscard]] int call_own_wire(
	const struct place *place, const struct args *args, int *status);

/* Calls through our own wire, or the known one where only that is spoken. An enum
 * call_result.
 */
[[nodiscard]] int call_server(
	const struct place *place, const struct args *args, int *status);

/* Calls through the known wire on @sock, which it closes, waiting at most @patience_ms for
 * the greeting. CALL_NOBODY: the other end closed before it greeted. */
[[nodiscard]] int call_v1(int sock, const struct args *args, int patience_ms, int *status);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * upgrade_wire - what crosses between a server and the program that is to take over from it.
 *
 *   the old server                        the new one
 *       |------ UPGRADE_CONTROL + socket >|   where preforkctl connects
 *       |------ UPGRADE_PIDFILE + file -->|   locked; the new one writes its number when it is ready
 *       |------ UPGRADE_LISTEN + socket ->|   a listening socket; one message each
 *       |------ UPGRADE_GATE + memory --->|   who is counted at a service: one for each
 *       |------ UPGRADE_SERVE ----------->|   these were all: begin
 *       |<----- UPGRADE_TAKES ------------|   connections of this service may come
 *       |<----- UPGRADE_READY ------------|   everything serves: finish
 *       |<----- UPGRADE_FAILED -----------|   or: I cannot start, and why
 *       |------ UPGRADE_TOTALS ---------->|   what a service has done here: count on from there
 *       |------ UPGRADE_ANSWER ---------->|   preforkctl: from now on it is the new one that answers
 *       |------ UPGRADE_INPUT ----------->|   bytes read from the next guest, in pieces
 *       |------ UPGRADE_GUEST + socket -->|   a connection that is idle or waits in the queue
 *
 * The channel is the new program's descriptor 3, and PREFORKD_UPGRADE=3 in its
 * environment says so. If it ends before READY the old server goes on; guests may
 * come until the old server has ended, and once more TOTALS for what was finished
 * meanwhile. So whoever asks for totals never sees them fall. Where the new one has
 * handed over in its turn by then, it passes both on, and stays for as long as that
 * may be. The two may be of different builds: so
 * there is a version, fields have fixed widths, addresses are as the kernel has
 * them, and a message of another version or size ends the upgrade. Each is as
 * trusted as the other, having the same binary's path and user.
 */

#include "core/totals.h"
#include "os/chan.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define UPGRADE_VERSION   3u
#define UPGRADE_FD        3
#define UPGRADE_ENV       "PREFORKD_UPGRADE"
#define UPGRADE_NAME_MAX  40u  /* bytes of a service's name, with its NUL */
#define UPGRADE_ADDR_MAX  112u /* bytes of a sockaddr: a unix one is the longest */
#define UPGRADE_INPUT_MAX 480u /* bytes in one message; of a sentence, with its NUL, too */

enum upgrade_type {
	UPGRADE_CONTROL = 1,
	UPGRADE_LISTEN,
	UPGRADE_SERVE,
	UPGRADE_TAKES,
	UPGRADE_READY,
	UPGRADE_INPUT,
	UPGRADE_GUEST,
	UPGRADE_PIDFILE,
	UPGRADE_TOTALS,
	UPGRADE_ANSWER,
	UPGRADE_FAILED,
	UPGRADE_GATE,
};

struct upgrade_addr {
	uint32_t n;
	char bytes[UPGRADE_ADDR_MAX];
};

struct upgrade_msg {
	uint32_t type; /* enum upgrade_type */
	uint32_t version;
	union {
		struct {
			char service[UPGRADE_NAME_MAX];
			struct upgrade_addr asked;
			struct upgrade_addr bound;
			uint32_t foreign; /* its name is another program's */
		} listen;                 /* CONTROL: only bound */
		struct {
			char service[UPGRADE_NAME_MAX];
			uint64_t layout; /* gate_layout */
		} gate;
		struct {
			uint64_t generation; /* the newest so far */
		} serve;
		struct {
			char service[UPGRADE_NAME_MAX];
			char run[UPGRADE_NAME_MAX]; /* what it does with a connection */
			uint32_t who;               /* enum model_takes */
		} takes;
		struct {
			char service[UPGRADE_NAME_MAX];
			struct totals more;
		} totals;
		struct {
			char sentence[UPGRADE_INPUT_MAX];
		} failed;
		struct {
			uint64_t guest;
			uint32_t n;
			char bytes[UPGRADE_INPUT_MAX];
		} input;
		struct {
			uint64_t id;
			uint64_t accepted_ns; /* CLOCK_MONOTONIC: the machine is the same */
			uint64_t n_read;
			uint64_t n_sent;
			uint64_t gate;    /* gate_id: whose ticket */
			uint32_t ticket;  /* it is counted by; goes with it */
			uint32_t n_input; /* as many came before, for this id */
			uint32_t parked;  /* 0: it waits in the queue */
			uint32_t n_killed;
			uint32_t resumed;
			uint32_t unused;
			struct upgrade_addr peer;
			struct upgrade_addr local;
			char service[UPGRADE_NAME_MAX];
			char run[UPGRADE_NAME_MAX];
		} guest;
	};
};
static_assert(sizeof(struct upgrade_msg) <= CHAN_MSG_MAX, "fits a channel message");
static_assert(sizeof(struct upgrade_msg) % 8 == 0, "no padding at the end");

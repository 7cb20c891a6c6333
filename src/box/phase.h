/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handshake between supervisor and init.
 *
 *   phase         direction    meaning                                     on EOF
 *   PH_PLACED     sup -> init  init is in a cgroup of systemd's, or there    init exits
 *                              is none (where it waits); carries struct placed
 *   PH_IDMAPPED   sup -> init  uid and gid maps are in place                init exits
 *   PH_TERMINAL   init -> sup  the next packet carries the pty master       fail
 *   PH_ATTACHED   sup -> init  the pty has the caller's modes and size      init exits
 *   PH_STARTED    init -> sup  the command was executed: no set-up error    fail
 *                              can follow; carries the known part of struct ending
 *   PH_EXITED     init -> sup  the command ended; carries struct ending     see supervise.c
 *   PH_FAILED     init -> sup  carries struct err; nothing was executed     terminal
 *   PH_SIGNAL     sup -> init  deliver a signal to the command              init exits
 *   PH_METER      sup -> init  open what the box's use is read from         init exits
 *   PH_METERED    init -> sup  the next packet carries it: usage.h          see supervise.c
 *   PH_REFUSED    init -> sup  refused.c; carries struct refused_call         see supervise.c
 *   PH_MISSED     init -> sup  watched.c; carries struct missed               see supervise.c
 *
 * One SOCK_SEQPACKET pair; a record is one packet. EOF is an error except
 * after PH_EXITED or PH_FAILED. The socket never reaches the payload.
 */
#ifndef AISBX_BOX_PHASE_H
#define AISBX_BOX_PHASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "box/refusals/missing.h"
#include "box/refusals/refused_call.h"
#include "policy/walls.h"

enum phase {
	PH_NONE,
	PH_PLACED,
	PH_IDMAPPED,
	PH_TERMINAL,
	PH_ATTACHED,
	PH_STARTED,
	PH_EXITED,
	PH_FAILED,
	PH_SIGNAL,
	PH_METER,
	PH_METERED,
	PH_REFUSED,
	PH_MISSED,
	PH__N
};

enum direction {
	TO_SUPERVISOR,
	TO_INIT
};

struct phase_info {
	const char *name;
	enum direction direction;
};

extern const struct phase_info phases[PH__N];

/* What init knows when the command has ended. */
struct ending {
	int32_t wait_status;	 /* as waitpid(2) */
	uint32_t degraded;	 /* bit n: enum wall n was not built */
	int32_t landlock_abi;	 /* 0: none */
	uint32_t tells;		 /* init has the listener: refused calls are told */
	uint64_t cpu_us;	 /* all processes of the box that were reaped */
	uint64_t peak_rss_bytes; /* largest single process */
	uint64_t peak_tasks;	 /* headcount.h; 0: not known */
};

/*
 * In memory of its own that supervisor and init share until PH_STARTED is sent: whoever kills
 * init between execve and that leaves no doubt that the command ran.
 */
struct start {
	atomic_bool executed; /* nothing failed up to execve */
	struct ending ending; /* the part that is known then */
};

/* What the cgroup holds: struct init. */
struct placed {
	int32_t in_cgroup;
	int32_t holds_cpus;
	int32_t holds_processes;
};

/* To whom a signal of PH_SIGNAL goes. */
enum signal_to {
	SIGNAL_COMMAND,
	SIGNAL_GROUP, /* the command's process group */
	SIGNAL_EVERYONE,
};

struct signal_request {
	int32_t signal;
	int32_t to; /* enum signal_to */
};

/* An absolute path that the payload looked for and that is not in the box. */
struct missed {
	char path[MISSING_BYTES];
};

/* Of PH_METERED, which the descriptors of usage_open() follow. */
struct metered {
	int32_t command; /* its number in the box */
};

struct record {
	uint32_t phase; /* enum phase */
	uint32_t size;	/* sizeof struct record: another build at the other end is an error */
	union {
		struct err err;
		struct ending ending;
		struct placed placed;
		struct signal_request signal;
		struct refused_call refused;
		struct missed missed;
		struct metered metered;
	};
};

/* 0 or -errno. No heap, no stdio. */
int phase_send(int socket_fd, const struct record *record);
/* The same, or -EAGAIN where it would wait. */
int phase_send_now(int socket_fd, const struct record *record);
/*
 * Receives one record for that direction. 0 on EOF, 1 when *ret_record is
 * set, -errno; -EPROTO when it is malformed or runs the other way.
 */
int phase_receive(int socket_fd, enum direction direction, struct record *ret_record);
/* Makes a received record safe to read: known phase and direction, texts terminated. */
bool phase_check(struct record *record, enum direction direction);

#endif

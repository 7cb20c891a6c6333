/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An observed box: init notes which paths its programs ask for. An observation, not a
 * wall: what a program shows to the kernel may be another path than the one noted.
 */
#ifndef AISBX_BOX_OBSERVE_H
#define AISBX_BOX_OBSERVE_H

#include <linux/seccomp.h>

/* What learn hands to the box. */
struct trace {
	int paths_fd;  /* a file: notes, one after the other, see enum note */
	int layers_fd; /* a socket: takes the descriptor of sources.h's layers_fd */
};

/*
 * How a path was asked for: the first byte of a note. The path follows, absolute as far as it
 * could be told, and a NUL. Each is written once for a path.
 */
enum note {
	NOTE_EXECUTE = 'x',
	NOTE_READ = 'r', /* opened for reading; of a directory: listed */
	NOTE_WRITE = 'w',
	NOTE_CREATE = 'n',  /* the same, or made, where it need not be there */
	NOTE_REPLACE = 'm', /* its name was made, taken away or given to another file */
	NOTE_LOOK = 's',    /* stat, access, readlink */
	NOTE_ENTER = 'c',   /* chdir */
	/* Without a path. */
	NOTE_UNIX = 'u',  /* a socket of AF_UNIX: refused */
	NOTE_MEMFD = 'f', /* a file without a name: it may be executed */
	NOTE_CUT = 't',	  /* from here on nothing was noted: too much */
};

/* Before the command runs. trace is copied. */
void observe_prepare(const struct trace *trace);
enum {
	OBSERVE_FDS_MAX = 1
};
/* Descriptors that must stay open; returns how many. */
unsigned observe_descriptors(int fds[OBSERVE_FDS_MAX]);
/* Notes one call. 0: it goes on as it is; else the negative errno it gets. */
int observe_call(const struct seccomp_notif *request);

#endif

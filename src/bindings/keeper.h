/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper: a process between the bindings' server and one command that it runs. It sees to it
 * that nothing of the command outlives the call, whatever became of it.
 */
#ifndef AISBX_BINDINGS_KEEPER_H
#define AISBX_BINDINGS_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it runs: a program, or a function of ours in a process of its own. */
struct job {
	const char *program;
	char *const *argv;
	char *const *env;
	const char *cwd;
	uint64_t open_files;		       /* the caller's soft limit */
	int (*function)(const void *argument); /* its value is the exit status */
	const void *argument;
};

struct keeper {
	pid_t pid;
	int control_fd; /* becomes readable when nothing of the command is left */
};

/* What it says of the command then. */
struct keeper_record {
	int32_t status; /* as waitpid(2) */
	int32_t errnum; /* why it was not executed, 0: it was */
};

/* fds: its stdin, stdout and stderr, all above 2. 0 or -errno. */
int keeper_start(const struct job *job, const int fds[3], struct keeper *ret_keeper);
/* Ends what runs, at once. */
void keeper_end(const struct keeper *keeper);
/* Once control_fd is readable: false when the keeper died before it could say anything. */
bool keeper_finish(struct keeper *keeper, struct keeper_record *ret_record);

/*
 * Kills the children of this process, but those that is_kept() knows (NULL: none), and theirs,
 * who become ours; reaps what has ended. Whether any is left. Needs PR_SET_CHILD_SUBREAPER.
 */
bool keeper_kill_children(bool (*is_kept)(pid_t pid));
/* Whether the kernel and /proc tell a process its children; without that nothing can be kept. */
bool keeper_can_keep(void);

#endif

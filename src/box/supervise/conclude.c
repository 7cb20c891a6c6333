/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a run ended: see supervisor.h and box.h. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "box/supervise/supervisor.h"

const char *const outcome_names[OUTCOME__N] = {
	[OUTCOME_EXITED] = "exited",
	[OUTCOME_SIGNALED] = "signaled",
	[OUTCOME_WALL_LIMIT] = "wall_limit",
	[OUTCOME_CPU_LIMIT] = "cpu_limit",
	[OUTCOME_MEMORY_LIMIT] = "memory_limit",
	[OUTCOME_OUTPUT_LIMIT] = "output_limit",
	[OUTCOME_DISK_LIMIT] = "disk_limit",
	[OUTCOME_INPUT_REJECTED] = "input_rejected",
	[OUTCOME_SETUP_FAILED] = "setup_failed",
};

/*
 * The kernel counts the limit in ticks and getrusage(2) finer, and the two can
 * be far apart on a busy host: a payload that sent itself the signal has used
 * next to nothing.
 */
static bool is_cpu_limit(const struct supervisor *sup)
{
	const struct box_end *end = sup->end;
	uint64_t limit_ms = sup->plan->limits.cpu_ms;

	return limit_ms != LIMIT_NONE && sup->reason != REASON_UNWATCHED &&
	       end->cpu_ms >= limit_ms / 2 &&
	       (end->signal == SIGXCPU || (end->signal == SIGKILL && sup->ended));
}

void supervisor_classify(struct supervisor *sup)
{
	struct box_end *end = sup->end;
	int status = sup->ended ? sup->ending.wait_status : SIGKILL;

	if (!end->started) {
		end->outcome = OUTCOME_SETUP_FAILED;
		if (!sup->failed && sup->reason == REASON_WALL)
			end->outcome = OUTCOME_WALL_LIMIT;
		else if (!sup->failed && sup->reason == REASON_MEMORY)
			end->outcome = OUTCOME_MEMORY_LIMIT; /* less than a box itself takes */
		else if (!sup->failed)
			err_set(&end->err, E_ENDED, 0, "",
				"the box was ended before the command ran; run it again");
		return;
	}
	end->outcome = WIFSIGNALED(status) ? OUTCOME_SIGNALED : OUTCOME_EXITED;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (sup->reason == REASON_WALL)
		end->outcome = OUTCOME_WALL_LIMIT;
	else if (sup->reason == REASON_OUTPUT)
		end->outcome = OUTCOME_OUTPUT_LIMIT;
	else if (sup->reason == REASON_MEMORY)
		end->outcome = OUTCOME_MEMORY_LIMIT;
	else if (sup->reason == REASON_DISK)
		end->outcome = OUTCOME_DISK_LIMIT;
	else if (sup->reason == REASON_CPU || is_cpu_limit(sup))
		end->outcome = OUTCOME_CPU_LIMIT;
}

int box_exit_status(const struct box_end *end)
{
	switch (end->outcome) {
	case OUTCOME_WALL_LIMIT:
		return EXIT_WALL_LIMIT;
	case OUTCOME_MEMORY_LIMIT:
	case OUTCOME_DISK_LIMIT:
		return EXIT_SIGNAL_BASE + SIGKILL;
	case OUTCOME_SETUP_FAILED:
	case OUTCOME_INPUT_REJECTED:
		return err_exit_status(&end->err);
	case OUTCOME_EXITED:
	case OUTCOME_SIGNALED:
	case OUTCOME_CPU_LIMIT:
	case OUTCOME_OUTPUT_LIMIT:
	case OUTCOME__N:
		break;
	}
	if (end->exit_code == 0 && end->output_errnum)
		return EXIT_FAILURE; /* as of a command that noticed by itself */
	return end->signal ? EXIT_SIGNAL_BASE + end->signal : end->exit_code;
}

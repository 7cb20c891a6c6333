/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a run ended, as a word and as an exit status. */
#include "base/program.h"
#include "box/box.h"

const char *const outcome_names[OUTCOME__N] = {
	[OUTCOME_EXITED] = "exited",
	[OUTCOME_SIGNALED] = "signaled",
	[OUTCOME_WALL_LIMIT] = "wall_limit",
	[OUTCOME_CPU_LIMIT] = "cpu_limit",
	[OUTCOME_MEMORY_LIMIT] = "memory_limit",
	[OUTCOME_OUTPUT_LIMIT] = "output_limit",
	[OUTCOME_INPUT_REJECTED] = "input_rejected",
	[OUTCOME_SETUP_FAILED] = "setup_failed",
};

int box_exit_status(const struct box_end *end)
{
	switch (end->outcome) {
	case OUTCOME_WALL_LIMIT:
		return EXIT_WALL_LIMIT;
	case OUTCOME_SETUP_FAILED:
	case OUTCOME_INPUT_REJECTED:
		return err_exit_status(&end->err);
	case OUTCOME_EXITED:
	case OUTCOME_SIGNALED:
	case OUTCOME_CPU_LIMIT:
	case OUTCOME_MEMORY_LIMIT:
	case OUTCOME_OUTPUT_LIMIT:
	case OUTCOME__N:
		break;
	}
	return end->signal ? EXIT_SIGNAL_BASE + end->signal : end->exit_code;
}

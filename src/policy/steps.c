/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan's steps: see steps.h. */
#include "policy/steps.h"

#include <string.h>
#include <sys/stat.h>

#include "policy/paths.h"

struct step *steps_add(struct arena *arena, struct plan *plan, enum step_kind kind,
		       const char *box_path, mode_t mode)
{
	plan->steps = arena_grow(arena, plan->steps, plan->steps_len, &plan->steps_cap,
				 sizeof *plan->steps);
	struct step *step = &plan->steps[plan->steps_len++];
	step->kind = kind;
	step->box_path = box_path;
	step->mode = mode;
	step->why = "aisbx";
	return step;
}

const struct step *steps_find(const struct plan *plan, const char *box_path)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		if (strcmp(plan->steps[i].box_path, box_path) == 0)
			return &plan->steps[i];
	}
	return NULL;
}

const struct step *steps_holder(const struct plan *plan, const char *box_path)
{
	const struct step *best = NULL;

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind == STEP_DIR || step->kind == STEP_SYMLINK ||
		    step->kind == STEP_FILE || step->kind == STEP_COVER ||
		    step->kind == STEP_SOCKET)
			continue;
		if (path_is_within(box_path, step->box_path) &&
		    (!best || strlen(step->box_path) >= strlen(best->box_path)))
			best = step;
	}
	return best;
}

char *steps_host_path(struct arena *arena, const struct plan *plan, const char *box_path)
{
	const struct step *in = steps_holder(plan, box_path);

	if (!in || in->kind != STEP_BIND)
		return NULL;
	return path_join(arena, in->host_path, path_rest(box_path, in->box_path));
}

char *steps_box_path(struct arena *arena, const struct plan *plan, const char *host_path)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_BIND || !path_is_within(host_path, step->host_path))
			continue;
		char *box_path =
			path_join(arena, step->box_path, path_rest(host_path, step->host_path));
		/* Unless something deeper is mounted in front of it. */
		char *shown = steps_host_path(arena, plan, box_path);
		if (shown && strcmp(shown, host_path) == 0)
			return box_path;
	}
	return NULL;
}

bool steps_is_directory(struct arena *arena, const struct plan *plan, const char *box_path)
{
	const struct step *in = steps_holder(plan, box_path);
	const struct step *step = steps_find(plan, box_path);
	struct stat st;

	if (strcmp(box_path, "/") == 0)
		return true;
	if (step)
		return step->kind == STEP_DIR || (step->flags & STEP_IS_DIR);
	if (!in || in->kind != STEP_BIND)
		return in && in->kind == STEP_PROC;
	char *host_path = steps_host_path(arena, plan, box_path);
	return host_path && stat(host_path, &st) == 0 && S_ISDIR(st.st_mode);
}

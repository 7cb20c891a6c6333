/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exec list: see programs.h. */
#include "policy/programs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/paths.h"
#include "policy/resolve.h"
#include "policy/steps.h"

/* Host file that box_path leads to, through links of the box or of the host. */
static bool resolve_program(struct arena *arena, const struct plan *plan, const char *box_path,
			    struct resolved *ret_host)
{
	char *host_path = steps_host_path(arena, plan, box_path);

	/* /bin -> usr/bin is a link of the box's own; the host's leads to the same place. */
	if (resolve_host_path(arena, host_path ? host_path : box_path, ret_host) < 0)
		return false;
	return S_ISREG(ret_host->mode) && steps_box_path(arena, plan, ret_host->path);
}

static char *find_program(struct arena *arena, const struct plan *plan, const char *name,
			  struct resolved *ret_host)
{
	if (strchr(name, '/')) {
		char *path = path_absolute(arena, plan->facts->cwd, name);
		return resolve_program(arena, plan, path, ret_host) ? path : NULL;
	}
	for (const char *at = plan->path; *at;) {
		size_t len = strcspn(at, ":");
		char *path = arena_printf(arena, "%.*s/%s", (int)len, at, name);

		if (len && resolve_program(arena, plan, path, ret_host))
			return path;
		at += len + (at[len] == ':');
	}
	return NULL;
}

static void add_bind(struct arena *arena, struct plan *plan, char *box_path,
		     const struct resolved *host, unsigned flags)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		struct step *there = &plan->steps[i];

		if (there->kind != STEP_BIND || strcmp(there->box_path, box_path) != 0)
			continue;
		if (!(flags & STEP_NOEXEC)) /* a grant of the very program */
			there->flags &= ~(unsigned)STEP_NOEXEC;
		return;
	}
	struct step *step = steps_add(arena, plan, STEP_BIND, box_path, 0);
	step->host_path = host->path;
	step->dev = host->dev;
	step->ino = host->ino;
	step->owner = host->uid;
	step->group = host->gid;
	step->flags = flags | STEP_ON_BIND | STEP_PIN;
}

static int close_program_directories(struct arena *arena, struct plan *plan, struct err *reterr)
{
	static const char *const dirs[] = { "/usr/bin",	       "/usr/sbin",  "/usr/local/bin",
					    "/usr/local/sbin", "/usr/games", "/usr/libexec" };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		char *host_path = steps_host_path(arena, plan, dirs[i]);
		struct resolved host;

		int r = host_path ? resolve_host_path(arena, host_path, &host) : -ENOENT;
		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		if (r < 0)
			return err_set(reterr, E_GRANT, -r, "inspect", host_path);
		if (host.links.len == 0 && S_ISDIR(host.mode))
			add_bind(arena, plan, arena_strdup(arena, dirs[i]), &host,
				 STEP_IS_DIR | STEP_NOEXEC);
	}
	return 0;
}

static bool is_binding(const struct plan *plan, const char *name)
{
	const struct binding_list *bindings = &plan->profile->bindings;

	for (size_t i = 0; i < bindings->len; i++) {
		if (strcmp(bindings->items[i].name, name) == 0)
			return true;
	}
	return false;
}

int programs_build(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct strv *names = &plan->profile->exec;

	if (!plan->has_exec_list)
		return 0;
	int r = close_program_directories(arena, plan, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names->len; i++) {
		struct resolved host;
		if (is_binding(plan, names->items[i]))
			continue; /* it may be executed, listed or not */
		char *path = find_program(arena, plan, names->items[i], &host);

		if (!path)
			return err_msg(
				reterr, E_GRANT,
				"cannot allow execution of '%s': no such program in the box; "
				"write its path, or grant the directory it is in",
				names->items[i]);
		add_bind(arena, plan, steps_box_path(arena, plan, host.path), &host, 0);
		strv_push(arena, &plan->exec, path);
	}
	return 0;
}

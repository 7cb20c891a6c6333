/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Doctor's tries in real boxes: true(1) runs there, or a wall says why not. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "box/box.h"
#include "doctor/visit.h"

static char *command[] = { (char *)"true", NULL };

static int plan(struct visit *visit, struct err *reterr)
{
	const struct request request = { .command = command,
					 .stdin_fd = -1,
					 .throw_away = visit->throw_away };

	return plan_build(&visit->arena, &visit->profile, &visit->facts, &request, &visit->plan,
			  reterr);
}

int visit_plan(struct visit *visit, const char *text, struct err *reterr)
{
	int r = profile_parse(&visit->arena, "doctor", text, strlen(text), &visit->profile, NULL,
			      reterr);

	return r < 0 ? r : plan(visit, reterr);
}

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int visit_box(struct visit *visit, double *ret_ms, struct err *reterr)
{
	enum {
		WALL_MS = 10000
	};
	struct box_end end;
	double begin_ms = now_ms();

	visit->plan.limits.wall_ms = WALL_MS;
	box_run(&visit->plan, &visit->arena, -1, NULL, &end);
	*ret_ms = now_ms() - begin_ms;
	if (end.outcome == OUTCOME_EXITED && end.exit_code == 0)
		return 0;
	if (end.outcome == OUTCOME_SETUP_FAILED)
		*reterr = end.err;
	else
		(void)err_msg(reterr, E_SYSTEM, "true ended otherwise: %s, status %d, signal %d",
			      outcome_names[end.outcome], end.exit_code, end.signal);
	return -EINVAL;
}

/* A box of that profile that may lack any wall that can be left out, but this one. */
static int run_lacking(struct visit *visit, const char *text, enum wall wall, struct err *reterr)
{
	double ms;
	int r = visit_plan(visit, text, reterr);

	for (int i = 0; r == 0 && i < WALL__N; i++)
		visit->plan.degradable[i] = walls[i].may_degrade && i != (int)wall;
	return r < 0 ? r : visit_box(visit, &ms, reterr);
}

static void try_box(struct visit *visit, const char *text, enum wall wall, const char *what)
{
	struct err err;

	if (run_lacking(visit, text, wall, &err) < 0)
		finding_fail(visit->finding, STATE_MISSING, &err);
	else
		finding_say(visit->finding, STATE_OK, "%s", what);
}

void visit_mounts(struct visit *visit)
{
	try_box(visit, profile_builtin("base"), WALL__N,
		"a root of the box's own, with the system directories");
}

void visit_proc(struct visit *visit)
{
	try_box(visit, profile_builtin("base"), WALL_PROC, "a box mounts its own");
}

void visit_keyring(struct visit *visit)
{
	try_box(visit, profile_builtin("base"), WALL_KEYRING, "a box has its own");
}

void visit_disk(struct visit *visit)
{
	try_box(visit, "extends: [base]\nfiles: {write: [.]}\nlimits: {disk: 1M}\n", WALL_DISK,
		"what a box writes below the working directory is counted");
}

/* As learn makes them, where the caller may write and nothing is mounted below. */
void visit_overlay(struct visit *visit)
{
	static const char *const dirs[] = { "/tmp", "/var/tmp", "/usr/share" };
	struct err first, err;

	visit->throw_away = true;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		const char *text = arena_printf(&visit->arena,
						"files: {read: [/usr, -/bin, -/lib, -/lib64, "
						"-/nix/store], write: [%s]}\n" VISIT_BARE,
						dirs[i]);

		if (run_lacking(visit, text, WALL__N, i ? &err : &first) == 0) {
			finding_say(visit->finding, STATE_OK, "a box writes to a layer over %s",
				    dirs[i]);
			return;
		}
	}
	finding_fail(visit->finding, STATE_MISSING, &first);
}

/* Nothing is asked or dialled: true(1) wants no host. */
void visit_network(struct visit *visit)
{
	try_box(visit,
		arena_printf(&visit->arena, "%snetwork: {hosts: [example.com]}\n",
			     profile_builtin("base")),
		WALL__N, "a box with a granted host starts, with its broker");
}

/* A new terminal of the host's as stdin, stdout and stderr. */
static int open_terminal(struct err *reterr)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof name) != 0)
		return err_set(reterr, E_SYSTEM, errno, "open", "/dev/ptmx");
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(reterr, E_SYSTEM, errno, "open", name);
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(slave, fd) < 0)
			return err_set(reterr, E_SYSTEM, errno, "set up", "a standard descriptor");
	}
	return 0; /* the master stays open: its end would hang the box up */
}

static void note_tiocsti(struct finding *finding)
{
	int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY | O_CLOEXEC);
	char answer = '1'; /* before Linux 6.2 there was no switch */

	if (fd >= 0 && read(fd, &answer, 1) == 1 && answer == '0')
		finding_detail(finding, "the host refuses TIOCSTI, as every box does");
	else
		finding_detail(finding, "the host allows TIOCSTI (dev.tty.legacy_tiocsti): a box "
					"refuses it, and never has the caller's terminal");
}

void visit_terminal(struct visit *visit)
{
	struct err err;

	note_tiocsti(visit->finding);
	if (open_terminal(&err) < 0 ||
	    hostfacts_read(&visit->arena, environ, &visit->facts, &err) < 0) {
		err_hint(&err, "mount -t devpts -o ptmxmode=0666 devpts /dev/pts, and "
			       "ln -s pts/ptmx /dev/ptmx");
		finding_fail(visit->finding, STATE_LIMITED, &err);
		return;
	}
	try_box(visit, profile_builtin("base"), WALL__N, "a box gets one of its own");
}

/* As aisbx run -- true: with the profile that stands for default here, and every wall. */
void visit_run(struct visit *visit)
{
	struct profile none;
	struct err err;
	double box_ms, begin_ms = now_ms();

	profile_init(&none);
	int r = profile_load_command(&visit->arena, NULL, &none, &visit->profile, NULL, &err);
	if (r == 0)
		r = plan(visit, &err);
	if (r == 0)
		r = visit_box(visit, &box_ms, &err);
	if (r < 0)
		finding_fail(visit->finding, STATE_MISSING, &err);
	else
		finding_say(visit->finding, STATE_OK, "aisbx run -- true works, in %.1f ms",
			    now_ms() - begin_ms);
}

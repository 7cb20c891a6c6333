/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this host can and cannot enforce: see doctor.h. */
#include "doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/remedies.h"
#include "doctor/visit.h"

enum {
	PATIENCE_S = 20, /* for one try */
};

const char *const state_names[STATE__N] = {
	[STATE_OK] = "ok",
	[STATE_LIMITED] = "limited",
	[STATE_MISSING] = "missing",
};

#define CHECK_RUN "run"
#define ALL_FAIL  "every run fails with status 125, and nothing runs"

const struct check checks[] = {
	{ "kernel",
	  visit_kernel,
	  NULL,
	  { [STATE_LIMITED] = "aisbx is not tested on it; the lines below tell" } },
	{ "user", visit_user, NULL, { [STATE_MISSING] = ALL_FAIL } },
	{ "namespaces", visit_namespaces, "user", { [STATE_MISSING] = ALL_FAIL } },
	{ "landlock",
	  visit_landlock,
	  NULL,
	  { [STATE_LIMITED] = "signals and abstract sockets are held by namespaces alone",
	    [STATE_MISSING] = "a run fails, or with --allow-degraded landlock grants are held by "
			      "mounts alone and exec lists are not enforced" } },
	{ "seccomp", visit_seccomp, NULL, { [STATE_MISSING] = ALL_FAIL } },
	{ "notification",
	  visit_notification,
	  "seccomp",
	  { [STATE_MISSING] = "refused system calls are not told of, and runs with files.protect "
			      "fail, such as "
			      "those of profile agent" } },
	{ "mounts", visit_mounts, "namespaces", { [STATE_MISSING] = ALL_FAIL } },
	{ "proc",
	  visit_proc,
	  "mounts",
	  { [STATE_MISSING] = "a run fails, or with --allow-degraded proc its box has no /proc" } },
	{ "keyring",
	  visit_keyring,
	  "mounts",
	  { [STATE_MISSING] = "a run fails, or with --allow-degraded keyring its box starts with "
			      "the caller's session keyring" } },
	{ "limits",
	  visit_limits,
	  NULL,
	  { [STATE_LIMITED] = "the supervisor looks at memory and processor time, and ends a box "
			      "some time past its limit" } },
	{ "disk",
	  visit_disk,
	  "mounts",
	  { [STATE_MISSING] = "runs with --disk and a write grant there fail, or with "
			      "--allow-degraded limits.disk nothing bounds what they write" } },
	{ "idmap",
	  visit_idmap,
	  "user",
	  { [STATE_LIMITED] = "root's runs with grants there fail, or with --allow-degraded idmap "
			      "the box has the rights of others there" } },
	{ "overlayfs", visit_overlay, "mounts", { [STATE_MISSING] = "aisbx learn fails" } },
	{ "network",
	  visit_network,
	  "mounts",
	  { [STATE_MISSING] = "runs with granted hosts or published ports fail" } },
	{ "dns",
	  visit_dns,
	  NULL,
	  { [STATE_LIMITED] = "granted hosts may not be found by their names" } },
	{ "terminal",
	  visit_terminal,
	  "mounts",
	  { [STATE_LIMITED] = "not tried; runs without a terminal do not need it",
	    [STATE_MISSING] = "runs whose stdin is a terminal fail" } },
	{ "profiles", visit_profiles, NULL, { [STATE_LIMITED] = "runs with such a profile fail" } },
	{ CHECK_RUN, visit_run, NULL, { [STATE_MISSING] = "aisbx run -- true fails as shown" } },
};

const size_t checks_len = sizeof checks / sizeof *checks;

/*** Findings ***/

void finding_say(struct finding *finding, enum state state, const char *fmt, ...)
{
	va_list args;

	finding->state = state;
	va_start(args, fmt);
	(void)vsnprintf(finding->found, sizeof finding->found, fmt, args);
	va_end(args);
}

void finding_detail(struct finding *finding, const char *fmt, ...)
{
	size_t len = strlen(finding->details), size = sizeof finding->details;
	va_list args;

	if (len && len + 1 < size)
		finding->details[len++] = '\n';
	va_start(args, fmt);
	(void)vsnprintf(finding->details + len, size - len, fmt, args);
	va_end(args);
}

void finding_fail(struct finding *finding, enum state state, struct err *err)
{
	remedy_add(err);
	finding->state = state;
	(void)snprintf(finding->fix, sizeof finding->fix, "%s", err->hint);
	err->hint[0] = '\0';
	err_format(err, finding->found, sizeof finding->found);
}

/*** Children ***/

/* The tries neither read what the caller types nor write between our lines. */
static int be_silent(struct err *reterr)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++) {
		if (dup2(null, fd) < 0)
			return err_set(reterr, E_SYSTEM, errno, "set up", "a standard descriptor");
	}
	return null < 0 ? err_set(reterr, E_SYSTEM, errno, "open", "/dev/null") : 0;
}

static _Noreturn void visit(size_t i, struct finding *finding)
{
	struct visit visit = { .finding = finding };
	struct err err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(PATIENCE_S);
	int r = be_silent(&err);
	if (r == 0)
		r = hostfacts_read(&visit.arena, environ, &visit.facts, &err);
	if (r == 0)
		checks[i].try(&visit);
	else
		finding_fail(finding, STATE_MISSING, &err);
	_exit(0);
}

static void await(pid_t pid, struct finding *finding)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		finding_say(finding, STATE_MISSING, "no answer in %d seconds", PATIENCE_S);
	else if (WIFSIGNALED(status))
		finding_say(finding, STATE_MISSING, "the try was ended by signal %d",
			    WTERMSIG(status));
}

/* The number of the check of that name. */
static size_t find(const char *name)
{
	size_t i = 0;

	while (strcmp(checks[i].name, name) != 0)
		i++;
	return i;
}

static void examine(size_t i, struct finding *findings)
{
	const char *needs = checks[i].needs;

	if (needs && findings[find(needs)].state == STATE_MISSING) {
		finding_say(&findings[i], STATE_MISSING, "not tried, for it needs %s", needs);
		findings[i].untried = true;
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		visit(i, &findings[i]);
	if (pid < 0)
		finding_say(&findings[i], STATE_MISSING, "cannot start a process: %s",
			    strerror(errno));
	else
		await(pid, &findings[i]);
}

int doctor_examine(const struct finding **ret_findings, bool *ret_works, struct err *reterr)
{
	struct finding *findings = mmap(NULL, checks_len * sizeof *findings, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (findings == MAP_FAILED)
		return err_set(reterr, E_SYSTEM, errno, "share memory with", "a child");
	for (size_t i = 0; i < checks_len; i++)
		examine(i, findings);
	*ret_works = findings[find(CHECK_RUN)].state == STATE_OK;
	*ret_findings = findings;
	return 0;
}

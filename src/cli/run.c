/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx run: options to profile to plan to box to report, in that order. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/box.h"
#include "box/gateway.h"
#include "box/timing.h"
#include "cli/code.h"
#include "cli/commands.h"
#include "cli/last_lines.h"
#include "cli/options.h"
#include "cli/refused.h"
#include "policy/input.h"
#include "policy/plan.h"
#include "policy/units.h"
#include "report/audit.h"
#include "report/result.h"

enum {
	LIMIT_TEXT = 64,
};

struct run {
	struct arena arena;
	struct options options;
	struct hostfacts facts;
	struct profile profile;
	bool profile_loaded;
	struct plan plan;
	bool planned;
	struct request request;
	struct code code; /* of request.code */
	struct result_target result;
	struct result_target published;
	struct audit audit;
	struct err audit_err; /* code E_NONE: all is recorded */
	struct box_end end;
};

static int fail(struct run *run, enum outcome outcome)
{
	run->end.outcome = outcome;
	run->end.exit_code = -1;
	return -EINVAL;
}

static void print_cut(const char *stream, const struct cut *cut)
{
	if (cut->bytes)
		(void)fprintf(stderr, "aisbx: %s: %llu byte%s cut after byte %llu\n", stream,
			      (unsigned long long)cut->bytes, cut->bytes == 1 ? " was" : "s were",
			      (unsigned long long)cut->at);
}

/* Where the head ends and the tail begins cannot be seen in the stream itself. */
static void print_cuts(const struct plan *plan, const struct box_end *end)
{
	if (!(plan->limits.keep & KEEP_TAIL))
		return;
	print_cut(plan->shared_output ? "stdout and stderr" : "stdout", &end->stdout_cut);
	print_cut("stderr", &end->stderr_cut);
}

/*** Code as input ***/

/* The code once more as a file of its own, for the check's stdin. */
static int open_code(const struct run *run, int *ret_fd, struct err *reterr)
{
	_cleanup_close_ int fd = memfd_create("aisbx-code", MFD_CLOEXEC);
	size_t left = run->request.code_len;
	const char *at = run->request.code;

	if (fd < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a file for the code");
	while (left) {
		ssize_t n = write(fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(reterr, E_SYSTEM, errno, "write", "the code");
		at += n;
		left -= (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(reterr, E_SYSTEM, errno, "rewind", "the code");
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* A box with the system directories and nothing of the run's grants. */
static int load_check_profile(struct arena *arena, const struct profile *profile,
			      struct profile *ret_profile, struct err *reterr)
{
	struct profile base;
	const char *text = profile_builtin("base");
	int r = profile_parse(arena, "base", text, strlen(text), &base, NULL, reterr);

	if (r < 0)
		return r;
	base.name = "input.check";
	base.limits = profile->limits;
	base.allow_degraded = profile->allow_degraded;
	*ret_profile = base;
	return 0;
}

/* "wall time limit of 30s"; empty when none was reached. */
static void format_limit(const struct limits *limits, const struct box_end *end, char *text,
			 size_t size)
{
	const struct {
		const char *name;
		void (*format)(uint64_t value, char *text, size_t size);
		uint64_t limit;
	} ends[OUTCOME__N] = {
		[OUTCOME_WALL_LIMIT] = { "wall time", units_format_time, limits->wall_ms },
		[OUTCOME_CPU_LIMIT] = { "CPU time", units_format_time, limits->cpu_ms },
		[OUTCOME_MEMORY_LIMIT] = { "memory", units_format_size, limits->memory },
		[OUTCOME_OUTPUT_LIMIT] = { "output", units_format_size, limits->output },
		[OUTCOME_DISK_LIMIT] = { "disk", units_format_size, limits->disk },
	};
	const char *name = ends[end->outcome].name;
	char value[32];

	text[0] = '\0';
	if (!name)
		return;
	ends[end->outcome].format(ends[end->outcome].limit, value, sizeof value);
	(void)snprintf(text, size, "%s limit of %s", name, value);
}

static int check_verdict(struct run *run, const struct plan *plan, const struct box_end *end)
{
	const char *name = run->profile.input_check.items[0];
	char limit[LIMIT_TEXT];

	if (end->outcome == OUTCOME_EXITED && end->exit_code == 0)
		return 0;
	if (end->outcome == OUTCOME_SETUP_FAILED) {
		run->end.err = end->err;
		/* 126 and 127 are about the command. */
		if (err_exit_status(&end->err) != EXIT_AISBX)
			run->end.err.code = E_USAGE;
		return fail(run, OUTCOME_SETUP_FAILED);
	}
	format_limit(&plan->limits, end, limit, sizeof limit);
	if (*limit)
		err_msg(&run->end.err, E_INPUT, "input rejected: check '%s' reached the %s", name,
			limit);
	else if (end->signal)
		err_msg(&run->end.err, E_INPUT, "input rejected: check '%s' was ended by signal %d",
			name, end->signal);
	else
		err_msg(&run->end.err, E_INPUT, "input rejected: check '%s' exited with status %d",
			name, end->exit_code);
	return fail(run, OUTCOME_INPUT_REJECTED);
}

static int run_check(struct run *run)
{
	struct arena arena = { 0 };
	struct profile profile;
	struct plan plan = { 0 };
	struct box_end end;
	struct request request = { .command = run->profile.input_check.items,
				   .is_input_check = true };
	_cleanup_close_ int code_fd = -1;
	int r = open_code(run, &code_fd, &run->end.err);

	if (r == 0)
		r = load_check_profile(&arena, &run->profile, &profile, &run->end.err);
	request.stdin_fd = code_fd;
	if (r == 0)
		r = plan_build(&arena, &profile, &run->facts, &request, &plan, &run->end.err);
	if (r < 0) {
		arena_free(&arena);
		return fail(run, OUTCOME_SETUP_FAILED);
	}
	box_run(&plan, &arena, code_fd, NULL, &end);
	if (!run->options.quiet)
		print_cuts(&plan, &end);
	arena_free(&arena);
	return check_verdict(run, &plan, &end);
}

static int read_code(struct run *run)
{
	struct code *code = &run->code;
	const struct options *options = &run->options;

	if (options->command_len && !options->code && !options->script)
		return 0;
	if (run->profile.interpreter.len == 0) {
		err_msg(&run->end.err, E_USAGE,
			"no command, and profile '%s' names no interpreter for code; write a "
			"command after --, or use -p python, node or shell",
			run->profile.name);
		return fail(run, OUTCOME_SETUP_FAILED);
	}
	if (!options->code && !options->script && options->profile &&
	    strcmp(options->profile, "-") == 0) {
		err_msg(&run->end.err, E_USAGE,
			"stdin cannot hold both the profile and the code; give the code with -c or "
			"--script");
		return fail(run, OUTCOME_SETUP_FAILED);
	}
	if (code_read(&run->arena, options, run->profile.input_max_size, code, &run->end.err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	run->request.code = code->text;
	run->request.code_len = code->len;
	run->request.code_name = code->name;
	run->request.stdin_is_code = code->from_stdin;
	return 0;
}

static int check_code(struct run *run)
{
	const struct code *code = &run->code;

	if (!code->text)
		return 0;
	if (input_check(&run->profile, code->label, code->text, code->len, &run->end.err) < 0)
		return fail(run, OUTCOME_INPUT_REJECTED);
	return run->profile.input_check.len ? run_check(run) : 0;
}

/*** The steps of a run ***/

/* A log that was refused gets no line of the run's end either. */
static int start_audit(struct run *run, struct err *reterr)
{
	int r = audit_open(&run->arena, &run->plan, &run->audit, reterr);

	if (r == 0)
		r = audit_start(&run->audit, reterr);
	if (r < 0)
		audit_close(&run->audit);
	return r;
}

static int prepare(struct run *run)
{
	struct err *err = &run->end.err;

	if (profile_load_command(&run->arena, run->options.profile, &run->options.grants,
				 &run->profile, NULL, err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	run->profile_loaded = true;
	const char *log = run->profile.audit_file;
	if (result_check_log(&run->arena, &run->facts, log, &run->result, err) < 0 ||
	    result_check_log(&run->arena, &run->facts, log, &run->published, err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	gateway_begin(&run->profile);
	run->request.command = run->options.command;
	run->request.stdin_fd = -1;
	int r = read_code(run);
	if (r < 0)
		return r;
	if (plan_build(&run->arena, &run->profile, &run->facts, &run->request, &run->plan, err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	run->planned = true;
	if (result_check(&run->plan, &run->result, err) < 0 ||
	    result_check(&run->plan, &run->published, err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	if (start_audit(run, err) < 0)
		return fail(run, OUTCOME_SETUP_FAILED);
	r = check_code(run); /* what is rejected is recorded too */
	timing_mark(MARK_PLANNED);
	return r;
}

static void print_limit(const struct run *run)
{
	char text[LIMIT_TEXT];

	format_limit(&run->plan.limits, &run->end, text, sizeof text);
	if (*text)
		(void)fprintf(stderr, "aisbx: %s reached: the box was ended\n", text);
	if (run->end.outcome != OUTCOME_SIGNALED || run->end.signal != SIGXFSZ ||
	    run->plan.limits.file_size == LIMIT_NONE)
		return;
	/* Who sent it cannot be known. */
	units_format_size(run->plan.limits.file_size, text, sizeof text);
	(void)fprintf(stderr, "aisbx: SIGXFSZ ended the command: the file size limit is %s\n",
		      text);
}

/* The program saw an error and ran on. Where it is only known that it could have: if it failed. */
static void print_met(const struct run *run, int status)
{
	const struct box_end *end = &run->end;
	unsigned long long limit = run->plan.limits.processes, refused = end->refused_processes;

	if (!end->met_processes || (!refused && status == 0))
		return;
	(void)fprintf(stderr, "aisbx: processes limit of %llu reached", limit);
	if (refused)
		(void)fprintf(stderr, ": %llu more %s refused", refused,
			      refused == 1 ? "was" : "were");
	(void)fprintf(stderr, " (raise it with --processes %llu)\n", 2 * limit);
}

static void print_timing(void)
{
	uint64_t begin = timing_marks[MARK_BEGIN];

	for (int mark = 0; mark < MARK__N; mark++) {
		if (timing_marks[mark])
			(void)fprintf(stderr, "aisbx: timing %-10s %6.0f us\n", mark_names[mark],
				      (double)(timing_marks[mark] - begin) / 1000.0);
	}
}

/* What network.registries found nothing for, and what to write. */
static void print_notes(const struct plan *plan)
{
	const struct strv *notes = &plan->network.registry_notes;

	for (size_t i = 0; i < notes->len; i++)
		(void)fprintf(stderr, "aisbx: %s\n", notes->items[i]);
}

static void print_plan(const struct plan *plan)
{
	(void)fprintf(stderr, "aisbx: run %s: ", plan->run);
	print_printable(stderr, plan->argv.items[0]);
	(void)fputs(" in ", stderr);
	print_printable(stderr, plan->cwd);
	(void)fputc('\n', stderr);
	print_notes(plan);
}

/* For who reads stderr: what is left of the run's time, and always a moment. */
static uint64_t reader_ms(const struct run *run)
{
	enum {
		LEAST_MS = 50
	};
	uint64_t wall = run->planned ? run->plan.limits.wall_ms : LIMIT_NONE;

	if (wall == LIMIT_NONE)
		return UINT64_MAX;
	return wall > run->end.wall_ms + LEAST_MS ? wall - run->end.wall_ms : LEAST_MS;
}

/* A caller that asked for a result and shows nobody stderr reads it there. */
static bool wants_refusals(const struct run *run)
{
	const struct options *options = &run->options;

	return run->end.started && !options->quiet &&
	       (options->verbose || !options->result || isatty(STDERR_FILENO));
}

static int report(struct run *run)
{
	struct err err;
	struct run_facts facts = {
		.plan = run->planned ? &run->plan : NULL,
		.profile = run->profile_loaded ? &run->profile : NULL,
		.profile_name = run->profile_loaded ? run->profile.name : run->options.profile,
		.command = run->options.command,
		.end = &run->end,
	};
	int status = box_exit_status(&run->end);

	if (run->end.outcome == OUTCOME_SETUP_FAILED || run->end.outcome == OUTCOME_INPUT_REJECTED)
		status = print_failure(&run->end.err);
	else if (!run->options.quiet)
		print_limit(run);
	if (run->planned && !run->options.quiet)
		print_cuts(&run->plan, &run->end);
	if (wants_refusals(run)) {
		print_met(run, status);
		print_refusals(run->end.refusals);
		print_missing(run->end.missing);
	}
	/* A host that nobody granted may be why it failed. */
	if (run->end.started && status != 0 && !run->options.quiet && !run->options.verbose)
		print_notes(&run->plan);
	if (run->end.is_unseen && !run->options.quiet)
		(void)fprintf(stderr, "aisbx: the box was ended: something in it cannot be looked "
				      "at, and a limit not be held\n");
	if (run->end.is_stuck)
		(void)fprintf(stderr, "aisbx: killed processes of the box are not gone yet: they "
				      "end when what they wait for in the kernel does\n");
	if (run->end.output_errnum)
		(void)fprintf(stderr, "aisbx: cannot write the output: %s\n",
			      strerror(run->end.output_errnum));
	if (audit_end(&run->audit, &facts, &err) < 0 && run->audit_err.code == E_NONE)
		run->audit_err = err;
	if (run->audit_err.code != E_NONE) {
		(void)print_failure(&run->audit_err);
		facts.audit_err = &run->audit_err;
		status = status ? status : EXIT_FAILURE;
	}
	if (result_write(&run->result, &facts, &err) < 0)
		(void)print_failure(&err);
	if (timing_marks)
		print_timing();
	last_lines_write(reader_ms(run));
	return status;
}

/*** While it runs ***/

/* What is not recorded must not go on. */
static int unless_unrecorded(struct run *run, int r, const struct err *err)
{
	if (r < 0 && run->audit_err.code == E_NONE) {
		run->audit_err = *err;
		err_hint(&run->audit_err, "the box was ended: what is not recorded must not go on");
	}
	return r;
}

static int on_published(void *context, const uint16_t *ports, struct err *reterr)
{
	struct run *run = context;
	struct err err;

	int r = audit_published(&run->audit, ports, reterr);
	if (r == 0 && result_write_published(&run->published, &run->plan, ports, &err) < 0)
		(void)print_failure(&err);
	return r;
}

static int on_event(void *context, const struct broker_event *event)
{
	struct run *run = context;
	struct err err;

	return unless_unrecorded(run, audit_event(&run->audit, event, &err), &err);
}

static int on_call(void *context, const struct call_record *record)
{
	struct run *run = context;
	struct err err;

	return unless_unrecorded(run, audit_call(&run->audit, record, &err), &err);
}

static int on_refused(void *context, const struct refusal *refusal)
{
	struct run *run = context;
	struct err err;

	return unless_unrecorded(run, audit_refused(&run->audit, refusal, &err), &err);
}

static void watch_box(struct run *run)
{
	const struct observer observer = { .context = run,
					   .each_event = audit_is_on(&run->audit),
					   .published = on_published,
					   .event = on_event,
					   .call = on_call,
					   .refused = on_refused };

	box_run(&run->plan, &run->arena, -1, &observer, &run->end);
	last_lines_begin();
	if (run->end.started && run->end.network && run->end.network->ended_early &&
	    !run->options.quiet)
		(void)fprintf(stderr, "aisbx: the broker ended before the box: there was no "
				      "network from then on\n");
	else if (run->end.started && run->end.network && run->end.network->gateway_ended_early &&
		 !run->options.quiet)
		(void)fprintf(stderr, "aisbx: the gateway ended before the box: hosts with secrets "
				      "or HTTP rules could not be reached from then on\n");
	if (run->end.started && run->end.bindings && run->end.bindings->ended_early &&
	    !run->options.quiet)
		(void)fprintf(stderr, "aisbx: the bindings' server ended before the box: there "
				      "was nothing to call from then on\n");
}

/* usage is why the options could not be read to their end, or NULL. */
static int run_options(struct run *run, const struct err *usage)
{
	const struct options *options = &run->options;
	struct err err;

	run->audit = (struct audit)AUDIT_NONE;
	run->result = run->published = (struct result_target)RESULT_TARGET_NONE;
	if (options->timing && !timing_marks && timing_enable() == 0)
		timing_mark(MARK_BEGIN);
	if (options->result &&
	    result_open(&run->arena, run->facts.cwd, options->result, &run->result, &err) < 0)
		return print_failure(&err);
	if (!usage && options->published &&
	    result_open(&run->arena, run->facts.cwd, options->published, &run->published, &err) < 0)
		usage = &err;
	if (usage) {
		run->end.err = *usage;
		(void)fail(run, OUTCOME_SETUP_FAILED); /* told by report() */
	} else if (prepare(run) == 0) {
		if (options->verbose)
			print_plan(&run->plan);
		watch_box(run);
	}
	gateway_forget();
	return report(run);
}

int cmd_run(int argc, char **argv)
{
	static struct run run; /* too large for the stack */
	struct err err;

	if (hostfacts_read(&run.arena, environ, &run.facts, &err) < 0)
		return print_failure(&err);
	int r = options_parse(&run.arena, argc, argv, FOR_RUN, &run.options, &err);
	return run_options(&run, r < 0 ? &err : NULL);
}

int cmd_shell(int argc, char **argv)
{
	const char *profile = getenv("AISBX_PROFILE");
	char **words = calloc((size_t)argc + 7, sizeof *words);
	int n = 0;

	if (!words)
		return EXIT_AISBX;
	words[n++] = (char *)"run";
	words[n++] = (char *)"-p";
	words[n++] = (char *)(profile && *profile ? profile : "shell");
	words[n++] = (char *)"--";
	words[n++] = (char *)"sh";
	if (argv[0][0] == '-')
		words[n++] = (char *)"-l";
	for (int i = 1; i < argc; i++)
		words[n++] = argv[i];
	int status = cmd_run(n, words);
	free(words);
	return status;
}

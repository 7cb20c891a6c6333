/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aisbx learn: a watched run, a proposal, a run under the proposal.
 *
 * What the first run showed is turned into findings here; what follows from
 * them is decided in src/learn, which is pure. The proposal is text and is
 * loaded as any profile is, so that what is verified is what is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/learn.h"
#include "learn/diff.h"
#include "learn/edit.h"
#include "policy/words.h"

static void say(const struct learn *learn, const char *text)
{
	if (!learn->options.quiet)
		(void)fprintf(stderr, "aisbx: learn: %s\n", text);
}

/*** The command line ***/

static int check_options(const struct learn *learn, struct err *reterr)
{
	const struct options *options = &learn->options;
	const struct profile *grants = &options->grants;

	for (size_t i = 0; i < grants->read.len + grants->write.len; i++) {
		const struct path_spec *spec = i < grants->read.len
						       ? &grants->read.items[i]
						       : &grants->write.items[i - grants->read.len];

		if (spec->dest)
			return err_msg(
				reterr, E_USAGE,
				"learn shows paths where they are; write '%s' without a DEST",
				spec->source);
	}
	if (options->command_len == 0)
		return err_msg(reterr, E_USAGE, "no command; write learn [OPTION...] -- COMMAND");
	if (options->update && options->profile)
		return err_msg(
			reterr, E_USAGE,
			"option '--profile' and option '--update' both name a profile; write "
			"one of them");
	return 0;
}

/* Without -o, stdout is the proposal's: what the command writes there goes to stderr. */
static int divert_stdout(struct learn *learn, struct err *reterr)
{
	learn->stdout_fd = -1;
	if (learn->options.output)
		return 0;
	learn->stdout_fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
	if (learn->stdout_fd < 0 || dup2(2, 1) < 0)
		return err_set(reterr, E_SYSTEM, errno, "keep", "stdout for the proposal");
	learn->facts.stdio_mode[1] = learn->facts.stdio_mode[2];
	learn->facts.one_output = true;
	learn->facts.terminals =
		(learn->facts.terminals & ~2U) | (learn->facts.terminals & 4U) >> 1;
	learn->facts.closed &= ~2U;
	learn->facts.closed |= (learn->facts.closed & 4U) >> 1;
	return 0;
}

/*** The proposal ***/

static int read_updated(struct learn *learn, struct err *reterr)
{
	const char *name = learn->options.update;
	char *text = NULL;

	if (strcmp(name, "-") == 0)
		return err_msg(reterr, E_USAGE, "stdin cannot be updated; name a profile's file");
	int r = profile_load(&learn->arena, name, &learn->extended, NULL, reterr);
	if (r < 0)
		return r;
	if (!learn->extended.path) {
		learn->before = profile_builtin(learn->extended.name);
		return 0;
	}
	_cleanup_close_ int fd = open(learn->extended.path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : arena_read(&learn->arena, fd, 4096, 1 << 20, &text);
	if (n < 0)
		return err_set(reterr, E_SYSTEM, (int)-n, "read", learn->extended.path);
	learn->before = text;
	return 0;
}

static int write_proposal(struct learn *learn, struct err *reterr)
{
	propose(&learn->arena, &learn->findings, learn_granted, learn, &learn->proposal);
	/* Directories that are granted whole may hold what nobody asked for. */
	for (size_t i = 0; i < learn->proposal.len; i++) {
		if (learn->proposal.items[i].path)
			view_find_secrets(&learn->arena, &learn->findings.places,
					  learn->proposal.items[i].path, &learn->view.secrets);
	}
	propose(&learn->arena, &learn->findings, learn_granted, learn, &learn->proposal);
	if (learn->before)
		return edit_profile(&learn->arena, learn->options.update, learn->before,
				    &learn->proposal, &learn->text, reterr);
	learn->text = proposal_text(&learn->arena, &learn->findings, &learn->proposal);
	return 0;
}

static int print(const struct learn *learn, const char *text, struct err *reterr)
{
	const char *output = learn->options.output;
	_cleanup_close_ int fd =
		output ? open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666)
		       : fcntl(learn->stdout_fd, F_DUPFD_CLOEXEC, 3);
	size_t len = strlen(text);

	if (fd < 0)
		return err_set(reterr, E_SYSTEM, errno, "open", output ? output : "stdout");
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(reterr, E_SYSTEM, errno, "write",
				       output ? output : "the proposal");
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/*** The second run ***/

static const char *end_text(struct arena *arena, const struct box_end *end)
{
	if (end->outcome == OUTCOME_EXITED)
		return arena_printf(arena, "status %d", end->exit_code);
	if (end->outcome == OUTCOME_SIGNALED)
		return arena_printf(arena, "signal %d", end->signal);
	return outcome_names[end->outcome];
}

/* What was given for both runs and is not of the proposal: how it is run, not what it has. */
static struct profile run_options(const struct learn *learn)
{
	struct profile grants = learn->options.grants;

	grants.read.len = grants.write.len = grants.hide.len = 0;
	grants.hosts.len = grants.private_hosts.len = 0;
	grants.limits = (struct limits){ 0 };
	struct profile unset;
	profile_init(&unset);
	grants.limits = unset.limits;
	return grants;
}

/* Runs the proposal. Returns the exit status of learn. */
static int verify(struct learn *learn, const char **ret_verdict)
{
	struct arena *arena = &learn->arena;
	const char *name = learn->before ? learn->options.update : "the proposal";
	const char *watched = end_text(arena, &learn->watched.end), *messages = "";
	struct profile profile, grants = run_options(learn);
	struct box_end end;
	struct err err;

	int r = profile_parse(arena, name, learn->text, strlen(learn->text), &profile, NULL, &err);
	if (r == 0) {
		profile_merge(arena, &profile, &grants);
		r = learn_verify(&learn->runs, &profile, &end, &messages, &err);
	}
	if (r < 0) {
		char message[1024];

		err_format(&err, message, sizeof message);
		*ret_verdict = arena_printf(arena, "not verified: under the proposal: %s",
					    word_printable(arena, message));
		say(learn, *ret_verdict);
		return err_exit_status(&err);
	}
	const char *proposed = end_text(arena, &end);
	bool is_same = strcmp(watched, proposed) == 0;
	*ret_verdict =
		is_same ? arena_printf(arena, "verified: under the proposal it ended with %s too",
				       proposed)
			: arena_printf(arena,
				       "not verified: it ended with %s, under the proposal with %s",
				       watched, proposed);
	if (!is_same)
		(void)fputs(messages, stderr); /* a stderr that takes nothing cannot be told */
	say(learn, *ret_verdict);
	int status = box_exit_status(&end);
	return is_same || status ? status : 1;
}

static bool was_interrupted(const struct box_end *end)
{
	return end->outcome == OUTCOME_SIGNALED &&
	       (end->signal == SIGINT || end->signal == SIGTERM || end->signal == SIGHUP);
}

static const char *with_verdict(struct learn *learn, const char *verdict)
{
	if (!learn->before)
		return arena_printf(&learn->arena, "# %c%s.\n%s", verdict[0] - 'a' + 'A',
				    verdict + 1, learn->text);
	return arena_printf(
		&learn->arena, "%s%s",
		unified_diff(&learn->arena,
			     learn->extended.path ? learn->extended.path : learn->extended.name,
			     learn->before, learn->text),
		proposal_refused_text(&learn->arena, &learn->proposal));
}

static int learn_from(struct learn *learn, struct err *reterr)
{
	const char *verdict;
	int r = learn_find(learn, reterr);

	close_keeping_errno(learn->watched.layers_fd);
	if (r == 0)
		r = write_proposal(learn, reterr);
	if (r < 0)
		return print_failure(reterr);
	int status = verify(learn, &verdict);
	if (print(learn, with_verdict(learn, verdict), reterr) < 0)
		return print_failure(reterr);
	return status;
}

static int prepare(struct learn *learn, int argc, char **argv, struct err *reterr)
{
	int r = hostfacts_read(&learn->arena, environ, &learn->facts, reterr);

	if (r == 0)
		r = options_parse(&learn->arena, argc, argv, FOR_LEARN, &learn->options, reterr);
	if (r == 0)
		r = check_options(learn, reterr);
	if (r == 0 && learn->options.update)
		r = read_updated(learn, reterr);
	if (r == 0)
		r = divert_stdout(learn, reterr);
	learn->runs = (struct learn_case){ .arena = &learn->arena,
					   .facts = &learn->facts,
					   .command = learn->options.command };
	if (r == 0)
		r = learn_keep_stdin(&learn->runs, reterr);
	if (r == 0)
		r = view_build(&learn->arena, &learn->facts, &learn->options.grants, &learn->view,
			       reterr);
	return r;
}

int cmd_learn(int argc, char **argv)
{
	static struct learn learn; /* too large for the stack */
	struct err err;

	int r = prepare(&learn, argc, argv, &err);
	if (r == 0)
		r = learn_watch(&learn.runs, &learn.view.profile, &learn.watched, &err);
	if (r < 0)
		return print_failure(&err);
	const struct box_end *end = &learn.watched.end;
	say(&learn,
	    arena_printf(&learn.arena, "watched: it ended with %s", end_text(&learn.arena, end)));
	if (was_interrupted(end)) {
		say(&learn, "interrupted: nothing is proposed");
		return box_exit_status(end);
	}
	return learn_from(&learn, &err);
}

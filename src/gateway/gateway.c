/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aisbx-gateway: where connections to hosts with secrets or HTTP rules end, and begin again.
 *
 * Theory of operation: the supervisor executes it before there is a plan, only in runs that need
 * it, with the caller's environment and the numbers of two descriptors. It makes the run's CA
 * (authority.h), waits for its configuration (config.h), reads the secrets (vault.h), tells init of
 * both, gives up all that it will not need, and says so to the broker. From then on that hands it
 * connections (handover.h): the box's socket and one to an address that the broker has checked.
 *
 * Invariants: armed to die with the supervisor before anything else, never dumpable. When it
 * reads the first byte from the box it holds nothing of the caller but the secrets' values, can
 * open no file and no socket, has no capability, and its filter knows only what moving bytes
 * takes. The values are in no other process of the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/program.h"
#include "base/sys.h"
#include "box/landlock.h"
#include "box/seccomp/syscalls.h"
#include "broker/connections.h"
#include "broker/events.h"
#include "broker/loop.h"
#include "gateway/authority.h"
#include "gateway/config.h"
#include "gateway/connection.h"
#include "gateway/handover.h"
#include "gateway/memory.h"
#include "gateway/site.h"
#include "gateway/vault.h"
#include "policy/ports.h"

enum {
	CONTROL_FD = 0, /* from enter_isolation() on */
	FINISH_MS = 300,
	RECORDS_A_TURN = 32,
};

static struct arena arena;
static struct gateway_config config;
static int given[GIVEN__N];

/*** What is read ***/

static void die_with_supervisor(int control_fd)
{
	struct pollfd peer = { .fd = control_fd };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		_exit(EXIT_AISBX);
	/* It may have died before the call: then its end of the pair is gone. */
	if (poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP))
		_exit(EXIT_AISBX);
}

static int read_config(struct err *reterr)
{
	_cleanup_close_ int fd = -1;
	int r = fds_receive(given[GIVEN_CONTROL], &fd, 1);

	if (r == -EPIPE)
		_exit(EXIT_AISBX); /* nothing came of it */
	if (r == 0)
		r = gateway_config_read(&arena, fd, &config);
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "read", "the gateway's configuration") : 0;
}

static int read_secrets(struct err *reterr)
{
	const char *values[SECRETS_MAX];
	size_t lens[SECRETS_MAX];
	int r = config.plan.secrets_len > 0 ? memory_open(reterr) : 0;

	if (r == 0)
		r = vault_open(given, GIVEN__N, reterr);
	for (size_t i = 0; r == 0 && i < config.plan.secrets_len; i++)
		r = vault_read(&config.plan.secrets[i], &values[i], &lens[i], reterr);
	if (r < 0)
		return r;
	r = sites_open(&config.plan, values, lens);
	if (r == -ENOSPC)
		return err_msg(reterr, E_GRANT, "the secrets are too long, all together");
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "choose", "placeholders") : 0;
}

/*** Isolation ***/

static int enter_isolation(struct err *reterr)
{
	const struct rlimit no_core = { 1, 1 }; /* as in rlimits.c */
	struct rlimit files;

	program_forget_strings();
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* fewer connections otherwise */
	}
	if ((given[GIVEN_CONTROL] != CONTROL_FD &&
	     dup3(given[GIVEN_CONTROL], CONTROL_FD, O_CLOEXEC) < 0) ||
	    sys_call3(SYS_close_range, CONTROL_FD + 1, ~0U, 0) < 0)
		return err_set(reterr, E_SYSTEM, errno, "close", "the caller's descriptors");
	int r = loop_init();
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "make", "the gateway's loop") : 0;
}

static int lower_identity(struct err *reterr)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };

	if (config.from_root &&
	    (setgroups(0, NULL) < 0 || setresgid(config.gid, config.gid, config.gid) < 0 ||
	     setresuid(config.uid, config.uid, config.uid) < 0))
		return err_wall(reterr, "net", errno, "lower", "the gateway's identity");
	int r = (int)sys_call2(SYS_capset, &header, none);
	if (r < 0)
		return err_wall(reterr, "net", -r, "drop", "the gateway's capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_wall(reterr, "net", errno, "isolate", "the gateway");
	die_with_supervisor(CONTROL_FD); /* a change of ids clears both, prctl(2) */
	return 0;
}

static int load_filter(struct err *reterr)
{
	struct filter filter;

	(void)syscalls_builtin(FILTER_GATEWAY, &filter); /* always there */
	return syscalls_load(&filter, false, NULL, reterr);
}

/*** Serving ***/

static void take_record(const struct gateway_record *record)
{
	int fds[2] = { -1, -1 };
	size_t want = record->kind == GATEWAY_EVENTS ? 1 : 2;

	if (record->kind == GATEWAY_EXPECT) {
		(void)authority_client(); /* what fails now fails again when it is needed */
		return;
	}
	if (fds_receive(CONTROL_FD, fds, want) < 0)
		return; /* out of descriptors: the peers see an end */
	if (record->kind == GATEWAY_EVENTS)
		events_init(fds[0], record->each);
	else
		connection_start(record->name, (uint16_t)record->port, fds[0], fds[1]);
}

static void on_control(struct watch *watch, uint32_t events)
{
	struct gateway_record record;

	(void)events;
	for (int i = 0; i < RECORDS_A_TURN; i++) {
		ssize_t n = recv(CONTROL_FD, &record, sizeof record, MSG_DONTWAIT);

		if (n == (ssize_t)sizeof record) {
			record.name[sizeof record.name - 1] = '\0';
			take_record(&record);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		loop_unwatch(watch);
		connections_finish(FINISH_MS);
		return;
	}
}

static int send_state(int fd, const struct gateway_state *state)
{
	return send(fd, state, sizeof *state, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_secrets(int fd, const struct gateway_state *state)
{
	int r = send_state(fd, state);

	for (size_t i = 0; r == 0 && i < config.plan.secrets_len; i++) {
		const char *placeholder = sites_placeholder(i);

		if (send(fd, placeholder, strlen(placeholder) + 1, MSG_NOSIGNAL) < 0)
			r = -errno;
	}
	return r;
}

/* Of a descriptor, which aisbx wrote. */
static int read_number(const char *text)
{
	uint16_t number;

	return port_parse(text, strlen(text), &number) ? number : -1;
}

/*
 * Those of the terminal are for the command, which may go on: aisbx passes them there. Only while
 * somebody was asked for a secret did they end this.
 */
static void block_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL); /* both cannot fail */
}

/* What the box's set-up waits for. */
static int prepare(struct gateway_state *state)
{
	/* No file of OpenSSL's own: neither openssl.cnf nor texts of errors. */
	if (!memory_hook() ||
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
					OPENSSL_INIT_NO_ATEXIT,
				NULL) != 1)
		return err_set(&state->err, E_SYSTEM, ENOMEM, "start", "OpenSSL");
	int r = authority_open(state->ca, sizeof state->ca, &state->err);
	if (r == 0)
		r = read_config(&state->err);
	if (r == 0)
		r = read_secrets(&state->err);
	block_signals();
	if (r < 0)
		return r;
	r = send_secrets(given[GIVEN_INIT], state);
	return r < 0 ? err_set(&state->err, E_SYSTEM, -r, "reach", "the box's init") : 0;
}

/* What it does not. */
static int isolate(struct gateway_state *state)
{
	static struct watch control = { .ready = on_control };
	int r = authority_read_store(config.plan.store, &state->err);

	if (r == 0)
		r = enter_isolation(&state->err);
	if (r == 0)
		r = lower_identity(&state->err);
	if (r == 0)
		r = landlock_deny_files(config.lacks_landlock_allowed, &state->err);
	if (r == 0)
		r = load_filter(&state->err);
	if (r < 0)
		return r;
	r = loop_watch(&control, CONTROL_FD, EPOLLIN);
	return r < 0 ? err_set(&state->err, E_SYSTEM, -r, "hear", "the broker") : 0;
}

/* Both tell the supervisor, and the same. */
static _Noreturn void fail(struct gateway_state *state)
{
	int control_fd = given[GIVEN_CONTROL];

	state->failed = 1;
	(void)send_state(given[GIVEN_INIT], state); /* it has a state already, or hears of this */
	/* It may be the other number already. */
	(void)send_state(fcntl(control_fd, F_GETFD) < 0 ? CONTROL_FD : control_fd, state);
	_exit(EXIT_AISBX);
}

int main(int argc, char **argv)
{
	static struct gateway_state state;

	if (argc != 1 + GIVEN__N)
		return EXIT_AISBX; /* who starts it knows */
	program_note_caller(argv);
	(void)prctl(PR_SET_NAME, "aisbx-gateway"); /* it was executed without a name */
	for (int i = 0; i < GIVEN__N; i++)
		given[i] = read_number(argv[1 + i]);
	die_with_supervisor(given[GIVEN_CONTROL]);
	if (prepare(&state) < 0 || isolate(&state) < 0)
		fail(&state);
	if (send_state(CONTROL_FD, &state) < 0 || loop_run() < 0)
		_exit(EXIT_AISBX);
	connections_close();
	events_finish();
	_exit(0);
}

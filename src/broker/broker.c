/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker's process.
 *
 * Theory of operation: the supervisor forks it when init has been cloned, so that
 * its own preparations run beside the building of the box. It goes through the stages
 * below, in this order, and tells init that it serves; only then does init start
 * the command. From there on it is one loop over descriptors (loop.h).
 *
 * Invariants: armed to die with the supervisor before anything else. When it
 * reads the first byte from the box it holds nothing of the caller (strings
 * overwritten, plan unmapped, other descriptors closed), can open no file, has no
 * capability, is not dumpable, and its filter knows only what moving bytes
 * takes. It is in the host's network namespace and outside every namespace of
 * the box; of the box it has sockets only.
 */
#include "broker/broker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/program.h"
#include "base/sys.h"
#include "box/landlock.h"
#include "box/seccomp/syscalls.h"
#include "box/sockets.h"
#include "broker/dns_server.h"
#include "broker/events.h"
#include "broker/flows.h"
#include "broker/loop.h"
#include "broker/names.h"
#include "broker/publish.h"
#include "broker/pump.h"
#include "broker/refusals.h"
#include "broker/resolver.h"
#include "gateway/handover.h"

enum {
	PUBLISH_BACKLOG = 4096,
	DRAIN_MS = 5000, /* for what the box sent before it ended; less than BROKER_END_MS */
	DRAIN_LOOK_MS = 2,
	DRAIN_STALLED_MS = 500, /* without a byte more: the other end does not read */
};

/* What outlives the plan; in memory of the broker's own. */
struct broker_config {
	struct host_grants grants;
	struct host_grants handed; /* their connections are the gateway's */
	uint16_t *box_ports;	   /* of listen_fds */
	int *listen_fds;
	size_t published;
	bool from_root;
	uid_t uid; /* of a root caller's broker: owns nothing on the host */
	gid_t gid;
	bool lacks_landlock_allowed;
	bool each_event;
	int init_fd;
	int events_fd;
	int gateway_fd; /* -1: none */
};

enum stage {
	STAGE_CALLER,	/* nothing of the caller's in memory and descriptors */
	STAGE_RESOLVER, /* the last files are read */
	STAGE_IDENTITY, /* no privilege, no capability */
	STAGE_FILES,	/* Landlock: no file system */
	STAGE_CALLS,	/* seccomp */
	STAGE_SOCKETS,	/* the box's first sockets are here */
	STAGE__N,
};

/*** The supervisor's side ***/

static int listen_on(const struct publish *publish, uint16_t *ret_port, struct err *reterr)
{
	static const int yes = 1;
	bool is_v4 = address_is_v4(&publish->address);
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(&publish->address, publish->port, &sa);
	char text[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN + 16];

	_cleanup_close_ int fd =
		socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
	    (is_v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0) &&
	    bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, PUBLISH_BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &len) == 0) {
		*ret_port =
			ntohs(((struct sockaddr_in *)&sa)->sin_port); /* IPv6 has it there too */
		return steal_fd(&fd);
	}
	int error = errno;
	(void)snprintf(shown, sizeof shown, is_v4 ? "%s:%u" : "[%s]:%u",
		       address_format(&publish->address, text), publish->port);
	err_set(reterr, E_SYSTEM, error, "publish", shown);
	err_hint(reterr, error == EADDRINUSE ? "publish another port, or 0 to have one picked"
			 : error == EACCES   ? "ports below 1024 are root's: publish a higher one"
					     : "publish another address or port");
	return -error;
}

static int listen_all(const struct plan *plan, struct broker_config *config, uint16_t *ports,
		      struct err *reterr)
{
	const struct plan_network *network = &plan->network;

	config->listen_fds = calloc(network->publish_len + 1, sizeof *config->listen_fds);
	config->box_ports = calloc(network->publish_len + 1, sizeof *config->box_ports);
	if (!config->listen_fds || !config->box_ports)
		return err_set(reterr, E_SYSTEM, ENOMEM, "start", "the broker");
	for (size_t i = 0; i < network->publish_len; i++) {
		int fd = listen_on(&network->publish[i], &ports[i], reterr);

		if (fd < 0)
			return fd;
		config->listen_fds[config->published] = fd;
		config->box_ports[config->published++] = network->publish[i].box_port;
	}
	return 0;
}

/* The plan goes away in the broker: names and grants in memory of their own. */
static int copy_grants(const struct host_grants *grants, struct host_grants *copy,
		       struct err *reterr)
{
	struct host_grant *items = calloc(grants->len + 1, sizeof *items);
	bool complete = items;

	copy->items = items;
	for (size_t i = 0; complete && i < grants->len; i++) {
		items[i] = grants->items[i];
		items[i].why = NULL;
		items[i].name = strdup(grants->items[i].name);
		copy->len++;
		complete = items[i].name;
	}
	return complete ? 0 : err_set(reterr, E_SYSTEM, ENOMEM, "start", "the broker");
}

static void free_grants(struct host_grants *grants)
{
	for (size_t i = 0; i < grants->len; i++)
		free((char *)grants->items[i].name);
	free(grants->items);
}

static void release(struct broker *broker)
{
	struct broker_config *config = broker->config;

	if (!config)
		return;
	for (size_t i = 0; i < config->published; i++)
		(void)close(config->listen_fds[i]);
	free(config->listen_fds);
	free(config->box_ports);
	free_grants(&config->grants);
	free_grants(&config->handed);
	close_keeping_errno(config->gateway_fd);
	free(config);
	broker->config = NULL;
	close_keeping_errno(broker->own_fd);
	broker->own_fd = -1;
}

int broker_prepare(const struct plan *plan, bool each_event, int gateway_fd, uint16_t *ports,
		   struct broker *ret_broker, struct err *reterr)
{
	struct broker broker = BROKER_NONE;
	int sockets[2];
	struct broker_config *config = calloc(1, sizeof *config);

	if (!config) {
		close_keeping_errno(gateway_fd);
		return err_set(reterr, E_SYSTEM, ENOMEM, "start", "the broker");
	}
	config->gateway_fd = gateway_fd;
	config->from_root = plan->facts->host_root;
	config->uid = plan->outside_uid;
	config->gid = plan->outside_gid;
	config->lacks_landlock_allowed = plan->degradable[WALL_LANDLOCK];
	config->each_event = each_event;
	broker.config = config;
	int r = listen_all(plan, config, ports, reterr);
	if (r == 0)
		r = copy_grants(&plan->network.grants, &config->grants, reterr);
	if (r == 0)
		r = copy_grants(&plan->gateway.hosts, &config->handed, reterr);
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		r = err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	if (r < 0) {
		release(&broker);
		return r;
	}
	broker.init_fd = sockets[0];
	broker.own_fd = sockets[1];
	*ret_broker = broker;
	return 0;
}

static _Noreturn void broker_main(struct broker_config *config, struct arena *arena);

int broker_start(struct broker *broker, struct arena *arena, struct err *reterr)
{
	int events[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	broker->config->events_fd = events[1];
	broker->config->init_fd = broker->own_fd;
	broker->pid = fork();
	if (broker->pid == 0) {
		(void)close(events[0]);
		broker_main(broker->config, arena);
	}
	if (broker->pid < 0)
		r = err_set(reterr, E_SYSTEM, errno, "start", "the broker");
	(void)close(events[1]);
	release(broker);
	if (r < 0)
		(void)close(events[0]);
	else
		broker->events_fd = events[0];
	return r;
}

int broker_kill(struct broker *broker)
{
	release(broker);
	return kill_child(&broker->pid);
}

/*** The stages ***/

static void die_with_supervisor(const struct broker_config *config)
{
	struct pollfd peer = { .fd = config->events_fd };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(EXIT_AISBX);
	/* It may have died before the call: then its end of the pair is gone. */
	if (poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP))
		_exit(EXIT_AISBX);
}

/* Descriptor number i of those that stay, or NULL. */
static int *kept_descriptor(struct broker_config *config, size_t i)
{
	int *const single[] = { &config->events_fd, &config->init_fd, &config->gateway_fd };
	const size_t singles = config->gateway_fd < 0 ? 2 : 3;

	if (i < singles)
		return single[i];
	return i - singles < config->published ? &config->listen_fds[i - singles] : NULL;
}

/* The descriptors that stay, to 0, 1, 2...: then all others can be closed at once. */
static int keep_descriptors(struct broker_config *config)
{
	int next = 0, *fd;

	for (size_t i = 0; (fd = kept_descriptor(config, i)); i++) {
		/* Above all of them first, so that no dup2(2) hits one that is still wanted. */
		int high = fcntl(*fd, F_DUPFD_CLOEXEC, 3 + 3 + (int)config->published);

		if (high < 0)
			return -errno;
		*fd = high;
	}
	for (size_t i = 0; (fd = kept_descriptor(config, i)); i++) {
		if (dup3(*fd, next, O_CLOEXEC) < 0)
			return -errno;
		*fd = next++;
	}
	return sys_call3(SYS_close_range, next, ~0U, 0) < 0 ? -EBADF : 0;
}

static int enter_caller_stage(struct broker_config *config, struct arena *arena, struct err *reterr)
{
	const struct rlimit no_core = { 1, 1 }; /* as in rlimits.c */
	struct rlimit files;

	program_forget_strings();
	arena_free(arena);
	int r = keep_descriptors(config);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "close", "the caller's descriptors");
	events_init(config->events_fd, config->each_event);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* fewer connections otherwise */
	}
	r = loop_init();
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "make", "the broker's loop") : 0;
}

/* Without IPv6 the stock follows the IPv4 sockets directly. */
static void sort_first(int fds[SOCKETS_FIRST], int count)
{
	static int stocks[2][SOCKETS_STOCK];
	bool has_v6 = count > BOX_DNS_UDP6 + SOCKETS_STOCK;
	int at = has_v6 ? BOX_SOCKETS_LEN : BOX_DNS_UDP6;

	for (int i = 0; i < 2 && (i == 0 || has_v6); i++, at += SOCKETS_STOCK) {
		memcpy(stocks[i], fds + at, sizeof stocks[i]);
		box_sockets_stock(i == 0 ? AF_INET : AF_INET6, stocks[i], SOCKETS_STOCK);
	}
	for (int i = BOX_DNS_UDP6; i < BOX_SOCKETS_LEN && !has_v6; i++)
		fds[i] = -1;
}

static int receive_sockets(const struct broker_config *config, int fds[SOCKETS_FIRST],
			   struct err *reterr)
{
	struct socket_reply reply;
	int r = sockets_receive(config->init_fd, &reply, fds, SOCKETS_FIRST);

	/* EOF: init failed before, and its error is the one to show. */
	if (r == -EPIPE)
		_exit(EXIT_AISBX);
	if (r < 0)
		return err_wall(reterr, "net", -r, "receive", "the box's sockets");
	sort_first(fds, reply.count);
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };

	return (int)sys_call2(SYS_capset, &header, none);
}

static int enter_identity_stage(const struct broker_config *config, struct err *reterr)
{
	if (config->from_root &&
	    (setgroups(0, NULL) < 0 || setresgid(config->gid, config->gid, config->gid) < 0 ||
	     setresuid(config->uid, config->uid, config->uid) < 0))
		return err_wall(reterr, "net", errno, "lower", "the broker's identity");
	int r = drop_capabilities();
	if (r < 0)
		return err_wall(reterr, "net", -r, "drop", "the broker's capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_wall(reterr, "net", errno, "isolate", "the broker");
	die_with_supervisor(config); /* a change of ids clears PDEATHSIG, prctl(2) */
	return 0;
}

static int enter_calls_stage(struct err *reterr)
{
	struct filter filter;

	(void)syscalls_builtin(FILTER_BROKER, &filter); /* always there */
	return syscalls_load(&filter, false, NULL, reterr);
}

/*** Serving ***/

static struct {
	struct timer timer;
	int64_t until_ms;
	int64_t stalled_at_ms;
	uint64_t bytes;
} drain;

static void on_drain(struct timer *timer)
{
	int64_t now_ms = loop_now_ms();
	uint64_t bytes;
	bool more = pumps_have_more(&bytes) || flows_have_more();

	if (bytes != drain.bytes || !drain.stalled_at_ms)
		drain.stalled_at_ms = now_ms + DRAIN_STALLED_MS;
	drain.bytes = bytes;
	if (!more || !events_may_wait() || now_ms >= drain.until_ms ||
	    now_ms >= drain.stalled_at_ms)
		loop_stop();
	else
		timer_set(timer, DRAIN_LOOK_MS, on_drain);
}

/* A process that ends may leave bytes to its kernel, which still sends them: so do we. */
static void on_init_gone(struct watch *watch, uint32_t events)
{
	(void)events; /* init sends nothing unasked: it is EOF */
	loop_unwatch(watch);
	drain.until_ms = loop_now_ms() + DRAIN_MS;
	timer_set(&drain.timer, 0, on_drain);
}

static int listen_in_box(const struct broker_config *config, const int fds[SOCKETS_FIRST],
			 struct err *reterr)
{
	static struct watch init_watch = { .ready = on_init_gone };
	const int udp[2] = { fds[BOX_DNS_UDP], fds[BOX_DNS_UDP6] };
	const int tcp[2] = { fds[BOX_DNS_TCP], fds[BOX_DNS_TCP6] };
	const int refused[4] = { fds[BOX_REFUSED_TCP], fds[BOX_REFUSED_UDP], fds[BOX_REFUSED_TCP6],
				 fds[BOX_REFUSED_UDP6] };

	flows_init(&config->grants, &config->handed, config->gateway_fd);
	names_init(&config->grants, config->init_fd, fds[BOX_DNS_UDP6] >= 0, flows_accept);
	int r = dns_server_start(&config->grants, udp, tcp);
	if (r == 0)
		r = refusals_start(refused);
	if (r == 0)
		r = names_listen_literals();
	for (size_t i = 0; r == 0 && i < config->published; i++)
		r = publish_start(config->listen_fds[i], config->box_ports[i]);
	if (r == 0)
		r = loop_watch(&init_watch, config->init_fd, 0);
	return r < 0 ? err_wall(reterr, "net", -r, "serve", "the box's network") : 0;
}

/* It is isolated, and tells of its connections itself. Somebody may be asked for a secret until then. */
static int greet_gateway(const struct broker_config *config, struct err *reterr)
{
	struct pollfd fds[] = { { .fd = config->gateway_fd, .events = POLLIN },
				{ .fd = config->init_fd } };
	struct gateway_state state;

	if (config->gateway_fd < 0)
		return 0;
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (!fds[0].revents) /* init is gone: as in receive_sockets() */
		_exit(EXIT_AISBX);
	int r = handover_await(config->gateway_fd, &state, reterr);
	if (r < 0)
		return r;
	r = handover_events(config->gateway_fd, config->events_fd, config->each_event);
	return r < 0 ? err_wall(reterr, "net", -r, "reach", "the gateway") : 0;
}

static int say_serving(const struct broker_config *config, struct err *reterr)
{
	const struct socket_request serving = { .count = 0 };

	if (send(config->init_fd, &serving, sizeof serving, MSG_NOSIGNAL) < 0)
		return err_wall(reterr, "net", errno, "reach", "the box's init");
	return 0;
}

static int enter_stage(enum stage stage, struct broker_config *config, struct arena *arena,
		       int fds[SOCKETS_FIRST], struct err *reterr)
{
	switch (stage) {
	case STAGE_CALLER:
		return enter_caller_stage(config, arena, reterr);
	case STAGE_RESOLVER:
		return resolver_open(reterr);
	case STAGE_IDENTITY:
		return enter_identity_stage(config, reterr);
	case STAGE_FILES:
		return landlock_deny_files(config->lacks_landlock_allowed, reterr);
	case STAGE_CALLS:
		return enter_calls_stage(reterr);
	case STAGE_SOCKETS: /* last: init has them ready when it built the network */
		return receive_sockets(config, fds, reterr);
	case STAGE__N:
		break;
	}
	return 0;
}

static int isolate(struct broker_config *config, struct arena *arena, int fds[SOCKETS_FIRST],
		   struct err *reterr)
{
	int r = 0;

	for (int stage = 0; r == 0 && stage < STAGE__N; stage++)
		r = enter_stage((enum stage)stage, config, arena, fds, reterr);
	return r;
}

static void broker_main(struct broker_config *config, struct arena *arena)
{
	int fds[SOCKETS_FIRST];
	struct err err;

	die_with_supervisor(config);
	events_init(config->events_fd, config->each_event);
	int r = isolate(config, arena, fds, &err);
	if (r == 0)
		r = listen_in_box(config, fds, &err);
	if (r == 0)
		r = greet_gateway(config, &err);
	if (r == 0)
		r = say_serving(config, &err);
	if (r < 0) {
		event_failed(&err);
		_exit(EXIT_AISBX);
	}
	if (loop_run() < 0)
		_exit(EXIT_AISBX);
	close_keeping_errno(config->gateway_fd); /* it ends beside us */
	pumps_finish();
	names_tell_questions();
	events_finish();
	_exit(0);
}

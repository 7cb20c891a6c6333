/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Look-ups and what they found.
 *
 * Theory of operation
 *
 *	resolver_start ---> kept and fresh ------------------------------> done
 *	      |                                                             ^
 *	      +--> hosts file --found--------------------> kept ------------+
 *	      |                                              ^              |
 *	      +--> c-ares ...answer (on_answer)--> settled --+--> deliver --+
 *
 * A name is one struct entry, kept or being asked, in a hash table and, oldest first, in a
 * list. Look-ups wait in the list of their entry. One that c-ares is still busy with stays,
 * even if all who waited went away or were told that time is up: who asks again joins it, so
 * c-ares never has more than RESOLVER_NAMES_MAX questions, and none twice.
 *
 * c-ares calls back from within its functions. on_answer() only notes what was found;
 * deliver() calls who waits once c-ares has returned. They may start and cancel look-ups,
 * and so replace any entry: what they get is a copy.
 *
 * c-ares reads its files in ares_init_options() and, with "b" as its only source, none
 * later. Aliases of $HOSTALIASES would be read at each look-up: switched off.
 */
#include "broker/resolver.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "broker/hosts_file.h"
#include "broker/loop.h"

enum {
	BUCKETS = 256,
	NAME_MAX_BYTES = 255,
	HOSTS_MAX_BYTES = 8 << 20, /* lists of blocked hosts have some megabytes */
	TTL_MIN_S = 1,
	TTL_MAX_S = 60,
	ERROR_TTL_S = 1,
	TRIES = 2,
	/* c-ares doubles it for each further try: of one server. */
	TRY_MS = 1500,
	SOCKETS_A_SERVER = 2, /* UDP, TCP */
	SOCKETS_MAX = 32,
};

struct entry {
	struct entry *in_bucket;
	struct entry *older, *newer;
	bool asking;	 /* c-ares has it and will call on_answer() */
	bool is_settled; /* on_answer() was called, deliver() not yet */
	struct entry *next_settled;
	struct lookup *waiting;
	struct timer patience;

	int error;
	int64_t fresh_until_ms; /* 0: nothing is known */
	size_t len;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	char name[];
};

static struct {
	ares_channel channel;
	struct watch sockets[SOCKETS_MAX]; /* those of c-ares */
	struct timer timer;		   /* its next time-out */
	char *hosts;
	size_t hosts_len;

	struct entry *buckets[BUCKETS];
	struct entry *oldest, *newest;
	size_t entries_len;
	struct entry *settled;
} resolver;

/* Entries */

static struct entry **bucket_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return &resolver.buckets[hash % BUCKETS];
}

static struct entry *entry_find(const char *name)
{
	struct entry *entry = *bucket_of(name);

	while (entry != NULL && strcmp(entry->name, name) != 0)
		entry = entry->in_bucket;
	return entry;
}

static void age_unlink(struct entry *entry)
{
	*(entry->older != NULL ? &entry->older->newer : &resolver.oldest) = entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &resolver.newest) = entry->older;
}

static void age_append(struct entry *entry)
{
	entry->older = resolver.newest;
	entry->newer = NULL;
	*(resolver.newest != NULL ? &resolver.newest->newer : &resolver.oldest) = entry;
	resolver.newest = entry;
}

static void entry_free(struct entry *entry)
{
	struct entry **link = bucket_of(entry->name);

	while (*link != entry)
		link = &(*link)->in_bucket;
	*link = entry->in_bucket;
	age_unlink(entry);
	resolver.entries_len--;
	free(entry);
}

/* Whether there is room for one more. */
static bool make_room(void)
{
	struct entry *entry = resolver.oldest;

	if (resolver.entries_len < RESOLVER_NAMES_MAX)
		return true;
	while (entry != NULL && (entry->asking || entry->is_settled))
		entry = entry->newer;
	if (entry == NULL)
		return false;
	entry_free(entry);
	return true;
}

static struct entry *entry_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct entry *entry, **bucket = bucket_of(name);

	if (!make_room())
		return NULL;
	entry = calloc(1, sizeof *entry + size);
	if (entry == NULL)
		return NULL;
	memcpy(entry->name, name, size);
	entry->in_bucket = *bucket;
	*bucket = entry;
	age_append(entry);
	resolver.entries_len++;
	return entry;
}

/* Keeps what entry->addresses and ->len say, or the error. */
static void entry_keep(struct entry *entry, int error, int64_t ttl_s)
{
	if (ttl_s < TTL_MIN_S)
		ttl_s = TTL_MIN_S;
	if (ttl_s > TTL_MAX_S)
		ttl_s = TTL_MAX_S;
	entry->error = error;
	if (error != 0)
		entry->len = 0;
	entry->fresh_until_ms = loop_now_ms() + ttl_s * 1000;
	age_unlink(entry);
	age_append(entry);
}

/* Who waits */

static void wait_for(struct entry *entry, struct lookup *lookup)
{
	struct lookup **link = &entry->waiting;

	while (*link != NULL)
		link = &(*link)->next;
	lookup->next = NULL;
	lookup->link = link;
	*link = lookup;
}

void resolver_cancel(struct lookup *lookup)
{
	if (lookup->link == NULL)
		return;
	*lookup->link = lookup->next;
	if (lookup->next != NULL)
		lookup->next->link = lookup->link;
	lookup->link = NULL;
	lookup->next = NULL;
}

/* Each may cancel others and change any entry, this one included. */
static void tell_all(struct entry *entry, int error)
{
	struct lookup *waiting = entry->waiting;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t len = error == 0 ? entry->len : 0;

	entry->waiting = NULL;
	if (waiting != NULL)
		waiting->link = &waiting;
	memcpy(addresses, entry->addresses, len * sizeof *addresses);
	while (waiting != NULL) {
		struct lookup *lookup = waiting;

		resolver_cancel(lookup);
		lookup->done(lookup, error, addresses, len);
	}
}

static void deliver(void)
{
	while (resolver.settled != NULL) {
		struct entry *entry = resolver.settled;

		resolver.settled = entry->next_settled;
		entry->is_settled = false;
		tell_all(entry, entry->error);
	}
}

static void patience_due(struct timer *timer)
{
	struct entry *entry = CONTAINER_OF(timer, struct entry, patience);

	tell_all(entry, -EHOSTUNREACH);
}

/* c-ares */

static int error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME: /* not one that DNS can have */
		return -ENOENT;
	case ARES_ENODATA:
		return -ENODATA;
	default:
		return -EHOSTUNREACH;
	}
}

static void add_node(struct entry *entry, const struct ares_addrinfo_node *node)
{
	struct address address;

	if (address_from_sockaddr(node->ai_addr, &address))
		addresses_add(entry->addresses, &entry->len, RESOLVER_ADDRESSES_MAX, &address);
}

/* What c-ares found; the answer is good for as long as each record in it. */
static int take_answer(struct entry *entry, const struct ares_addrinfo *info)
{
	int ttl_s = TTL_MAX_S;

	for (const struct ares_addrinfo_cname *c = info->cnames; c != NULL; c = c->next)
		ttl_s = c->ttl < ttl_s ? c->ttl : ttl_s;
	for (const struct ares_addrinfo_node *n = info->nodes; n != NULL; n = n->ai_next) {
		ttl_s = n->ai_ttl < ttl_s ? n->ai_ttl : ttl_s;
		add_node(entry, n);
	}
	return ttl_s;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct entry *entry = arg, **last = &resolver.settled;
	int error = error_of(status), ttl_s = ERROR_TTL_S;

	(void)timeouts;
	entry->len = 0;
	if (error == 0)
		ttl_s = take_answer(entry, info);
	if (error == 0 && entry->len == 0) {
		error = -ENODATA;
		ttl_s = ERROR_TTL_S;
	}
	ares_freeaddrinfo(info);
	entry_keep(entry, error, ttl_s);
	entry->asking = false;
	timer_cancel(&entry->patience);
	while (*last != NULL)
		last = &(*last)->next_settled;
	entry->next_settled = NULL;
	entry->is_settled = true;
	*last = entry;
}

static void timer_due(struct timer *timer);

/* After each call into c-ares. */
static void set_timer(void)
{
	struct timeval left, *next = ares_timeout(resolver.channel, NULL, &left);

	if (next == NULL)
		timer_cancel(&resolver.timer);
	else /* rounded up: too early would be a turn for nothing */
		timer_set(&resolver.timer, next->tv_sec * 1000 + (next->tv_usec + 999) / 1000,
			  timer_due);
}

static void timer_due(struct timer *timer)
{
	(void)timer;
	ares_process_fd(resolver.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer();
	deliver();
}

static void socket_ready(struct watch *watch, uint32_t events)
{
	bool broken = events & (EPOLLERR | EPOLLHUP);

	ares_process_fd(resolver.channel, events & EPOLLIN || broken ? watch->fd : ARES_SOCKET_BAD,
			events & EPOLLOUT || broken ? watch->fd : ARES_SOCKET_BAD);
	set_timer();
	deliver();
}

/* The watch of a socket of c-ares, or with fd -1 a free one; NULL: none. */
static struct watch *socket_watch(int fd)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (resolver.sockets[i].fd == fd)
			return &resolver.sockets[i];
	}
	return NULL;
}

/* What c-ares waits for on a socket; nothing: it is about to be closed. */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct watch *watch = socket_watch(fd);
	uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

	(void)arg;
	if (watch != NULL && events == 0) {
		loop_unwatch(watch);
	} else if (watch != NULL) {
		(void)loop_change(watch, events); /* cannot fail for a watched descriptor */
	} else if (events != 0) {
		watch = socket_watch(-1);
		/* A socket that cannot be watched is a server that does not answer. */
		if (watch != NULL)
			(void)loop_watch(watch, fd, events);
	}
}

/* A name with a dot is meant as it is; the dot at its end tells c-ares so. */
static void ask_dns(struct entry *entry)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	char name[NAME_MAX_BYTES + 2];
	size_t len = strlen(entry->name);

	memcpy(name, entry->name, len + 1);
	if (strchr(name, '.') != NULL)
		memcpy(name + len, ".", 2);
	entry->asking = true;
	ares_getaddrinfo(resolver.channel, name, NULL, &hints, on_answer, entry);
	set_timer();
}

void resolver_start(struct lookup *lookup, const char *name)
{
	struct entry *entry = entry_find(name);

	lookup->link = NULL;
	if (entry == NULL && strlen(name) <= NAME_MAX_BYTES)
		entry = entry_new(name);
	if (entry == NULL) {
		lookup->done(lookup, -EHOSTUNREACH, NULL, 0);
		return;
	}
	wait_for(entry, lookup);
	if (entry->is_settled)
		return; /* deliver() is on its way */
	if (!entry->asking && entry->fresh_until_ms <= loop_now_ms()) {
		entry->len = hosts_file_find(resolver.hosts, resolver.hosts_len, name,
					     entry->addresses, RESOLVER_ADDRESSES_MAX);
		if (entry->len > 0)
			entry_keep(entry, 0, TTL_MAX_S);
		else
			ask_dns(entry);
	}
	if (entry->is_settled)
		deliver();
	else if (!entry->asking)
		tell_all(entry, entry->error);
	else if (!entry->patience.is_set)
		timer_set(&entry->patience, LOOKUP_TIMEOUT_MS, patience_due);
}

/* Set-up */

static int read_hosts(struct err *reterr)
{
	static const char path[] = "/etc/hosts";
	static struct arena arena;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return 0; /* the host's own programs do without it, too */
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(reterr, E_SYSTEM, errno, "read", path);
	ssize_t len = arena_read(&arena, fd, (size_t)st.st_size, HOSTS_MAX_BYTES, &resolver.hosts);
	if (len < 0 || len > HOSTS_MAX_BYTES)
		return err_set(reterr, E_SYSTEM, len < 0 ? (int)-len : EFBIG, "read", path);
	resolver.hosts_len = (size_t)len;
	return 0;
}

/* 0 or a status of c-ares. */
static int open_channel(int try_ms)
{
	static char dns_only[] = "b";
	struct ares_options options = {
		.flags = ARES_FLAG_NOALIASES,
		.timeout = try_ms,
		.tries = TRIES,
		.lookups = dns_only,
		.sock_state_cb = on_socket,
	};

	return ares_init_options(&resolver.channel, &options,
				 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					 ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
}

static int count_servers(void)
{
	struct ares_addr_node *servers = NULL;
	int n = 0;

	if (ares_get_servers(resolver.channel, &servers) != ARES_SUCCESS)
		return 0;
	for (const struct ares_addr_node *s = servers; s != NULL; s = s->next)
		n++;
	ares_free_data(servers);
	return n;
}

/*
 * c-ares asks one server after the other and tells nothing before it gave up with all: all
 * must have had their turns in time, else one dead server, or one that ignores AAAA, would
 * take the answer along that another gave.
 */
int resolver_open(struct err *reterr)
{
	int servers, status;

	for (size_t i = 0; i < SOCKETS_MAX; i++)
		resolver.sockets[i] = (struct watch){ .fd = -1, .ready = socket_ready };
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = open_channel(TRY_MS);
	if (status != ARES_SUCCESS)
		return err_msg(reterr, E_SYSTEM, "cannot set up look-ups: %s",
			       ares_strerror(status));
	servers = count_servers();
	if (servers > SOCKETS_MAX / SOCKETS_A_SERVER)
		return err_msg(reterr, E_SYSTEM, "resolv.conf names more than %d servers",
			       SOCKETS_MAX / SOCKETS_A_SERVER);
	if (servers > 1) {
		ares_destroy(resolver.channel);
		status = open_channel(TRY_MS / servers);
	}
	if (status != ARES_SUCCESS)
		return err_msg(reterr, E_SYSTEM, "cannot set up look-ups: %s",
			       ares_strerror(status));
	return read_hosts(reterr);
}

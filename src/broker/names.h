/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Granted names and the addresses that stand for them in the box.
 *
 * A name has one IPv4 address of 198.18.0.0/15 (RFC 2544) and one IPv6 address
 * of 2001:2::/48 (RFC 5180) for the whole run; both ranges are for benchmarks
 * and belong to nobody. Listeners stand at exactly these addresses and at the
 * granted ports, so everything else is refused by the box's own kernel.
 */
#ifndef AISBX_BROKER_NAMES_H
#define AISBX_BROKER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/loop.h"
#include "policy/hosts.h"

enum {
	NAMES_MAX = 4096, /* of one run: what a wildcard covers is the box's choice */
};

struct name {
	char text[HOSTNAME_BYTES];
	struct address v4;
	struct address v6;
	bool is_listening;
	uint32_t asked;	   /* questions for it; the first is told at once */
	struct name *next; /* of the same hash */
};

/* A socket that waits in the box at one port. */
struct listener {
	struct watch watch;
	const struct name *name; /* NULL: stands for literal addresses */
	uint16_t port;
};

/*
 * grants stay where they are. init_fd: init's sockets, see sockets.h; accept is called with
 * EPOLLIN for the watch of a struct listener.
 */
void names_init(const struct host_grants *grants, int init_fd, bool has_v6,
		void (*accept)(struct watch *watch, uint32_t events));
/* Listens for what is granted by address, and for localhost. 0 or -errno. */
int names_listen_literals(void);

/* The entry of a normalized name that hosts_know() knows, made if need be; NULL: too many. */
struct name *name_get(const char *text);
/* Listens at all ports that are granted for it; once. 0 or -errno. */
int name_listen(struct name *name);
/* What stands at an address of the box; NULL: nothing. */
const struct name *name_by_address(const struct address *address);
bool names_have_v6(void);
/* Tells how many questions there were after the first ones. */
void names_tell_questions(void);

/* Sockets that init sent unasked, of one family: taken first. fds stays where it is. */
void box_sockets_stock(int family, int *fds, int count);
/* count sockets of the box. 0 or -errno. */
int box_sockets_take(int family, int count, int *fds);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the gateway and others say to each other, a record a packet. Over a pair of sockets for
 * each of the two:
 *
 *	supervisor to gateway	the configuration (config.h), a descriptor, over the broker's pair
 *	gateway to init		struct gateway_state with the CA, then a placeholder for each secret
 *	gateway to broker	struct gateway_state: it is isolated
 *	broker to gateway	struct gateway_record, then its descriptors
 *
 * EOF for the gateway means that the broker is gone, and it ends. What it fails at both are told.
 */
#ifndef AISBX_GATEWAY_HANDOVER_H
#define AISBX_GATEWAY_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hostname.h"
#include "policy/secrets.h"

/* Whose numbers are its arguments. */
enum gateway_given {
	GIVEN_CONTROL, /* its end of the broker's pair */
	GIVEN_INIT,    /* its end of init's */
	GIVEN__N,
};

struct gateway_state {
	int32_t failed; /* err says why, and the gateway is gone */
	struct err err;
	char ca[CA_ROOM];
};

enum gateway_record_kind {
	GATEWAY_EVENTS,	    /* the broker's end of the events (events.h); once, first */
	GATEWAY_EXPECT,	    /* a connection may come, once the server is found; no descriptor */
	GATEWAY_CONNECTION, /* the box's socket and the server's */
};

struct gateway_record {
	uint32_t kind; /* enum gateway_record_kind */
	uint32_t each; /* of GATEWAY_EVENTS: see events_init() */
	uint32_t port; /* of GATEWAY_CONNECTION */
	char name[HOSTNAME_BYTES];
};

/* The next packet: its length, 0 at the end of the other side, or -errno. No heap, no errno. */
long handover_receive(int fd, void *packet, size_t size);
/* Waits for the gateway's state. The same. */
int handover_await(int gateway_fd, struct gateway_state *ret_state, struct err *reterr);

/* The broker's. */
int handover_events(int gateway_fd, int events_fd, bool each);
/* What takes the gateway a while, the first time, is done beside look-up and dialling. */
void handover_expect(int gateway_fd);
/* Both are closed, or the gateway's, afterwards. */
int handover_connection(int gateway_fd, const char *name, uint16_t port, int box_fd, int server_fd);

#endif

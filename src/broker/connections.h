/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How connections begin and break, whichever way they lead. */
#ifndef AISBX_BROKER_CONNECTIONS_H
#define AISBX_BROKER_CONNECTIONS_H

#include "broker/loop.h"

/*
 * Takes what waits, non-blocking; what is left after some comes with the next turn of the loop.
 * Out of descriptors it resets them.
 */
void connections_accept(struct watch *listening, void (*take)(struct watch *listening, int fd));
/* Closes it so that the peer sees a reset instead of an end. */
void connection_reset(int fd);
/* The same once somebody else closes it. */
void connection_will_reset(int fd);

#endif

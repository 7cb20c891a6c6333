/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection of the box that ends here, and the one to its server: HTTP/1.1 on both.
 *
 * A request is read whole up to its head, decided on (site.h), written anew and followed by its
 * body; the next one is not read before the answer has gone out. Everything else is as it comes:
 * bodies in pieces, in bounded memory, both ways at once.
 */
#ifndef AISBX_GATEWAY_CONNECTION_H
#define AISBX_GATEWAY_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

/* Takes both sockets, which do not wait. */
void connection_start(const char *name, uint16_t port, int box_fd, int server_fd);
/* Whether there is any; when none is left after that, and at the latest after_ms, the loop ends. */
void connections_finish(int64_t after_ms);
/* Closes all and tells what they moved. */
void connections_close(void);

#endif

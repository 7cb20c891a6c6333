/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a hosts(5) file: pure. */
#ifndef AISBX_BROKER_HOSTS_FILE_H
#define AISBX_BROKER_HOSTS_FILE_H

#include <stddef.h>

#include "policy/addresses.h"

/*
 * The addresses of a name in the order of the file, none twice, at most max; localhost and names
 * below it are also 127.0.0.1 and ::1 (RFC 6761). text needs no terminator. Returns how many.
 */
size_t hosts_file_find(const char *text, size_t len, const char *name, struct address *ret,
		       size_t max);

/* Appends an address unless it is there already or max are. */
void addresses_add(struct address *list, size_t *len, size_t max, const struct address *address);

#endif

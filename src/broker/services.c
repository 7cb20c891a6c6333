/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of services ("https") for libcares.a, which is linked whole: none are known.
 *
 * glibc's own functions would open /etc/services through modules that a static
 * program loads at run time; the linker warns of that. aisbx only ever asks with
 * a number for a port and never asks for a service's name, so nothing is lost.
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *buffer,
		    size_t size, struct servent **ret_entry)
{
	(void)port;
	(void)protocol;
	(void)entry;
	(void)buffer;
	(void)size;
	*ret_entry = NULL;
	return ENOENT;
}

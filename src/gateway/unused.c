/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What OpenSSL can do and the gateway never asks of it: looking up names and loading modules.
 * glibc's own functions for that need files that a static program finds at run time only; the
 * linker warns of it. These say no.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
	(void)name;
	(void)service;
	(void)hints;
	*ret = NULL;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}

/* libc has one of its own in any case: the linker is told that this one is meant. */
void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *dlerror(void)
{
	return NULL;
}

int dladdr(const void *address, Dl_info *ret_info)
{
	(void)address;
	(void)ret_info;
	return 0;
}

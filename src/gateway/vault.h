/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values of the secrets, in locked memory (memory_open()), and read once: afterwards the process
 * can open no file. Buffers through which values go on are there, too.
 */
#ifndef AISBX_GATEWAY_VAULT_H
#define AISBX_GATEWAY_VAULT_H

#include "base/err.h"
#include "gateway/replace.h"
#include "policy/secrets.h"

enum {
	VAULT_VALUES = 16384, /* bytes of all values together */
	VAULT_VALUE_MIN = 4,  /* shorter ones would be found everywhere */
	VAULT_VALUE_MAX = REPLACE_FROM_MAX - 1,
	VAULT_OUT = 16384,
};

struct vault {
	char values[VAULT_VALUES];
	size_t used;
	char out[VAULT_OUT]; /* of no meaning between two messages */
	size_t out_len;
	char work[REPLACE_WORK];
};

extern struct vault *vault;

/* own_fds: descriptors that are no source, whoever names them. */
int vault_open(const int *own_fds, size_t len, struct err *reterr);
/*
 * Reads the value of a secret from its source. ret_value lies in the vault. An error never has
 * anything of the value in it.
 */
int vault_read(const struct secret *secret, const char **ret_value, size_t *ret_len,
	       struct err *reterr);

/* Room for what is made of a value; NULL: there is no more. */
char *vault_take(size_t len);

#endif

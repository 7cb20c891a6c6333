/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of ports as text. Pure. */
#ifndef AISBX_POLICY_PORTS_H
#define AISBX_POLICY_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One to five digits that make at most 65535, without a 0 before others. */
bool port_parse(const char *text, size_t len, uint16_t *ret_port);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a box has its bindings: a program and two sockets (bindings/wire.h) each. */
#ifndef AISBX_POLICY_BINDINGS_PLACES_H
#define AISBX_POLICY_BINDINGS_PLACES_H

#define BINDINGS_BIN "/run/aisbx/bin"
#define BINDINGS_DIR "/run/aisbx/bindings"

#endif

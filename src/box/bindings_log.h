/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bindings' server told of a run: for result and messages. */
#ifndef AISBX_BOX_BINDINGS_LOG_H
#define AISBX_BOX_BINDINGS_LOG_H

#include <stdbool.h>

#include "bindings/records.h"
#include "policy/bindings.h"

struct bindings_log {
	struct call_record totals[BINDINGS_MAX]; /* RECORD_TOTAL of those that were called */
	bool failed;				 /* the server could not start */
	struct err err;
	bool ended_early; /* it ended before the box did: there was nothing to call any more */
};

#endif

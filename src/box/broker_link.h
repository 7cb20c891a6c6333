/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side of the broker: starts it, reads what it tells, ends it. */
#ifndef AISBX_BOX_BROKER_LINK_H
#define AISBX_BOX_BROKER_LINK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "box/box.h"
#include "broker/broker.h"
#include "policy/plan.h"

struct broker_link {
	struct broker broker;
	const struct observer *observer; /* NULL: none */
	struct network_log *log;
};

/* Before init, so that its own preparations run beside the building of the box. 0 or -errno. */
int broker_link_start(struct broker_link *link, const struct plan *plan, struct arena *arena,
		      struct box_end *end);

/*
 * Reads one event. False when there is no more to read. box_is_over: the end of the broker is
 * expected. After: a set log->failed means that init waits for it in vain.
 */
bool broker_link_read(struct broker_link *link, bool box_is_over);

/* The box is gone, so the broker ends by itself; one that does not is ended. */
void broker_link_finish(struct broker_link *link, struct box_end *end);

#endif

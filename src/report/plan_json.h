/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as JSON: what `show --json` prints, and a golden test compares. */
#ifndef AISBX_REPORT_PLAN_JSON_H
#define AISBX_REPORT_PLAN_JSON_H

#include <stdio.h>

#include "policy/plan.h"

/* 0 or -errno. */
int plan_print_json(const struct plan *plan, FILE *out);

#endif

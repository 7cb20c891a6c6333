/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `doctor` found as JSON: see aisbx(1), DOCTOR. */
#ifndef AISBX_REPORT_DOCTOR_JSON_H
#define AISBX_REPORT_DOCTOR_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "doctor/doctor.h"

/* 0 or -errno. place is where aisbx runs: place_names[]. */
int doctor_print_json(const struct finding *findings, const char *place, bool works, FILE *out);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One try of doctor's, in a child of its own: what all of them share. */
#ifndef AISBX_DOCTOR_VISIT_H
#define AISBX_DOCTOR_VISIT_H

#include "base/arena.h"
#include "doctor/doctor.h"
#include "policy/plan.h"

struct visit {
	struct arena arena;
	struct hostfacts facts;
	struct profile profile;
	struct plan plan;
	bool throw_away; /* what boxes write to grants stays in layers of theirs */
	struct finding *finding;
};

/* Each fills visit->finding, which says "ok" and nothing else before. */
typedef void try_fn(struct visit *visit);

/* host.c: what no box is needed for. */
try_fn visit_kernel, visit_idmap, visit_dns, visit_profiles;
/* walls.c: what walls are made of. */
try_fn visit_user, visit_namespaces, visit_landlock, visit_seccomp, visit_notification;
/* limits.c */
try_fn visit_limits;
/* boxes.c: real boxes. */
try_fn visit_mounts, visit_proc, visit_keyring, visit_disk, visit_overlay, visit_network,
	visit_terminal, visit_run;

/* The plan of true(1) under that profile; one without grants will do where nothing runs. */
#define VISIT_BARE "limits: {memory: 64M, processes: 64}\n"
int visit_plan(struct visit *visit, const char *text, struct err *reterr);
/* Runs the plan in a box, and how long that took; or what went wrong. */
int visit_box(struct visit *visit, double *ret_ms, struct err *reterr);

/* "found" as printf(3) would write it. */
void finding_say(struct finding *finding, enum state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void finding_detail(struct finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What failed, and its remedy. */
void finding_fail(struct finding *finding, enum state state, struct err *err);

#endif

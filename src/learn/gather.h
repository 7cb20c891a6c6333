/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an observed box left behind, looked up on the host: its notes and its layers. */
#ifndef AISBX_LEARN_GATHER_H
#define AISBX_LEARN_GATHER_H

#include "learn/findings.h"
#include "policy/plan.h"

struct gathered {
	struct seen_list seen;
	struct strv executed;	  /* as asked for, absolute, that are there; in order, each once */
	const char *made_program; /* one that was executed, and that the host does not have */
	struct strv replaced;	  /* paths that were given to another file, or taken away */
	struct strv names;	  /* of what lies in directories that are new, each once */
	bool is_cut;		  /* too much for the notes or for this */
	bool wanted_unix;	  /* sockets that a learning run does not get */
	bool used_memfd;
	uint64_t written; /* bytes in the layers */
	uint64_t largest; /* of one file there */
};

/*
 * notes: len bytes as enum note has them, of an init that shared a kernel with hostile code:
 * what is none is skipped. Paths that the host does not have are left out.
 */
void gather_notes(struct arena *arena, const struct learn_places *places, const char *notes,
		  size_t len, struct gathered *gathered);
/* What plan's box wrote, below layers_fd (layers.h); -1: nothing could be. 0 or -errno. */
int gather_layers(struct arena *arena, const struct plan *plan, int layers_fd,
		  struct gathered *gathered);
/* The programs that scripts among executed name in their first line, appended to it. */
void gather_interpreters(struct arena *arena, struct strv *executed);
/*
 * Whether name stands in text as the name of a variable does: after one of $ { ( " ' . and
 * not within a longer word. Pure.
 */
bool text_names_variable(const char *text, size_t len, const char *name);
/* The file among seen, outside of the system's directories, that names it; or NULL. */
const char *gather_mention(struct arena *arena, const struct seen_list *seen, const char *name);

#endif

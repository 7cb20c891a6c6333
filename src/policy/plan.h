/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: profile, command line and host facts, resolved into tables that
 * the box executes without a decision of its own. Immutable once built;
 * nothing the user wrote can fail after it, apart from what changes on the
 * host in between, which the box notices (dev and ino of every source).
 */
#ifndef AISBX_POLICY_PLAN_H
#define AISBX_POLICY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/hostfacts.h"
#include "policy/hosts.h"
#include "policy/profile.h"
#include "policy/publish.h"
#include "policy/secrets.h"
#include "policy/walls.h"

/* One thing to make in the new root, in order. box_path is absolute. */
enum step_kind {
	STEP_DIR,     /* a read-only directory of the root itself */
	STEP_SYMLINK, /* text is its target */
	STEP_FILE,    /* text is its content, read-only */
	STEP_COVER,   /* as STEP_FILE, in front of a file that a bind brought */
	STEP_PRIVATE, /* a writable directory in memory */
	STEP_BIND,    /* host_path, as flags say */
	STEP_MASK,    /* an empty thing nobody may open, in front of box_path */
	STEP_ABSENT,  /* a name that the layer over a STEP_LAYERED bind takes away */
	STEP_DEVICE,  /* a device node of the host */
	STEP_SOCKET,  /* listened on by a process outside: see bindings.h */
	STEP_PROC,
	STEP_DEVPTS,
};

enum step_flags {
	STEP_WRITABLE = 1 << 0,
	STEP_IS_DIR = 1 << 1,
	STEP_IDMAP = 1 << 2, /* host_path's owner appears as the box's user */
	STEP_NOEXEC = 1 << 3,
	STEP_PIN = 1 << 4,	 /* a bind onto itself: the directory cannot be renamed */
	STEP_PROTECTED = 1 << 5, /* writes go through init, which holds files.protect */
	STEP_ON_BIND = 1 << 6,	 /* the mount point is the host's: never created */
	STEP_OPENED = 1 << 7,	 /* STEP_MASK: shows a read grant, less what is hidden */
	STEP_PART = 1 << 8,	 /* stands for an entry of such a grant */
	STEP_LAYERED = 1 << 9,	 /* writes stay in a layer of the box's own: layers.c */
};

struct step {
	enum step_kind kind;
	unsigned flags;
	mode_t mode; /* of what is created */
	const char *box_path;
	const char *host_path; /* canonical, no symbolic links in it */
	const char *text;
	size_t text_len;
	size_t late_len; /* of text, at its end: what is there once the gateway has made it */
	dev_t dev;	 /* of host_path when the plan was made */
	ino_t ino;
	uid_t owner; /* of host_path: who the box's user is there, for STEP_IDMAP */
	gid_t group;
	const char *why; /* "profile.yaml:4:9" or "command line", for show */
};

/* How a descriptor 0 to 2 reaches the payload. */
enum stdio_mode {
	STDIO_PASS,
	STDIO_RELAY, /* through a pipe of the supervisor's: output limit */
	STDIO_TTY,   /* the box's own terminal */
	STDIO_NULL,  /* closed by the caller, or consumed as code */
};

/* What of the network the box reaches, and what reaches it. */
struct plan_network {
	struct host_grants grants;
	bool any_public; /* learn: of every public host, the usual ports */
	struct publish *publish;
	size_t publish_len;
	/* Of network.registries: see registries.h. */
	struct strv registry_env;
	struct strv registry_notes; /* what is not granted, and what to write; for show */
	struct strv registry_files; /* that were read, or would be by the next run */
};

struct plan_binding;

/* What of the host the box may call: see bindings.h. */
struct plan_bindings {
	struct plan_binding *items;
	size_t len;
	const char *cwd; /* host path that their commands start in */
};

struct plan {
	char run[27]; /* ULID */
	const struct profile *profile;
	const struct hostfacts *facts;
	struct step *steps;
	size_t steps_len;
	size_t steps_cap;
	struct strv argv;  /* of the payload */
	char **shell_argv; /* sh, a slot for the script, argv[1]...: for files without #! */
	struct strv env;   /* NAME=VALUE */
	const char *path;  /* PATH value that argv[0] is looked up in */
	const char *cwd;   /* box path */
	const char *home;  /* box path */
	const char *hostname;
	uid_t inside_uid;
	gid_t inside_gid;
	uid_t outside_uid; /* that inside_uid maps to */
	gid_t outside_gid;
	struct plan_network network;
	struct plan_bindings bindings;
	struct plan_gateway gateway;
	struct limits limits;
	enum stdio_mode stdio[3];
	bool shared_output; /* 1 and 2 are one file: they share a relay, which keeps their order */
	bool has_exec_list;
	struct strv exec; /* box paths that may be executed, loader included */
	bool explains_missing;
	const struct strv *protect; /* names; NULL when no grant is protected */
	struct strv pinned;	    /* box paths below protected grants that stay where they are */
	bool degradable[WALL__N];
	struct filter *filter;
	const char *code; /* bytes given with -c, --script or stdin, NULL: none */
	size_t code_len;
	bool is_input_check;
	bool throw_away; /* see struct request */
	bool observed;
};

/*
 * What the caller asked for besides the profile.
 * code is checked before; its path in the box is /run/aisbx/code_name.
 */
struct request {
	char *const *command; /* NULL-terminated; the words after -- when code is given */
	const char *code;
	size_t code_len;
	const char *code_name;
	int stdin_fd;	       /* -1: the caller's own */
	bool stdin_is_code;    /* the payload's stdin is empty */
	bool is_input_check;   /* stdout goes nowhere */
	bool may_lack_command; /* show */
	bool throw_away;       /* learn: what is written to grants goes with the box */
	bool observed;	       /* learn: init notes the paths that are asked for: observe.h */
	bool any_public_host;  /* learn */
};

/* Everything lives in arena; profile and facts are kept by reference. */
int plan_build(struct arena *arena, const struct profile *profile, const struct hostfacts *facts,
	       const struct request *request, struct plan *ret_plan, struct err *reterr);

/* Whether something of it needs a process outside that connects for the box. */
bool plan_needs_broker(const struct plan *plan);
/* Whether connections to some hosts end in a gateway. */
bool plan_needs_gateway(const struct plan *plan);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seccomp listener: how it gets from the payload to init, and answering. */
#ifndef AISBX_BOX_LISTENER_H
#define AISBX_BOX_LISTENER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* *ret_send_fd is where the payload sends the listener. 0 or -errno. */
int listener_prepare(int *ret_send_fd, struct err *reterr);
/*
 * The payload's side: sends, and with waits stays until init has it and lets it go on.
 * 0 or -errno. Runs between clone and exec, under the filter.
 */
int listener_hand_over(int send_fd, int listener_fd, bool waits, struct err *reterr);
/* Takes what the payload sent. Closes *send_fd. 0 or -errno; -EAGAIN: it sent nothing. */
int listener_receive(int *send_fd, bool waits, struct err *reterr);
/*
 * With waits: lets the payload go on, and calls answer for each of its calls until it has
 * executed or is gone.
 */
int listener_release(void (*answer)(void), struct err *reterr);

/* What poll(2) watches for POLLIN, or -1. */
int listener_fd(void);
/* The next call, or NULL when there is none. It stays as it is until the next. */
const struct seccomp_notif *listener_next(void);
/*
 * size bytes of the caller's memory or less, ending at the first unreadable page; -errno. They
 * may change at any time.
 */
long listener_copy(const struct seccomp_notif *request, uint64_t address, void *buf, size_t size);
/* A path. False: it cannot be read, or is longer than that. */
bool listener_copy_path(const struct seccomp_notif *request, uint64_t address, char *buf,
			size_t size);

enum {
	LISTENER_BASE_BYTES = 64,
};
/* "/proc/PID" + rest of the caller. */
void listener_proc_path(char *buf, const struct seccomp_notif *request, const char *rest);
/* What in /proc a path of the caller's begins at: its descriptor, or its directory (AT_FDCWD). */
void listener_base_path(char buf[LISTENER_BASE_BYTES], const struct seccomp_notif *request, int fd);
/* 0 or -errno for the caller, or with SECCOMP_USER_NOTIF_FLAG_CONTINUE its own call goes on. */
void listener_reply(const struct seccomp_notif *request, int error, unsigned flags);
/* The caller gets fd, which is closed here. */
void listener_reply_fd(const struct seccomp_notif *request, int fd, bool cloexec);

#endif

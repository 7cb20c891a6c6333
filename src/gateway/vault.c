/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of the secrets: see vault.h. */
#include "gateway/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/ports.h"

enum {
	SOURCE_MS = 60000, /* for a source that asks somebody */
};

struct vault *vault;
static const int *own_fds;
static size_t own_fds_len;

int vault_open(const int *fds, size_t len, struct err *reterr)
{
	vault = OPENSSL_secure_zalloc(sizeof *vault);
	if (!vault)
		return err_set(reterr, E_SYSTEM, ENOMEM, "have memory for", "secrets");
	/* A source that is a command gets no value. What is this large begins a page there. */
	if (CRYPTO_secure_allocated(vault) && madvise(vault, sizeof *vault, MADV_DONTFORK) < 0)
		return err_set(reterr, E_SYSTEM, errno, "keep from children", "secrets");
	own_fds = fds;
	own_fds_len = len;
	return 0;
}

char *vault_take(size_t len)
{
	char *taken = vault->values + vault->used;

	if (len > VAULT_VALUES - vault->used)
		return NULL;
	vault->used += len;
	return taken;
}

static int refuse(const struct secret *secret, const char *why, struct err *reterr)
{
	return err_msg(reterr, E_GRANT, "%s: cannot read secret '%s' from '%s': %s", secret->why,
		       secret->name, secret->shown, why);
}

/*** Sources ***/

/* What is left of the room for values. */
static size_t room(void)
{
	size_t left = VAULT_VALUES - vault->used;

	return left < VAULT_VALUE_MAX + 3 ? left : VAULT_VALUE_MAX + 3;
}

/* Reads to the end, or until it is too much. */
static ssize_t read_all(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0 && len < room()) {
		if (poll(&readable, 1, SOURCE_MS) == 0)
			return -ETIMEDOUT;
		n = read(fd, vault->values + vault->used + len, room() - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

static ssize_t read_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : read_all(fd);
}

static ssize_t read_descriptor(const char *text)
{
	uint16_t fd;

	if (!port_parse(text, strlen(text), &fd))
		return -EBADF;
	for (size_t i = 0; i < own_fds_len; i++) {
		if (fd == own_fds[i])
			return -EBADF;
	}
	return read_all(fd);
}

static ssize_t read_variable(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		return -ENOENT;
	size_t len = strlen(value) < room() ? strlen(value) : room();
	memcpy(vault->values + vault->used, value, len);
	return (ssize_t)len;
}

static _Noreturn void execute(char *const *argv, int out_fd)
{
	int null_fd = open("/dev/null", O_RDONLY);

	/* The gateway may be ended while it waits, by a limit or with the supervisor. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || null_fd < 0 ||
	    dup2(null_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0)
		_exit(EXIT_AISBX);
	(void)close_range(3, ~0U, 0);
	(void)execvp(argv[0], argv);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Its length, -errno, or -ECHILD with *ret_status. */
static ssize_t read_command(const struct secret *secret, int *ret_status)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		execute(secret->words.items, fds[1]);
	(void)close(fds[1]);
	_cleanup_close_ int fd = fds[0];
	if (pid < 0)
		return -errno;
	ssize_t n = read_all(fd);
	if (n < 0 || (size_t)n == room())
		(void)kill(pid, SIGKILL); /* ours and not reaped: cannot miss */
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return n >= 0 && *ret_status != 0 && (size_t)n < room() ? -ECHILD : n;
}

/*** Values ***/

static const char *why_not(const struct secret *secret, ssize_t n, int status)
{
	static char text[64];

	if (n == -ENOENT && secret->source == SECRET_ENV)
		return "the variable is not set; set it, or name another source";
	if (n == -ETIMEDOUT)
		return "it did not end in time";
	if (n != -ECHILD)
		return strerror((int)-n);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return "there is no such program";
	(void)snprintf(text, sizeof text, "the command failed with status %d",
		       WIFEXITED(status) ? WEXITSTATUS(status)
					 : EXIT_SIGNAL_BASE + WTERMSIG(status));
	return text;
}

/* What could not stand in a header would break the request apart. */
static const char *check_value(const char *value, size_t len)
{
	if (len > VAULT_VALUE_MAX)
		return "it is too long, or all secrets together are";
	if (len < VAULT_VALUE_MIN)
		return "it is too short to be told from other text; a secret has 4 bytes or more";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return "it has a line break or another control character";
	}
	return NULL;
}

int vault_read(const struct secret *secret, const char **ret_value, size_t *ret_len,
	       struct err *reterr)
{
	char *value = vault->values + vault->used;
	int status = 0;
	ssize_t n = -EINVAL;

	switch (secret->source) {
	case SECRET_ENV:
		n = read_variable(secret->words.items[0]);
		break;
	case SECRET_FILE:
		n = read_file(secret->words.items[0]);
		break;
	case SECRET_FD:
		n = read_descriptor(secret->words.items[0]);
		break;
	case SECRET_COMMAND:
		n = read_command(secret, &status);
		break;
	case SECRET__N:
		break;
	}
	if (n < 0)
		return refuse(secret, why_not(secret, n, status), reterr);
	size_t len = (size_t)n;
	/* An editor's, or echo's; room() leaves that much more. */
	if (len > 0 && value[len - 1] == '\n' && secret->source != SECRET_ENV)
		len -= len > 1 && value[len - 2] == '\r' ? 2 : 1;
	const char *why = check_value(value, len);
	if (why)
		return refuse(secret, why, reterr);
	vault->used += len;
	*ret_value = value;
	*ret_len = len;
	return 0;
}

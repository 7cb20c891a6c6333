/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program in the box that calls the binding it is named as: see wire.h.
 *
 * It is put into each box with bindings, so it has no libc and is as small as can be. It guards
 * nothing: whoever is in the box may speak to the sockets without it. Its exit status is that of
 * the command; 124 when its time was up, 125 when it was not run, 127 when there is no such
 * binding.
 */
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include "base/sys.h"
#include "bindings/wire.h"
#include "policy/bindings_places.h"

enum {
	STATUS_REFUSED = 125,
	STATUS_NO_BINDING = 127,
	BUFFER_BYTES = 64 * 1024,
};

static char buffer[BUFFER_BYTES];

/*** Without libc ***/

static size_t length(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

/* Compilers call it by themselves. */
void *memset(void *to, int byte, size_t len);
void *memset(void *to, int byte, size_t len)
{
	volatile char *at = to;

	while (len--)
		*at++ = (char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	volatile char *at = to;
	const char *source = from;

	while (len--)
		*at++ = *source++;
	return to;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		long n = sys_write(fd, bytes, len);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) { /* whoever gave it to us wants it so: wait */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			(void)sys_call5(SYS_ppoll, &wait, 1, NULL, NULL, 0);
			continue;
		}
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* A server that has heard enough is no reason to die of SIGPIPE: its answer is still to come. */
static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		long n = sys_call6(SYS_sendto, fd, (long)bytes, (long)len, MSG_NOSIGNAL, 0, 0);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static _Noreturn void fail(const char *name, const char *what, int status)
{
	static const char prefix[] = "aisbx: binding '";

	(void)write_all(2, prefix, sizeof prefix - 1);
	(void)write_all(2, name, length(name));
	(void)write_all(2, what, length(what));
	sys_exit_group(status);
}

/*** Calling ***/

static int connect_to(const char *name)
{
	static const char dir[] = BINDINGS_DIR "/", suffix[] = ".call";
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t len = length(name);

	if (len == 0 || len > sizeof sa.sun_path - sizeof dir - sizeof suffix)
		return -ENOENT;
	memcpy(sa.sun_path, dir, sizeof dir - 1);
	memcpy(sa.sun_path + sizeof dir - 1, name, len);
	memcpy(sa.sun_path + sizeof dir - 1 + len, suffix, sizeof suffix);
	int fd = (int)sys_call3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long r = fd < 0 ? fd : sys_call3(SYS_connect, fd, &sa, sizeof sa);
	return r < 0 ? (int)r : fd;
}

static bool send_args(int fd, char **args)
{
	uint8_t head[WIRE_LENGTH_BYTES];
	size_t len = 0;
	bool sent = true;

	for (char **arg = args; *arg; arg++)
		len += length(*arg) + 1;
	if (len > WIRE_ARGS_MAX)
		return false;
	wire_write_length(head, len);
	sent = send_all(fd, (const char *)head, sizeof head);
	for (char **arg = args; *arg && sent; arg++)
		sent = send_all(fd, *arg, length(*arg) + 1);
	return true; /* what the server did not take, it says why */
}

static bool is_terminal(int fd)
{
	struct termios modes;

	return sys_call3(SYS_ioctl, fd, TCGETS, &modes) == 0;
}

/* False when there is no more to send. */
static bool pass_input(int fd)
{
	long n = sys_read(0, buffer, sizeof buffer);

	if (n == -EINTR || n == -EAGAIN)
		return true;
	if (n > 0 && send_all(fd, buffer, (size_t)n))
		return true;
	(void)sys_call2(SYS_shutdown, fd, SHUT_WR);
	return false;
}

static bool read_all(int fd, char *bytes, size_t len)
{
	while (len) {
		long n = sys_read(fd, bytes, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* One frame. False when the command takes no input. */
static bool pass_frame(const char *name, int fd)
{
	static const char lost[] = "': it ended without an answer\n";
	uint8_t head[WIRE_FRAME_BYTES];

	if (!read_all(fd, (char *)head, sizeof head))
		fail(name, lost, STATUS_REFUSED);
	size_t left = wire_length(head + 1);
	int status = -1;
	if (head[0] == WIRE_END) {
		char byte;

		if (left == 0 || !read_all(fd, &byte, 1))
			fail(name, lost, STATUS_REFUSED);
		status = (unsigned char)byte;
		left--;
	}
	while (left) {
		size_t part = left < sizeof buffer ? left : sizeof buffer;

		if (!read_all(fd, buffer, part))
			fail(name, lost, STATUS_REFUSED);
		if (!write_all(head[0] == WIRE_STDOUT ? 1 : 2, buffer, part))
			sys_exit_group(STATUS_REFUSED); /* nobody listens */
		left -= part;
	}
	if (status >= 0)
		sys_exit_group(status);
	return head[0] != WIRE_NO_INPUT;
}

static _Noreturn void call(const char *name, int fd, bool has_input)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = has_input ? 0 : -1, .events = POLLIN } };

	if (!has_input)
		(void)sys_call2(SYS_shutdown, fd, SHUT_WR);
	for (;;) {
		long r = sys_call5(SYS_ppoll, fds, 2, NULL, NULL, 0);

		if (r < 0 && r != -EINTR)
			fail(name, "': cannot wait for its answer\n", STATUS_REFUSED);
		if (r > 0 && fds[0].revents && !pass_frame(name, fd)) {
			fds[1].fd = -1;
			(void)sys_call2(SYS_shutdown, fd, SHUT_WR);
		}
		if (r > 0 && fds[1].fd >= 0 && fds[1].revents && !pass_input(fd))
			fds[1].fd = -1;
	}
}

_Noreturn void client_main(long *stack);
_Noreturn void client_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	const char *name = argc > 0 ? argv[0] : "";

	for (const char *at = name; *at; at++)
		name = *at == '/' ? at + 1 : name;
	int fd = connect_to(name);
	if (fd == -ENOENT)
		fail(name, "': this box has none of that name\n", STATUS_NO_BINDING);
	if (fd < 0)
		fail(name, "': nothing serves it any more\n", STATUS_REFUSED);
	if (argc > 1 && !send_args(fd, argv + 1))
		fail(name, "': the arguments are longer than 32K\n", STATUS_REFUSED);
	if (argc <= 1)
		(void)send_args(fd, argv + argc);
	/* Who gives arguments at a terminal does not mean to type the input too. */
	call(name, fd, argc <= 1 || !is_terminal(0));
}

/* The stack as execve(2) leaves it is the only argument. */
#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call client_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl client_main\n");
#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fingerprint NAMESPACE=ID... [FILE]: what holds this process, one fact a line
 * after a first line "ran". Equal boxes print equal text: no process ids,
 * inode numbers or sizes. NAMESPACE=ID are the host's namespaces, which the
 * box's differ from. Standard input is a file that the caller owns, opened
 * for reading.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static const char *outcome(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

static void print_file(const char *path, const char *const *wanted)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	if (!file)
		printf("%s %s\n", path, strerrorname_np(errno));
	while (file && fgets(line, sizeof line, file)) {
		bool is_wanted = !wanted;

		for (const char *const *name = wanted; name && *name; name++)
			is_wanted |= strncmp(line, *name, strlen(*name)) == 0;
		if (is_wanted)
			printf("%s", line);
	}
	if (file)
		fclose(file);
}

/* Fields 4 to 6, and those after the dash, without ids and sizes. */
static void print_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[8192], root[2048], point[2048], options[512], rest[4096];

	if (!file)
		printf("mounts %s\n", strerrorname_np(errno));
	while (file && fgets(line, sizeof line, file)) {
		const char *dash = strstr(line, " - ");
		if (!dash ||
		    sscanf(line, "%*d %*d %*s %2047s %2047s %511s", root, point, options) != 3)
			continue;
		snprintf(rest, sizeof rest, "%s", dash);
		/* Sizes, and the uid of a box of root's, which is another every time. */
		char *sizes = strstr(rest, ",size=");
		rest[sizes ? (size_t)(sizes - rest) : strcspn(rest, "\n")] = '\0';
		bool optional = strstr(line, "shared:") || strstr(line, "master:");
		printf("mount %s %s %s%s%s\n", root, point, options, optional ? " propagates" : "",
		       rest);
	}
	if (file)
		fclose(file);
}

/* Link targets with the digits taken out: pipe:[123]. */
static void print_descriptors(void)
{
	for (int fd = 0; fd < 256; fd++) {
		char path[32], target[4096], *to = target;

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		if (n < 0)
			continue;
		for (ssize_t i = 0; i < n; i++) {
			if (fd > 2 || target[0] == '/' || !isdigit((unsigned char)target[i]))
				*to++ = target[i];
		}
		*to = '\0';
		printf("fd %d %s %s\n", fd, target[0] == '/' && fd <= 2 ? "file" : target,
		       fcntl(fd, F_GETFL) & O_ACCMODE ? "write" : "read");
	}
}

static void print_namespace(char *argument)
{
	char path[64], target[64];
	char *id = strchr(argument, '=');

	*id++ = '\0';
	snprintf(path, sizeof path, "/proc/self/ns/%s", argument);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = '\0';
	printf("namespace %s %s\n", argument,
	       n < 0			 ? "unknown"
	       : strcmp(target, id) == 0 ? "THE HOST'S"
					 : "own");
}

static void print_network(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(4),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *names = if_nameindex();

	for (struct if_nameindex *at = names; at && at->if_index; at++)
		printf("interface %s\n", at->if_name);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		printf("lo %s\n", request.ifr_flags & IFF_UP ? "up" : "down");
	else
		printf("lo %s\n", strerrorname_np(errno));
	printf("lo bind %s\n", outcome(bind(fd, (struct sockaddr *)&address, sizeof address)));
	printf("lo send %s\n",
	       outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address)));
	close(fd);
}

static void print_attempt(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	printf("open %s %s %s\n", path, flags & O_ACCMODE ? "write" : "read", outcome(fd));
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && (flags & O_CREAT))
		printf("unlink %s %s\n", path, outcome(unlink(path)));
}

static void print_attempts(void)
{
	print_attempt("/proc/1/environ", O_RDONLY);
	print_attempt("/proc/1/maps", O_RDONLY);
	print_attempt("/proc/keys", O_RDONLY);
	print_attempt("/proc/cmdline", O_RDONLY);
	print_attempt("/proc/self/fd/0", O_WRONLY); /* Landlock */
	print_attempt("/proc/self/oom_score_adj", O_WRONLY);
	print_attempt("/dev/tty", O_RDWR);
	print_attempt("/etc/fingerprint", O_WRONLY | O_CREAT);
	print_attempt("/usr/fingerprint", O_WRONLY | O_CREAT);
	print_attempt("/tmp/fingerprint", O_WRONLY | O_CREAT);
	print_attempt("/fingerprint", O_WRONLY | O_CREAT);
	print_attempt("/dev/fingerprint", O_WRONLY | O_CREAT);
	print_attempt("/dev/shm/fingerprint", O_WRONLY | O_CREAT);
	print_attempt(".git/hooks/fingerprint", O_WRONLY | O_CREAT);
	print_attempt(".envrc", O_WRONLY | O_CREAT);
	print_attempt("free", O_WRONLY | O_CREAT);
	print_attempt("readme", O_WRONLY);
	printf("read /proc/1 %s\n", outcome(access("/proc/1", F_OK)));
	/* The filter. None of these does anything when it is allowed. */
	printf("keyctl %s\n", outcome(syscall(SYS_keyctl, 0 /* id of */, -3 /* session */, 0)));
	printf("mount %s\n", outcome(syscall(SYS_mount, "", "", "", 0, "")));
	printf("unshare %s\n", outcome(syscall(SYS_unshare, 0x10000000)));
	printf("bpf %s\n", outcome(syscall(SYS_bpf, -1, 0, 0)));
	printf("ptrace %s\n", outcome(syscall(SYS_ptrace, 0x4200, 0, 0, 0)));
	printf("io_uring %s\n", outcome(syscall(SYS_io_uring_setup, 0, 0)));
	printf("userfaultfd %s\n", outcome(syscall(SYS_userfaultfd, -1)));
	printf("kill init %s\n", outcome(kill(1, 0)));
}

static void print_process(void)
{
	static const char *const wanted[] = {
		"Umask:",  "Groups:",	  "CapInh:",	  "CapPrm:",	  "CapEff:", "CapBnd:",
		"CapAmb:", "NoNewPrivs:", "Seccomp",	  "SigBlk:",	  "SigIgn:", "SigCgt:",
		"Uid:",	   "Gid:",	  "CoreDumping:", "THP_enabled:", "NSpid:",  NULL
	};
	struct utsname uts;
	char cwd[4096];

	print_file("/proc/self/status", wanted);
	print_file("/proc/self/limits", NULL);
	printf("securebits %x\n", (unsigned)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("session %s\n", getsid(0) == getpid() ? "own" : "another's");
	printf("host %s\n", uname(&uts) == 0 ? uts.nodename : "?");
	printf("cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : strerrorname_np(errno));
	for (char **at = environ; *at; at++)
		printf("env %.*s\n", (int)strcspn(*at, "="), *at);
}

int main(int argc, char **argv)
{
	puts("ran");
	print_process();
	print_mounts();
	print_descriptors();
	for (int i = 1; i < argc; i++) {
		if (strchr(argv[i], '='))
			print_namespace(argv[i]);
	}
	print_network();
	print_attempts();
	return fflush(stdout) == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The first process of the test machine, both in the initramfs and after it.
 *
 * Theory of operation. run-vm shares a read-only tree over virtiofs (tag "host"): /usr, /etc,
 * the sources, the build, and /run/vm with the command. As /init of the initramfs this program
 * loads the modules that it finds beside itself, lays a tmpfs over the tree, mounts what a Linux
 * system has, and makes that the root by moving it over the initramfs as switch_root does: a mere
 * chroot would refuse user namespaces. Then it runs /run/vm/command in a session of its own, with
 * stdout and stderr on the first two virtio ports, reaps what is orphaned, writes how the command
 * ended on the third and powers the machine off. Whatever fails before is said on the console, and
 * the machine goes off without a status: the host takes that for a failure.
 *
 * Where there is a /run/vm/boot, that becomes the first process when the root is laid, and has
 * what it starts execute this program again: "/run/vm/init run" is the part with the command.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	printf("vm: ");
	vprintf(format, arguments);
	printf(": %s\n", strerror(error));
	va_end(arguments);
	fflush(stdout);
	power_off();
}

static void make(const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		die("mkdir %s", path);
}

static void put(const char *type, const char *path, unsigned long flags, const char *options)
{
	make(path);
	if (mount(type, path, type, flags, options) != 0)
		die("mount %s at %s", type, path);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("write %s to %s", text, path);
	close(fd);
}

/* True where the module of that name is loaded, or was before. */
static int load(const char *name)
{
	char path[300];
	int fd, status;

	snprintf(path, sizeof path, "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	status = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return status == 0 || errno == EEXIST;
}

/* Which needs which differs from kernel to kernel: those that fail are tried again
 * after the others. */
static void load_modules(void)
{
	struct dirent **names;
	int n = scandir("/modules", &names, NULL, alphasort), left = n, before;

	do {
		before = left;
		for (int i = 0; i < n; i++) {
			if (names[i] && (names[i]->d_name[0] == '.' || load(names[i]->d_name))) {
				names[i] = NULL;
				left--;
			}
		}
	} while (left > 0 && left < before);
	for (int i = 0; i < n; i++)
		if (names[i])
			die("module %s", names[i]->d_name);
}

static void lay_root(void)
{
	put("devtmpfs", "/dev", MS_NOSUID, NULL);
	load_modules();
	make("/host");
	if (mount("host", "/host", "virtiofs", MS_RDONLY, NULL) != 0)
		die("mount the host's tree");
	put("tmpfs", "/rw", 0, "mode=755");
	make("/rw/upper");
	make("/rw/work");
	make("/root");
	if (mount("overlay", "/root", "overlay", 0,
		  "lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work") != 0)
		die("mount the overlay");
	if (chdir("/root") != 0)
		die("chdir");
	put("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	put("sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	make("dev");
	if (mount("/dev", "dev", NULL, MS_MOVE, NULL) != 0)
		die("move /dev");
	if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0)
		die("switch the root");
}

static void bind_to(const char *source, const char *path)
{
	if (mount(source, path, NULL, MS_BIND, NULL) != 0)
		die("bind %s to %s", source, path);
}

/* What the host shares is a mount of its own, and above what is laid here. */
static void bind_shared(int fds[], int n)
{
	char line[4096], source[40];
	FILE *list = fopen("/run/vm/directories", "re");

	if (!list)
		die("/run/vm/directories");
	for (int i = 0; i < n && fgets(line, sizeof line, list); i++) {
		line[strcspn(line, "\n")] = 0;
		for (char *slash = line; (slash = strchr(slash + 1, '/'));) {
			*slash = 0;
			make(line);
			*slash = '/';
		}
		make(line);
		snprintf(source, sizeof source, "/proc/self/fd/%d", fds[i]);
		bind_to(source, line);
		close(fds[i]);
	}
	fclose(list);
}

static int open_shared(int fds[], int most)
{
	char line[4096];
	FILE *list = fopen("/run/vm/directories", "re");
	int n = 0;

	if (!list)
		die("/run/vm/directories");
	while (n < most && fgets(line, sizeof line, list)) {
		line[strcspn(line, "\n")] = 0;
		if ((fds[n++] = open(line, O_PATH | O_CLOEXEC)) < 0)
			die("%s", line);
	}
	fclose(list);
	return n;
}

/* What is written to is ext4, as on most systems, and the tests want it: an overlay cannot be
 * idmapped, and a tmpfs only since Linux 6.3. */
static void lay_disk(void)
{
	static const struct {
		const char *path;
		mode_t mode;
	} all[] = {
		{ "/home", 0755 },	{ "/mnt", 0755 },     { "/root", 0700 },
		{ "/srv", 0755 },	{ "/tmp", 01777 },    { "/var", 0755 },
		{ "/var/cache", 0755 }, { "/var/lib", 0755 }, { "/var/log", 0755 },
		{ "/var/tmp", 01777 },
	};
	static const char disk[] = "/run/vm/disk";
	int fds[16], n = open_shared(fds, 16);
	char path[100];

	make(disk);
	if (mount("/dev/vda", disk, "ext4", 0, NULL) != 0)
		die("mount %s", disk);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		snprintf(path, sizeof path, "%s%s", disk, all[i].path);
		make(path);
		if (chmod(path, all[i].mode) != 0)
			die("%s", path);
		if (!strchr(all[i].path + 1, '/'))
			bind_to(path, all[i].path);
	}
	if (symlink("/run", "/var/run") != 0 || umount2(disk, MNT_DETACH) != 0)
		die("%s", disk);
	bind_shared(fds, n);
}

static void cgroups(void)
{
	char names[500];
	int fd;

	/* As systemd mounts it. */
	put("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	    "nsdelegate,memory_recursiveprot");
	fd = open("/sys/fs/cgroup/cgroup.controllers", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, names, sizeof names - 1);
	if (n <= 0)
		die("cgroup.controllers");
	names[n] = 0;
	close(fd);
	for (char *name = strtok(names, " \n"); name; name = strtok(NULL, " \n")) {
		char enable[100];
		snprintf(enable, sizeof enable, "+%s", name);
		write_to("/sys/fs/cgroup/cgroup.subtree_control", enable);
	}
}

static void loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		die("lo up");
	close(fd);
}

/* What a distribution's system gives its services; the kernel's own are tighter. */
static void limits(void)
{
	struct rlimit files = { 1024, 524288 }, locked = { 8 << 20, 8 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || setrlimit(RLIMIT_MEMLOCK, &locked) != 0)
		die("limits");
}

static void links(void)
{
	static const char *const all[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (symlink(all[i][0], all[i][1]) != 0 && errno != EEXIST)
			die("link %s", all[i][1]);
}

/* Port NUMBER of the first virtio serial device; its driver may need a moment. */
static int port(int number)
{
	char path[40];

	snprintf(path, sizeof path, "/dev/vport1p%d", number);
	for (int i = 0; i < 500; i++) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		poll(NULL, 0, 10);
	}
	die("%s", path);
}

static _Noreturn void command(int out, int err)
{
	static const char *const environment[] = {
		"HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	static const char *const argv[] = { "/bin/sh", "/run/vm/command", NULL };
	int in = open("/dev/null", O_RDONLY);

	setsid();
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(125);
	close(in);
	execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
	dprintf(2, "vm: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static _Noreturn void run(void)
{
	int out = port(1), err = port(2), status_port = port(3), status = 0;
	pid_t child = fork(), pid;

	if (child < 0)
		die("fork");
	if (child == 0)
		command(out, err);
	do
		pid = wait(&status);
	while (pid != child && (pid >= 0 || errno == EINTR));
	dprintf(status_port, "%d\n",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	power_off();
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "run"))
		run();
	umask(022);
	lay_root();
	lay_disk();
	if (access("/run/vm/boot", X_OK) == 0) {
		execl("/run/vm/boot", "/run/vm/boot", (char *)NULL);
		die("/run/vm/boot");
	}
	put("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	put("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	links();
	cgroups();
	loopback();
	limits();
	if (sethostname("vm", 2) != 0)
		die("the host's name");
	printf("vm: up\n");
	run();
}

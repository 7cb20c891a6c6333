/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject -o REPORT [-u UID] [-l | -f PROCESS,SYSCALL,COUNT,ERROR] -- COMMAND...
 *
 * Runs a command with one system call of one of its processes failing, or with
 * -l lists the calls of all. Processes are numbered in the order of their
 * creation, calls of each process by name from 1. strace -e inject counts in
 * every process at once, so what the supervisor calls too could never be made
 * to fail in init alone; hence this.
 *
 * A failing call is not executed, but for close(2), which gives the descriptor
 * up even when it fails. ERROR 0 kills the process instead. Syscall 0 never fails.
 *
 * The command starts as a careless caller would start it: with other signals
 * blocked and ignored, a umask of 077, a directory open as descriptor 9, core
 * dumps on and supplementary groups. -u is the id of an ordinary user.
 *
 * The report, one fact a line:
 *   new PROCESS PARENT    call PROCESS NAME NUMBER    exec PROCESS
 *   waits PROCESS         it sleeps without a time limit: its part in set-up is
 *                         over, and its calls do not fail any more
 *   hit                   the call was made to fail
 *   execs N               programs executed after the command itself
 *   exit N | signal N     how the command ended
 *   left N                processes that outlived the command by a second
 *   hang                  it was still running after 10 seconds and was killed
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum {
	PROCESSES = 64,
	CALLS = 512,
	STATUS_ERROR = 99,
	HANG_S = 10,
	LEFT_MS = 1000,
};

struct process {
	pid_t pid;
	bool alive;
	bool failing; /* in the call that fails */
	unsigned count[CALLS];
};

static struct process processes[PROCESSES];
static int processes_len;
static FILE *report;
static bool list, is_hit, is_over;
static int target = -1, fault_call = -1, fault_count, fault_error;
static volatile sig_atomic_t alarms;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	_exit(STATUS_ERROR);
}

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void set_alarm(long ms)
{
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static int number_of(pid_t pid)
{
	for (int i = 0; i < processes_len; i++) {
		if (processes[i].pid == pid)
			return i;
	}
	if (processes_len == PROCESSES)
		die("too many processes");
	processes[processes_len] = (struct process){ .pid = pid, .alive = true };
	return processes_len++;
}

/*** The failing call ***/

static void skip_call(pid_t pid)
{
#ifdef __x86_64__
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
#else
	int none = -1;
	struct iovec data = { &none, sizeof none };
	ptrace(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &data);
#endif
}

static void set_result(pid_t pid, long value)
{
#ifdef __x86_64__
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), value);
#else
	struct user_regs_struct regs;
	struct iovec data = { &regs, sizeof regs };
	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &data);
	regs.regs[0] = (unsigned long)value;
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &data);
#endif
}

/* Whether that ppoll(2) waits, and does not only look. */
static bool is_waiting(pid_t pid, uint64_t timespec)
{
	return !timespec || ptrace(PTRACE_PEEKDATA, pid, timespec, NULL) != 0 ||
	       ptrace(PTRACE_PEEKDATA, pid, timespec + sizeof(long), NULL) != 0;
}

static void on_call(int number)
{
	struct process *process = &processes[number];
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->failing) {
		process->failing = false;
		set_result(process->pid, -fault_error);
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr >= CALLS)
		return;
	int nr = (int)info.entry.nr;
	process->count[nr]++;
	/* The supervisor, number 0, has its loop from the beginning. */
	if (nr == SYS_ppoll && number > 0 && is_waiting(process->pid, info.entry.args[2])) {
		is_over |= number == target;
		if (list)
			fprintf(report, "waits %d\n", number);
	}
	if (list) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		fprintf(report, "call %d %s %d\n", number, name ? name : "?", nr);
		free(name);
	}
	if (number != target || is_hit || is_over || nr != fault_call ||
	    process->count[nr] != (unsigned)fault_count)
		return;
	is_hit = true;
	if (!fault_error) {
		kill(process->pid, SIGKILL);
		return;
	}
	process->failing = true;
	if (nr != SYS_close)
		skip_call(process->pid);
}

/*** The command ***/

static _Noreturn void become_command(int go_fd, unsigned uid, char **argv)
{
	const struct rlimit open_core = { RLIM_INFINITY, RLIM_INFINITY };
	const gid_t groups[] = { 4, 24, 27 };
	sigset_t blocked;
	char byte;

	if (read(go_fd, &byte, 1) != 1)
		_exit(STATUS_ERROR);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGRTMIN + 3, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	umask(077);
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || dup2(fd, 9) < 0)
		die("open /");
	if (fd != 9)
		close(fd);
	setrlimit(RLIMIT_CORE, &open_core);
	if (geteuid() == 0 && setgroups(3, groups) < 0)
		die("setgroups");
	if (uid && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
		die("become the user");
	execv(argv[0], argv);
	die(argv[0]);
}

static pid_t start(unsigned uid, char **argv)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	pid_t pid = fork();
	if (pid == 0)
		become_command(go[0], uid, argv);
	if (pid < 0 ||
	    ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			   PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		die("trace");
	(void)number_of(pid);
	if (write(go[1], "g", 1) != 1)
		die("start");
	close(go[0]);
	close(go[1]);
	return pid;
}

/*** The loop ***/

static void go_on(int number, int signal)
{
	bool calls = list || (number == target && (!is_hit || processes[number].failing));

	ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, processes[number].pid, 0, signal);
}

static void on_stop(int number, int status, int *execs)
{
	int event = status >> 16, signal = WSTOPSIG(status);
	unsigned long child;

	switch (event) {
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		ptrace(PTRACE_GETEVENTMSG, processes[number].pid, 0, &child);
		child = (unsigned long)number_of((pid_t)child);
		if (list)
			fprintf(report, "new %lu %d\n", child, number);
		go_on(number, 0);
		return;
	case PTRACE_EVENT_EXEC:
		if (*execs < 0) /* the command itself: what was before does not count */
			memset(processes[number].count, 0, sizeof processes[number].count);
		if (++*execs > 0 && list)
			fprintf(report, "exec %d\n", number);
		go_on(number, 0);
		return;
	case PTRACE_EVENT_STOP:
		if (signal == SIGTRAP)
			go_on(number, 0);
		else
			ptrace(PTRACE_LISTEN, processes[number].pid, 0, 0);
		return;
	default:
		break;
	}
	if (signal == (SIGTRAP | 0x80)) {
		on_call(number);
		go_on(number, 0);
	} else {
		go_on(number, signal);
	}
}

static void end_all(void)
{
	int left = 0;

	for (int i = 0; i < processes_len; i++) {
		if (processes[i].alive && kill(processes[i].pid, SIGKILL) == 0)
			left++;
	}
	fprintf(report, "left %d\n", left);
}

static void follow(pid_t command)
{
	int execs = -1;
	bool ended = false;

	set_alarm(HANG_S * 1000);
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR && alarms) {
			alarms = 0;
			if (!ended)
				fprintf(report, "hang\n");
			end_all();
			set_alarm(HANG_S * 1000);
			continue;
		}
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break; /* no process is left */
		int number = number_of(pid);
		if (WIFSTOPPED(status)) {
			on_stop(number, status, &execs);
			continue;
		}
		processes[number].alive = false;
		if (pid != command)
			continue;
		ended = true;
		fprintf(report, "%s %d\n", WIFEXITED(status) ? "exit" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		set_alarm(LEFT_MS);
	}
	if (is_hit)
		fprintf(report, "hit\n");
	fprintf(report, "execs %d\n", execs);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	unsigned uid = 0;
	int option;

	while ((option = getopt(argc, argv, "+o:u:lf:")) >= 0) {
		if (option == 'o')
			report = fopen(optarg, "we");
		else if (option == 'u')
			uid = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			list = true;
		else if (option != 'f' || sscanf(optarg, "%d,%d,%d,%d", &target, &fault_call,
						 &fault_count, &fault_error) != 4)
			return STATUS_ERROR;
	}
	if (!report || optind >= argc)
		return STATUS_ERROR;
	sigaction(SIGALRM, &action, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("adopt");
	follow(start(uid, argv + optind));
	return fclose(report) == 0 ? 0 : STATUS_ERROR;
}

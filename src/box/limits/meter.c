/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A box's memory and processor time by looking: see meter.h. */
#include "box/limits/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/program.h"
#include "base/sys.h"
#include "box/limits/crowd.h"
#include "box/limits/written.h"
#include "box/phase.h"
#include "box/slices.h"
#include "policy/profile.h"

enum {
	/* What one processor can touch in a microsecond, in pages of 4 KiB that are zeroed. */
	BYTES_PER_US = 4096,
	PROCESSORS_MAX = 8, /* that the memory of a machine keeps busy with it */
	LEAST_US = 1000,
	MOST_US = 250 * 1000,
	WHOLE_LOOK_US = 1000 * 1000, /* what no bound shows is looked for this often */
	CROWD_US = 100 * 1000,	     /* what the kernel takes once */
	TURNS_US = 1000 * 1000,	     /* no crowd can have them begun and ended all the time */
	COSTLY_US = 20 * 1000,	     /* for a look that no honest box makes longer */
	STOPPED_US = 100 * 1000, /* for measuring before what is stopped goes on with the rest */
	LONG_US = 50 * 1000,	 /* of waiting: worth giving pages of the program back */
	NEAR_PARTS = 4,		 /* of a limit: in the last one looking is worth a processor */
	FILLED_PARTS = 4,	 /* of a limit: one is used by most that uses it up ... */
	FILLING_US = 8 * 1000 * 1000, /* ... and all of it would be in less than this */
	SOON_US = 20 * 1000,	      /* until a limit could be reached: looking must not be late */
	FIRST_US = 20 * 1000, /* of processor time: a box that fills up is ended before that */
	STACK_BYTES = 256 * 1024,
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* cannot fail with these */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
	return used < limit ? limit - used : 0;
}

/* Until a limit could be reached, at the earliest. */
static int64_t time_to_limit_us(const struct meter *meter, uint64_t memory, uint64_t cpu_us)
{
	uint64_t n = meter->processors, fillers = n < PROCESSORS_MAX ? n : PROCESSORS_MAX;
	uint64_t least = MOST_US;

	if (meter->memory_limit != LIMIT_NONE) {
		uint64_t us = left_of(meter->memory_limit, memory) / (BYTES_PER_US * fillers);
		least = us < least ? us : least;
	}
	if (meter->cpu_limit_us != LIMIT_NONE) {
		uint64_t us = left_of(meter->cpu_limit_us, cpu_us) / n;
		least = us < least ? us : least;
	}
	if (meter->disk_limit != LIMIT_NONE) {
		uint64_t us =
			left_of(meter->disk_limit, meter->disk_bytes) / (BYTES_PER_US * fillers);
		least = us < least ? us : least;
	}
	return least < LEAST_US ? LEAST_US : (int64_t)least;
}

/* sysconf(3) reads a file, and touches more of the program than a waiting process should. */
uint64_t processors_usable(void)
{
	unsigned long mask[8192 / (8 * sizeof(unsigned long))]; /* the most that Linux has */
	long bytes = sys_call3(SYS_sched_getaffinity, 0, sizeof mask, mask);
	uint64_t n = 0;

	for (size_t i = 0; bytes > 0 && i < (size_t)bytes / sizeof *mask; i++)
		n += (uint64_t)__builtin_popcountl(mask[i]);
	return n ? n : 1;
}

void meter_reset(struct meter *meter)
{
	meter->processors = processors_usable();
	meter->is_in_grace = false;
	atomic_store(&meter->is_leaving, false);
	atomic_store(&meter->verdict, METER_FINE);
	atomic_store(&meter->peak_memory, 0);
	atomic_store(&meter->peak_tasks, 0);
	atomic_store(&meter->cpu_us, 0);
	atomic_store(&meter->disk_bytes, 0);
	meter->reader.shmem_base_bytes = 0;
}

uint64_t meter_cpu_grace_us(uint64_t limit_us)
{
	enum {
		PARTS = 50,
		LEAST = 10 * 1000 /* to say something */
	};

	return limit_us / PARTS > LEAST ? limit_us / PARTS : LEAST;
}

int64_t meter_first_ms(const struct meter *meter)
{
	return time_to_limit_us(meter, 0, 0) / 1000;
}

static void raise_to(_Atomic uint64_t *peak, uint64_t value)
{
	if (value > atomic_load_explicit(peak, memory_order_relaxed))
		atomic_store_explicit(peak, value, memory_order_relaxed);
}

/* A directory of /proc is as good as a pidfd, pidfd_send_signal(2). */
static void signal_task(const struct usage_reader *reader, pid_t pid, int signal)
{
	char name[32];

	(void)snprintf(name, sizeof name, "%d", pid);
	_cleanup_close_ int fd =
		openat(reader->fds[USAGE_PROC], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) /* or it is gone */
		(void)sys_call4(SYS_pidfd_send_signal, fd, signal, NULL, 0);
}

static void have_signalled(const struct meter *meter, int signal)
{
	struct record record = { .phase = PH_SIGNAL, .size = sizeof record };

	record.signal.signal = signal;
	record.signal.to = SIGNAL_EVERYONE;
	(void)phase_send(meter->kill_fd, &record); /* init gone: the others are, too */
}

/* init reaches all of them, but has to get to run; what was seen last does not wait for that. */
static void signal_everyone(const struct meter *meter, int signal)
{
	have_signalled(meter, signal);
	for (size_t i = 0; i < meter->reader.tasks_len; i++)
		signal_task(&meter->reader, meter->reader.tasks[i].pid, signal);
}

static void tell(struct meter *meter, enum meter_verdict verdict)
{
	const uint64_t one = 1;

	atomic_store(&meter->verdict, verdict);
	/* Not after the loop has woken up: what it would do next. */
	if (verdict == METER_MEMORY || verdict == METER_DISK || meter->is_in_grace)
		signal_everyone(meter, SIGKILL);
	/* An eventfd at its first count takes another: cannot fail. */
	(void)!write(meter->verdict_fd, &one, sizeof one);
}

static bool is_near(uint64_t limit, uint64_t used)
{
	return limit != LIMIT_NONE && left_of(limit, used) < limit / NEAR_PARTS;
}

/* What a look left behind for the next. */
struct progress {
	uint64_t memory;     /* measured, or bounded where that was enough */
	int64_t began_at_us; /* the last look */
	int64_t seen_at_us;  /* since when there may be more */
	uint64_t measured;   /* last, and what the bound was then */
	uint64_t measured_bound;
	uint64_t bound;	     /* of the last look */
	uint64_t own_before; /* usage_reader's own_bytes then */
	int64_t measured_at_us;
	int64_t measuring_us; /* what it took */
	bool is_filling, is_crowd, is_crowd_left;
	int64_t turns_until_us;
	struct written written;
};

/*
 * From what was seen, however late this thread got to go on. A look that costs much is not begun
 * again at once, unless the limit is near; that it was kept waiting is as good as a rest. One that
 * costs more than any honest box makes it gives no rest, which would be time without a limit.
 */
static int64_t wait_us(const struct meter *meter, const struct progress *progress, int64_t cost_us)
{
	bool near = is_near(meter->memory_limit, progress->memory) ||
		    is_near(meter->disk_limit, meter->disk_bytes);
	int64_t now = now_us(), rested = now - progress->began_at_us - cost_us;
	bool rests = !near && cost_us >= LEAST_US && cost_us <= COSTLY_US;
	int64_t least = (rests ? cost_us : LEAST_US) - rested;
	int64_t wait = time_to_limit_us(meter, progress->memory, meter->cpu_us) -
		       (now - progress->seen_at_us);

	wait = wait > least ? wait : least;
	return wait > 0 ? wait : 0;
}

/*
 * Above the limit only measuring tells; else once in a while, and for a true peak: of what
 * has come half of the way when it pauses, for measuring takes long beside what takes memory.
 */
static bool wants_measure(const struct meter *meter, const struct progress *progress,
			  uint64_t bound)
{
	int64_t since = now_us() - progress->measured_at_us;

	if (meter->has_cgroup)
		return false;
	if (meter->memory_limit != LIMIT_NONE && bound > meter->memory_limit)
		return true;
	if (since > WHOLE_LOOK_US)
		return true;
	return bound / 5 > progress->measured_bound / 4 && since > progress->measuring_us * 20 &&
	       (bound < meter->memory_limit / 2 || bound <= progress->bound);
}

static int measure(struct meter *meter, struct progress *progress, uint64_t bound, int64_t until_us)
{
	int64_t begin = now_us();
	uint64_t bytes;
	int r = usage_measure(&meter->reader, meter->memory_limit, until_us, &bytes);

	progress->measured_at_us = now_us();
	progress->measuring_us = progress->measured_at_us - begin;
	if (r < 0)
		return r;
	progress->memory = progress->measured = bytes;
	progress->measured_bound = bound;
	raise_to(&meter->peak_memory, bytes);
	return 0;
}

/* What others stopped would go on with the rest. */
static bool has_stopped(const struct meter *meter)
{
	for (size_t i = 0; i < meter->reader.tasks_len; i++) {
		if (meter->reader.tasks[i].state == 'T' || meter->reader.tasks[i].state == 't')
			return true;
	}
	return false;
}

/*
 * What takes memory does so while it is measured, too. So a box that may have taken much of
 * what was left stands still meanwhile.
 */
static bool is_to_stand_still(const struct meter *meter, const struct progress *progress,
			      uint64_t bound)
{
	uint64_t room = left_of(meter->memory_limit, progress->measured);

	return bound > meter->memory_limit &&
	       left_of(bound, progress->measured_bound) > room / NEAR_PARTS && !has_stopped(meter);
}

static int measure_standing(struct meter *meter, struct progress *progress)
{
	struct usage usage;

	signal_everyone(meter, SIGSTOP);
	int r = usage_read(&meter->reader, &usage); /* who was forked until now */
	if (r == 0)
		r = measure(meter, progress, usage_read_tables(&meter->reader), INT64_MAX);
	if (r == 0 && progress->measured <= meter->memory_limit) {
		progress->seen_at_us = now_us();
		have_signalled(meter, SIGCONT); /* by us it would be begun, and we not go on */
	}
	return r;
}

/*
 * How long measuring takes is the box's to say, by what it has open and mapped, and a limit may
 * be passed meanwhile. What is late below the limit is left; above it the box stands still.
 */
static int look_closely(struct meter *meter, struct progress *progress)
{
	uint64_t bound = progress->memory, grown = left_of(bound, progress->measured_bound);
	bool wanted = wants_measure(meter, progress, bound);

	progress->bound = bound;
	if (!wanted)
		return 0;
	if (is_to_stand_still(meter, progress, bound))
		return measure_standing(meter, progress);
	bool is_above = bound > meter->memory_limit; /* never above LIMIT_NONE */
	uint64_t least = is_above ? progress->measured + grown : bound;
	int64_t us = time_to_limit_us(meter, least, meter->cpu_us);
	if (is_above && us < STOPPED_US && has_stopped(meter))
		us = STOPPED_US;
	int r = measure(meter, progress, bound, now_us() + us);
	if (r == -ETIME)
		r = is_above ? measure_standing(meter, progress) : 0;
	return r;
}

/* Takes memory as what is meant to use it up does. us: since the last look. */
static bool is_filling(const struct meter *meter, const struct progress *progress, int64_t us)
{
	uint64_t limit = meter->memory_limit, own = meter->reader.own_bytes;
	uint64_t grown = left_of(own, progress->own_before);

	return limit != LIMIT_NONE && own > limit / FILLED_PARTS &&
	       grown > limit / FILLING_US * (uint64_t)us;
}

static enum meter_verdict look(struct meter *meter, struct progress *progress)
{
	struct usage usage;
	int64_t before = progress->began_at_us;

	progress->began_at_us = progress->seen_at_us = now_us();
	int r = usage_read(&meter->reader, &usage);
	if (r == 0) {
		progress->memory = usage.memory_bytes;
		if (!meter->has_cgroup && usage.memory_bytes > meter->memory_limit)
			progress->memory = usage_read_tables(&meter->reader);
		/* A process that its parent never waits for takes its share with it. */
		raise_to(&meter->cpu_us, usage.cpu_us);
		raise_to(&meter->peak_tasks, usage.tasks);
		written_follow(&progress->written, usage.written_bytes);
		atomic_store(&meter->disk_bytes, progress->written.bytes);
		progress->is_filling =
			is_filling(meter, progress, progress->began_at_us - before + 1);
		progress->own_before = meter->reader.own_bytes;
		r = look_closely(meter, progress);
	}
	if (r < 0)
		return METER_BLIND;
	if (meter->memory_limit != LIMIT_NONE && progress->memory > meter->memory_limit)
		return METER_MEMORY;
	if (meter->cpu_limit_us != LIMIT_NONE && meter->cpu_us >= meter->cpu_limit_us)
		return METER_CPU;
	if (meter->disk_limit != LIMIT_NONE && meter->disk_bytes > meter->disk_limit)
		return METER_DISK;
	return METER_FINE;
}

/* After a look. What is about to end gets nothing back, however little of it wants to run. */
static void give_way(struct meter *meter, struct progress *progress)
{
	if (meter->is_leaving) {
		progress->is_crowd_left = !crowd_leave(&meter->reader, meter->command);
		return;
	}
	progress->is_crowd_left = crowd_follow(&meter->reader, meter->processors,
					       progress->is_filling, &progress->is_crowd);
	if (progress->is_crowd) {
		progress->turns_until_us = now_us() + TURNS_US;
		if (meter->turns.len == 0)
			turns_begin(&meter->turns);
	} else if (now_us() > progress->turns_until_us) {
		turns_end(&meter->turns);
	}
}

static void *keep_looking(void *argument)
{
	struct meter *meter = argument;
	struct pollfd stop = { .fd = meter->stop_fd, .events = POLLIN };
	enum {
		USUAL,
		FIRST,
		SPENT,
	} turn = USUAL;
	int64_t spent = 0, first_until = 0, wait = time_to_limit_us(meter, 0, 0);
	struct progress progress = { .began_at_us = now_us() - wait };

	for (;;) {
		int64_t before = spent;

		if (turn == USUAL && wait < SOON_US) {
			turn = slices_go_first() ? FIRST : SPENT;
			first_until = spent + FIRST_US;
		}
		enum meter_verdict verdict = look(meter, &progress);
		if (verdict == METER_FINE)
			give_way(meter, &progress);
		spent = clock_us(CLOCK_THREAD_CPUTIME_ID);
		if (turn == FIRST && spent > first_until) {
			slices_go_with_others();
			turn = SPENT;
		}

		if (verdict != METER_FINE) {
			tell(meter, verdict);
			if (verdict != METER_CPU || meter->is_in_grace)
				return NULL;
			meter->is_in_grace = true;
			meter->cpu_limit_us += meter_cpu_grace_us(meter->cpu_limit_us);
		}
		wait = wait_us(meter, &progress, spent - before);
		if (progress.written.looks[progress.written.last] > meter->disk_limit)
			wait = 0; /* if it is, the next look agrees */
		if (progress.is_crowd_left && wait > CROWD_US)
			wait = CROWD_US;
		if (wait >= LONG_US)
			program_release_pages();
		struct timespec time = { wait / 1000000, wait % 1000000 * 1000 };
		int r = ppoll(&stop, 1, &time, NULL);
		if (r > 0 || (r < 0 && errno != EINTR))
			return NULL;
	}
}

/* Signals are the main thread's. */
static int start_thread(struct meter *meter)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int r = pthread_attr_init(&attributes);

	if (r)
		return -r;
	(void)sigfillset(&all);
	r = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (r == 0)
		r = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r == 0) {
		r = pthread_create(&meter->thread, &attributes, keep_looking, meter);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	(void)pthread_attr_destroy(&attributes);
	return -r;
}

static void close_all(struct meter *meter)
{
	close_keeping_errno(meter->verdict_fd);
	close_keeping_errno(meter->stop_fd);
	close_keeping_errno(meter->kill_fd);
	for (int i = 0; i < USAGE__N; i++)
		close_keeping_errno(meter->reader.fds[i]);
	usage_forget(&meter->reader);
	meter->verdict_fd = meter->stop_fd = meter->kill_fd = -1;
}

int meter_start(struct meter *meter, pid_t command, const int fds[USAGE__N])
{
	int r = 0;

	memcpy(meter->reader.fds, fds, sizeof meter->reader.fds);
	meter->command = command;
	meter->verdict_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	meter->stop_fd = eventfd(0, EFD_CLOEXEC);
	meter->kill_fd = fcntl(meter->socket_fd, F_DUPFD_CLOEXEC, 0);
	if (meter->verdict_fd < 0 || meter->stop_fd < 0 || meter->kill_fd < 0)
		r = -errno;
	if (r == 0)
		r = start_thread(meter);
	if (r < 0)
		close_all(meter);
	return r;
}

enum meter_verdict meter_verdict(struct meter *meter)
{
	uint64_t count;

	(void)!read(meter->verdict_fd, &count, sizeof count); /* readable, or nothing was said */
	return atomic_load(&meter->verdict);
}

void meter_give_way(struct meter *meter)
{
	if (meter->verdict_fd < 0 || meter->is_leaving || !crowd_is_large(&meter->reader))
		return;
	atomic_store(&meter->is_leaving, true);
	(void)crowd_leave(&meter->reader, meter->command); /* or at the next look */
}

void meter_stop(struct meter *meter)
{
	const uint64_t one = 1;

	if (meter->verdict_fd < 0)
		return;
	(void)!write(meter->stop_fd, &one, sizeof one); /* as in tell() */
	(void)pthread_join(meter->thread, NULL);
	turns_end(&meter->turns);
	close_all(meter);
}

/*
 * The last descriptor of the box's /proc is closed by the exit then, which takes as long as the
 * kernel takes to forget all that was looked at there: a fifth of a second with 10,000 processes.
 * A socket that only a message to itself holds is garbage: with what else is in that message
 * a thread of the kernel's collects it, since Linux 6.10 (before, the exit does).
 */
void meter_leave(const struct meter *meter)
{
	int fds[2];

	if (meter->verdict_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	const int held[] = { fds[0], meter->reader.fds[USAGE_PROC] };
	(void)fds_send(fds[1], held, 2);
}

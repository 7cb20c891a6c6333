/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aisbx-scope NAME PID PID: has systemd put two processes of the caller's into a transient
 * scope of that name whose cgroup is the caller's to use: systemd.scope(5),
 * org.freedesktop.systemd1(5).
 *
 * Theory of operation. A program of its own, because few runs need it and libsystemd would
 * cost all of them its start. It asks the manager itself, over the socket that each manager
 * keeps for that, and a message bus only where that cannot be reached: the system's manager
 * for root, else the user's, which has the system's move what it may not move itself. The
 * scope ends when no process is in it any more, and its cgroup, with all below it, goes
 * with it: whoever dies at whatever moment, nothing has to be cleaned up by us.
 *
 * Status 0 when they are in the scope; else 1, and on stdout why, in one line. It ends with who
 * started it.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define MANAGER "org.freedesktop.systemd1"
#define OBJECT	"/org/freedesktop/systemd1"

struct job {
	const char *path;   /* NULL: not known yet */
	const char *result; /* one of systemd's words, NULL: not done */
	char text[40];
};

/* What cannot be part of a D-Bus address as it is goes the other way. */
static int open_private(const char *directory, sd_bus **ret_bus)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-";
	char address[256];
	sd_bus *bus = NULL;

	if (directory[strspn(directory, plain)])
		return -EINVAL;
	int n = snprintf(address, sizeof address, "unix:path=%s/systemd/private", directory);
	if (n < 0 || (size_t)n >= sizeof address)
		return -ENAMETOOLONG;
	int r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		sd_bus_unref(bus);
	else
		*ret_bus = bus;
	return r;
}

static int open_manager(sd_bus **ret_bus)
{
	char directory[64];
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0) {
		int r = open_private("/run", ret_bus);
		return r < 0 ? sd_bus_open_system(ret_bus) : r;
	}
	(void)snprintf(directory, sizeof directory, "/run/user/%u", geteuid());
	int r = open_private(runtime && *runtime ? runtime : directory, ret_bus);
	return r < 0 ? sd_bus_open_user(ret_bus) : r;
}

/* In another pid namespace, as in a container, the number would be another process's. */
static int check_peer(sd_bus *bus)
{
	sd_bus_creds *peer = NULL;
	pid_t pid = 0;
	int r = sd_bus_get_owner_creds(bus, SD_BUS_CREDS_PID, &peer);

	if (r >= 0)
		r = sd_bus_creds_get_pid(peer, &pid);
	sd_bus_creds_unref(peer);
	return r >= 0 && pid <= 0 ? -ESRCH : r;
}

static int note_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct job *job = userdata;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0 || !job->path ||
	    strcmp(path, job->path) != 0)
		return 0;
	(void)snprintf(job->text, sizeof job->text, "%s", result);
	job->result = job->text;
	return 0;
}

static int start_scope(sd_bus *bus, const char *scope, const uint32_t pids[2],
		       sd_bus_message **ret_reply, sd_bus_error *error)
{
	return sd_bus_call_method(bus, MANAGER, OBJECT, MANAGER ".Manager", "StartTransientUnit",
				  error, ret_reply, "ssa(sv)a(sa(sv))", scope, "fail", 4,
				  "Description", "s", "A box of aisbx", "PIDs", "au", 2, pids[0],
				  pids[1], "Delegate", "b", 1, "CollectMode", "s",
				  "inactive-or-failed", 0);
}

static int await(sd_bus *bus, const struct job *job)
{
	int r = 0;

	while (r >= 0 && !job->result) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	return r;
}

static int tell(const char *what, const char *why)
{
	(void)printf("%s: %s", what, why);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct job job = { 0 };
	sd_bus *bus = NULL;
	char scope[128];

	if (argc != 4)
		return tell("usage", "aisbx-scope NAME PID PID");
	const uint32_t pids[] = { (uint32_t)strtoull(argv[2], NULL, 10),
				  (uint32_t)strtoull(argv[3], NULL, 10) };
	/* Our parent is gone when this comes too late: then so are the processes. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(scope, sizeof scope, "%s.scope", argv[1]);
	int r = open_manager(&bus);
	if (r >= 0)
		r = check_peer(bus);
	if (r < 0)
		return tell("its manager cannot be reached", strerror(-r));
	r = sd_bus_match_signal(bus, NULL, NULL, OBJECT, MANAGER ".Manager", "JobRemoved",
				note_removed, &job);
	if (r >= 0)
		r = start_scope(bus, scope, pids, &reply, &error);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &job.path);
	if (r >= 0)
		r = await(bus, &job);
	if (r < 0)
		return tell("it refuses a scope", error.message ? error.message : strerror(-r));
	return strcmp(job.result, "done") == 0 ? EXIT_SUCCESS
					       : tell("its scope did not start", job.result);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal of the system: see journal.h. */
#include "report/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

static const struct sockaddr_un places[] = {
	{ AF_UNIX, "/run/systemd/journal/socket" },
	{ AF_UNIX, "/dev/log" },
};

static const struct sockaddr *place_of(const struct journal *journal)
{
	return (const struct sockaddr *)&places[journal->is_syslog];
}

int journal_open(struct journal *ret_journal, struct err *reterr)
{
	const struct timeval limit = { .tv_sec = 1 };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct journal journal = { .fd = fd };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket for the journal");
	/* Only to ask: each entry names the place again, so that a restart loses none. */
	int r = connect(fd, place_of(&journal), sizeof places[0]);
	if (r < 0 && errno == ENOENT) {
		journal.is_syslog = true;
		r = connect(fd, place_of(&journal), sizeof places[0]);
	}
	if (r < 0 && errno == ENOENT)
		return err_msg(reterr, E_SYSTEM,
			       "there is no journal on this host, neither '%s' nor '%s'; write the "
			       "audit log to a file, with --audit FILE",
			       places[0].sun_path, places[1].sun_path);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, errno, "write to the journal",
			       places[journal.is_syslog].sun_path);
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	(void)connect(fd, &nowhere, sizeof nowhere); /* undoes it */
	journal.fd = steal_fd(&fd);
	*ret_journal = journal;
	return 0;
}

void journal_close(struct journal *journal)
{
	close_keeping_errno(journal->fd);
	journal->fd = -1;
}

static int send_entry(const struct journal *journal, struct msghdr *message)
{
	ssize_t n;

	message->msg_name = (void *)(uintptr_t)place_of(journal);
	message->msg_namelen = sizeof places[0];
	do {
		n = sendmsg(journal->fd, message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* What is too long for a packet goes as a sealed file. */
static int send_file(const struct journal *journal, const struct iovec *parts, int parts_len)
{
	_cleanup_close_ int fd = memfd_create("aisbx-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t len = 0;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr message = { .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };

	for (int i = 0; i < parts_len; i++)
		len += (ssize_t)parts[i].iov_len;
	if (fd < 0 || writev(fd, parts, parts_len) != len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return errno ? -errno : -EIO;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return send_entry(journal, &message);
}

int journal_write(const struct journal *journal, int priority, const char *fields, const char *line,
		  size_t len)
{
	char head[512];
	char end[] = "\n";
	struct iovec parts[] = { { head, 0 }, { (void *)(uintptr_t)line, len }, { end, 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

	if (journal->is_syslog) {
		char stamp[32];
		time_t now = time(NULL);
		struct tm local;

		/* As syslog(3) of the C library has it. */
		(void)strftime(stamp, sizeof stamp, "%h %e %T", localtime_r(&now, &local));
		(void)snprintf(head, sizeof head, "<%d>%s aisbx[%d]: ", LOG_USER | priority, stamp,
			       (int)getpid());
		message.msg_iovlen = 2;
	} else {
		(void)snprintf(head, sizeof head,
			       "PRIORITY=%d\nSYSLOG_IDENTIFIER=aisbx\n%sMESSAGE=", priority,
			       fields);
	}
	parts[0].iov_len = strlen(head);
	int r = send_entry(journal, &message);
	if ((r == -EMSGSIZE || r == -ENOBUFS) && !journal->is_syslog)
		r = send_file(journal, parts, 3);
	return r;
}

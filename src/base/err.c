/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors as values: see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int exit_statuses[E__N] = {
	[E_NONE] = 0,
	[E_USAGE] = EXIT_AISBX,
	[E_PROFILE] = EXIT_AISBX,
	[E_GRANT] = EXIT_AISBX,
	[E_INPUT] = EXIT_AISBX,
	[E_SYSTEM] = EXIT_AISBX,
	[E_WALL] = EXIT_AISBX,
	[E_NOT_FOUND] = EXIT_NOT_FOUND,
	[E_NOT_EXECUTABLE] = EXIT_NOT_EXECUTABLE,
	[E_ENDED] = EXIT_AISBX,
};

/* Copies with a bound; a cut text ends in "...". No stdio: runs after clone. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size);

	if (len == size) {
		len = size - 1;
		memcpy(to, from, len);
		memcpy(to + len - 3, "...", 3);
	} else {
		memcpy(to, from, len);
	}
	to[len] = '\0';
}

int err_set(struct err *reterr, enum err_code code, int errnum, const char *op, const char *subject)
{
	memset(reterr, 0, sizeof *reterr);
	reterr->code = code;
	reterr->errnum = errnum;
	copy_text(reterr->op, sizeof reterr->op, op);
	copy_text(reterr->subject, sizeof reterr->subject, subject);
	return errnum ? -errnum : -EINVAL;
}

int err_wall(struct err *reterr, const char *wall, int errnum, const char *op, const char *subject)
{
	int r = err_set(reterr, E_WALL, errnum, op, subject);

	copy_text(reterr->wall, sizeof reterr->wall, wall);
	return r;
}

int err_msg(struct err *reterr, enum err_code code, const char *fmt, ...)
{
	char text[sizeof reterr->subject * 2];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return err_set(reterr, code, 0, "", n < 0 ? fmt : text);
}

void err_hint(struct err *reterr, const char *hint)
{
	copy_text(reterr->hint, sizeof reterr->hint, hint);
}

/* What helps wherever it happens. */
static const char *general_hint(int errnum)
{
	if (errnum == EFBIG)
		return "raise the limit of the size of files: ulimit -f";
	return errnum == EMFILE ? "raise the limit of open files: ulimit -n" : "";
}

void err_format(const struct err *err, char *buf, size_t size)
{
	const char *hint = err->hint[0] ? err->hint : general_hint(err->errnum);
	char reason[128] = "";

	if (err->errnum)
		(void)snprintf(reason, sizeof reason, ": %s", strerror(err->errnum));
	(void)snprintf(buf, size, "%s%s%s%s%s%s%s%s%s%s%s%s", err->wall[0] ? "wall " : "",
		       err->wall, err->wall[0] ? ": " : "", err->op[0] ? "cannot " : "", err->op,
		       err->op[0] ? " '" : "", err->subject, err->op[0] ? "'" : "", reason,
		       *hint ? " (" : "", hint, *hint ? ")" : "");
}

int err_exit_status(const struct err *err)
{
	if (err->code <= E_NONE || err->code >= E__N)
		return EXIT_AISBX; /* one that does not say what failed failed nevertheless */
	return exit_statuses[err->code];
}

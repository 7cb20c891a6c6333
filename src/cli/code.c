/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code given with -c, --script or on stdin: see code.h. */
#include "cli/code.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	FIRST_BYTES = 16 * 1024
};

/* Without a limit in the profile there is still one: the code is held in memory. */
static const uint64_t MOST_BYTES = (uint64_t)1 << 30;

static int read_all(struct arena *arena, int fd, uint64_t max_bytes, struct code *code)
{
	size_t most = (size_t)(max_bytes < MOST_BYTES ? max_bytes : MOST_BYTES);
	char *text;
	ssize_t len = arena_read(arena, fd, FIRST_BYTES, most, &text);

	if (len < 0)
		return (int)len;
	code->text = text;
	code->len = (size_t)len;
	return 0;
}

const char *code_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 ? name : "code";
}

static int read_script(struct arena *arena, const char *path, uint64_t max_bytes, struct code *code,
		       struct err *reterr)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_set(reterr, E_USAGE, errno, "open", path);
	if (fstat(fd, &st) < 0)
		return err_set(reterr, E_USAGE, errno, "inspect", path);
	if (!S_ISREG(st.st_mode))
		return err_msg(reterr, E_USAGE, "--script '%s' is not a regular file; name one",
			       path);
	int r = read_all(arena, fd, max_bytes, code);
	return r < 0 ? err_set(reterr, E_USAGE, -r, "read", path) : 0;
}

int code_read(struct arena *arena, const struct options *options, uint64_t max_bytes,
	      struct code *ret_code, struct err *reterr)
{
	struct code code = { .name = "code" };
	int r = 0;

	if (options->code) {
		code.text = options->code;
		code.len = strlen(options->code);
		code.label = "-c";
	} else if (options->script) {
		code.name = code_name(options->script);
		code.label = options->script;
		r = read_script(arena, options->script, max_bytes, &code, reterr);
	} else {
		code.label = "stdin";
		code.from_stdin = true;
		r = read_all(arena, STDIN_FILENO, max_bytes, &code);
		if (r < 0)
			err_set(reterr, E_USAGE, -r, "read code from", "stdin");
	}
	if (r == 0 && code.len > MOST_BYTES)
		r = err_msg(reterr, E_INPUT,
			    "input rejected: %s is larger than 1G, the most that is "
			    "held in memory",
			    code.label);
	if (r == 0)
		*ret_code = code;
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main() for a fuzz target without libFuzzer: gives it each file named, or each
 * file of a directory named. TAP; any compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_number;

static void bail_out(const char *what, const char *path)
{
	printf("Bail out! %s %s\n", what, path);
	exit(1);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	struct stat status;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &status) < 0)
		bail_out("cannot open", path);
	size = (size_t)status.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size)
		bail_out("cannot read", path);
	(void)fclose(file); /* was only read */
	/* a target that fails ends the process: the plan is then short */
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	printf("ok %d - %s\n", ++replay_number, path);
	(void)fflush(stdout);
}

/* Calls visit for path, or for every file in it. Returns how many there were. */
static int for_each_file(const char *path, void (*visit)(const char *))
{
	struct dirent **entries;
	struct stat status;
	int count = 0, n;

	if (stat(path, &status) < 0)
		bail_out("cannot find", path);
	if (!S_ISDIR(status.st_mode)) {
		if (visit)
			visit(path);
		return 1;
	}
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		bail_out("cannot list", path);
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (entries[i]->d_name[0] != '.') {
			int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);

			if (len < 0 || (size_t)len >= sizeof file)
				bail_out("too long a path:", path);
			if (visit)
				visit(file);
			count++;
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += for_each_file(argv[i], NULL);
	if (count == 0)
		bail_out("nothing to replay:", "name files or directories");
	printf("1..%d\n", count);
	for (int i = 1; i < argc; i++)
		(void)for_each_file(argv[i], replay_file);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of /proc/self/mountinfo. */
#include "base/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_mounts(void **state)
{
	static const struct {
		const char *line, *point, *type, *upper;
		bool is_read_only;
	} table[] = {
		{ "1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw", "/", "ext4", NULL, false },
		{ "2 1 0:5 /a /b ro shared:1 master:2 - tmpfs none rw,size=1k", "/b", "tmpfs", NULL,
		  true },
		{ "3 1 0:6 / /c\\040d\\134 rw - xfs /dev/x rw,attr2", "/c d\\", "xfs", NULL,
		  false },
		{ "4 1 0:7 / /e ro,nosuid - ext4 /dev/y ro", "/e", "ext4", NULL, true },
		{ "5 1 0:8 / /f rw - overlay overlay rw,lowerdir=/l,upperdir=/u\\054v,workdir=/w",
		  "/f", "overlay", "/u,v", false },
		{ "6 1 0:9 / /g rw - overlay overlay ro,lowerdir=/l:/m", "/g", "overlay", NULL,
		  false },
		{ "7 1 0:9 / /h rootfs - fuse.x x rw", "/h", "fuse.x", NULL, false },
	};
	static const char *const not [] = { "",
					    "1",
					    "1 0 8:1 / / rw",
					    "1 0 8:1 / / rw shared:1",
					    "1 0 8:1 / / rw -",
					    "1 0 8:1 / / rw - ext4",
					    "1 0 8:1 / / rw - ext4 /dev/sda1",
					    "- - - - - - -" };
	struct mountinfo mount;
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		strcpy(line, table[i].line);
		assert_true(mountinfo_parse(line, &mount));
		assert_string_equal(mount.point, table[i].point);
		assert_string_equal(mount.type, table[i].type);
		assert_int_equal(mount.is_read_only, table[i].is_read_only);
		assert_int_equal(!mount.upper, !table[i].upper);
		if (mount.upper)
			assert_string_equal(mount.upper, table[i].upper);
	}
	for (size_t i = 0; i < sizeof not / sizeof *not ; i++) {
		strcpy(line, not [i]);
		assert_false(mountinfo_parse(line, &mount));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mounts) };

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/urls.h: hosts, ports, what is private, what is refused, and no secret in any text. */
#include "policy/urls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_hosts(void **state)
{
	static const struct {
		const char *text, *host;
		bool is_private;
	} rows[] = {
		{ "https://packages.example/simple/", "packages.example:443", false },
		{ "http://packages.example", "packages.example:80", false },
		{ "HTTPS://Packages.EXAMPLE/X", "packages.example:443", false },
		{ "https://packages.example:8443?x", "packages.example:8443", false },
		{ "https://packages.example:/", "packages.example:443", false },
		{ "https://user:pass@packages.example/", "packages.example:443", false },
		{ "https://us@er:pass@packages.example:1/", "packages.example:1", false },
		{ "https://packages.example\\@evil.example/", "packages.example:443", false },
		{ "https://packages.example/@evil.example/", "packages.example:443", false },
		{ "https://packages.example#@evil.example/", "packages.example:443", false },
		{ "sparse+https://packages.example/index/", "packages.example:443", false },
		{ "git+ssh://git@code.example/x", "code.example:22", false },
		{ "ssh://git@code.example:2222/x", "code.example:2222", false },
		{ "git://code.example/x", "code.example:9418", false },
		{ "https://b\xc3\xbc\x63her.example/", "b\xc3\xbc\x63her.example:443", false },
		{ "https://[2001:DB8::1]/", "[2001:db8::1]:443", false },
		{ "https://[2001:db8::1]:99/", "[2001:db8::1]:99", false },
		{ "http://localhost:4873", "localhost:4873", true },
		{ "http://npm.localhost:4873", "npm.localhost:4873", true },
		{ "http://LOCALHOST.", "localhost.:80", true },
		{ "http://localhost.example", "localhost.example:80", false },
		{ "http://127.0.0.1:1/", "127.0.0.1:1", true },
		{ "http://10.1.2.3/", "10.1.2.3:80", true },
		{ "http://172.31.0.1/", "172.31.0.1:80", true },
		{ "http://172.32.0.1/", "172.32.0.1:80", false },
		{ "http://192.168.0.1/", "192.168.0.1:80", true },
		{ "http://192.169.0.1/", "192.169.0.1:80", false },
		{ "http://100.64.0.1/", "100.64.0.1:80", true },
		{ "http://100.128.0.1/", "100.128.0.1:80", false },
		{ "http://169.254.169.254/", "169.254.169.254:80", false },
		{ "http://[::1]/", "[::1]:80", true },
		{ "http://[fd00::1]/", "[fd00::1]:80", true },
		{ "http://[fe80::1]/", "[fe80::1]:80", false },
		{ "http://[::ffff:10.0.0.1]/", "[::ffff:10.0.0.1]:80", true },
		{ "http://0.0.0.0/", "0.0.0.0:80", true },
		{ "http://100.100.100.200/", "100.100.100.200:80", false },
		{ "http://[fd00:ec2::254]/", "[fd00:ec2::254]:80", false },
		{ "http://10.1.2/", "10.1.2:80", false },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;
		struct url url;

		if (url_parse(&arena, rows[i].text, &url, &why) < 0)
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(url.kind, URL_HOST);
		assert_string_equal(url.host, rows[i].host);
		if (url.is_private != rows[i].is_private)
			fail_msg("%s: is_private", rows[i].text);
		assert_null(strstr(url.anonymous, "pass"));
	}
	arena_free(&arena);
}

static void test_anonymous(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "https://u:p@a.example:1/x@y", "https://a.example:1/x@y" },
		{ "sparse+https://u@a.example/x/", "sparse+https://a.example/x/" },
		{ "https://a.example/x/?q", "https://a.example/x/?q" },
		{ "s3://key:word@bucket/x", "s3://bucket/x" },
		{ "file://u:p@host/srv", "file://host/srv" },
		{ "${SCHEME}://u:p@a.example/", "${SCHEME}://a.example/" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;
		struct url url;

		assert_int_equal(url_parse(&arena, rows[i].text, &url, &why), 0);
		assert_string_equal(url.anonymous, rows[i].want);
	}
	assert_string_equal(url_quote(&arena, "https//u:p@a.example/x?token=y"), "'a.example/x'");
	arena_free(&arena);
}

static void test_no_host(void **state)
{
	static const struct {
		const char *text;
		enum url_kind kind;
	} rows[] = {
		{ "file:///srv/wheels", URL_LOCAL },
		{ "/srv/wheels", URL_LOCAL },
		{ "./wheels", URL_LOCAL },
		{ "~/wheels", URL_LOCAL },
		{ "cdrom:[Debian", URL_LOCAL },
		{ "mirror+file:/etc/apt/mirrors.list", URL_LOCAL },
		{ "s3://bucket/x", URL_OTHER },
		{ "tor+https://packages.example/", URL_OTHER },
		{ "https://${HOST}/", URL_OTHER },
		{ "${URL}", URL_OTHER },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;
		struct url url;

		if (url_parse(&arena, rows[i].text, &url, &why) < 0)
			fail_msg("%s: %s", rows[i].text, why);
		if (url.kind != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].text, url.kind);
	}
	arena_free(&arena);
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"packages.example",
		"https:",
		"https:packages.example",
		"https:/packages.example",
		"https://",
		"https:///x",
		"//u:p@packages.example/",
		"https://:443/",
		"https://u:p@/",
		"https://a.example:0/",
		"https://a.example:65536/",
		"https://a.example:99999999999/",
		"https://a.example:1-2/",
		"https://a.example:1,2/",
		"https://*.example/",
		"https://a%2eexample/",
		"https://a b.example/",
		"https://a.example/\x01",
		"https://[::1/",
		"https://[::1]x/",
		"https://[fe80::1%eth0]/",
		"https://[]/",
		"https://[10.1.2.3]/",
		"https://a.example:0443/",
		"https://u:p/w@a.example/",
	};
	struct arena arena = { 0 };
	static char long_url[5000] = "https://a.example/";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;
		struct url url;

		if (url_parse(&arena, rows[i], &url, &why) != -EINVAL || !why)
			fail_msg("'%s' is taken", rows[i]);
	}
	memset(long_url + strlen(long_url), 'x', sizeof long_url - 1 - strlen(long_url));
	const char *why = NULL;
	struct url url;
	assert_int_equal(url_parse(&arena, long_url, &url, &why), -EINVAL);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_no_host),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("urls", tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy/registries/registries.h: which file and variable of which tool names which host, what wins,
 * what the box is told, what is refused. Each row makes files below a root and a home of
 * its own; no host of the machine's own configuration can come in.
 */
#include "policy/registries/registries.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/lists.h"
#include "policy/values.h"

enum {
	PLACES_MAX = 6,
};

struct row {
	const char *tools;
	const char *files[PLACES_MAX]; /* path, text, path, text ...; ~ is the home */
	const char *environment[PLACES_MAX];
	const char *want; /* "HOST WHY\n" each; "!" before a private one */
	const char *env;  /* NAME=VALUE\n each */
	const char *note; /* part of a note, or NULL */
};

static char top[] = "/tmp/aisbx-registries-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void empty_top(void)
{
	assert_int_equal(nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir(top, 0755), 0);
}

/* path below the root, or below the home. */
static const char *place_of(struct arena *arena, const char *path)
{
	if (path[0] == '~')
		return arena_printf(arena, "%s/home/me%s", top, path + 1);
	return arena_printf(arena, "%s%s", top, path);
}

static void write_file(struct arena *arena, const char *name, const char *text, size_t len)
{
	const char *path = place_of(arena, name);
	char *copy = arena_strdup(arena, path);

	for (char *slash = strchr(copy + strlen(top), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(copy, 0755); /* there already, most often */
		*slash = '/';
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

/* @HOME@ and @TOP@ in a value as what they are. */
static char *expand(struct arena *arena, const char *text)
{
	const char *at = strchr(text, '@');

	if (at && strncmp(at, "@TOP@", 5) == 0)
		return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, top, at + 5);
	return arena_strdup(arena, text);
}

static int read_row(struct arena *arena, const struct row *row, struct registries *ret,
		    struct err *reterr)
{
	struct registry_places places = { .root = top, .home = place_of(arena, "~") };
	struct strv tools = { 0 }, environment = { 0 };

	for (size_t i = 0; i < PLACES_MAX && row->files[i]; i += 2)
		write_file(arena, row->files[i], row->files[i + 1], strlen(row->files[i + 1]));
	for (size_t i = 0; i < PLACES_MAX && row->environment[i]; i++)
		strv_push(arena, &environment, expand(arena, row->environment[i]));
	strv_push(arena, &environment, arena_strdup(arena, "PATH=/usr/bin"));
	for (const char *at = row->tools; *at;) {
		size_t len = strcspn(at, " ");

		strv_push(arena, &tools, arena_strndup(arena, at, len));
		at += len + (at[len] == ' ');
	}
	places.environment = environment.items;
	return registries_read(arena, &tools, &places, ret, reterr);
}

static const char *flatten_hosts(struct arena *arena, const struct registries *found)
{
	const char *out = "";

	for (size_t i = 0; i < found->len; i++)
		out = arena_printf(arena, "%s%s%s %s\n", out, found->items[i].is_private ? "!" : "",
				   found->items[i].host, found->items[i].why);
	return out;
}

static const char *join(struct arena *arena, const struct strv *list)
{
	const char *out = "";

	for (size_t i = 0; i < list->len; i++)
		out = arena_printf(arena, "%s%s\n", out, list->items[i]);
	return out;
}

static void check_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct arena arena = { 0 };
		struct registries found;
		struct err err;
		char message[1024];

		empty_top();
		if (read_row(&arena, &rows[i], &found, &err) < 0) {
			err_format(&err, message, sizeof message);
			fail_msg("row %zu: %s", i, message);
		}
		const char *hosts = flatten_hosts(&arena, &found);
		const char *notes = join(&arena, &found.notes);
		if (strcmp(hosts, rows[i].want) != 0)
			fail_msg("row %zu: hosts\n%s", i, hosts);
		if (strcmp(join(&arena, &found.env), rows[i].env) != 0)
			fail_msg("row %zu: variables\n%s", i, join(&arena, &found.env));
		if (rows[i].note ? !strstr(notes, rows[i].note) : *notes)
			fail_msg("row %zu: notes\n%s", i, notes);
		if ((found.silent.len == 0) != (found.len > 0))
			fail_msg("row %zu: silent\n%s", i, join(&arena, &found.silent));
		arena_free(&arena);
	}
}

/*** Tools ***/

static void test_npm(void **state)
{
	static const struct row rows[] = {
		{ "npm", { NULL }, { NULL }, "", "", NULL },
		{ "npm",
		  { "~/.npmrc", "; registry=https://no.example\n# registry=https://no.example\n"
				" registry = \"https://npm.example:8443/a/\" \r\n"
				"@team:registry=https://team.example ; why\n"
				"//npm.example/:_authToken=SECRET\ncolor\nfund=false\n"
				"[section]\nregistry=https://no.example\n" },
		  { NULL },
		  "npm.example:8443 ~/.npmrc:3\nteam.example:443 ~/.npmrc:4\n",
		  "npm_config_registry=https://npm.example:8443/a/\n"
		  "npm_config_@team:registry=https://team.example\n",
		  NULL },
		{ "npm",
		  { "/etc/npmrc", "registry=http://one.example", "~/.npmrc",
		    "registry=http://two.example", "/usr/etc/npmrc",
		    "@x:registry=http://three.example\n" },
		  { NULL },
		  "two.example:80 ~/.npmrc:1\nthree.example:80 /usr/etc/npmrc:1\n",
		  "npm_config_registry=http://two.example\n"
		  "npm_config_@x:registry=http://three.example\n",
		  NULL },
		{ "npm",
		  { "~/.npmrc", "registry=http://two.example" },
		  { "NPM_CONFIG_REGISTRY=https://me:SECRET@env.example/x" },
		  "env.example:443 NPM_CONFIG_REGISTRY\n",
		  "npm_config_registry=https://env.example/x\n",
		  NULL },
		{ "npm",
		  { "~/.npmrc", "registry=http://no.example", "/my/rc",
		    "registry=https://${USR}:${PW}@${HOST_NAME}/" },
		  { "npm_config_userconfig=@TOP@/my/rc", "USR=me", "PW=SECRET",
		    "HOST_NAME=mine.example" },
		  "mine.example:443 /my/rc:1\n",
		  "npm_config_registry=https://mine.example/\n",
		  NULL },
		{ "npm",
		  { "/etc/npmrc", "registry=http://no.example", "/my/rc",
		    "registry=http://mine.example" },
		  { "Npm_Config_GlobalConfig=@TOP@/my/rc" },
		  "mine.example:80 /my/rc:1\n",
		  "npm_config_registry=http://mine.example\n",
		  NULL },
		{ "npm",
		  { "/opt/node/etc/npmrc", "registry=http://mine.example" },
		  { "PREFIX=@TOP@/opt/node" },
		  "mine.example:80 /opt/node/etc/npmrc:1\n",
		  "npm_config_registry=http://mine.example\n",
		  NULL },
		{ "npm",
		  { "~/.npmrc", "registry=https://${UNSET}/\n" },
		  { NULL },
		  "",
		  "npm_config_registry=https://${UNSET}/\n",
		  "npm: ~/.npmrc:1: 'https://${UNSET}/' is not granted: it has a variable in it" },
		{ "npm",
		  { "~/.npmrc", "registry=http://no.example" },
		  { "npm_config_userconfig=.npmrc" },
		  "",
		  "",
		  "npm_config_userconfig: '.npmrc' is relative" },
		{ "npm",
		  { "~/.npmrc",
		    "registry=http://a.example\nhttps-proxy=http://u:SECRET@p.example:3128" },
		  { NULL },
		  "a.example:80 ~/.npmrc:1\n",
		  "npm_config_registry=http://a.example\n",
		  "~/.npmrc:2: proxy 'p.example:3128' is not granted" },
		{ "npm",
		  { "~/.npmrc", "registry=http://localhost:4873/\n@a:registry=http://10.0.0.5/\n" },
		  { NULL },
		  "!localhost:4873 ~/.npmrc:1\n!10.0.0.5:80 ~/.npmrc:2\n",
		  "npm_config_registry=http://localhost:4873/\n"
		  "npm_config_@a:registry=http://10.0.0.5/\n",
		  NULL },
		{ "npm",
		  { "~/.npmrc", "registry=http://two.example" },
		  { "npm_config_registry=" },
		  "two.example:80 ~/.npmrc:1\n",
		  "npm_config_registry=http://two.example\n",
		  NULL },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_pip(void **state)
{
	static const struct row rows[] = {
		{ "pip",
		  { "~/.config/pip/pip.conf",
		    "[global]\nindex-url = https://u:SECRET@pip.example/simple\n"
		    "extra-index-url =\n    https://x.example/\n    # https://no.example\n"
		    "\thttp://y.example:81/\n[list]\nindex-url = https://no.example\n" },
		  { NULL },
		  "pip.example:443 ~/.config/pip/pip.conf:2\n"
		  "x.example:443 ~/.config/pip/pip.conf:3\n"
		  "y.example:81 ~/.config/pip/pip.conf:3\n",
		  "PIP_INDEX_URL=https://pip.example/simple\n"
		  "PIP_EXTRA_INDEX_URL=https://x.example/ http://y.example:81/\n",
		  NULL },
		{ "pip",
		  { "/etc/pip.conf", "[global]\nindex-url=https://etc.example\n",
		    "/etc/xdg/pip/pip.conf", "[global]\nindex_url: https://xdg.example\n",
		    "~/.pip/pip.conf", "[install]\nfind-links = /wheels https://l.example/\n" },
		  { NULL },
		  "etc.example:443 /etc/pip.conf:2\nl.example:443 ~/.pip/pip.conf:2\n",
		  "PIP_INDEX_URL=https://etc.example\nPIP_FIND_LINKS=https://l.example/\n",
		  NULL },
		{ "pip",
		  { "/etc/pip.conf",
		    "[install]\nindex-url=http://i.example\ntrusted-host=i.example\n",
		    "~/.config/pip/pip.conf", "[global]\nindex-url=https://g.example\n" },
		  { NULL },
		  "i.example:80 /etc/pip.conf:2\n",
		  "PIP_INDEX_URL=http://i.example\nPIP_TRUSTED_HOST=i.example\n",
		  NULL },
		{ "pip",
		  { "/cfg/pip/pip.conf", "[global]\nindex-url=https://no.example\n", "/mine",
		    "[global]\nindex-url=https://file.example\nextra-index-url=https://z.example" },
		  { "XDG_CONFIG_HOME=@TOP@/cfg", "PIP_CONFIG_FILE=@TOP@/mine",
		    "PIP_INDEX_URL=https://env.example",
		    "PIP_EXTRA_INDEX_URL=https://a.example "
		    "https://u:SECRET@b.example" },
		  "env.example:443 PIP_INDEX_URL\na.example:443 PIP_EXTRA_INDEX_URL\n"
		  "b.example:443 PIP_EXTRA_INDEX_URL\n",
		  "PIP_INDEX_URL=https://env.example\n"
		  "PIP_EXTRA_INDEX_URL=https://a.example https://b.example\n",
		  NULL },
		{ "pip",
		  { "/etc/pip.conf", "[global]\nindex-url=https://no.example\n" },
		  { "PIP_CONFIG_FILE=/dev/null" },
		  "",
		  "",
		  NULL },
		{ "pip",
		  { "/etc/pip.conf", "[global]\nproxy=p.example:8080\n" },
		  { NULL },
		  "",
		  "",
		  "pip: /etc/pip.conf:2: proxy 'p.example:8080' is not granted" },
		{ "pip",
		  { "/v/pip.conf", "[global]\nindex-url=https://no.example\n" },
		  { "VIRTUAL_ENV=@TOP@/v" },
		  "",
		  "",
		  NULL },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_cargo(void **state)
{
	static const struct row rows[] = {
		{ "cargo",
		  { "~/.cargo/config.toml", "[registries.my-own]\n"
					    "index = \"sparse+https://cargo.example/i/\"\n"
					    "token = \"SECRET\"\n"
					    "[registry]\ndefault = 'my-own'\n" },
		  { NULL },
		  "cargo.example:443 ~/.cargo/config.toml:2\n",
		  "CARGO_REGISTRIES_MY_OWN_INDEX=sparse+https://cargo.example/i/\n"
		  "CARGO_REGISTRY_DEFAULT=my-own\n",
		  NULL },
		{ "cargo",
		  { "~/.cargo/config",
		    "registries.a = { index = 'https://a.example/git' }\n[registries]\n"
		    "b.index = 'ssh://git@b.example/x'\n",
		    "~/.cargo/config.toml", "registries.c.index = 'https://no.example'\n" },
		  { "CARGO_REGISTRIES_A_INDEX=https://u:SECRET@env.example/" },
		  "env.example:443 CARGO_REGISTRIES_A_INDEX\nb.example:22 ~/.cargo/config:3\n",
		  "CARGO_REGISTRIES_A_INDEX=https://env.example/\n"
		  "CARGO_REGISTRIES_B_INDEX=ssh://b.example/x\n",
		  NULL },
		{ "cargo",
		  { "/ch/config.toml",
		    "[source.all]\nreplace-with = 'mirror'\n[source.mirror]\n"
		    "registry = 'sparse+http://m.example:8080/'\n[source.v]\ndirectory = 'v'\n" },
		  { "CARGO_HOME=@TOP@/ch" },
		  "m.example:8080 /ch/config.toml:4\n",
		  "",
		  "cargo takes 'source.mirror.registry' from a file only" },
		{ "cargo",
		  { "~/.cargo/config.toml", "[http]\nproxy = 'p.example:1'\n[net]\nx = 'y'\n" },
		  { NULL },
		  "",
		  "",
		  "proxy 'p.example:1' is not granted" },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_go(void **state)
{
	static const struct row rows[] = {
		{ "go",
		  { "~/.config/go/env",
		    "# x\nGOPROXY=https://u:SECRET@p.example/go,q.example|direct\n"
		    "GOFLAGS=-mod=mod\nGOPRIVATE=*.corp.example\n" },
		  { NULL },
		  "p.example:443 ~/.config/go/env:2\nq.example:443 ~/.config/go/env:2\n",
		  "GOPROXY=https://p.example/go,https://q.example|direct\n"
		  "GOPRIVATE=*.corp.example\n",
		  NULL },
		{ "go",
		  { "~/.config/go/env", "GOPROXY=https://no.example\n" },
		  { "GOPROXY=off", "GOSUMDB=sum.example+033de0ae+Ac4z" },
		  "sum.example:443 GOSUMDB\n",
		  "GOPROXY=off\nGOSUMDB=sum.example+033de0ae+Ac4z\n",
		  NULL },
		{ "go",
		  { "/e", "GOSUMDB=sum.example https://u:SECRET@s.example:8443/db\n" },
		  { "GOENV=@TOP@/e" },
		  "s.example:8443 /e:1\n",
		  "GOSUMDB=sum.example https://s.example:8443/db\n",
		  NULL },
		{ "go",
		  { "~/.config/go/env", "GOPROXY=https://no.example\n" },
		  { "GOENV=off", "GOPROXY=direct", "GOSUMDB=off" },
		  "",
		  "GOPROXY=direct\nGOSUMDB=off\n",
		  NULL },
		{ "go",
		  { NULL },
		  { "GOPROXY=file:///mod,/mod,http://127.0.0.1:3000" },
		  "!127.0.0.1:3000 GOPROXY\n",
		  "GOPROXY=file:///mod,/mod,http://127.0.0.1:3000\n",
		  NULL },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_maven(void **state)
{
	static const struct row rows[] = {
		{ "maven",
		  { "~/.m2/settings.xml",
		    "<?xml version='1.0'?>\n<settings xmlns='urn:x'>\n"
		    "<!-- <mirrors><mirror><url>https://no.example</url></mirror></mirrors> -->\n"
		    "<servers><server><password>SECRET</password></server></servers>\n"
		    "<mirrors><mirror><id>m</id><url> "
		    "https://u:SECRET@m.example/r\n</url></mirror>\n"
		    "<mirror><url>http://b.example/</url><blocked>true</blocked></mirror></"
		    "mirrors>\n"
		    "<profiles><profile><url>https://no.example</url><repositories><repository>\n"
		    "<releases><url>https://no.example</url></releases>"
		    "<url>http://${env.RH}:81/?a&amp;b</url></repository></repositories>\n"
		    "<pluginRepositories><pluginRepository><url><![CDATA[https://p.example]]></"
		    "url>\n"
		    "</pluginRepository></pluginRepositories></profile></profiles>\n"
		    "<proxies><proxy><host>q.example</host></proxy></proxies></settings>" },
		  { "RH=r.example" },
		  "m.example:443 ~/.m2/settings.xml:6\nr.example:81 ~/.m2/settings.xml:9\n"
		  "p.example:443 ~/.m2/settings.xml:10\n",
		  "",
		  "proxy 'q.example' is not granted" },
		{ "maven",
		  { "/etc/maven/settings.xml",
		    "<settings><mirrors><mirror><url>https://e.example</url></mirror></mirrors>"
		    "</settings>" },
		  { NULL },
		  "e.example:443 /etc/maven/settings.xml:1\n",
		  "",
		  NULL },
		{ "maven",
		  { "~/.m2/settings.xml", "<settings><mirrors><mirror><url>https://${x}/</url>"
					  "</mirror></mirrors></settings>" },
		  { NULL },
		  "",
		  "",
		  "it has a variable in it" },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_apt(void **state)
{
	static const struct row rows[] = {
		{ "apt",
		  { "/etc/apt/sources.list",
		    "# deb http://no.example/ x main\ndeb http://a.example/debian x main # y\n"
		    "deb-src [arch=amd64 signed-by=/k] https://b.example:444/debian x main\n"
		    "deb cdrom:[Some disk]/ x main\ndeb file:/srv x main\n",
		    "/etc/apt/sources.list.d/x.sources",
		    "Types: deb\nURIs: https://c.example/ http://d.example\n#\n  "
		    "https://e.example\n"
		    "Suites: x\n  https://no.example\n\nEnabled: no\nURIs: https://no.example\n"
		    "\nuris:\n https://f.example\n",
		    "/etc/apt/sources.list.d/y.list.save", "deb http://no.example/ x main\n" },
		  { NULL },
		  "a.example:80 /etc/apt/sources.list:2\nb.example:444 /etc/apt/sources.list:3\n"
		  "c.example:443 /etc/apt/sources.list.d/x.sources:2\n"
		  "d.example:80 /etc/apt/sources.list.d/x.sources:2\n"
		  "e.example:443 /etc/apt/sources.list.d/x.sources:4\n"
		  "f.example:443 /etc/apt/sources.list.d/x.sources:12\n",
		  "",
		  NULL },
		{ "apt",
		  { "/etc/apt/sources.list.d/+.list", "deb http://no.example/ x main\n",
		    "/etc/apt/sources.list.d/a.list/b", "a directory",
		    "/etc/apt/sources.list.d/_1:A-b.c.list", "deb http://a.example/ x main\n" },
		  { NULL },
		  "a.example:80 /etc/apt/sources.list.d/_1:A-b.c.list:1\n",
		  "",
		  NULL },
		{ "apt",
		  { "/etc/apt/sources.list.d/m.sources",
		    "Types: deb\nURIs: mirror+file:/etc/apt/mirrors/x.list\n",
		    "/etc/apt/mirrors/x.list", "# x\nhttps://m.example/debian\tpriority:1\n" },
		  { NULL },
		  "m.example:443 /etc/apt/mirrors/x.list:2\n",
		  "",
		  NULL },
		{ "apt",
		  { "/etc/apt/sources.list", "deb tor+http://t.example/ x main\n" },
		  { NULL },
		  "",
		  "",
		  "only http, https, ssh and git lead to a host" },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

/*** All of them ***/

/* A tool's files are opened for it only; each silent tool has its line. */
static void test_asked_for(void **state)
{
	static const struct row rows[] = {
		{ "", { "~/.npmrc", "registry=x" }, { "PIP_INDEX_URL=x" }, "", "", NULL },
		{ "go pip",
		  { "~/.npmrc", "registry=x" },
		  { "PIP_INDEX_URL=https://p.example" },
		  "p.example:443 PIP_INDEX_URL\n",
		  "PIP_INDEX_URL=https://p.example\n",
		  NULL },
	};
	struct arena arena = { 0 };
	struct registries found;
	struct err err;

	(void)state;
	empty_top();
	assert_int_equal(read_row(&arena, &rows[0], &found, &err), 0);
	assert_int_equal(found.len + found.silent.len + found.files.len + found.absent.len, 0);
	assert_int_equal(read_row(&arena, &rows[1], &found, &err), 0);
	assert_string_equal(flatten_hosts(&arena, &found), rows[1].want);
	assert_string_equal(found.items[0].tool, "pip");
	assert_string_equal(join(&arena, &found.silent),
			    "go: no configuration names a registry's host; set GOPROXY, or run "
			    "'go env -w GOPROXY=URL', or use --allow-host\n");
	assert_int_equal(found.files.len, 0);
	assert_true(strv_has(&found.absent, place_of(&arena, "~/.config/go/env")));
	assert_true(strv_has(&found.absent, place_of(&arena, "~/.config/pip/pip.conf")));
	assert_false(strv_has(&found.absent, place_of(&arena, "~/.npmrc")));
	arena_free(&arena);
}

static void test_every_tool(void **state)
{
	struct arena arena = { 0 };
	struct registries found;
	struct err err;

	(void)state;
	for (size_t i = 0; registry_tools[i]; i++) {
		struct row row = { .tools = registry_tools[i] };

		empty_top();
		assert_int_equal(read_row(&arena, &row, &found, &err), 0);
		assert_int_equal(found.silent.len, 1);
		assert_int_equal(strncmp(found.silent.items[0], registry_tools[i],
					 strlen(registry_tools[i])),
				 0);
	}
	struct row row = { .tools = "gem" };
	assert_int_equal(read_row(&arena, &row, &found, &err), -EINVAL);
	arena_free(&arena);
}

/* What an earlier box may have written names nothing. */
static void test_working_directory(void **state)
{
	static const struct row row = {
		"npm pip cargo go maven apt",
		{ "/project/.npmrc", "registry=https://no.example", "/project/.cargo/config.toml",
		  "registries.a.index = 'https://no.example'", "/project/pip.conf",
		  "[global]\nindex-url=https://no.example" },
		{ "CARGO_HOME=.cargo", "PIP_CONFIG_FILE=pip.conf", "GOENV=go.env",
		  "npm_config_globalconfig=./.npmrc", "XDG_CONFIG_HOME=." },
		"",
		"",
		NULL,
	};
	struct arena arena = { 0 };
	struct registries found;
	struct err err;
	char before[4096];

	(void)state;
	empty_top();
	write_file(&arena, "/project/go.env", "GOPROXY=https://no.example", 26);
	assert_non_null(getcwd(before, sizeof before));
	(void)mkdir(place_of(&arena, "/project"), 0755);
	assert_int_equal(chdir(place_of(&arena, "/project")), 0);
	int r = read_row(&arena, &row, &found, &err);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(r, 0);
	assert_int_equal(found.len, 0);
	assert_int_equal(found.silent.len, 6);
	assert_int_equal(found.notes.len, 4);
	assert_int_equal(found.files.len, 0);
	arena_free(&arena);
}

static void test_refused(void **state)
{
	static const struct {
		struct row row;
		const char *want;
	} rows[] = {
		{ { "npm", { "~/.npmrc", "\nregistry=packages.example" } },
		  "~/.npmrc:2: 'packages.example' is not an URL; write https://HOST/..." },
		{ { "npm", { "~/.npmrc", "registry=https://u:SECRET@:80/" } },
		  "~/.npmrc:1: ':80/' has no host; write https://HOST/..." },
		{ { "pip", { NULL }, { "PIP_INDEX_URL=https://me:SECRET@p.example:port/" } },
		  "PIP_INDEX_URL: 'p.example:port/' has no host and port that can be granted; "
		  "write https://HOST:PORT/..." },
		{ { "cargo", { "~/.cargo/config.toml", "[a]\nb = \n" } },
		  "~/.cargo/config.toml:2: a value is missing" },
		{ { "maven", { "~/.m2/settings.xml", "<settings>\n<a></b>" } },
		  "~/.m2/settings.xml:2: not XML: mismatched tag" },
		{ { "maven", { "~/.m2/settings.xml", "" } },
		  "~/.m2/settings.xml:1: not XML: no element found" },
		{ { "apt", { "/etc/apt/sources.list", "deb nonsense x main" } },
		  "/etc/apt/sources.list:1: 'nonsense' is not an URL; write https://HOST/..." },
		{ { "pip", { NULL }, { "PIP_INDEX_URL=//u:SECRET@p.example/" } },
		  "PIP_INDEX_URL: 'p.example/' is not an URL; write https://HOST/..." },
		{ { "go", { NULL }, { "GOPROXY=//u:SECRET@p.example/" } },
		  "GOPROXY: 'p.example/' has no host; write https://HOST/..." },
		{ { "go", { NULL }, { "GOPROXY=dirct" } },
		  "GOPROXY: 'dirct' is not an URL; write https://HOST/..." },
		{ { "npm", { "~/.npmrc/x", "" } },
		  "~/.npmrc: not a file, so it names no registry "
		  "of npm" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = { 0 };
		struct registries found;
		struct err err = { 0 };
		char message[1024] = "";

		empty_top();
		int r = read_row(&arena, &rows[i].row, &found, &err);
		if (r < 0)
			err_format(&err, message, sizeof message);
		if (r == 0 || strcmp(message, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, message);
		arena_free(&arena);
	}
}

static void test_bad_files(void **state)
{
	static char large[(1 << 20) + 2];
	struct row row = { .tools = "npm" };
	struct arena arena = { 0 };
	struct registries found;
	char message[1024];
	struct err err;

	(void)state;
	empty_top();
	memset(large, '\n', sizeof large);
	write_file(&arena, "~/.npmrc", large, 1 << 20);
	assert_int_equal(read_row(&arena, &row, &found, &err), 0);
	write_file(&arena, "~/.npmrc", large, (1 << 20) + 1);
	assert_true(read_row(&arena, &row, &found, &err) < 0);
	err_format(&err, message, sizeof message);
	assert_string_equal(message, "~/.npmrc: larger than 1 MiB; no configuration is that long");
	write_file(&arena, "~/.npmrc", "a\0b", 3);
	assert_true(read_row(&arena, &row, &found, &err) < 0);
	err_format(&err, message, sizeof message);
	assert_string_equal(message, "~/.npmrc: has a NUL byte, so it is no text");

	const char *path = place_of(&arena, "~/.npmrc");
	if (geteuid() != 0) { /* root reads everything */
		assert_int_equal(chmod(path, 0), 0);
		assert_true(read_row(&arena, &row, &found, &err) < 0);
		err_format(&err, message, sizeof message);
		assert_string_equal(message, "cannot open '~/.npmrc': Permission denied");
		assert_int_equal(chmod(place_of(&arena, "~"), 0), 0);
		assert_int_equal(read_row(&arena, &row, &found, &err), 0);
		assert_int_equal(chmod(place_of(&arena, "~"), 0755), 0);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_true(read_row(&arena, &row, &found, &err) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(".npmrc", path), 0);
	assert_true(read_row(&arena, &row, &found, &err) < 0);
	err_format(&err, message, sizeof message);
	assert_string_equal(message, "cannot open '~/.npmrc': Too many levels of symbolic links");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(read_row(&arena, &row, &found, &err), 0);
	arena_free(&arena);
}

/* They are not put in: a file of them would want gigabytes. */
static void test_long_variables(void **state)
{
	static char variable[4000] = "LONG=";
	static const struct row rows[] = {
		{ "npm", { "~/.npmrc", "registry=https://${LONG}${LONG}/\n" }, { variable } },
		{ "maven",
		  { "~/.m2/settings.xml", "<s><mirror><url>https://${env.LONG}${env.LONG}/</url>"
					  "</mirror></s>" },
		  { variable } },
	};

	(void)state;
	memset(variable + 5, 'a', sizeof variable - 6);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = { 0 };
		struct registries found;
		struct err err;

		empty_top();
		assert_int_equal(read_row(&arena, &rows[i], &found, &err), 0);
		assert_int_equal(found.len, 0);
		assert_non_null(strstr(found.notes.items[0], "LONG}/' is not granted: it has a "
							     "variable in it"));
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_npm),
		cmocka_unit_test(test_pip),
		cmocka_unit_test(test_cargo),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_maven),
		cmocka_unit_test(test_apt),
		cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_every_tool),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_long_variables),
		cmocka_unit_test(test_working_directory),
	};

	return cmocka_run_group_tests_name("registries", tests, make_top, remove_top);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hosts that configuration names: see registries.h.
 *
 * Theory of operation: for each tool asked for, its files are read from the one
 * that counts least to the one that counts most, then its variables. Values are
 * kept by key, a later one over an earlier, as the tool itself does it. What is
 * left at the end is granted and, where the tool takes it so, put into variables
 * for the box, without user and password.
 */
#include "policy/registries/registries.h"

#include <string.h>

#include "policy/registries/registry_reader.h"

static const struct {
	const char *name;
	int (*read)(const struct registry_reader *reader);
	const char *remedy;
} tools[] = {
	{ "npm", registries_npm, "write 'registry=URL' in ~/.npmrc" },
	{ "pip", registries_pip,
	  "set PIP_INDEX_URL, or write index-url in ~/.config/pip/pip.conf" },
	{ "cargo", registries_cargo,
	  "set CARGO_REGISTRIES_NAME_INDEX, or write it in ~/.cargo/config.toml" },
	{ "go", registries_go, "set GOPROXY, or run 'go env -w GOPROXY=URL'" },
	{ "maven", registries_maven, "write a mirror in ~/.m2/settings.xml" },
	{ "apt", registries_apt, "write a source in /etc/apt/sources.list" },
};

static int read_tool(struct registry_reader *reader, const char *name)
{
	size_t before = reader->found->len, row = 0;

	while (row < sizeof tools / sizeof *tools && strcmp(tools[row].name, name) != 0)
		row++;
	if (row == sizeof tools / sizeof *tools)
		return err_msg(reader->reterr, E_GRANT, "unknown tool '%s' in network.registries",
			       name);
	reader->tool = tools[row].name;
	int r = tools[row].read(reader);
	if (r == 0 && reader->found->len == before)
		strv_push(reader->arena, &reader->found->silent,
			  arena_printf(reader->arena,
				       "%s: no configuration names a registry's host; %s, or use "
				       "--allow-host",
				       tools[row].name, tools[row].remedy));
	return r;
}

int registries_read(struct arena *arena, const struct strv *names,
		    const struct registry_places *places, struct registries *ret,
		    struct err *reterr)
{
	struct registries found = { 0 };
	struct registry_reader reader = {
		.arena = arena,
		.places = places,
		.found = &found,
		.reterr = reterr,
	};

	for (size_t i = 0; i < names->len; i++) {
		int r = read_tool(&reader, names->items[i]);
		if (r < 0)
			return r;
	}
	*ret = found;
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles in layers: profile_init and profile_merge of profile.h. Pure. */
#include <string.h>

#include "policy/binding_specs.h"
#include "policy/lists.h"
#include "policy/profile.h"
#include "policy/schema.h"

void profile_init(struct profile *profile)
{
	memset(profile, 0, sizeof *profile);
	for (size_t i = 0; i < settings_len; i++) {
		const struct setting *setting = &settings[i];

		if (setting->type == SETTING_SIZE || setting->type == SETTING_TIME ||
		    setting->type == SETTING_COUNT || setting->type == SETTING_SHARE)
			*(uint64_t *)setting_field(setting, profile) = LIMIT_UNSET;
	}
}

/* A list of one layer has nothing twice, so only what base had before is compared with. */
static void merge_strv(struct arena *arena, enum setting_type type, struct strv *base,
		       const struct strv *over)
{
	struct strv before = *base;

	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++) {
		if (type == SETTING_ENV_SET)
			strv_push_env(arena, base, over->items[i]);
		else if (!strv_has(&before, over->items[i]))
			strv_push(arena, base, over->items[i]);
	}
}

static void merge_paths(struct arena *arena, struct path_list *base, const struct path_list *over)
{
	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++)
		path_list_push_new(arena, base, &over->items[i]);
}

static void merge_hosts(struct arena *arena, struct host_list *base, const struct host_list *over)
{
	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++)
		host_list_push_new(arena, base, &over->items[i]);
}

static void merge_http(struct arena *arena, struct http_list *base, const struct http_list *over)
{
	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++)
		http_list_push_new(arena, base, &over->items[i]);
}

static void merge_secrets(struct arena *arena, struct secret_list *base,
			  const struct secret_list *over)
{
	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++)
		secret_list_push(arena, base, &over->items[i]);
}

static void merge_bindings(struct arena *arena, struct binding_list *base,
			   const struct binding_list *over)
{
	if (over->len == 0)
		return;
	(void)LIST_OWN(arena, base);
	for (size_t i = 0; i < over->len; i++)
		binding_list_push(arena, base, &over->items[i]);
}

static void merge_setting(struct arena *arena, enum setting_type type, void *base, const void *over)
{
	switch (type) {
	case SETTING_TEXT:
		if (*(const char *const *)over)
			*(const char **)base = *(const char *const *)over;
		break;
	case SETTING_ARGV:
		if (((const struct strv *)over)->len > 0)
			*(struct strv *)base = *(const struct strv *)over;
		break;
	case SETTING_EXEC:
	case SETTING_WORDS:
	case SETTING_ENV_PASS:
	case SETTING_ENV_SET:
		merge_strv(arena, type, base, over);
		break;
	case SETTING_PATHS:
	case SETTING_PATHS_1:
		merge_paths(arena, base, over);
		break;
	case SETTING_HOSTS:
	case SETTING_PUBLISH:
		merge_hosts(arena, base, over);
		break;
	case SETTING_BINDINGS:
		merge_bindings(arena, base, over);
		break;
	case SETTING_HTTP:
		merge_http(arena, base, over);
		break;
	case SETTING_SECRETS:
		merge_secrets(arena, base, over);
		break;
	case SETTING_SIZE:
	case SETTING_TIME:
	case SETTING_COUNT:
	case SETTING_SHARE:
		if (*(const uint64_t *)over != LIMIT_UNSET)
			*(uint64_t *)base = *(const uint64_t *)over;
		break;
	case SETTING_ENCODING:
		if (*(const enum encoding *)over != ENCODING_UNSET)
			*(enum encoding *)base = *(const enum encoding *)over;
		break;
	case SETTING_SWITCH:
		if (*(const enum flip *)over != FLIP_UNSET)
			*(enum flip *)base = *(const enum flip *)over;
		break;
	case SETTING_KEEP:
		if (*(const unsigned *)over != KEEP_UNSET)
			*(unsigned *)base = *(const unsigned *)over;
		break;
	}
}

void profile_merge(struct arena *arena, struct profile *base, const struct profile *over)
{
	for (size_t i = 0; i < settings_len; i++) {
		const struct setting *setting = &settings[i];

		merge_setting(arena, setting->type, setting_field(setting, base),
			      setting_field(setting, over));
	}
	base->exec_set = base->exec_set || over->exec_set;
	if (over->name) {
		base->name = over->name;
		base->path = over->path;
	}
	if (over->sha256[0])
		memcpy(base->sha256, over->sha256, sizeof base->sha256);
}

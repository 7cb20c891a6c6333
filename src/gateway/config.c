/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway's configuration as bytes: see config.h. */
#include "gateway/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	CONFIG_MAX = 4 << 20,
	COUNT_MAX = 65536,
};

/* Both ways go through the same functions, so that they cannot differ. */
struct stream {
	struct arena *arena;
	bool is_reading;
	bool is_broken;
	char *bytes;
	size_t len;
	size_t cap;
	size_t at;
};

static void put(struct stream *stream, const void *bytes, size_t len)
{
	while (stream->cap - stream->len < len + 1)
		stream->bytes =
			arena_grow(stream->arena, stream->bytes, stream->cap, &stream->cap, 1);
	memcpy(stream->bytes + stream->len, bytes, len);
	stream->len += len;
}

static void raw(struct stream *stream, void *value, size_t len)
{
	if (!stream->is_reading) {
		put(stream, value, len);
	} else if (stream->is_broken || stream->len - stream->at < len) {
		stream->is_broken = true;
		memset(value, 0, len);
	} else {
		memcpy(value, stream->bytes + stream->at, len);
		stream->at += len;
	}
}

static size_t count(struct stream *stream, size_t len)
{
	raw(stream, &len, sizeof len);
	if (len > COUNT_MAX) {
		stream->is_broken = true;
		return 0;
	}
	return len;
}

static void text(struct stream *stream, const char **value)
{
	size_t len = count(stream, stream->is_reading || !*value ? 0 : strlen(*value) + 1);

	if (!stream->is_reading) {
		put(stream, *value ? *value : "", len);
		return;
	}
	*value = NULL;
	if (len == 0 || stream->is_broken)
		return;
	if (stream->len - stream->at < len || stream->bytes[stream->at + len - 1]) {
		stream->is_broken = true;
		return;
	}
	*value = stream->bytes + stream->at;
	stream->at += len;
}

static void words(struct stream *stream, struct strv *list)
{
	size_t len = count(stream, list->len);

	for (size_t i = 0; i < len && !stream->is_broken; i++) {
		const char *word = stream->is_reading ? NULL : list->items[i];

		text(stream, &word);
		if (stream->is_reading && word)
			strv_push(stream->arena, list, arena_strdup(stream->arena, word));
	}
}

static void host(struct stream *stream, struct host_grant *grant)
{
	raw(stream, &grant->kind, sizeof grant->kind);
	text(stream, &grant->name);
	raw(stream, &grant->ports_len, sizeof grant->ports_len);
	if (grant->ports_len > HOST_PORTS_MAX || (stream->is_reading && !grant->name)) {
		stream->is_broken = true;
		return;
	}
	raw(stream, grant->ports, grant->ports_len * sizeof *grant->ports);
}

static void secret(struct stream *stream, struct secret *item)
{
	text(stream, &item->name);
	raw(stream, &item->source, sizeof item->source);
	words(stream, &item->words);
	text(stream, &item->shown);
	text(stream, &item->header);
	text(stream, &item->prefix);
	text(stream, &item->why);
	raw(stream, &item->places, sizeof item->places);
	words(stream, &item->methods);
	words(stream, &item->paths);
	size_t len = count(stream, item->hosts.len);
	if (stream->is_reading) {
		item->hosts.items =
			arena_alloc(stream->arena, (len + 1) * sizeof(struct host_grant));
		item->hosts.len = len;
	}
	for (size_t i = 0; i < len && !stream->is_broken; i++)
		host(stream, &item->hosts.items[i]);
}

static void rule(struct stream *stream, struct http_rule *item)
{
	host(stream, &item->host);
	text(stream, &item->method);
	text(stream, &item->path);
}

static void config(struct stream *stream, struct gateway_config *config)
{
	struct plan_gateway *plan = &config->plan;

	raw(stream, &config->from_root, sizeof config->from_root);
	raw(stream, &config->uid, sizeof config->uid);
	raw(stream, &config->gid, sizeof config->gid);
	raw(stream, &config->lacks_landlock_allowed, sizeof config->lacks_landlock_allowed);
	text(stream, &plan->store);
	plan->secrets_len = count(stream, plan->secrets_len);
	plan->rules_len = count(stream, plan->rules_len);
	if (stream->is_reading) {
		plan->secrets =
			arena_alloc(stream->arena, (plan->secrets_len + 1) * sizeof *plan->secrets);
		plan->rules =
			arena_alloc(stream->arena, (plan->rules_len + 1) * sizeof *plan->rules);
	}
	for (size_t i = 0; i < plan->secrets_len && !stream->is_broken; i++)
		secret(stream, &plan->secrets[i]);
	for (size_t i = 0; i < plan->rules_len && !stream->is_broken; i++)
		rule(stream, &plan->rules[i]);
}

int gateway_config_write(struct arena *arena, const struct plan *plan)
{
	struct stream stream = { .arena = arena };
	struct gateway_config filled = { .from_root = plan->facts->host_root,
					 .uid = plan->outside_uid,
					 .gid = plan->outside_gid,
					 .lacks_landlock_allowed = plan->degradable[WALL_LANDLOCK],
					 .plan = plan->gateway };
	_cleanup_close_ int fd =
		memfd_create("aisbx-gateway-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	config(&stream, &filled);
	ssize_t n = write(fd, stream.bytes, stream.len);
	if (n != (ssize_t)stream.len)
		return n < 0 ? -errno : -EIO;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return steal_fd(&fd);
}

int gateway_config_read(struct arena *arena, int fd, struct gateway_config *ret_config)
{
	struct stream stream = { .arena = arena, .is_reading = true };

	*ret_config = (struct gateway_config){ 0 };
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	ssize_t n = arena_read(arena, fd, 4096, CONFIG_MAX, &stream.bytes);
	if (n < 0 || n > CONFIG_MAX)
		return n < 0 ? (int)n : -EFBIG;
	stream.len = (size_t)n;
	config(&stream, ret_config);
	return stream.is_broken || stream.at != stream.len ? -EPROTO : 0;
}

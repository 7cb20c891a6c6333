/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTP/1 as bytes that somebody else chose (RFC 9112). Pure: nothing is allocated.
 *
 * There is one reading of a message or none: whatever two programs could read in two ways is
 * an error here (two lengths, a length beside chunks, folded lines, a bare LF, a space before
 * a colon, a second Host). What goes on is written anew from what was read.
 */
#ifndef AISBX_GATEWAY_HTTP1_H
#define AISBX_GATEWAY_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	HTTP_HEAD_MAX = 32768, /* bytes of a head, and of the trailers of a body */
	HTTP_HEADERS_MAX = 128,
};

struct span {
	const char *at;
	size_t len;
};

struct http_header {
	struct span name;
	struct span value; /* without the blanks around it */
};

enum http_body {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,
	BODY_TO_END, /* of the connection; responses only */
};

struct http_head {
	struct span method; /* of a request */
	struct span target; /* the same */
	int status;	    /* of a response */
	struct span reason; /* the same */
	int minor;	    /* HTTP/1.minor */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t headers_len;
	struct span host; /* of a request: the one Host; at is NULL in HTTP/1.0 without one */
	enum http_body body;
	uint64_t length;      /* of BODY_LENGTH */
	bool is_last;	      /* the sender ends the connection after it */
	bool wants_websocket; /* of a request: Upgrade: websocket; of a response: it agrees */
};

bool span_is(const struct span *span, const char *text);
/* Without regard to ASCII case. */
bool span_is_word(const struct span *span, const char *text);
/* Whether text is one of the items of a comma list. */
bool span_has_item(const struct span *list, const char *text);

/* Of a request, whatever it was read from: whether its method and target are ones. */
bool http_target_is_one(const struct http_head *head);

/*
 * Reads a head from the first len bytes. Its length, 0 when there is more to come, or -EINVAL
 * with the reason in *ret_why, and -E2BIG when it is too long. ret_head points into bytes.
 */
ssize_t http_request_parse(const char *bytes, size_t len, struct http_head *ret_head,
			   const char **ret_why);
/* The same; method is that of the request, on which the body depends. */
ssize_t http_response_parse(const char *bytes, size_t len, const char *method,
			    struct http_head *ret_head, const char **ret_why);
/* Lines of headers alone, up to and with the empty one: trailers. */
ssize_t http_trailers_parse(const char *bytes, size_t len, struct http_head *ret_head,
			    const char **ret_why);

/*** Bodies ***/

enum http_chunk_state {
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_END, /* the CRLF after the data */
	CHUNK_TRAILERS,
};

struct http_reader {
	enum http_body body;
	enum http_chunk_state state;
	uint64_t left; /* of the length or of the chunk */
	bool is_done;
};

void http_reader_init(struct http_reader *reader, const struct http_head *head);
/*
 * Reads on in the first len bytes: how many were used, 0 when more have to come first, or
 * -EINVAL with the reason. ret_data are bytes of the body among them, perhaps none.
 * ret_trailers are then those that came at its end, with is_done.
 */
ssize_t http_reader_next(struct http_reader *reader, const char *bytes, size_t len,
			 struct span *ret_data, struct http_head *ret_trailers,
			 const char **ret_why);

#endif

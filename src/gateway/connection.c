/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections through the gateway: see connection.h.
 *
 * Theory of operation: an event on either socket runs the connection until nothing moves any
 * more. Requests and answers are two machines that take turns:
 *
 *	request:  HEAD --decided--> BODY --> SENT --------+
 *	            ^                                     |
 *	            +---- the answer is out ----+         |
 *	answer:   NONE --a request went out--> HEAD --> BODY
 *
 * What ends a message early ends the connection: an answer of our own says why where the box
 * still waits for one, and it is closed so that the box reads that first (is_closing).
 */
#include "gateway/connection.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "broker/connections.h"
#include "broker/events.h"
#include "gateway/authority.h"
#include "gateway/http2.h"
#include "gateway/memory.h"
#include "gateway/message.h"
#include "gateway/negotiation.h"
#include "gateway/side.h"
#include "gateway/vault.h"

enum {
	SHAKE_MS = 20000, /* for both handshakes */
	LINGER_MS = 1000, /* for a box that has the last answer to say no more */
	/* For more of an answer to a box that says no more: it is gone, or has half closed. */
	ABANDONED_MS = 10000,
	TURNS = 32, /* pieces of both directions in a row; others wait meanwhile */
};

enum request_state {
	REQUEST_HEAD,
	REQUEST_BODY,
	REQUEST_SENT,
};

enum answer_state {
	ANSWER_NONE,
	ANSWER_HEAD,
	ANSWER_BODY,
};

struct connection {
	struct connection *next, *prev;
	struct site *site;
	struct side box, server;
	struct timer deadline;
	struct timer again;
	int64_t since_ms;
	const char *no_server; /* why there is none; NULL: there is */
	struct negotiation negotiation;
	struct http2 *http2; /* then the rest is not used */
	enum request_state request;
	enum answer_state answer;
	struct exchange exchange;
	bool is_tunnel;
	bool has_box_ended; /* its socket says so; there may be more to read */
	bool is_last;	    /* no request after this one */
	bool is_closing;    /* the box's side ends once all has gone out */
	bool is_down;	    /* and has */
	bool is_dead;
};

static struct connection *connections;
static bool is_finishing;
static struct request_plan decision; /* large; it is acted on at once */

/*** Ends ***/

static void end(struct connection *c)
{
	const struct site *site = c->site;
	uint64_t up, down;

	timer_cancel(&c->deadline);
	timer_cancel(&c->again);
	tls_count(&c->box.tls, &up, &down);
	event_closed(site->name, site->port, up, down, loop_now_ms() - c->since_ms);
	for (int i = 0; i < 2; i++) {
		struct side *side = i ? &c->server : &c->box;

		tls_close(&side->tls);
		body_writer_release(&side->writer);
		OPENSSL_secure_free(side->in);
	}
	http2_free(c->http2);
	exchange_release(&c->exchange);
	*(c->prev ? &c->prev->next : &connections) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
	if (is_finishing && !connections)
		loop_stop();
}

/* The peers see a reset: what was cut must not look like all of it. */
static void abort_both(struct connection *c)
{
	if (!memory_has_room())
		site_lacks_memory(c->site);
	c->box.tls.is_broken = true;
	c->server.tls.is_broken = true;
	c->is_dead = true;
}

/* After what was written for the box. */
static void close_after(struct connection *c)
{
	c->is_closing = true;
	tls_shut(&c->box.tls);
}

static void answer_ourselves(struct connection *c, int status, bool is_last)
{
	message_answer(&c->box.tls, status, decision.json, is_last,
		       strcmp(c->exchange.method, "HEAD") == 0);
	if (is_last)
		close_after(c);
}

static void refuse(struct connection *c, int status, const char *error, const char *what)
{
	site_answer(&decision, status, error, what);
	answer_ourselves(c, status, true);
}

/*** After an upgrade ***/

/* Bytes as they are. */
static bool move_bytes(struct connection *c, struct side *from, struct side *to)
{
	if (tls_pending(&to->tls) > TLS_PENDING_MAX)
		return false;
	ssize_t n = from->in_len > 0 ? (ssize_t)from->in_len : side_fill(from);
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		tls_shut(&to->tls);
		close_after(c);
		return false;
	}
	tls_write(&to->tls, from->in, from->in_len);
	from->in_len = 0;
	return true;
}

/*** Requests ***/

static void send_request(struct connection *c, const struct http_head *head)
{
	if (message_request(&c->server.tls, &c->exchange, head, &decision, c->site,
			    &c->server.writer) < 0) {
		abort_both(c);
		return;
	}
	http_reader_init(&c->box.reader, head);
	c->is_last = head->is_last;
	c->request = c->box.reader.is_done ? REQUEST_SENT : REQUEST_BODY;
	c->answer = ANSWER_HEAD;
}

static void take_request(struct connection *c, const struct http_head *head)
{
	bool is_last = head->is_last || head->body != BODY_NONE;

	exchange_begin(&c->exchange, head);
	site_decide(c->site, head, &decision);
	if (!decision.status && c->no_server)
		site_answer(&decision, 502, "no connection to the server", c->no_server);
	if (decision.status)
		answer_ourselves(c, decision.status, is_last);
	else
		send_request(c, head);
}

static bool step_request_head(struct connection *c)
{
	static struct http_head head; /* large, and of no meaning between two calls */
	const char *why = NULL;
	ssize_t n = 0;

	if (c->answer != ANSWER_NONE)
		return false;
	if (c->box.in_len > 0)
		n = http_request_parse(c->box.in, c->box.in_len, &head, &why);
	if (n == -E2BIG) {
		refuse(c, 431, "bad request", "a head that is too long");
	} else if (n < 0) {
		refuse(c, 400, "bad request", why);
	} else if (n > 0) {
		take_request(c, &head);
		side_consume(&c->box, (size_t)n);
		return true;
	} else {
		n = side_fill(&c->box);
		if (n > 0)
			return true;
		if (n != -EAGAIN && c->box.in_len == 0)
			close_after(c);
		else if (n != -EAGAIN)
			abort_both(c);
	}
	return false;
}

static bool step_request(struct connection *c)
{
	int r;

	if (c->is_tunnel)
		return move_bytes(c, &c->box, &c->server);
	switch (c->request) {
	case REQUEST_HEAD:
		return step_request_head(c);
	case REQUEST_BODY:
		r = side_move_body(&c->box, &c->server);
		if (r == 2)
			c->request = REQUEST_SENT;
		/* The head went out: nothing that could be said reaches the server. */
		if (r < 0)
			abort_both(c);
		return r > 0;
	case REQUEST_SENT:
		break;
	}
	return false;
}

/*** Answers ***/

static void finish_answer(struct connection *c)
{
	c->answer = ANSWER_NONE;
	side_rest(&c->server);
	/* The rest of a request that nobody waits for is not read to its end. */
	if (c->is_last || c->request != REQUEST_SENT) {
		close_after(c);
		return;
	}
	c->request = REQUEST_HEAD;
	exchange_release(&c->exchange);
}

static void no_answer(struct connection *c, const char *why)
{
	refuse(c, 502, "bad answer of the server", why);
}

static void take_answer(struct connection *c, const struct http_head *head)
{
	bool is_upgrade = head->status == 101;

	if (is_upgrade && !(c->exchange.wants_websocket && head->wants_websocket)) {
		no_answer(c, "it switches protocols, unasked");
		return;
	}
	c->is_last |= head->is_last && head->status >= 200;
	int r = message_response(&c->box.tls, &c->exchange, head, &c->is_last, &c->box.writer);
	if (r < 0) {
		abort_both(c);
		return;
	}
	c->is_tunnel = is_upgrade;
	if (head->status < 200)
		return; /* the answer proper comes after it */
	http_reader_init(&c->server.reader, head);
	c->answer = ANSWER_BODY;
}

static bool step_answer_head(struct connection *c)
{
	static struct http_head head;
	const char *why = NULL;
	ssize_t n = 0;

	if (c->server.in_len > 0)
		n = http_response_parse(c->server.in, c->server.in_len, c->exchange.method, &head,
					&why);
	if (n == -E2BIG) {
		no_answer(c, "a head that is too long");
	} else if (n < 0) {
		no_answer(c, why);
	} else if (n > 0) {
		take_answer(c, &head);
		side_consume(&c->server, (size_t)n);
		return true;
	} else {
		n = side_fill(&c->server);
		if (n > 0)
			return true;
		if (n != -EAGAIN)
			no_answer(c, "it ended the connection");
	}
	return false;
}

/* Nobody asked: an end is one, anything else is a fault. */
static bool watch_idle_server(struct connection *c)
{
	ssize_t n = c->no_server ? -EAGAIN : side_fill(&c->server);

	if (n != -EAGAIN && c->request == REQUEST_HEAD && c->box.in_len == 0)
		close_after(c);
	return false;
}

static bool step_answer(struct connection *c)
{
	int r;

	if (c->is_tunnel)
		return move_bytes(c, &c->server, &c->box);
	switch (c->answer) {
	case ANSWER_NONE:
		return watch_idle_server(c);
	case ANSWER_HEAD:
		return step_answer_head(c);
	case ANSWER_BODY:
		r = side_move_body(&c->server, &c->box);
		if (r == 2)
			finish_answer(c);
		if (r < 0)
			abort_both(c);
		return r > 0;
	}
	return false;
}

/*** Both ***/

/* Why the server cannot be spoken to; it is the box that asks, so it is told. */
static void note_server(struct connection *c)
{
	struct tls *tls = &c->server.tls;
	char what[EVENT_TEXT];
	long verdict;

	if (c->no_server || !tls->is_broken || tls->is_ready)
		return;
	verdict = SSL_get_verify_result(tls->ssl);
	c->no_server = "the TLS handshake failed";
	if (verdict == X509_V_OK)
		return;
	c->no_server = X509_verify_cert_error_string(verdict);
	(void)snprintf(what, sizeof what, "%s:%u", c->site->name, c->site->port);
	event_refused(REFUSED_HOST, what, NULL, "its certificate is not trusted by this host");
}

/* What the box still sends is read, so that its kernel does not drop our last bytes. */
static void linger(struct connection *c)
{
	char rest[4096];
	ssize_t n = 1;

	if (tls_pending(&c->box.tls) > 0 && !c->box.tls.is_broken)
		return;
	if (!c->is_down) {
		c->is_down = true;
		(void)shutdown(c->box.tls.watch.fd, SHUT_WR);
		timer_cancel(&c->deadline);
	}
	while (n > 0)
		n = recv(c->box.tls.watch.fd, rest, sizeof rest, 0);
	c->is_dead = n == 0 || errno != EAGAIN;
}

static void on_deadline(struct timer *timer)
{
	end(CONTAINER_OF(timer, struct connection, deadline));
}

static void run(struct connection *c);

static void on_again(struct timer *timer)
{
	run(CONTAINER_OF(timer, struct connection, again));
}

static bool step(struct connection *c)
{
	bool moved = step_request(c);

	/* Neither goes on when the other found that this is the end. */
	if (!c->is_closing && !c->is_dead)
		moved |= step_answer(c);
	tls_flush(&c->server.tls);
	tls_flush(&c->box.tls);
	return moved && !c->is_closing && !c->is_dead;
}

/* The box's hello, the server's handshake, then the box's: see negotiation.h. */
static void shake(struct connection *c)
{
	struct tls *server = &c->server.tls;
	bool was_heard = c->negotiation.is_heard;

	tls_shake(&c->box.tls);
	if (!was_heard && c->negotiation.is_heard && !memory_has_room()) {
		c->no_server = LACKS_MEMORY; /* as each request is told */
		server->is_broken = true;
	}
	if (!was_heard && c->negotiation.is_heard &&
	    !negotiation_greet(&c->negotiation, server->ssl))
		server->is_broken = true;
	if (c->negotiation.is_heard)
		tls_shake(server);
	note_server(c);
	if (!c->negotiation.may_answer && (server->is_ready || c->no_server)) {
		negotiation_decide(&c->negotiation, c->no_server ? NULL : server->ssl);
		tls_shake(&c->box.tls);
	}
	tls_flush(server);
	tls_flush(&c->box.tls);
}

/* Both handshakes are over. */
static void move(struct connection *c, int *turns)
{
	if (!c->is_closing && c->has_box_ended && c->request == REQUEST_SENT && !c->is_tunnel)
		timer_set(&c->deadline, ABANDONED_MS, on_deadline);
	else if (!c->is_closing)
		timer_cancel(&c->deadline);
	if (c->negotiation.is_h2 && !c->http2 && !c->is_closing) {
		c->http2 = http2_start(c->site, &c->box.tls, &c->server.tls);
		if (!c->http2)
			abort_both(c);
	}
	if (c->http2 && !c->is_closing) {
		bool more;

		if (!http2_run(c->http2, &more))
			close_after(c);
		*turns = more ? TURNS : 0;
	}
	while (!c->http2 && !c->is_closing && !c->is_dead && *turns < TURNS && step(c))
		++*turns;
}

static void run(struct connection *c)
{
	int turns = 0;

	shake(c);
	if (c->box.tls.is_ready && (c->server.tls.is_ready || c->no_server))
		move(c, &turns);
	if (c->is_closing && !c->is_dead) {
		tls_flush(&c->box.tls);
		linger(c);
		if (c->is_down && !c->is_dead && !c->deadline.is_set)
			timer_set(&c->deadline, LINGER_MS, on_deadline);
	}
	if (c->is_dead || (c->box.tls.is_broken && !c->is_closing))
		end(c);
	else if (turns == TURNS)
		timer_set(&c->again, 0, on_again);
}

static void on_box(struct watch *watch, uint32_t events)
{
	struct connection *c = CONTAINER_OF(watch, struct connection, box.tls.watch);

	c->box.tls.is_drained = false;
	c->has_box_ended |= (events & EPOLLRDHUP) != 0;
	run(c);
}

static void on_server(struct watch *watch, uint32_t events)
{
	struct connection *c = CONTAINER_OF(watch, struct connection, server.tls.watch);

	(void)events;
	c->server.tls.is_drained = false;
	run(c);
}

/*** Starts ***/

static int start_server(struct connection *c, int fd)
{
	SSL_CTX *ctx = authority_client();
	int r = ctx ? tls_start(&c->server.tls, ctx, fd, false, on_server) : -ENOMEM;

	if (!ctx)
		connection_reset(fd);
	if (r < 0)
		return r;
	SSL *ssl = c->server.tls.ssl;
	c->server.tls.has_values = sites_echoes()->len > 0;
	if (SSL_set_tlsext_host_name(ssl, c->site->name) != 1 ||
	    SSL_set1_host(ssl, c->site->name) != 1)
		return -ENOMEM;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return 0;
}

void connection_start(const char *name, uint16_t port, int box_fd, int server_fd)
{
	struct connection *c = calloc(1, sizeof *c);
	struct site *site = c ? site_get(name, port) : NULL;
	SSL_CTX *ctx = site ? authority_server(name) : NULL;

	if (!ctx) {
		connection_reset(box_fd);
		connection_reset(server_fd);
		free(c);
		return;
	}
	negotiation_prepare(ctx);
	c->site = site;
	c->since_ms = loop_now_ms();
	c->next = connections;
	if (connections)
		connections->prev = c;
	connections = c;
	c->box.tls.watch.fd = c->server.tls.watch.fd = -1;
	int r = start_server(c, server_fd);
	if (r < 0)
		connection_reset(box_fd);
	else
		r = tls_start(&c->box.tls, ctx, box_fd, true, on_box);
	if (r < 0) {
		end(c);
		return;
	}
	negotiation_attach(c->box.tls.ssl, &c->negotiation);
	timer_set(&c->deadline, SHAKE_MS, on_deadline);
	run(c);
}

/*** The end of all ***/

static void on_finish(struct timer *timer)
{
	(void)timer;
	loop_stop();
}

void connections_finish(int64_t after_ms)
{
	static struct timer timer;

	is_finishing = true;
	timer_set(&timer, connections ? after_ms : 0, on_finish);
}

void connections_close(void)
{
	for (struct connection *c = connections, *next; c; c = next) {
		next = c->next;
		end(c);
	}
}

#include "tests/bench/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX (64u * 1024) /* what is collected before it is written: few, full TLS records */

struct connection {
    const struct job *job;
    int fd;
    SSL *ssl;
    nghttp2_session *h2;
    uint8_t out[OUT_MAX];
    size_t out_len, out_sent;
};

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct request *rq = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);

    (void)flags;
    (void)user;
    if (rq != NULL && value_len == 3 && span_is(span_of(name, name_len), ":status"))
        rq->status = (unsigned)(value[0] - '0') * 100 + (unsigned)(value[1] - '0') * 10 + (unsigned)(value[2] - '0');
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *data, size_t len, void *user)
{
    struct request *rq = nghttp2_session_get_stream_user_data(h2, stream);

    (void)flags;
    (void)user;
    if (rq == NULL || len > ANSWER_MAX - rq->answer_len)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(rq->answer + rq->answer_len, data, len);
    rq->answer_len += len;
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t stream, uint32_t error, void *user)
{
    struct request *rq = nghttp2_session_get_stream_user_data(h2, stream);

    (void)user;
    if (rq != NULL) {
        if (error != NGHTTP2_NO_ERROR)
            rq->status = 0;
        rq->done(rq);
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *h2, int32_t stream, uint8_t *buf, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct request *rq = source->ptr;
    size_t n = rq->body.len - rq->body_sent;

    (void)h2;
    (void)stream;
    (void)user;
    n = n < room ? n : room;
    memcpy(buf, rq->body.p + rq->body_sent, n);
    rq->body_sent += n;
    if (rq->body_sent == rq->body.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static enum status start_h2(struct connection *c)
{
    static const nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 } };
    nghttp2_session_callbacks *callbacks = NULL;
    int failed;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return ST_NO_MEMORY;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    failed = nghttp2_session_client_new(&c->h2, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    if (failed == 0)
        failed = nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    return failed == 0 ? ST_OK : ST_NO_MEMORY;
}

static enum status connect_tcp(struct connection *c)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *to = NULL;
    int on = 1;

    if (getaddrinfo(c->job->address, c->job->port, &hints, &to) != 0)
        return ST_BAD_REQUEST;
    c->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, to->ai_addr, to->ai_addrlen) != 0) {
        close(c->fd);
        c->fd = -1;
    }
    freeaddrinfo(to);
    return c->fd >= 0 && setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 ? ST_OK : ST_IO;
}

static enum status shake_hands(struct connection *c, SSL_CTX *tls)
{
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;

    if ((c->ssl = SSL_new(tls)) == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
        SSL_set_tlsext_host_name(c->ssl, c->job->host) != 1 || SSL_set1_host(c->ssl, c->job->host) != 1 ||
        SSL_connect(c->ssl) != 1) {
        ERR_print_errors_fp(stderr);
        return ST_IO;
    }
    SSL_get0_alpn_selected(c->ssl, &alpn, &alpn_len);
    return alpn_len == 2 && memcmp(alpn, "h2", 2) == 0 ? ST_OK : ST_UNSUPPORTED;
}

enum status connection_open(const struct job *j, SSL_CTX *tls, struct connection **out)
{
    struct connection *c = calloc(1, sizeof *c);
    enum status st;

    *out = NULL;
    if (c == NULL)
        return ST_NO_MEMORY;
    c->job = j;
    c->fd = -1;
    if ((st = connect_tcp(c)) != ST_OK || (st = shake_hands(c, tls)) != ST_OK || (st = start_h2(c)) != ST_OK ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) {
        fprintf(stderr, "bench_load: connecting to %s: %s\n", j->authority, status_name(st));
        connection_close(c);
        return st == ST_OK ? ST_IO : st;
    }
    *out = c;
    return ST_OK;
}

void connection_close(struct connection *c)
{
    if (c == NULL)
        return;
    nghttp2_session_del(c->h2);
    SSL_free(c->ssl);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

int connection_fd(const struct connection *c)
{
    return c->fd;
}

static nghttp2_nv field(const char *name, struct span value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.len,
                         NGHTTP2_NV_FLAG_NONE };
}

enum status connection_submit(struct connection *c, struct request *rq)
{
    nghttp2_nv fields[] = {
        field(":method", span_text(rq->method)),
        field(":scheme", span_text("https")),
        field(":authority", span_text(c->job->authority)),
        field(":path", span_text(rq->path)),
        field("accept", span_text("application/json")),
        field("authorization", bytes_span(&c->job->bearer)),
        field("user-agent", span_text("azsdk-bench-strongroom/1.0")),
        field("x-ms-client-request-id", span_text(rq->client_id)),
        field("content-type", span_text("application/json")),
    };
    size_t count = ARRAY_LEN(fields) - (rq->body.len == 0);
    nghttp2_data_provider body = { .source.ptr = rq, .read_callback = read_body };

    rq->status = 0;
    rq->answer_len = rq->body_sent = 0;
    return nghttp2_submit_request(c->h2, NULL, fields, count, rq->body.len > 0 ? &body : NULL, rq) > 0 ? ST_OK : ST_IO;
}

static bool must_wait(const struct connection *c, int result)
{
    int error = SSL_get_error(c->ssl, result);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static enum status fill_out(struct connection *c)
{
    const uint8_t *data;
    ssize_t n;

    if (c->out_sent == c->out_len)
        c->out_sent = c->out_len = 0;
    /* A frame of ours is never larger than 16 kB and its header (RFC 9113, 4.2): there is room for the next one. */
    while (c->out_len + 16384 + 9 <= OUT_MAX && (n = nghttp2_session_mem_send(c->h2, &data)) != 0) {
        if (n < 0 || (size_t)n > OUT_MAX - c->out_len)
            return ST_INTERNAL;
        memcpy(c->out + c->out_len, data, (size_t)n);
        c->out_len += (size_t)n;
    }
    return ST_OK;
}

enum status connection_push(struct connection *c, bool *wants_write)
{
    enum status st;

    *wants_write = false;
    while ((st = fill_out(c)) == ST_OK && c->out_sent < c->out_len) {
        int n = SSL_write(c->ssl, c->out + c->out_sent, (int)(c->out_len - c->out_sent));

        if (n <= 0) {
            *wants_write = must_wait(c, n);
            return *wants_write ? ST_OK : ST_IO;
        }
        c->out_sent += (size_t)n;
    }
    return st;
}

static enum status pull(struct connection *c)
{
    uint8_t in[16384];
    int n;

    while ((n = SSL_read(c->ssl, in, sizeof in)) > 0) {
        ssize_t used = nghttp2_session_mem_recv(c->h2, in, (size_t)n);

        if (used != n) {
            fprintf(stderr, "bench_load: HTTP/2: %s\n", nghttp2_strerror((int)used));
            return ST_BAD_REQUEST;
        }
    }
    if (must_wait(c, n))
        return ST_OK;
    fputs("bench_load: the service closed a connection\n", stderr);
    return ST_CLOSED;
}

enum status connection_drive(struct connection *c, bool *wants_write)
{
    enum status st = pull(c);

    return st == ST_OK ? connection_push(c, wants_write) : st;
}

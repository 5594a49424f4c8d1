#include "tests/unit/service/http/live.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"

static void respond(struct http_request *rq, struct bytes *body)
{
    const struct http_field fields[] = { { "content-type", span_text("text/plain") } };
    struct http_response r = { .status = 200, .fields = fields, .field_count = 1, .sensitive = true };

    bytes_move(&r.body, body);
    http_respond(rq, &r);
}

static void respond_text(struct http_request *rq, const char *text)
{
    struct bytes body = { 0 };

    bytes_append_text(&body, text);
    respond(rq, &body);
}

static void handle(struct http_request *rq, void *arg)
{
    struct live *l = arg;
    struct span target = http_target(rq);
    struct bytes body = { 0 };

    pthread_mutex_lock(&l->lock);
    l->seen++;
    if (span_is(target, "/worker") || span_is(target, "/keep")) {
        struct http_request **list = span_is(target, "/keep") ? l->kept : l->queue;
        unsigned *count = span_is(target, "/keep") ? &l->kept_count : &l->queued;

        INVARIANT(*count < LIVE_KEPT_MAX);
        list[(*count)++] = rq;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
        return;
    }
    pthread_mutex_unlock(&l->lock);
    if (span_starts_with(target, span_text("/size/")))
        for (long n = strtol((const char *)target.p + 6, NULL, 10); n > 0; n--)
            bytes_append_char(&body, 's');
    else if (span_is(target, "/info"))
        bytes_printf(&body, "%d %s %s", http_version(rq), http_tls_version(rq), http_peer_address(rq));
    else
        bytes_append_span(&body, http_body(rq));
    respond(rq, &body);
}

static void *work(void *arg)
{
    struct live *l = arg;
    struct http_request *rq;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (l->queued == 0 && !l->stop)
            pthread_cond_wait(&l->changed, &l->lock);
        if (l->queued == 0)
            break;
        rq = l->queue[--l->queued];
        pthread_mutex_unlock(&l->lock);
        respond_text(rq, "worked");
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

void live_certificate(const char *file, EVP_PKEY *key, long serial)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    FILE *f = fopen(file, "w");

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    if (f == NULL || PEM_write_X509(f, x) != 1)
        CU_FAIL_FATAL("no certificate");
    fclose(f);
    X509_free(x);
}

void live_open(struct live *l)
{
    char path[256];

    *l = (struct live){ .limits = http_limits_default, .threads = 2 };
    l->limits.tick_ms = 10;
    l->key = EVP_EC_gen("P-256");
    snprintf(path, sizeof path, "%s/server.pem", scratch_directory());
    l->certificate_file = strdup(path);
    live_certificate(path, l->key, 1);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
}

void live_start(struct live *l)
{
    struct http_server_config c = { .threads = l->threads,
                                    .certificate_file = l->certificate_file,
                                    .private_key = l->key,
                                    .handler = handle,
                                    .handler_arg = l };

    if (http_server_start_limited(&c, &l->limits, &l->server) != ST_OK)
        CU_FAIL_FATAL("no server");
    if (pthread_create(&l->worker, NULL, work, l) != 0)
        CU_FAIL_FATAL("no thread");
}

void live_close(struct live *l)
{
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->worker, NULL);
    http_server_stop(l->server, 0);
    live_release(l);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    EVP_PKEY_free(l->key);
    free(l->certificate_file);
}

void live_release(struct live *l)
{
    struct http_request *rq;

    pthread_mutex_lock(&l->lock);
    while (l->kept_count > 0) {
        rq = l->kept[--l->kept_count];
        pthread_mutex_unlock(&l->lock);
        respond_text(rq, "released");
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
}

bool live_keeps(struct live *l, unsigned n)
{
    struct timespec until;
    bool there;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&l->lock);
    while (l->kept_count < n && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
        ;
    there = l->kept_count >= n;
    pthread_mutex_unlock(&l->lock);
    return there;
}

unsigned live_seen(struct live *l)
{
    unsigned n;

    pthread_mutex_lock(&l->lock);
    n = l->seen;
    pthread_mutex_unlock(&l->lock);
    return n;
}

/* Clients. */

bool client_dial(struct client *c, const struct live *l, const struct client_options *o)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
    bool v6 = o->family == AF_INET6;

    *c = (struct client){ .fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    six.sin6_port = four.sin_port = htons(http_server_port(l->server));
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (o->receive_buffer > 0)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &o->receive_buffer, sizeof o->receive_buffer);
    return connect(c->fd, v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four, v6 ? sizeof six : sizeof four) == 0;
}

bool client_handshake(struct client *c, const struct client_options *o)
{
    c->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(c->ctx, 0); /* so that it is the server that refuses */
    SSL_CTX_set_min_proto_version(c->ctx, o->least);
    SSL_CTX_set_max_proto_version(c->ctx, o->most);
    if (o->suites != NULL && SSL_CTX_set_cipher_list(c->ctx, o->suites) != 1)
        CU_FAIL_FATAL("no such suites");
    if (o->alpn != NULL)
        SSL_CTX_set_alpn_protos(c->ctx, (const unsigned char *)o->alpn, (unsigned)strlen(o->alpn));
    c->ssl = SSL_new(c->ctx);
    SSL_set_fd(c->ssl, c->fd);
    return SSL_connect(c->ssl) == 1;
}

bool client_open(struct client *c, const struct live *l, const struct client_options *o)
{
    return client_dial(c, l, o) && client_handshake(c, o);
}

void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
    bytes_clear(&c->in);
    *c = (struct client){ .fd = -1 };
}

void client_send(struct client *c, struct span bytes)
{
    if (c->ssl == NULL || (!c->ended && SSL_write(c->ssl, bytes.p, (int)bytes.len) != (int)bytes.len))
        c->ended = true;
}

void client_text(struct client *c, const char *text)
{
    client_send(c, span_text(text));
}

/* Returns whether anything came. */
static bool read_some(struct client *c, int ms)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    uint8_t block[16384];
    int n;

    if (c->ssl == NULL) {
        c->ended = true;
        return false;
    }
    if (SSL_pending(c->ssl) == 0 && poll(&p, 1, ms) != 1)
        return false;
    if ((n = SSL_read(c->ssl, block, sizeof block)) > 0) {
        bytes_append(&c->in, block, (size_t)n);
        return true;
    }
    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
        c->ended = true;
    return !c->ended;
}

static bool holds(const struct client *c, const char *text)
{
    return memmem(c->in.p != NULL ? c->in.p : (const uint8_t *)"", c->in.len, text, strlen(text)) != NULL;
}

bool client_awaits(struct client *c, const char *text)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS, now;

    while (!holds(c, text) && !c->ended && (now = clock_monotonic_ms()) < until)
        read_some(c, (int)(until - now));
    return holds(c, text);
}

bool client_sees_end(struct client *c)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS, now;

    while (!c->ended && (now = clock_monotonic_ms()) < until)
        read_some(c, (int)(until - now));
    return c->ended;
}

void client_listen(struct client *c, int ms)
{
    uint64_t until = clock_monotonic_ms() + (uint64_t)ms, now;

    while (!c->ended && (now = clock_monotonic_ms()) < until)
        read_some(c, (int)(until - now));
}

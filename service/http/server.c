#include "service/http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "firmware/base/log.h"
#include "service/http/loop.h"
#include "service/http/tls.h"

#define BACKLOG 1024

struct address {
    struct sockaddr_storage to;
    socklen_t len;
    const char *text;
};

static enum status parse_address(const char *text, struct address *out)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;

    if (getaddrinfo(text, "0", &hints, &found) != 0 || found == NULL) {
        log_error("http: %s is not a numeric address", text);
        return ST_BAD_REQUEST;
    }
    memcpy(&out->to, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    out->text = text;
    freeaddrinfo(found);
    return ST_OK;
}

static void set_port(struct address *a, uint16_t port)
{
    if (a->to.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->to)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&a->to)->sin_port = htons(port);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

/* `shared`: our threads each have a socket of their own on the same address. */
static enum status bind_socket(const struct address *a, bool shared, int *out)
{
    int fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    *out = -1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
        (a->to.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
        bind(fd, (const struct sockaddr *)&a->to, a->len) == 0) {
        *out = fd;
        return ST_OK;
    }
    log_error("http: %s: %s", a->text, strerror(errno));
    one = errno;
    if (fd >= 0)
        close(fd);
    return one == EADDRINUSE ? ST_EXISTS : ST_IO;
}

/* Sockets that share a port may be bound by any program of our user, so a port in use would go unnoticed. Hence first
 * one that does not share. Chooses the port when none is asked for. */
static enum status probe(struct address *addresses, size_t count, uint16_t *port)
{
    enum status st = ST_OK;
    int fd;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        set_port(&addresses[i], *port);
        if ((st = bind_socket(&addresses[i], false, &fd)) != ST_OK)
            break;
        if (listen(fd, 1) != 0) {
            st = errno == EADDRINUSE ? ST_EXISTS : ST_IO;
            log_error("http: %s: %s", addresses[i].text, strerror(errno));
        }
        if (*port == 0)
            *port = port_of(fd);
        close(fd);
    }
    return st;
}

static enum status listen_all(const struct address *addresses, size_t count, int *fds)
{
    enum status st = ST_OK;
    size_t n = 0;

    for (; n < count && st == ST_OK; n++)
        if ((st = bind_socket(&addresses[n], true, &fds[n])) == ST_OK && listen(fds[n], BACKLOG) != 0)
            st = ST_IO;
    if (st != ST_OK)
        for (size_t i = 0; i < n; i++)
            if (fds[i] >= 0)
                close(fds[i]);
    return st;
}

static enum status read_addresses(const struct http_server_config *config, struct address *out, size_t *count)
{
    static const char *const usual[] = { "127.0.0.1", "::1", NULL };
    const char *const *text = config->addresses != NULL ? config->addresses : usual;
    enum status st;

    for (*count = 0; text[*count] != NULL; ++*count) {
        if (*count == HTTP_ADDRESSES_MAX) {
            log_error("http: more than %d addresses", HTTP_ADDRESSES_MAX);
            return ST_BAD_REQUEST;
        }
        if ((st = parse_address(text[*count], &out[*count])) != ST_OK)
            return st;
    }
    return *count > 0 ? ST_OK : ST_BAD_REQUEST;
}

static enum status start_loops(struct http_server *s, const struct http_server_config *config, unsigned threads)
{
    struct address addresses[HTTP_ADDRESSES_MAX];
    int fds[HTTP_ADDRESSES_MAX];
    size_t count;
    enum status st;

    s->port = config->port;
    if ((st = read_addresses(config, addresses, &count)) != ST_OK || (st = probe(addresses, count, &s->port)) != ST_OK)
        return st;
    for (size_t i = 0; i < count; i++)
        set_port(&addresses[i], s->port);
    if ((s->loops = calloc(threads, sizeof(struct loop *))) == NULL)
        return ST_NO_MEMORY;
    for (; s->loop_count < threads; s->loop_count++)
        if ((st = listen_all(addresses, count, fds)) != ST_OK ||
            (st = loop_new(s, fds, count, &s->loops[s->loop_count])) != ST_OK)
            return st;
    for (unsigned i = 0; i < threads; i++)
        if ((st = loop_start(s->loops[i])) != ST_OK)
            return st;
    return ST_OK;
}

static unsigned thread_count(const struct http_server_config *config)
{
    long n = config->threads > 0 ? (long)config->threads : sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > HTTP_THREADS_MAX ? HTTP_THREADS_MAX : (unsigned)n;
}

enum status http_server_start_limited(const struct http_server_config *config, const struct http_limits *limits,
                                      struct http_server **out)
{
    struct http_server *s = calloc(1, sizeof *s);
    enum status st = ST_NO_MEMORY;

    *out = NULL;
    if (s == NULL)
        return ST_NO_MEMORY;
    pthread_mutex_init(&s->lock, NULL);
    s->limits = *limits;
    s->handler = config->handler;
    s->handler_arg = config->handler_arg;
    s->batch = config->batch;
    EVP_PKEY_up_ref(config->private_key);
    s->private_key = config->private_key;
    if ((s->certificate_file = strdup(config->certificate_file)) == NULL ||
        (st = admission_new(&s->limits, &s->admission)) != ST_OK ||
        (st = tls_context_new(s->certificate_file, s->private_key, &s->tls)) != ST_OK ||
        (st = start_loops(s, config, thread_count(config))) != ST_OK) {
        http_server_stop(s, 0);
        return st;
    }
    *out = s;
    return ST_OK;
}

enum status http_server_start(const struct http_server_config *config, struct http_server **out)
{
    return http_server_start_limited(config, &http_limits_default, out);
}

SSL_CTX *server_tls(struct http_server *s)
{
    SSL_CTX *tls;

    pthread_mutex_lock(&s->lock);
    tls = s->tls;
    SSL_CTX_up_ref(tls);
    pthread_mutex_unlock(&s->lock);
    return tls;
}

enum status http_server_reload(struct http_server *s)
{
    SSL_CTX *fresh, *old;
    enum status st;

    if ((st = tls_context_new(s->certificate_file, s->private_key, &fresh)) != ST_OK)
        return st;
    pthread_mutex_lock(&s->lock);
    old = s->tls;
    s->tls = fresh;
    pthread_mutex_unlock(&s->lock);
    SSL_CTX_free(old); /* connections hold it as long as they need it */
    return ST_OK;
}

void http_server_stop(struct http_server *s, uint64_t grace_ms)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->loop_count; i++)
        loop_stop(s->loops[i], grace_ms);
    for (unsigned i = 0; i < s->loop_count; i++)
        loop_free(s->loops[i]);
    free(s->loops);
    admission_free(s->admission);
    SSL_CTX_free(s->tls);
    EVP_PKEY_free(s->private_key);
    free(s->certificate_file);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

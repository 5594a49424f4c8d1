/* The server over real sockets: each line of THREATS.md 5.1 to 5.3 that a peer can bring about, and what threads can do
 * to each other. The many forms of bad input are in test_h1.c and test_h2.c; here one of each kind shows that it is
 * wired. */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"
#include "tests/unit/service/http/frames.h"
#include "tests/unit/service/http/live.h"

#define HOST "Host: kv.localhost\r\n"

#define QUICK_MS 1000 /* a limit that a test waits for, and that what is within it keeps on a busy machine */

static struct live l;
static struct client c;
static const struct client_options h1 = { .alpn = ALPN_H1 }, h2 = { .alpn = ALPN_H2 }, none = { 0 };

static bool answers(struct client *to)
{
    bytes_reset(&to->in);
    client_text(to, "GET /info HTTP/1.1\r\n" HOST "\r\n");
    return client_awaits(to, "HTTP/1.1 200 OK\r\n") && client_awaits(to, "\r\n\r\n11 TLSv1.");
}

static bool server_is_well(void)
{
    struct client other;
    bool well = client_open(&other, &l, &h1) && answers(&other);

    client_close(&other);
    return well;
}

static bool is_well(void *arg)
{
    (void)arg;
    return server_is_well();
}

/* Once a connection that takes its place is gone. */
static bool becomes_well(void)
{
    return wait_until(is_well, NULL);
}

/* TLS. */

static bool handshake(const struct client_options *o)
{
    bool done;

    ERR_clear_error();
    done = client_open(&c, &l, o);
    if (!done)
        client_close(&c);
    return done;
}

static bool is_let_in(void *options)
{
    return handshake(*(const struct client_options **)options);
}

/* There is room again once the server has seen that another client has gone. */
static bool handshake_in_time(const struct client_options *o)
{
    return wait_until(is_let_in, &o);
}

static bool chosen(const char *name)
{
    const unsigned char *p;
    unsigned len;

    SSL_get0_alpn_selected(c.ssl, &p, &len);
    return len == strlen(name) && (len == 0 || memcmp(p, name, len) == 0);
}

static void protocols_are_chosen(void)
{
    static const struct client_options both = { .alpn = ALPN_BOTH }, other = { .alpn = "\x05h2-14\x08http/0.9" };

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h2) && chosen("h2"));
    client_close(&c);
    CU_ASSERT(handshake(&both) && chosen("h2"));
    client_close(&c);
    CU_ASSERT(handshake(&h1) && chosen("http/1.1") && answers(&c));
    client_close(&c);
    CU_ASSERT(handshake(&none) && chosen("") && answers(&c));
    client_close(&c);
    CU_ASSERT(!handshake(&other) && ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    live_close(&l);
}

static void old_and_weak_tls_is_refused(void)
{
    static const struct client_options old = { .least = TLS1_VERSION, .most = TLS1_1_VERSION, .suites = "ALL" },
                                       two = { .least = TLS1_2_VERSION, .most = TLS1_2_VERSION },
                                       three = { .least = TLS1_3_VERSION };
    static const char *const weak[] = { "ECDHE-ECDSA-AES128-SHA",    "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256",
                                        "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-NULL-SHA",      "AECDH-AES128-SHA",
                                        "ECDHE-ECDSA-AES128-CCM8" };
    struct client_options o = two;

    live_open(&l);
    live_start(&l);
    CU_ASSERT(!handshake(&old));
    CU_ASSERT(ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    CU_ASSERT(handshake(&two) && answers(&c) && SSL_get_current_compression(c.ssl) == NULL);
    client_close(&c);
    CU_ASSERT(handshake(&three) && answers(&c));
    client_close(&c);
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        o.suites = weak[i];
        CU_ASSERT(!handshake(&o));
    }
    CU_ASSERT(live_seen(&l) == 2);
    live_close(&l);
}

static int asked(SSL *ssl, X509 **x, EVP_PKEY **key)
{
    (void)x;
    (void)key;
    SSL_set_app_data(ssl, &c);
    return 0;
}

static void no_early_data_renegotiation_or_client_certificate(void)
{
    static const struct client_options two = { .least = TLS1_2_VERSION, .most = TLS1_2_VERSION };

    live_open(&l);
    live_start(&l);
    CU_ASSERT(client_dial(&c, &l, &none));
    CU_ASSERT(client_handshake(&c, &none) && answers(&c));
    CU_ASSERT(SSL_SESSION_get_max_early_data(SSL_get_session(c.ssl)) == 0);
    client_close(&c);

    CU_ASSERT(handshake(&two) && SSL_renegotiate(c.ssl) == 1);
    SSL_set_app_data(c.ssl, NULL);
    SSL_CTX_set_client_cert_cb(c.ctx, asked);
    ERR_clear_error();
    CU_ASSERT(SSL_do_handshake(c.ssl) != 1 && ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION);
    CU_ASSERT(SSL_get_app_data(c.ssl) == NULL);
    client_close(&c);
    CU_ASSERT(live_seen(&l) == 1 && server_is_well());
    live_close(&l);
}

static void a_hello_that_does_not_come(void)
{
    uint64_t began;
    char byte;

    live_open(&l);
    l.limits.handshake_ms = QUICK_MS;
    live_start(&l);
    began = clock_monotonic_ms();
    CU_ASSERT(client_dial(&c, &l, &none) && read(c.fd, &byte, 1) == 0); /* nothing at all */
    CU_ASSERT(clock_monotonic_ms() - began >= QUICK_MS - 10);
    client_close(&c);
    CU_ASSERT(client_dial(&c, &l, &none) && write(c.fd, "\x16\x03\x01\x02\x00\x01", 6) == 6); /* half of a hello */
    CU_ASSERT(read(c.fd, &byte, 1) == 0);
    client_close(&c);
    CU_ASSERT(client_dial(&c, &l, &none) && write(c.fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18); /* no TLS */
    for (ssize_t n = 1; n > 0;)
        n = read(c.fd, &byte, 1); /* the alert, then the end */
    client_close(&c);
    CU_ASSERT(server_is_well());
    live_close(&l);
}

static void too_many_connections(void)
{
    struct client first, second, six;
    const struct client_options v6 = { .family = AF_INET6 };

    live_open(&l);
    l.limits.connections_per_address = 2;
    l.limits.connections = 3;
    live_start(&l);
    CU_ASSERT(client_open(&first, &l, &none) && client_open(&second, &l, &none));
    client_text(&first, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(live_keeps(&l, 1));
    CU_ASSERT(!handshake(&none));          /* the third of its address */
    CU_ASSERT(client_open(&six, &l, &v6)); /* another address */
    CU_ASSERT(!handshake(&v6));            /* the fourth in all */
    live_release(&l);
    CU_ASSERT(client_awaits(&first, "released")); /* unharmed */
    CU_ASSERT(answers(&second) && answers(&six));
    client_close(&second);
    CU_ASSERT(handshake_in_time(&none) && answers(&c));
    client_close(&c);
    client_close(&first);
    client_close(&six);
    live_close(&l);
}

/* HTTP/1.1. */

static void both_families_are_served(void)
{
    static const struct client_options v6 = { .family = AF_INET6, .alpn = ALPN_H1 };

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1) && answers(&c) && client_awaits(&c, "11 TLSv1.3 127.0.0.1"));
    CU_ASSERT(answers(&c)); /* keep-alive */
    client_text(&c, "POST /worker HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    CU_ASSERT(client_awaits(&c, "worked"));
    client_close(&c);
    CU_ASSERT(handshake(&v6) && answers(&c) && client_awaits(&c, "11 TLSv1.3 ::1"));
    client_close(&c);
    live_close(&l);
}

static void a_refused_request_ends_the_connection(void)
{
    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                    "GET /second HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(client_sees_end(&c) && client_awaits(&c, "HTTP/1.1 400 Bad Request\r\n"));
    CU_ASSERT(client_awaits(&c, "{\"error\":{\"code\":\"BadParameter\","));
    CU_ASSERT(live_seen(&l) == 0);
    client_close(&c);
    live_close(&l);
}

/* The client goes on sending: its answer must not be lost to a reset. */
static void a_refused_body_is_drained(void)
{
    struct bytes body = { 0 };

    for (size_t i = 0; i < 200000; i++)
        bytes_append_char(&body, 'b');
    live_open(&l);
    live_start(&l);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT(handshake(&h1));
        client_text(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2000000\r\n\r\n");
        client_send(&c, bytes_span(&body));
        CU_ASSERT(client_awaits(&c, "HTTP/1.1 413 ") && client_sees_end(&c));
        client_close(&c);
    }
    CU_ASSERT(live_seen(&l) == 0);
    bytes_clear(&body);
    live_close(&l);
}

static void expectations_are_answered(void)
{
    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CU_ASSERT(client_awaits(&c, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_text(&c, "hello");
    CU_ASSERT(client_awaits(&c, "\r\n\r\nhello"));
    client_close(&c);
    live_close(&l);
}

static void large_bodies_both_ways(void)
{
    struct bytes body = { 0 };
    char head[128];

    for (size_t i = 0; i < HTTP_BODY_MAX; i++)
        bytes_append_char(&body, (char)('a' + i % 26));
    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1));
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", body.len);
    client_text(&c, head);
    client_send(&c, bytes_span(&body));
    bytes_append_text(&body, "");
    client_text(&c, "GET /info HTTP/1.1\r\n" HOST "\r\n"); /* pipelined behind it */
    CU_ASSERT(client_awaits(&c, "11 TLSv1.3"));
    CU_ASSERT(memmem(c.in.p, c.in.len, body.p, body.len) != NULL);
    client_close(&c);
    bytes_clear(&body);
    live_close(&l);
}

static void slow_and_idle_peers(void)
{
    live_open(&l);
    l.limits.trickle_ms = QUICK_MS;
    l.limits.idle_ms = QUICK_MS;
    live_start(&l);
    CU_ASSERT(handshake(&h1) && client_sees_end(&c) && c.in.len == 0); /* idle */
    client_close(&c);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "GET / HTTP/1.1\r\n");
    CU_ASSERT(client_awaits(&c, "HTTP/1.1 408 ") && client_sees_end(&c));
    client_close(&c);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345");
    CU_ASSERT(client_awaits(&c, "HTTP/1.1 408 ") && client_sees_end(&c));
    client_close(&c);
    CU_ASSERT(handshake(&h2));
    CU_ASSERT(client_sees_end(&c) && frames_said(bytes_span(&c.in)).goaway);
    client_close(&c);
    CU_ASSERT(live_seen(&l) == 0);
    live_close(&l);
}

static void a_peer_that_never_reads(void)
{
    static const struct client_options deaf = { .alpn = ALPN_H1, .receive_buffer = 4096 };
    struct client_options deaf_h2 = { .alpn = ALPN_H2, .receive_buffer = 4096 };
    struct bytes in = { 0 };

    live_open(&l);
    l.limits.stall_ms = QUICK_MS;
    l.limits.connections_per_address = 1; /* so that the next one is let in when the first is gone */
    live_start(&l);
    CU_ASSERT(handshake(&deaf));
    for (int i = 0; i < 20; i++)
        client_text(&c, "GET /size/1000000 HTTP/1.1\r\n" HOST "\r\n"); /* more than any socket buffer */
    CU_ASSERT(!server_is_well() && becomes_well());
    client_close(&c);

    CU_ASSERT(handshake_in_time(&deaf_h2));
    frame_put_preface(&in);
    frame_put_setting(&in, 4, 10000000);
    frame_put_u32(&in, FRAME_WINDOW_UPDATE, 0, 100000000);
    request_put(&in, 1, "GET", NULL);
    for (uint32_t s = 3; s < 20; s += 2) {
        struct bytes block = { 0 };

        field_put_text(&block, ":method", "GET");
        field_put_text(&block, ":scheme", "https");
        field_put_text(&block, ":authority", "kv.localhost");
        field_put_text(&block, ":path", "/size/1000000");
        frame_put(&in, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, s, bytes_span(&block));
        bytes_clear(&block);
    }
    client_send(&c, bytes_span(&in));
    bytes_clear(&in);
    CU_ASSERT(!server_is_well() && becomes_well());
    client_close(&c);
    live_close(&l);
}

/* HTTP/2. */

static struct said said(void)
{
    return frames_said(bytes_span(&c.in));
}

static void get_put(struct bytes *in, uint32_t stream, const char *path)
{
    struct bytes block = { 0 };

    field_put_text(&block, ":method", "GET");
    field_put_text(&block, ":scheme", "https");
    field_put_text(&block, ":authority", "kv.localhost");
    field_put_text(&block, ":path", path);
    frame_put(in, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream, bytes_span(&block));
    bytes_clear(&block);
}

static void h2_requests(void)
{
    struct bytes in = { 0 }, body = { 0 };
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h2));
    frame_put_preface(&in);
    get_put(&in, 1, "/info");
    get_put(&in, 3, "/worker");
    get_put(&in, 5, "/size/60000");
    client_send(&c, bytes_span(&in));
    while (said().ended < 3 && clock_monotonic_ms() < until)
        client_listen(&c, 5);
    frames_body(bytes_span(&c.in), 1, &body);
    CU_ASSERT(span_is(bytes_span(&body), "20 TLSv1.3 127.0.0.1"));
    frames_body(bytes_span(&c.in), 3, &body);
    CU_ASSERT(span_is(bytes_span(&body), "worked"));
    frames_body(bytes_span(&c.in), 5, &body);
    CU_ASSERT(body.len == 60000);
    bytes_clear(&in);
    bytes_clear(&body);
    client_close(&c);
    live_close(&l);
}

static void h2_floods_end_the_connection(void)
{
    struct bytes in = { 0 };

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h2));
    frame_put_preface(&in);
    for (int i = 0; i < 150; i++)
        frame_put(&in, FRAME_PING, 0, 0, span_text("12345678"));
    client_send(&c, bytes_span(&in));
    CU_ASSERT(client_sees_end(&c) && said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM);
    client_close(&c);

    CU_ASSERT(handshake(&h2)); /* rapid reset, with work in another thread */
    bytes_reset(&in);
    frame_put_preface(&in);
    for (uint32_t s = 1; s < 400; s += 2) {
        get_put(&in, s, "/keep");
        frame_put_u32(&in, FRAME_RST_STREAM, s, H2_CANCEL);
    }
    client_send(&c, bytes_span(&in));
    CU_ASSERT(client_sees_end(&c) && said().goaway && said().goaway_code == H2_ENHANCE_YOUR_CALM);
    CU_ASSERT(live_seen(&l) <= 100);
    live_release(&l); /* for nobody */
    client_close(&c);

    CU_ASSERT(handshake(&h2)); /* not HTTP/2 at all */
    client_text(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CU_ASSERT(client_sees_end(&c) && said().goaway && said().goaway_code == H2_PROTOCOL_ERROR);
    client_close(&c);
    bytes_clear(&in);
    CU_ASSERT(server_is_well());
    live_close(&l);
}

static void a_busy_server_says_so(void)
{
    struct client other;

    live_open(&l);
    l.limits.requests = 1;
    live_start(&l);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(live_keeps(&l, 1));
    CU_ASSERT(client_open(&other, &l, &h1));
    client_text(&other, "GET /info HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(client_awaits(&other, "HTTP/1.1 503 ") && client_awaits(&other, "retry-after: 1\r\n") &&
              client_awaits(&other, "\"ServiceUnavailable\""));
    live_release(&l);
    CU_ASSERT(client_awaits(&c, "released") && answers(&other));
    client_close(&other);
    client_close(&c);
    live_close(&l);
}

/* Threads. */

static void late_answers_are_dropped(void)
{
    struct bytes in = { 0 };

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1)); /* the connection is gone */
    client_text(&c, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(live_keeps(&l, 1));
    client_close(&c);
    CU_ASSERT(handshake(&h2)); /* the stream is gone */
    frame_put_preface(&in);
    get_put(&in, 1, "/keep");
    get_put(&in, 3, "/keep");
    client_send(&c, bytes_span(&in));
    CU_ASSERT(live_keeps(&l, 3));
    bytes_reset(&in);
    frame_put_u32(&in, FRAME_RST_STREAM, 1, H2_CANCEL);
    frame_put(&in, FRAME_PING, 0, 0, span_text("12345678"));
    client_send(&c, bytes_span(&in));
    CU_ASSERT(client_awaits(&c, "12345678")); /* so the reset has been read */
    live_release(&l);
    CU_ASSERT(client_awaits(&c, "released"));
    CU_ASSERT(frames_status(bytes_span(&c.in), 3) == 200 && frames_status(bytes_span(&c.in), 1) == 0);
    bytes_clear(&in);
    client_close(&c);
    CU_ASSERT(server_is_well());
    live_close(&l);
}

static void *stop(void *arg)
{
    http_server_stop(arg, PATIENCE_MS);
    return NULL;
}

static bool refuses(void *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(*(uint16_t *)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool no = connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno == ECONNREFUSED;

    close(fd);
    return no;
}

static void draining_waits_for_what_runs(void)
{
    struct client idle, running;
    struct bytes in = { 0 };
    struct http_server *s;
    pthread_t thread;
    uint16_t port;

    live_open(&l);
    live_start(&l);
    s = l.server;
    port = http_server_port(s);
    CU_ASSERT(client_open(&idle, &l, &h1) && answers(&idle));
    CU_ASSERT(client_open(&running, &l, &h1));
    client_text(&running, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(handshake(&h2));
    frame_put_preface(&in);
    get_put(&in, 1, "/keep");
    client_send(&c, bytes_span(&in));
    CU_ASSERT(live_keeps(&l, 2));
    l.server = NULL;
    pthread_create(&thread, NULL, stop, s);
    CU_ASSERT(client_sees_end(&idle)); /* it had nothing to lose */
    CU_ASSERT(wait_until(refuses, &port));
    while (!said().goaway && !c.ended)
        client_listen(&c, 5);
    CU_ASSERT(said().goaway_code == H2_NO_ERROR && !c.ended && !running.ended);
    live_release(&l);
    CU_ASSERT(client_awaits(&running, "released") && client_awaits(&running, "connection: close"));
    CU_ASSERT(client_sees_end(&running));
    CU_ASSERT(client_awaits(&c, "released") && client_sees_end(&c));
    CU_ASSERT(said().goaways == 2 && said().goaway_last == 1);
    client_close(&c);
    client_close(&idle);
    client_close(&running);
    pthread_join(thread, NULL);
    bytes_clear(&in);
    live_close(&l);
}

static void the_grace_has_an_end(void)
{
    uint64_t began;

    live_open(&l);
    live_start(&l);
    CU_ASSERT(handshake(&h1));
    client_text(&c, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(live_keeps(&l, 1));
    began = clock_monotonic_ms();
    http_server_stop(l.server, 200);
    l.server = NULL;
    CU_ASSERT(clock_monotonic_ms() - began >= 190 && client_sees_end(&c));
    live_release(&l); /* the server is gone: dropped, and nothing else happens */
    client_close(&c);
    live_close(&l);
}

static long serial_seen(void)
{
    X509 *x = SSL_get1_peer_certificate(c.ssl);
    long n = x != NULL ? ASN1_INTEGER_get(X509_get_serialNumber(x)) : -1;

    X509_free(x);
    return n;
}

static void certificates_are_reloaded(void)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct client old;
    FILE *f;

    live_open(&l);
    live_start(&l);
    CU_ASSERT(client_open(&old, &l, &h1) && answers(&old));
    live_certificate(l.certificate_file, l.key, 2);
    CU_ASSERT(http_server_reload(l.server) == ST_OK);
    CU_ASSERT(handshake(&h1) && serial_seen() == 2 && answers(&c) && answers(&old));
    client_close(&c);
    live_certificate(l.certificate_file, other, 3); /* of another key: the old one stays */
    CU_ASSERT(http_server_reload(l.server) == ST_CONFLICT);
    CU_ASSERT(handshake(&h1) && serial_seen() == 2);
    client_close(&c);
    f = fopen(l.certificate_file, "w");
    fputs("no certificate", f);
    fclose(f);
    CU_ASSERT(http_server_reload(l.server) == ST_BAD_REQUEST);
    unlink(l.certificate_file);
    CU_ASSERT(http_server_reload(l.server) == ST_NOT_FOUND);
    CU_ASSERT(handshake(&h1) && serial_seen() == 2);
    client_close(&c);
    client_close(&old);
    EVP_PKEY_free(other);
    live_close(&l);
}

static void ignore(struct http_request *rq, void *arg)
{
    struct http_response r = { .status = 404 };

    (void)arg;
    http_respond(rq, &r);
}

static void a_start_that_fails_says_why(void)
{
    const char *const bad[] = { "localhost", NULL };
    struct http_server_config config = { .threads = 1, .handler = ignore };
    struct http_server *s;

    live_open(&l);
    live_start(&l);
    config.certificate_file = l.certificate_file;
    config.private_key = l.key;
    config.port = http_server_port(l.server);
    CU_ASSERT(http_server_start(&config, &s) == ST_EXISTS && s == NULL);
    config.port = 0;
    config.addresses = bad;
    CU_ASSERT(http_server_start(&config, &s) == ST_BAD_REQUEST && s == NULL);
    config.addresses = NULL;
    config.certificate_file = "/nonexistent.pem";
    CU_ASSERT(http_server_start(&config, &s) == ST_NOT_FOUND && s == NULL);
    config.certificate_file = l.certificate_file;
    config.private_key = EVP_EC_gen("P-256");
    CU_ASSERT(http_server_start(&config, &s) == ST_CONFLICT && s == NULL);
    EVP_PKEY_free(config.private_key);
    config.private_key = l.key;
    CU_ASSERT(http_server_start(&config, &s) == ST_OK && http_server_port(s) != 0);
    http_server_stop(s, 0);
    http_server_stop(NULL, 0);
    live_close(&l);
}

#define CALLERS  4
#define CALLS    40
#define IN_ARROW 5

static void *call(void *arg)
{
    unsigned *good = arg;
    struct client mine;

    for (unsigned i = 0; i < CALLS / IN_ARROW; i++) {
        if (client_open(&mine, &l, &h1))
            for (unsigned k = 0; k < IN_ARROW; k++) {
                bytes_reset(&mine.in);
                client_text(&mine, k % 2 == 0 ? "POST /worker HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                                              : "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nworked");
                *good += client_awaits(&mine, "worked");
            }
        client_close(&mine); /* abruptly */
    }
    return NULL;
}

static void many_at_once(void)
{
    unsigned good[CALLERS] = { 0 };
    pthread_t threads[CALLERS];

    live_open(&l);
    live_start(&l);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, call, &good[i]);
    for (size_t i = 0; i < 20; i++)
        CU_ASSERT(http_server_reload(l.server) == ST_OK); /* meanwhile */
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT(good[i] == CALLS);
    }
    live_close(&l);
}

static CU_TestInfo tls_cases[] = {
    { "ALPN: h2 first, http/1.1, none at all; others are refused", protocols_are_chosen },
    { "TLS below 1.2 and weak suites are refused", old_and_weak_tls_is_refused },
    { "no early data, renegotiation or client certificates", no_early_data_renegotiation_or_client_certificate },
    { "a hello that does not come in time ends the connection", a_hello_that_does_not_come },
    { "connections beyond the limits are refused, running requests unharmed", too_many_connections },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo h1_cases[] = {
    { "both address families, keep-alive, another thread", both_families_are_served },
    { "a refused request ends the connection", a_refused_request_ends_the_connection },
    { "an answer is not lost while the client still sends", a_refused_body_is_drained },
    { "Expect: 100-continue", expectations_are_answered },
    { "a mebibyte there and back, and a request behind it", large_bodies_both_ways },
    { "slow and idle peers are told and closed", slow_and_idle_peers },
    { "a peer that never reads is closed", a_peer_that_never_reads },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo h2_cases[] = {
    { "requests on one connection, answers in any order", h2_requests },
    { "floods and garbage end the connection, not the server", h2_floods_end_the_connection },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo server_cases[] = {
    { "a busy server says 503 and when to come again", a_busy_server_says_so },
    { "answers that come too late are dropped", late_answers_are_dropped },
    { "draining finishes what runs and takes nothing new", draining_waits_for_what_runs },
    { "draining has an end, and answers after it are dropped", the_grace_has_an_end },
    { "a new certificate is used from then on; a bad one is not", certificates_are_reloaded },
    { "a start that fails says why", a_start_that_fails_says_why },
    { "many clients, threads and reloads at once", many_at_once },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "TLS", NULL, NULL, NULL, NULL, tls_cases },
                                 { "HTTP/1.1", NULL, NULL, NULL, NULL, h1_cases },
                                 { "HTTP/2", NULL, NULL, NULL, NULL, h2_cases },
                                 { "server", NULL, NULL, NULL, NULL, server_cases },
                                 CU_SUITE_INFO_NULL };

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* for the clients; the server looks after itself */
    return run_suites(suites);
}

#include "tests/unit/harness.h"
#include "tests/unit/service/http/wire.h"

static struct wire w;

/* What becomes of `text`, fed in pieces of `piece` bytes: "200", "400 close", or "" when more is awaited. */
static void outcome(const char *text, size_t len, size_t piece, char out[32])
{
    wire_open(&w, false);
    wire_receive(&w, span_of(text, len), piece);
    out[0] = '\0';
    if (w.out.len > 12)
        snprintf(out, 32, "%.3s%s", (const char *)w.out.p + 9, wire_ended(&w) ? " close" : "");
    wire_close(&w);
}

static void expect(const char *text, size_t len, const char *wanted)
{
    static const size_t pieces[] = { 0, 1, 2, 3, 7, 16 };
    char got[32];

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        outcome(text, len, pieces[i], got);
        CU_ASSERT(strcmp(got, wanted) == 0);
        if (strcmp(got, wanted) != 0)
            printf("\n  pieces of %zu: wanted '%s', got '%s': %.60s", pieces[i], wanted, got, text);
    }
}

#define EXPECT(text, wanted) expect(text, sizeof(text) - 1, wanted)
#define HOST                 "Host: kv.vault.localhost:8443\r\n"

static void plain_requests(void)
{
    EXPECT("GET /keys?a=1 HTTP/1.1\r\n" HOST "\r\n", "200");
    EXPECT("GET / HTTP/1.1\r\nhost:x\r\nempty:\r\nspaces: \t v \t \r\n\r\n", "200");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "200");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "200");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n003\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
           "200");
    EXPECT("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200");
    EXPECT("GET https://kv.vault.localhost:8443/x HTTP/1.1\r\n" HOST "\r\n", "200");
    EXPECT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "200");
    EXPECT("TRACE / HTTP/1.1\r\n" HOST "\r\n", "200"); /* a method of nobody's: the routes say 405 */
    EXPECT("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "200 close");
    EXPECT("GET / HTTP/1.0\r\n" HOST "\r\n", "200 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST
           "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n",
           "200");
    EXPECT("GET / HTTP/1.1\r\n" HOST, "");
}

static void what_the_handler_sees(void)
{
    wire_open(&w, false);
    wire_text(&w, "POST https://KV.localhost/keys/n?x=y HTTP/1.1\r\nHost: kv.localhost\r\nX-A:  1 2 \r\nx-a: 3\r\n"
                  "Content-Length: 3\r\n\r\nabc");
    CU_ASSERT_STRING_EQUAL(bytes_text(&w.log), "POST /keys/n?x=y kv.localhost abc\n");
    w.keep = true;
    wire_text(&w, "PUT / HTTP/1.1\r\nHost: a\r\nX-A:  1 2 \r\nx-a: 3\r\nEmpty:\r\nContent-Length: 0\r\n\r\n");
    CU_ASSERT_FATAL(w.kept_count == 1);
    CU_ASSERT(span_is(http_header(w.kept[0], "x-a"), "1 2") && http_header_count(w.kept[0], "x-a") == 2);
    CU_ASSERT(http_header(w.kept[0], "empty").p != NULL && http_header(w.kept[0], "empty").len == 0);
    CU_ASSERT(http_header(w.kept[0], "none").p == NULL);
    CU_ASSERT(http_method(w.kept[0]) == HTTP_PUT && http_version(w.kept[0]) == 11);
    CU_ASSERT_STRING_EQUAL(http_peer_address(w.kept[0]), "192.0.2.1");
    CU_ASSERT_STRING_EQUAL(http_tls_version(w.kept[0]), "TLSv1.3");
    CU_ASSERT(http_received_us(w.kept[0]) == w.now_us);
    wire_close(&w);
}

static void two_lengths(void)
{
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", "400 close");
}

static void bad_lengths(void)
{
    static const char *const bad[] = { "+5",
                                       "-5",
                                       "0x5",
                                       "5_0",
                                       "5 5",
                                       "",
                                       " ",
                                       "5;",
                                       "5.0",
                                       "9007199254740993",
                                       "99999999999999999999",
                                       "18446744073709551621",
                                       "a",
                                       "\xb2" };
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "Content-Length: %s\r\n\r\nhello", bad[i]);

        expect(text, (size_t)n, "400 close");
    }
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 9007199254740992\r\n\r\n", "413 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", "413 close");
}

static void bad_codings(void)
{
    static const char *const bad[] = { "gzip",          "chunked, chunked", ",chunked",  "chunked,",
                                       "gzip, chunked", "chunked;q=1",      "identity",  "xchunked",
                                       "\"chunked\"",   "Chunked",          "\vchunked", "" };
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int n =
            snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: %s\r\n\r\n0\r\n\r\n", bad[i]);

        expect(text, (size_t)n, "400 close");
    }
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "400 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close");
    EXPECT("HEAD / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close");
    EXPECT("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close");
}

static void bad_chunks(void)
{
    static const char *const bad[] = {
        "x\r\n",
        "-1\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "\r\n",
        "1\na\r\n",
        "1\ra\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1\r\na\r0\r\n\r\n",
        "1;x=\n\r\na\r\n",
        "1;x=\ry\r\na\r\n",
        "1;a=b\r\na\r\n",
        "100000000\r\n",
        "ffffffffffffffff\r\n",
        "0\r\nx: y\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\r\n\r\n",
    };
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s", bad[i]);

        expect(text, (size_t)n, "400 close");
    }
    EXPECT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
           ""); /* the last CRLF is missing */
}

static void bad_lines(void)
{
    EXPECT("GET / HTTP/1.1\nHost: x\n\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: x\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A\0: b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "\xc3\xa9: b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "A(b): c\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", "400 close");
    EXPECT("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "400 close");
}

static void bad_request_lines(void)
{
    EXPECT("GET  / HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET /  HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / HTTP/1.1 \r\n" HOST "\r\n", "400 close");
    EXPECT(" GET / HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET\t/ HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET /a b HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / \r\n" HOST "\r\n", "400 close");
    EXPECT("GET /\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / HTTP/1.2\r\n" HOST "\r\n", "505 close");
    EXPECT("GET / HTTP/2.0\r\n" HOST "\r\n", "505 close");
    EXPECT("GET / HTTP/0.9\r\n" HOST "\r\n", "505 close");
    EXPECT("GET / HTTP/1.10\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / http/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET / HTTP/1,1\r\n" HOST "\r\n", "400 close");
    EXPECT("G(T / HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("G\xc9T / HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("FETCH / HTTP/1.1\r\n" HOST "\r\n", "501 close");
    EXPECT("get / HTTP/1.1\r\n" HOST "\r\n", "501 close");
    EXPECT("CONNECT kv.vault.localhost:8443 HTTP/1.1\r\n" HOST "\r\n", "501 close");
    EXPECT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 close");
    EXPECT("GET keys HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET * HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET /a#b HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET /\x7f HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET https://other.localhost/ HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET http://kv.vault.localhost:8443/ HTTP/1.1\r\n" HOST "\r\n", "400 close");
    EXPECT("GET https://u@kv.vault.localhost:8443/ HTTP/1.1\r\n" HOST "\r\n", "400 close");
}

static void bad_hosts(void)
{
    EXPECT("GET / HTTP/1.1\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 close");
    EXPECT("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", "200");
}

static void nothing_follows_a_refused_request(void)
{
    wire_open(&w, false);
    wire_text(&w, "POST / HTTP/1.1\r\n" HOST
                  "Content-Length: 1\r\nContent-Length: 1\r\n\r\nGET /second HTTP/1.1\r\n" HOST "\r\n");
    wire_text(&w, "GET /third HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(w.seen == 0 && wire_said_times(&w, "HTTP/1.1 ") == 1);
    CU_ASSERT(wire_said(&w, "connection: close\r\n") &&
              wire_said(&w, "{\"error\":{\"code\":\"BadParameter\",\"message\":"));
    CU_ASSERT(wire_said(&w, "content-type: application/json"));
    wire_close(&w);
}

static void pipelined_requests_are_answered_in_order(void)
{
    static const char two[] = "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\n" HOST "\r\n"
                              "POST /3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n";

    for (size_t piece = 0; piece < 60; piece++) {
        wire_open(&w, false);
        wire_receive(&w, span_of(two, sizeof two - 1), piece);
        CU_ASSERT_STRING_EQUAL(bytes_text(&w.log),
                               "POST /1 kv.vault.localhost:8443 a\nGET /2 kv.vault.localhost:8443 \n"
                               "POST /3 kv.vault.localhost:8443 c\n");
        CU_ASSERT(wire_said_times(&w, "HTTP/1.1 200 OK") == 3 && !wire_ended(&w));
        wire_close(&w);
    }
    wire_open(&w, false); /* one at a time */
    w.keep = true;
    wire_receive(&w, span_of(two, sizeof two - 1), 0);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT(w.seen == i && wire_said_times(&w, "HTTP/1.1 200 OK") == i - 1);
        wire_answer_kept(&w);
    }
    CU_ASSERT(wire_said_times(&w, "HTTP/1.1 200 OK") == 3);
    wire_close(&w);
}

static void continue_is_said(void)
{
    wire_open(&w, false);
    wire_text(&w, "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CU_ASSERT_STRING_EQUAL(bytes_text(&w.out), "HTTP/1.1 100 Continue\r\n\r\n");
    wire_text(&w, "ab");
    CU_ASSERT(w.seen == 1 && wire_said(&w, "HTTP/1.1 200 OK"));
    wire_close(&w);
    EXPECT("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", "413 close");
    EXPECT("POST / HTTP/1.1\r\n" HOST "Expect: miracles\r\nContent-Length: 2\r\n\r\nab", "417 close");
    EXPECT("POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "200 close");
}

static void answers_have_lengths(void)
{
    wire_open(&w, false);
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT_STRING_EQUAL(bytes_text(&w.out), "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-ms-request-id: 1\r\n"
                                               "date: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 2\r\n\r\nok");
    bytes_reset(&w.out);
    wire_text(&w, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(wire_said(&w, "content-length: 2\r\n") && !wire_said(&w, "ok"));
    bytes_reset(&w.out);
    w.answer_status = 204;
    wire_text(&w, "DELETE / HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(wire_said(&w, "HTTP/1.1 204 No Content") && !wire_said(&w, "content-length") && !wire_said(&w, "ok"));
    bytes_reset(&w.out);
    w.answer_status = 200;
    w.answer_len = 100000; /* more than a record */
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(wire_said(&w, "content-length: 100000\r\n") && w.out.len > 100000 && w.out.len < 101000);
    w.answer_close = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT(wire_said(&w, "connection: close\r\n") && wire_ended(&w));
    wire_close(&w);
}

static void sized(const char *name, size_t len, const char *wanted)
{
    struct bytes b = { 0 };

    bytes_append_text(&b, "POST /");
    for (size_t i = 0; strcmp(name, "target") == 0 && i < len; i++)
        bytes_append_char(&b, 'a');
    bytes_append_text(&b, " HTTP/1.1\r\n" HOST);
    for (size_t i = 0; strcmp(name, "fields") == 0 && i < len; i++)
        bytes_printf(&b, "f%zu: 1\r\n", i);
    if (strcmp(name, "value") == 0) {
        bytes_append_text(&b, "authorization: ");
        for (size_t i = 0; i < len; i++)
            bytes_append_char(&b, 't');
        bytes_append_text(&b, "\r\n");
    }
    bytes_append_text(&b,
                      strcmp(name, "chunks") == 0 ? "transfer-encoding: chunked\r\n\r\n" : "content-length: 0\r\n\r\n");
    for (size_t i = 0; strcmp(name, "chunks") == 0 && i < len; i++) {
        bytes_append_text(&b, "1000\r\n");
        for (size_t k = 0; k < 0x1000; k++)
            bytes_append_char(&b, 'c');
        bytes_append_text(&b, "\r\n");
    }
    if (strcmp(name, "chunks") == 0)
        bytes_append_text(&b, "0\r\n\r\n");
    for (size_t piece = 0; piece < 3000; piece += 1499) {
        char got[32];

        outcome((const char *)b.p, b.len, piece, got);
        CU_ASSERT_STRING_EQUAL(got, wanted);
    }
    bytes_clear(&b);
}

static void too_much(void)
{
    sized("target", TARGET_MAX - 1, "200");
    sized("target", TARGET_MAX + 100, "414 close");
    sized("fields", HTTP_FIELDS_MAX - 2, "200");
    sized("fields", HTTP_FIELDS_MAX - 1, "431 close");
    sized("value", 20000, "200");
    sized("value", 33000, "431 close");
    sized("chunks", 256, "200");
    sized("chunks", 257, "413 close");
}

static void a_field_of_ours_cannot_be_forged(void)
{
    static const struct http_field bad[] = { { "x-ms-client-request-id",
                                               { (const uint8_t *)"a\r\nset-cookie: b", 16 } } };
    static const struct http_field framing[] = { { "content-length", { (const uint8_t *)"77", 2 } },
                                                 { "connection", { (const uint8_t *)"upgrade", 7 } } };
    struct http_response r = { .status = 200, .fields = bad, .field_count = 1 };

    wire_open(&w, false);
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    http_respond(w.kept[0], &r);
    wire_produce(&w);
    CU_ASSERT(wire_said(&w, "HTTP/1.1 500 ") && !wire_said(&w, "set-cookie"));
    bytes_reset(&w.out);
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    r.fields = framing;
    r.field_count = 2;
    http_respond(w.kept[1], &r);
    wire_produce(&w);
    CU_ASSERT(wire_said(&w, "content-length: 0\r\n") && !wire_said(&w, "77") && !wire_said(&w, "upgrade"));
    w.kept_count = 0;
    wire_close(&w);
}

static void slow_and_idle_peers(void)
{
    wire_open(&w, false);
    wire_pass(&w, 119999);
    CU_ASSERT(!wire_ended(&w));
    wire_pass(&w, 1);
    CU_ASSERT(wire_ended(&w) && w.out.len == 0);
    wire_close(&w);

    wire_open(&w, false);
    wire_text(&w, "GET / HT");
    for (unsigned i = 0; i < 12 && !wire_ended(&w); i++) {
        wire_text(&w, "x"); /* a byte a second */
        wire_pass(&w, 1000);
    }
    CU_ASSERT(wire_said(&w, "HTTP/1.1 408 ") && wire_ended(&w));
    wire_close(&w);

    wire_open(&w, false);
    wire_text(&w, "POST / HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n");
    wire_pass(&w, 1000);
    wire_pass(&w, 10000);
    CU_ASSERT(wire_said(&w, "HTTP/1.1 408 ") && wire_ended(&w));
    wire_close(&w);

    wire_open(&w, false); /* a handler may take its time */
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    wire_pass(&w, 1000000);
    CU_ASSERT(!wire_ended(&w));
    wire_answer_kept(&w);
    CU_ASSERT(wire_said(&w, "HTTP/1.1 200 "));
    wire_close(&w);
}

static void draining_and_late_answers(void)
{
    wire_open(&w, false);
    protocol_drain(w.protocol);
    CU_ASSERT(wire_ended(&w));
    wire_close(&w);

    wire_open(&w, false);
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    protocol_drain(w.protocol);
    wire_answer_kept(&w);
    CU_ASSERT(wire_said(&w, "connection: close\r\n") && wire_ended(&w) && w.seen == 1);
    wire_close(&w);

    wire_open(&w, false); /* the connection goes first */
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    wire_close(&w);

    wire_open(&w, false); /* the peer's side is closed while the request runs: it is still answered */
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    protocol_end_of_input(w.protocol);
    CU_ASSERT(!wire_ended(&w));
    wire_answer_kept(&w);
    CU_ASSERT(wire_said(&w, "HTTP/1.1 200 ") && wire_ended(&w));
    wire_close(&w);
}

static void freed(void *user)
{
    ++*(unsigned *)user;
}

static void the_handlers_state_is_freed(void)
{
    unsigned n = 0;

    wire_open(&w, false);
    w.keep = true;
    wire_text(&w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    http_set_user(w.kept[0], &n, freed);
    CU_ASSERT(http_user(w.kept[0]) == &n);
    wire_answer_kept(&w);
    CU_ASSERT(n == 1);
    wire_close(&w);
    CU_ASSERT(n == 1);
}

static CU_TestInfo cases[] = {
    { "plain requests are taken, however they are cut", plain_requests },
    { "the handler sees fields, authority, target and body", what_the_handler_sees },
    { "a length told twice is refused", two_lengths },
    { "a length that is no plain number is refused", bad_lengths },
    { "any transfer coding but exactly chunked, where a body may be, is refused", bad_codings },
    { "bad chunk sizes, extensions, trailers and line ends are refused", bad_chunks },
    { "bare CR or LF, folded lines, bad names and values are refused", bad_lines },
    { "odd request lines are refused", bad_request_lines },
    { "no host, two hosts or a bad one is refused", bad_hosts },
    { "nothing that follows a refused request is looked at", nothing_follows_a_refused_request },
    { "pipelined requests are answered in order, one at a time", pipelined_requests_are_answered_in_order },
    { "Expect: 100-continue gets an interim answer, or the refusal", continue_is_said },
    { "every answer has its length, HEAD and 204 no body", answers_have_lengths },
    { "targets, heads and bodies beyond the limits get 414, 431 and 413", too_much },
    { "a value with line ends becomes no field of its own", a_field_of_ours_cannot_be_forged },
    { "slow peers get 408, idle ones are closed, handlers may take their time", slow_and_idle_peers },
    { "draining finishes what runs; late answers are dropped", draining_and_late_answers },
    { "the handler's own state is freed once", the_handlers_state_is_freed },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "h1", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}

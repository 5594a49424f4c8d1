/* What a link refuses: other peers, other TLS, other sessions, broken frames and messages; and what it then holds. */
#include <openssl/err.h>

#include "firmware/wire/frame.h"
#include "tests/unit/firmware/wire/rig.h"
#include "tests/unit/harness.h"

static uint8_t filler[LINK_MESSAGE_MAX];

/* --- a client made by hand, which may be anything --- */

struct hand {
    struct link *board;
    SSL_CTX *context;
    SSL *ssl;
    uint32_t session;
    uint8_t binding[1 + 32];
};

static enum status feed_frame(struct link *l, enum frame_kind kind, uint32_t session, struct span body)
{
    struct wire_buffer out = { .max = 2u * LINK_FRAME_MAX };
    struct frame_writer w = { .framing = LINK_FRAMING_LENGTH, .out = &out };
    enum status st;

    frame_begin(&w, kind, session);
    frame_put(&w, body);
    CU_ASSERT_EQUAL_FATAL(frame_end(&w), ST_OK);
    st = link_feed(l, buffer_span(&out));
    buffer_clear(&out);
    return st;
}

/* The frames that `l` has to send, their bodies one after the other. */
static void take_frames(struct link *l, struct bytes *bodies, struct frame *last)
{
    struct span in = link_output(l);
    struct frame_reader r;
    bool got;

    frame_reader_init(&r, LINK_FRAMING_LENGTH);
    *last = (struct frame){ 0 };
    do {
        CU_ASSERT_EQUAL_FATAL(frame_read(&r, &in, last, &got), ST_OK);
        if (got)
            bytes_append_span(bodies, last->body);
    } while (got);
    frame_reader_clear(&r);
    link_output_taken(l, link_output(l).len);
}

/* HELLO and its answer; TLS is ready to start, with the right binding. */
static void hand_start(struct hand *h, const struct pair *p)
{
    static const uint8_t nonce[LINK_NONCE_LEN] = "a hand's nonce";
    struct bytes ack = { 0 }, said = { 0 };
    struct frame f;

    *h = (struct hand){ .board = p->board, .context = SSL_CTX_new(TLS_client_method()), .binding = { 32 } };
    CU_ASSERT_EQUAL_FATAL(feed_frame(h->board, FRAME_HELLO, 0, span_of(nonce, sizeof nonce)), ST_OK);
    CU_ASSERT_EQUAL(link_output(h->board).len, 4 + FRAME_HEADER_LEN + LINK_NONCE_LEN + LINK_BOOT_ID_LEN);
    memcpy(&h->session, link_output(h->board).p + 8, 4);
    h->session = __builtin_bswap32(h->session);
    take_frames(h->board, &ack, &f);
    CU_ASSERT_EQUAL_FATAL(ack.len, LINK_NONCE_LEN + LINK_BOOT_ID_LEN);
    CU_ASSERT_EQUAL(memcmp(ack.p, nonce, LINK_NONCE_LEN), 0);
    bytes_append(&said, "strongroom link 1", 18);
    bytes_append_span(&said, bytes_span(&ack));
    bytes_append_u32(&said, h->session);
    CU_ASSERT_EQUAL(EVP_Q_digest(NULL, "SHA256", NULL, said.p, said.len, h->binding + 1, NULL), 1);
    SSL_CTX_use_certificate(h->context, p->client_credential.certificate);
    SSL_CTX_use_PrivateKey(h->context, p->client_credential.key);
    bytes_clear(&ack);
    bytes_clear(&said);
}

static void hand_connect(struct hand *h, bool bind)
{
    h->ssl = SSL_new(h->context);
    if (bind)
        SSL_set_alpn_protos(h->ssl, h->binding, sizeof h->binding);
    SSL_set_bio(h->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(h->ssl);
}

/* What TLS wants sent goes to the board, and its answer to TLS. */
static enum status hand_exchange(struct hand *h)
{
    struct bytes bodies = { 0 };
    struct frame last;
    enum status st = ST_OK;
    uint8_t *out;
    long len = BIO_get_mem_data(SSL_get_wbio(h->ssl), &out);

    if (len > 0)
        st = feed_frame(h->board, FRAME_DATA, h->session, span_of(out, (size_t)len));
    (void)BIO_reset(SSL_get_wbio(h->ssl));
    take_frames(h->board, &bodies, &last);
    if (bodies.len > 0)
        BIO_write(SSL_get_rbio(h->ssl), bodies.p, (int)bodies.len);
    bytes_clear(&bodies);
    return st;
}

static enum status hand_handshake(struct hand *h)
{
    enum status st = ST_OK;

    for (int i = 0; i < 4 && st == ST_OK && !link_is_open(h->board); i++) {
        (void)SSL_do_handshake(h->ssl);
        st = hand_exchange(h);
    }
    ERR_clear_error();
    return st;
}

static void hand_end(struct hand *h)
{
    SSL_free(h->ssl);
    SSL_CTX_free(h->context);
}

/* --- who the peer is --- */

static void another_board_is_refused(void)
{
    struct credential other;
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    credential_make(&other, "P-256");
    link_free(p.client);
    p.client = NULL;
    link_identity_free(p.client_identity);
    CU_ASSERT_EQUAL_FATAL(link_identity_client(p.client_credential.key, p.client_credential.certificate,
                                               other.fingerprint, &p.client_identity),
                          ST_OK);
    pair_renew(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_UNAUTHENTICATED);
    CU_ASSERT_FALSE(link_is_open(p.client) || link_is_open(p.board));
    CU_ASSERT_EQUAL(link_feed(p.client, span_of("", 1)), ST_CLOSED);
    CU_ASSERT_TRUE(link_output(p.client).len > 0); /* the alert, and CLOSE */
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(ERR_peek_error(), 0); /* a guest leaves no errors behind */
    credential_clear(&other);
    pair_clear(&p);
}

static void identities_are_checked(void)
{
    static const char *const kinds[] = { "P-521", "secp256k1", "RSA" };
    struct credential a, b;
    struct link_identity *id;

    credential_make(&a, "P-256");
    credential_make(&b, "P-256");
    CU_ASSERT_EQUAL(link_identity_board(a.key, b.certificate, &id), ST_BAD_REQUEST);
    CU_ASSERT_PTR_NULL(id);
    CU_ASSERT_EQUAL(link_identity_client(b.key, a.certificate, a.fingerprint, &id), ST_BAD_REQUEST);
    CU_ASSERT_NOT_EQUAL(memcmp(a.fingerprint, b.fingerprint, sizeof a.fingerprint), 0);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct credential c;

        credential_make(&c, kinds[i]);
        CU_ASSERT_EQUAL(link_identity_board(c.key, c.certificate, &id), ST_BAD_REQUEST);
        credential_clear(&c);
    }
    credential_clear(&a);
    credential_clear(&b);
    link_identity_free(NULL);
    link_free(NULL);
}

/* --- TLS of another kind --- */

enum deviation {
    DEVIATES_NOT,
    TLS_1_2,
    NO_CERTIFICATE,
    RSA_CERTIFICATE,
    TWO_CERTIFICATES,
    NO_BINDING,
    OTHER_BINDING,
    OTHER_GROUP,
    OTHER_CIPHER,
    DEVIATIONS
};

static void deviate(struct hand *h, enum deviation how, const struct credential *rsa, const struct credential *other)
{
    switch (how) {
    case TLS_1_2:
        SSL_CTX_set_max_proto_version(h->context, TLS1_2_VERSION);
        break;
    case NO_CERTIFICATE:
        SSL_CTX_free(h->context);
        h->context = SSL_CTX_new(TLS_client_method());
        break;
    case RSA_CERTIFICATE: /* alone: else the other would be chosen */
        SSL_CTX_free(h->context);
        h->context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_use_certificate(h->context, rsa->certificate);
        SSL_CTX_use_PrivateKey(h->context, rsa->key);
        break;
    case TWO_CERTIFICATES:
        SSL_CTX_add1_chain_cert(h->context, other->certificate);
        break;
    case OTHER_BINDING:
        h->binding[32] ^= 1;
        break;
    case OTHER_GROUP:
        SSL_CTX_set1_groups_list(h->context, "X25519:P-384");
        break;
    case OTHER_CIPHER:
        SSL_CTX_set_ciphersuites(h->context, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
        break;
    default:
        break;
    }
}

static void other_tls_is_refused(void)
{
    struct credential rsa, other;

    credential_make(&rsa, "RSA");
    credential_make(&other, "P-256");
    for (enum deviation how = DEVIATES_NOT; how < DEVIATIONS; how++) {
        struct pair p;
        struct hand h;

        pair_init(&p, LINK_FRAMING_LENGTH);
        hand_start(&h, &p);
        deviate(&h, how, &rsa, &other);
        hand_connect(&h, how != NO_BINDING);
        CU_ASSERT_EQUAL(hand_handshake(&h), how == DEVIATES_NOT ? ST_OK : ST_UNAUTHENTICATED);
        CU_ASSERT_EQUAL(link_is_open(p.board), how == DEVIATES_NOT);
        hand_end(&h);
        pair_clear(&p);
    }
    credential_clear(&rsa);
    credential_clear(&other);
}

static void no_session_is_resumed(void)
{
    struct pair p;
    struct hand h;
    SSL_SESSION *session;

    pair_init(&p, LINK_FRAMING_LENGTH);
    hand_start(&h, &p);
    hand_connect(&h, true);
    CU_ASSERT_EQUAL(hand_handshake(&h), ST_OK);
    CU_ASSERT_EQUAL(SSL_read(h.ssl, filler, 1), -1);
    session = SSL_get1_session(h.ssl);
    CU_ASSERT_FALSE(SSL_SESSION_is_resumable(session)); /* no ticket came */
    SSL_SESSION_free(session);
    hand_end(&h);
    pair_clear(&p);
}

static void garbage_is_refused(void)
{
    struct pair p;
    struct hand h;

    pair_init(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_EQUAL(link_feed(p.board, span_text("GET / HTTP/1.1\r\n\r\n")), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(link_feed(p.client, span_of("\0\0\0\x8\1\x9\0\0\0\0\0\0", 12)), ST_BAD_REQUEST);
    pair_renew(&p, LINK_FRAMING_LENGTH);
    hand_start(&h, &p);
    CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_DATA, h.session, span_text("not TLS at all")), ST_UNAUTHENTICATED);
    hand_end(&h);
    /* On a line that loses its place garbage is no news. */
    pair_renew(&p, LINK_FRAMING_COBS);
    CU_ASSERT_EQUAL(link_feed(p.board, span_of("login: \0\0\xff\xff", 11)), ST_OK);
    CU_ASSERT_TRUE(link_is_mid_frame(p.board));
    CU_ASSERT_EQUAL(link_feed(p.board, span_of("\0", 1)), ST_OK);
    CU_ASSERT_FALSE(link_is_mid_frame(p.board));
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
    CU_ASSERT_TRUE(link_is_open(p.board));
    pair_clear(&p);
}

/* --- sessions --- */

static void ask(struct link *client, uint32_t id)
{
    struct message m = { .id = id, .kind = MESSAGE_STATUS };

    CU_ASSERT_EQUAL_FATAL(link_send(client, &m), ST_OK);
    CU_ASSERT_EQUAL_FATAL(link_flush(client), ST_OK);
}

static void an_earlier_session_does_not_reach_a_later_one(void)
{
    for (enum link_framing framing = LINK_FRAMING_LENGTH; framing <= LINK_FRAMING_COBS; framing++) {
        struct bytes old = { 0 };
        struct message m;
        struct pair p;
        enum status st;

        pair_open(&p, framing);
        ask(p.client, 1);
        bytes_append_span(&old, link_output(p.client));
        pair_renew(&p, framing);
        CU_ASSERT_EQUAL(link_feed(p.board, bytes_span(&old)), ST_OK); /* left in the channel, before HELLO */
        CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
        CU_ASSERT_TRUE(link_is_open(p.board));
        CU_ASSERT_EQUAL(link_feed(p.board, bytes_span(&old)), ST_OK); /* and in the middle of the new session */
        CU_ASSERT_FALSE(link_next(p.board, &m, &st));
        ask(p.client, 2);
        CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
        CU_ASSERT_TRUE(link_next(p.board, &m, &st) && m.id == 2);
        bytes_clear(&old);
        pair_clear(&p);
    }
}

static void before_hello_there_is_no_session(void)
{
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    for (uint32_t session = 0; session < 2; session++) {
        CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_DATA, session, span_text("x")), ST_OK);
        CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_CLOSE, session, (struct span){ 0 }), ST_OK);
        CU_ASSERT_EQUAL(feed_frame(p.client, FRAME_DATA, session, span_text("x")), ST_OK);
    }
    CU_ASSERT_EQUAL(link_output(p.board).len, 0);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
    CU_ASSERT_TRUE(link_is_open(p.board));
    pair_clear(&p);
}

static void a_repeated_frame_ends_the_link(void)
{
    struct pair p;

    pair_open(&p, LINK_FRAMING_LENGTH);
    ask(p.client, 1);
    CU_ASSERT_EQUAL(link_feed(p.board, link_output(p.client)), ST_OK);
    CU_ASSERT_EQUAL(link_feed(p.board, link_output(p.client)), ST_BAD_REQUEST);
    CU_ASSERT_FALSE(link_is_open(p.board));
    pair_clear(&p);
}

static void a_changed_frame_ends_the_link(void)
{
    struct bytes out = { 0 };
    struct pair p;

    pair_open(&p, LINK_FRAMING_LENGTH);
    ask(p.client, 1);
    bytes_append_span(&out, link_output(p.client));
    out.p[out.len - 1] ^= 1;
    CU_ASSERT_EQUAL(link_feed(p.board, bytes_span(&out)), ST_BAD_REQUEST);
    bytes_clear(&out);
    pair_clear(&p);
}

static void a_second_hello(void)
{
    struct link *second;
    struct pair p;
    struct span out;

    pair_init(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_EQUAL_FATAL(link_new_client(p.client_identity, LINK_FRAMING_LENGTH, &second), ST_OK);
    CU_ASSERT_EQUAL(carry(second, p.board), ST_OK);
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK); /* whoever comes last is served */
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);  /* the answer to the other is not for this client */
    CU_ASSERT_TRUE(link_is_open(p.board) && link_is_open(p.client));
    link_free(second);
    /* Later it means that the client is gone. */
    CU_ASSERT_EQUAL_FATAL(link_new_client(p.client_identity, LINK_FRAMING_LENGTH, &second), ST_OK);
    out = link_output(second);
    CU_ASSERT_EQUAL(link_feed(p.board, out), ST_CLOSED);
    CU_ASSERT_FALSE(link_is_open(p.board));
    CU_ASSERT_EQUAL(link_feed(p.client, out), ST_BAD_REQUEST); /* a client is not asked */
    link_free(second);
    pair_clear(&p);
}

static void hellos_fill_no_memory(void)
{
    enum status st = ST_OK;
    struct pair p;
    unsigned n;

    pair_init(&p, LINK_FRAMING_LENGTH);
    for (n = 0; n < 100000 && st == ST_OK; n++) {
        st = link_feed(p.board, link_output(p.client));
        CU_ASSERT_TRUE_FATAL(link_output(p.board).len < 512u * 1024);
    }
    CU_ASSERT_EQUAL(st, ST_TOO_LARGE); /* a peer that never reads */
    pair_clear(&p);
}

static void a_forged_boot_id_breaks_the_handshake(void)
{
    struct bytes ack = { 0 };
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
    bytes_append_span(&ack, link_output(p.board));
    link_output_taken(p.board, ack.len);
    ack.p[ack.len - 1] ^= 1;
    CU_ASSERT_EQUAL(link_feed(p.client, bytes_span(&ack)), ST_OK);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_UNAUTHENTICATED);
    bytes_clear(&ack);
    pair_clear(&p);
}

static void close_ends_its_own_session_only(void)
{
    struct pair p;
    struct hand h;

    pair_init(&p, LINK_FRAMING_LENGTH);
    hand_start(&h, &p);
    CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_CLOSE, h.session + 1, (struct span){ 0 }), ST_OK);
    CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_HELLO_ACK, 1, span_of(filler, 32)), ST_BAD_REQUEST);
    hand_end(&h);
    pair_renew(&p, LINK_FRAMING_LENGTH);
    hand_start(&h, &p);
    CU_ASSERT_EQUAL(feed_frame(p.board, FRAME_CLOSE, h.session, (struct span){ 0 }), ST_CLOSED);
    hand_end(&h);
    pair_clear(&p);
}

static void close_notify_closes(void)
{
    struct pair p;
    struct hand h;

    pair_init(&p, LINK_FRAMING_LENGTH);
    hand_start(&h, &p);
    hand_connect(&h, true);
    CU_ASSERT_EQUAL(hand_handshake(&h), ST_OK);
    SSL_shutdown(h.ssl);
    CU_ASSERT_EQUAL(hand_exchange(&h), ST_CLOSED);
    hand_end(&h);
    pair_clear(&p);
}

/* --- messages --- */

static void broken_messages_end_the_link(void)
{
    static const struct {
        const char *header;
        enum status st;
    } cases[] = {
        { "\0\4\0\1\0\0\0\1\0\2\0\0\0\0\0\0", ST_TOO_LARGE },         /* length */
        { "\xff\xff\xff\xff\0\0\0\1\0\2\0\0\0\0\0\0", ST_TOO_LARGE }, /* length */
        { "\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0", ST_BAD_REQUEST },       /* id 0 */
        { "\0\0\0\0\0\0\0\1\0\3\0\0\0\0\0\0", ST_BAD_REQUEST },       /* kind */
        { "\0\0\0\0\0\0\0\1\0\2\0\1\0\0\0\0", ST_BAD_REQUEST },       /* clients ask */
        { "\0\0\0\0\0\0\0\1\0\2\0\2\0\0\0\0", ST_BAD_REQUEST },       /* flag */
        { "\0\0\0\0\0\0\0\1\0\2\0\0\0\0\0\0", ST_OK },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool good = cases[i].st == ST_OK;
        struct message m = { .id = 1, .kind = MESSAGE_STATUS };
        uint8_t *body;
        struct pair p;
        struct hand h;
        enum status st;

        pair_init(&p, LINK_FRAMING_LENGTH);
        hand_start(&h, &p);
        hand_connect(&h, true);
        CU_ASSERT_EQUAL(hand_handshake(&h), ST_OK);
        SSL_write(h.ssl, cases[i].header, MESSAGE_HEADER_LEN);
        CU_ASSERT_EQUAL(hand_exchange(&h), ST_OK);
        CU_ASSERT_EQUAL(link_next(p.board, &m, &st), good);
        CU_ASSERT_EQUAL(st, cases[i].st);
        CU_ASSERT_EQUAL(link_is_open(p.board), good);
        if (!good) {
            CU_ASSERT_FALSE(link_next(p.board, &m, &st));
            CU_ASSERT_EQUAL(link_send(p.board, &m), ST_CLOSED);
            CU_ASSERT_EQUAL(link_send_begin(p.board, 1, &body), ST_CLOSED);
            CU_ASSERT_EQUAL(link_flush(p.board), ST_CLOSED);
            CU_ASSERT_EQUAL(link_feed(p.board, (struct span){ 0 }), ST_CLOSED);
        }
        hand_end(&h);
        pair_clear(&p);
    }
}

static void a_board_that_asks_is_refused(void)
{
    struct message m = { .id = 1, .kind = MESSAGE_STATUS };
    struct pair p;
    enum status st;

    pair_open(&p, LINK_FRAMING_LENGTH);
    ask(p.board, 1);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
    CU_ASSERT_FALSE(link_next(p.client, &m, &st));
    CU_ASSERT_EQUAL(st, ST_BAD_REQUEST);
    CU_ASSERT_FALSE(link_is_open(p.client));
    pair_clear(&p);
}

/* Messages that nobody takes: at some point the link is over, and before that it holds no more than it may. */
static void what_is_not_taken_is_bounded(void)
{
    struct message m = { .id = 1, .kind = MESSAGE_SEED, .body = { filler, 60000 } };
    enum status st = ST_OK;
    struct pair p;
    unsigned fed;

    pair_open(&p, LINK_FRAMING_LENGTH);
    for (fed = 0; fed < 100 && st == ST_OK; fed++) {
        CU_ASSERT_EQUAL_FATAL(link_send(p.client, &m), ST_OK);
        CU_ASSERT_EQUAL_FATAL(link_flush(p.client), ST_OK);
        st = carry(p.client, p.board);
    }
    CU_ASSERT_EQUAL(st, ST_TOO_LARGE);
    CU_ASSERT_TRUE(fed > LINK_MESSAGE_MAX / 60000 && fed < LINK_PEER_MEMORY_MAX / 60000);
    pair_clear(&p);
}

int main(void)
{
    static CU_TestInfo peers[] = { { "another board is refused", another_board_is_refused },
                                   { "identities are checked", identities_are_checked },
                                   CU_TEST_INFO_NULL };
    static CU_TestInfo tls[] = { { "other TLS is refused", other_tls_is_refused },
                                 { "no session is resumed", no_session_is_resumed },
                                 { "garbage is refused", garbage_is_refused },
                                 CU_TEST_INFO_NULL };
    static CU_TestInfo sessions[] = {
        { "an earlier session does not reach a later one", an_earlier_session_does_not_reach_a_later_one },
        { "before HELLO there is no session", before_hello_there_is_no_session },
        { "a repeated frame ends the link", a_repeated_frame_ends_the_link },
        { "a changed frame ends the link", a_changed_frame_ends_the_link },
        { "a second HELLO", a_second_hello },
        { "HELLOs fill no memory", hellos_fill_no_memory },
        { "a forged boot id breaks the handshake", a_forged_boot_id_breaks_the_handshake },
        { "CLOSE ends its own session only", close_ends_its_own_session_only },
        { "close_notify closes", close_notify_closes },
        CU_TEST_INFO_NULL
    };
    static CU_TestInfo messages[] = { { "broken messages end the link", broken_messages_end_the_link },
                                      { "a board that asks is refused", a_board_that_asks_is_refused },
                                      { "what is not taken is bounded", what_is_not_taken_is_bounded },
                                      CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "peers", NULL, NULL, NULL, NULL, peers },
                              { "TLS", NULL, NULL, NULL, NULL, tls },
                              { "sessions", NULL, NULL, NULL, NULL, sessions },
                              { "messages", NULL, NULL, NULL, NULL, messages },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

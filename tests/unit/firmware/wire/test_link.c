/* Both ends of a link: the handshake, messages of all sizes both ways, back-pressure, and keys that are changed. */
#include <pthread.h>

#include "tests/unit/firmware/wire/rig.h"
#include "tests/unit/harness.h"

static const enum link_framing framings[] = { LINK_FRAMING_LENGTH, LINK_FRAMING_COBS };
static uint8_t large[LINK_MESSAGE_MAX];

static int fill_large(void)
{
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 31 / 7);
    return 0;
}

static void ask(struct link *client, uint32_t id, size_t len)
{
    struct message m = { .id = id, .kind = MESSAGE_SEED, .word = 1000, .body = span_of(large, len) };

    CU_ASSERT_EQUAL_FATAL(link_send(client, &m), ST_OK);
}

static void expect(struct link *l, uint32_t id, bool answer, size_t len)
{
    struct message m = { 0 };
    enum status st;

    CU_ASSERT_TRUE_FATAL(link_next(l, &m, &st));
    CU_ASSERT_TRUE(st == ST_OK && m.id == id && m.kind == MESSAGE_SEED && m.answer == answer &&
                   m.word == (answer ? 0 : 1000) && span_equal(m.body, span_of(large, len)));
}

static void expect_nothing(struct link *l)
{
    struct message m;
    enum status st;

    CU_ASSERT_FALSE(link_next(l, &m, &st));
    CU_ASSERT_EQUAL(st, ST_OK);
}

static void both_ends_know_each_other(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct pair p;

        pair_init(&p, framings[k]);
        CU_ASSERT_FALSE(link_is_open(p.client) || link_is_open(p.board));
        CU_ASSERT_EQUAL(link_output(p.board).len, 0); /* the board never speaks first */
        CU_ASSERT_TRUE(link_output(p.client).len > 0);
        CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
        CU_ASSERT_TRUE(link_is_open(p.client) && link_is_open(p.board));
        CU_ASSERT_EQUAL(memcmp(link_peer_fingerprint(p.board), p.client_credential.fingerprint, 32), 0);
        CU_ASSERT_EQUAL(memcmp(link_peer_fingerprint(p.client), p.board_credential.fingerprint, 32), 0);
        CU_ASSERT_EQUAL(memcmp(link_boot_id(p.client), rig_boot_id, LINK_BOOT_ID_LEN), 0);
        CU_ASSERT_FALSE(link_is_mid_frame(p.client) || link_is_mid_frame(p.board));
        expect_nothing(p.client);
        expect_nothing(p.board);
        pair_clear(&p);
    }
}

static void all_kinds_of_keys(void)
{
    static const char *const kinds[] = { "P-384", "ED25519" };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p;
        enum status st;

        pair_init(&p, LINK_FRAMING_LENGTH);
        link_free(p.board);
        link_free(p.client);
        link_identity_free(p.board_identity);
        link_identity_free(p.client_identity);
        credential_clear(&p.board_credential);
        credential_clear(&p.client_credential);
        p.board = p.client = NULL;
        credential_make(&p.board_credential, kinds[i]);
        credential_make(&p.client_credential, kinds[i]);
        st = link_identity_board(p.board_credential.key, p.board_credential.certificate, &p.board_identity);
        CU_ASSERT_EQUAL_FATAL(st, ST_OK);
        st = link_identity_client(p.client_credential.key, p.client_credential.certificate,
                                  p.board_credential.fingerprint, &p.client_identity);
        CU_ASSERT_EQUAL_FATAL(st, ST_OK);
        pair_renew(&p, LINK_FRAMING_LENGTH);
        CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
        CU_ASSERT_TRUE(link_is_open(p.client) && link_is_open(p.board));
        pair_clear(&p);
    }
}

static void messages_of_all_sizes(void)
{
    static const size_t sizes[] = { 0, 1, 200, 16384 - MESSAGE_HEADER_LEN, 16384, 65536, 200000, LINK_MESSAGE_MAX };

    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct pair p;

        pair_open(&p, framings[k]);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            uint32_t id = (uint32_t)i + 1;
            struct message answer = { .id = id, .kind = MESSAGE_SEED, .answer = true, .body = { large, sizes[i] } };

            ask(p.client, id, sizes[i]);
            CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
            CU_ASSERT_EQUAL(pair_pump(&p, LINK_FRAME_MAX), ST_OK);
            expect(p.board, id, false, sizes[i]);
            expect_nothing(p.board);
            CU_ASSERT_EQUAL(link_send(p.board, &answer), ST_OK);
            CU_ASSERT_EQUAL(link_flush(p.board), ST_OK);
            CU_ASSERT_EQUAL(pair_pump(&p, LINK_FRAME_MAX), ST_OK);
            expect(p.client, id, true, sizes[i]);
            expect_nothing(p.client);
        }
        pair_clear(&p);
    }
}

static void byte_at_a_time(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct pair p;

        pair_init(&p, framings[k]);
        CU_ASSERT_EQUAL(pair_pump(&p, 1), ST_OK);
        CU_ASSERT_TRUE(link_is_open(p.client) && link_is_open(p.board));
        ask(p.client, 1, 20000);
        ask(p.client, 2, 3);
        CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
        CU_ASSERT_EQUAL(pair_pump(&p, 1), ST_OK);
        expect(p.board, 1, false, 20000);
        expect(p.board, 2, false, 3);
        expect_nothing(p.board);
        pair_clear(&p);
    }
}

static void what_is_collected_goes_out_together(void)
{
    struct pair p;
    size_t alone, together;

    pair_open(&p, LINK_FRAMING_LENGTH);
    ask(p.client, 1, 100);
    CU_ASSERT_EQUAL(link_output(p.client).len, 0); /* before the flush nothing is encrypted */
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    alone = link_output(p.client).len;
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
    expect(p.board, 1, false, 100);
    for (uint32_t id = 1; id <= 64; id++)
        ask(p.client, id, 100);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    together = link_output(p.client).len;
    /* One frame (12), one record (22: 5 + 1 + 16): the rest is messages. */
    CU_ASSERT_EQUAL(alone, 12 + 22 + MESSAGE_HEADER_LEN + 100);
    CU_ASSERT_EQUAL(together, 12 + 22 + 64 * (MESSAGE_HEADER_LEN + 100));
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
    for (uint32_t id = 1; id <= 64; id++)
        expect(p.board, id, false, 100);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(link_output(p.client).len, 0);
    pair_clear(&p);
}

static void queued_before_the_handshake(void)
{
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    ask(p.client, 1, 10);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
    expect_nothing(p.board);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(pair_pump(&p, SIZE_MAX), ST_OK);
    expect(p.board, 1, false, 10);
    pair_clear(&p);
}

static void written_in_place(void)
{
    struct message_header h = { .length = 5, .id = 9, .kind = MESSAGE_SEED, .word = 1000 };
    struct pair p;
    uint8_t *room;

    pair_open(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_EQUAL(link_send_begin(p.client, LINK_MESSAGE_MAX + 1, &room), ST_TOO_LARGE);
    CU_ASSERT_PTR_NULL(room);
    CU_ASSERT_EQUAL_FATAL(link_send_begin(p.client, 100, &room), ST_OK); /* begun and forgotten */
    CU_ASSERT_EQUAL_FATAL(link_send_begin(p.client, 1000, &room), ST_OK);
    memcpy(room, large, 1000);
    link_send_done(p.client, &h);
    CU_ASSERT_EQUAL(room[5], 0); /* what was written beyond the true length is wiped */
    CU_ASSERT_EQUAL(room[999], 0);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
    expect(p.board, 9, false, 5);
    pair_clear(&p);
}

static void a_full_buffer_pushes_back(void)
{
    for (size_t k = 0; k < ARRAY_LEN(framings); k++) {
        struct message m = { .id = 1, .kind = MESSAGE_SEED, .word = 1000, .body = { large, 10000 } };
        unsigned sent = 0, again;
        struct pair p;
        enum status st;

        pair_open(&p, framings[k]);
        CU_ASSERT_EQUAL(link_room(p.client), LINK_MESSAGE_MAX);
        while ((st = link_send(p.client, &m)) == ST_OK && sent < 1000) {
            sent++;
            if (sent % 7 == 0)
                CU_ASSERT_EQUAL_FATAL(link_flush(p.client), ST_OK); /* encrypted, but nobody takes it */
        }
        CU_ASSERT_EQUAL(st, ST_BUSY);
        CU_ASSERT_TRUE(sent >= LINK_MESSAGE_MAX / 10016 && link_room(p.client) < 10000);
        CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
        CU_ASSERT_EQUAL(link_send(p.client, &m), ST_BUSY);
        for (again = 0; link_output(p.client).len > 0;) {
            struct span out = link_output(p.client);

            out.len = out.len < 5000 ? out.len : 5000;
            CU_ASSERT_EQUAL_FATAL(link_feed(p.board, out), ST_OK);
            link_output_taken(p.client, out.len);
            for (struct message got; link_next(p.board, &got, &st); again++)
                CU_ASSERT_TRUE(span_equal(got.body, m.body));
        }
        CU_ASSERT_EQUAL(again, sent);
        CU_ASSERT_EQUAL(link_send(p.client, &m), ST_OK);
        pair_clear(&p);
    }
}

static void loans_end(void)
{
    struct pair p;
    struct message m;
    enum status st;

    pair_open(&p, LINK_FRAMING_LENGTH);
    ask(p.client, 1, 5000);
    ask(p.client, 2, 5000);
    CU_ASSERT_EQUAL(link_flush(p.client), ST_OK);
    CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
    CU_ASSERT_TRUE_FATAL(link_next(p.board, &m, &st));
    CU_ASSERT_EQUAL(memcmp(m.body.p, large, 5000), 0);
    {
        const uint8_t *first = m.body.p;
        unsigned left = 0;

        CU_ASSERT_TRUE_FATAL(link_next(p.board, &m, &st)); /* the same memory still serves the second message */
        for (size_t i = 0; i < 5000; i++)
            left += first[i] != 0;
        CU_ASSERT_EQUAL(left, 0);
    }
    CU_ASSERT_EQUAL(memcmp(m.body.p, large, 5000), 0);
    expect_nothing(p.board);
    pair_clear(&p);
}

/* Past the count at which an end changes its key, on a link that never rests. */
static void keys_are_changed(void)
{
    struct message m = { .id = 1, .kind = MESSAGE_SEED, .word = 1000, .body = { large, 1 } }, got;
    unsigned longer = 0;
    struct pair p;
    enum status st;

    pair_open(&p, LINK_FRAMING_LENGTH);
    for (unsigned i = 0; i < 300000; i++) {
        if (link_send(p.client, &m) != ST_OK || link_flush(p.client) != ST_OK)
            CU_FAIL_FATAL("a message could not be sent");
        longer += link_output(p.client).len > 12 + 22 + MESSAGE_HEADER_LEN + 1;
        if (carry(p.client, p.board) != ST_OK || !link_next(p.board, &got, &st) || got.body.len != 1)
            CU_FAIL_FATAL("a message did not arrive");
    }
    CU_ASSERT_EQUAL(longer, 1); /* one KeyUpdate */
    pair_clear(&p);
}

static void *live_and_talk(void *arg)
{
    const struct pair *shared = arg;
    size_t done = 0;

    for (unsigned i = 0; i < 20; i++) {
        struct message m = { .id = 1, .kind = MESSAGE_SEED, .body = { large, 3000 } };
        struct pair p = *shared;
        enum status st;

        p.board = p.client = NULL;
        pair_renew(&p, LINK_FRAMING_LENGTH);
        done += pair_pump(&p, SIZE_MAX) == ST_OK && link_send(p.client, &m) == ST_OK && link_flush(p.client) == ST_OK &&
                pair_pump(&p, SIZE_MAX) == ST_OK && link_next(p.board, &m, &st);
        link_free(p.board);
        link_free(p.client);
    }
    return (void *)done;
}

static void one_identity_serves_all_threads(void)
{
    pthread_t threads[4];
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, live_and_talk, &p), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *done;

        pthread_join(threads[i], &done);
        CU_ASSERT_EQUAL((size_t)done, 20);
    }
    pair_clear(&p);
}

static void sessions_have_numbers_of_their_own(void)
{
    uint8_t seen[8][4];
    struct pair p;

    pair_init(&p, LINK_FRAMING_LENGTH);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        pair_renew(&p, LINK_FRAMING_LENGTH);
        CU_ASSERT_EQUAL(carry(p.client, p.board), ST_OK);
        memcpy(seen[i], link_output(p.board).p + 8, 4); /* behind length, version, kind, reserved */
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(memcmp(seen[i], seen[j], 4), 0);
    }
    pair_clear(&p);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "both ends know each other", both_ends_know_each_other },
                                   { "all kinds of keys", all_kinds_of_keys },
                                   { "messages of all sizes", messages_of_all_sizes },
                                   { "a byte at a time", byte_at_a_time },
                                   { "what is collected goes out together", what_is_collected_goes_out_together },
                                   { "queued before the handshake", queued_before_the_handshake },
                                   { "written in place", written_in_place },
                                   { "a full buffer pushes back", a_full_buffer_pushes_back },
                                   { "loans end, and leave nothing", loans_end },
                                   { "keys are changed", keys_are_changed },
                                   { "one identity serves all threads", one_identity_serves_all_threads },
                                   { "sessions have numbers of their own", sessions_have_numbers_of_their_own },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "link", fill_large, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

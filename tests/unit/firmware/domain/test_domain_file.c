/* The security domain's file: made, opened by each quorum, carried over under a transfer certificate; what is refused.
 */
#include "firmware/domain/domain_file.h"

#include "firmware/domain/kdf.h"
#include "firmware/wire/body.h"
#include "firmware/wire/message.h"
#include "tests/unit/firmware/domain/domain_fixture.h"
#include "tests/unit/harness.h"

static uint8_t block[BUDGET_SIZE];
static struct budget budget;

static int free_keys(void)
{
    fixture_free();
    return 0;
}

static Ks__DomainFile *make(uint32_t required, size_t count)
{
    struct payload p = fixture_payload(required, count);
    Ks__DomainFile *f;

    budget_init(&budget, block, sizeof block);
    CU_ASSERT_EQUAL_FATAL(domain_file_make(&p, fixture_draw, &budget, &f), ST_OK);
    return f;
}

static void open_share(const Ks__DomainFile *f, size_t holder, struct secret *share)
{
    CU_ASSERT_EQUAL_FATAL(
        domain_share_open(span_text(f->shares[holder]->compact_jwe), fixture_holders()[holder].key, share), ST_OK);
}

/* By the shares of those holders whose bit is set. */
static enum status open_by(const Ks__DomainFile *f, unsigned subset, struct payload *out, unsigned *distinct)
{
    struct secret shares[HOLDERS_MAX] = { { 0 } };
    size_t count = 0;
    enum status st;

    for (size_t i = 0; i < f->n_shares; i++)
        if ((subset & BIT(i)) != 0)
            open_share(f, i, &shares[count++]);
    st = domain_file_open(f->required, f->n_items, f->items, shares, count, out, distinct);
    for (size_t i = 0; i < count; i++)
        secret_clear(&shares[i]);
    if (st != ST_OK)
        CU_ASSERT(out->packed.p == NULL && out->holder_count == 0);
    return st;
}

static void expect_opens(const Ks__DomainFile *f, unsigned subset, enum status expected)
{
    struct payload p = fixture_payload(f->required, f->n_shares), back = { 0 };
    unsigned distinct;

    CU_ASSERT_EQUAL(open_by(f, subset, &back, &distinct), expected);
    CU_ASSERT_EQUAL(distinct, (unsigned)__builtin_popcount(subset));
    CU_ASSERT(expected != ST_OK || payload_equal(&p, &back));
    payload_clear(&back);
}

static void quorums_open_it_and_fewer_do_not(void)
{
    Ks__DomainFile *f = make(3, 5);

    for (unsigned subset = 0; subset < BIT(5); subset++)
        expect_opens(f, subset, __builtin_popcount(subset) >= 3 ? ST_OK : ST_NOT_PERMITTED);
    f = make(2, 3);
    expect_opens(f, 6, ST_OK);
    expect_opens(f, 4, ST_NOT_PERMITTED);
    f = make(10, 10);
    expect_opens(f, 1023, ST_OK);
    expect_opens(f, 1022, ST_NOT_PERMITTED);
}

static void the_file_names_its_holders(void)
{
    Ks__DomainFile *f = make(3, 4);
    uint8_t name[32];

    CU_ASSERT_EQUAL_FATAL(f->n_shares, 4);
    CU_ASSERT_EQUAL(f->required, 3);
    CU_ASSERT_EQUAL(f->n_items, 1);
    CU_ASSERT_STRING_EQUAL(f->items[0]->tag, "strongroom-domain-v1");
    for (size_t i = 0; i < 4; i++) {
        unsigned len;

        CU_ASSERT_FATAL(X509_digest(fixture_holders()[i].certificate, EVP_sha256(), name, &len) == 1);
        CU_ASSERT_EQUAL_FATAL(f->shares[i]->holder.len, 32);
        CU_ASSERT_EQUAL(memcmp(f->shares[i]->holder.data, name, 32), 0);
    }
}

static void the_link_carries_the_largest(void)
{
    static uint8_t packed[LINK_MESSAGE_MAX], other_block[BUDGET_SIZE];
    Ks__DomainFile *f = make(10, 10);
    ProtobufCMessage *back;
    struct budget other;
    size_t len = protobuf_c_message_get_packed_size(&f->base);

    CU_ASSERT_FATAL(len <= sizeof packed);
    protobuf_c_message_pack(&f->base, packed);
    budget_init(&other, other_block, sizeof other_block);
    CU_ASSERT_EQUAL(message_unpack(MESSAGE_DOMAIN_EXPORT, true, span_of(packed, len), &other, &back), ST_OK);
}

static void nothing_secret_is_in_it(void)
{
    static uint8_t packed[LINK_MESSAGE_MAX];
    Ks__DomainFile *f = make(3, 3);
    struct payload p = fixture_payload(3, 3);
    size_t len = protobuf_c_message_pack(&f->base, packed);

    CU_ASSERT_PTR_NULL(memmem(packed, len, p.domain_key, 16));
    CU_ASSERT_PTR_NULL(memmem(packed, len, "a domain", 8));
}

static void each_file_has_a_master_key_of_its_own(void)
{
    static uint8_t other_block[BUDGET_SIZE];
    struct payload p = fixture_payload(2, 3), back = { 0 };
    struct secret shares[2] = { { 0 } };
    Ks__DomainFile *one = make(2, 3), *two;
    struct budget other;
    unsigned distinct;

    budget_init(&other, other_block, sizeof other_block);
    CU_ASSERT_EQUAL_FATAL(domain_file_make(&p, fixture_draw, &other, &two), ST_OK);
    CU_ASSERT_NOT_EQUAL(memcmp(one->digest.data, two->digest.data, 32), 0);
    open_share(one, 0, &shares[0]);
    open_share(two, 1, &shares[1]);
    CU_ASSERT_EQUAL(domain_file_open(2, 1, one->items, shares, 2, &back, &distinct), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(domain_file_open(2, 1, two->items, shares, 2, &back, &distinct), ST_BAD_CIPHERTEXT);
    open_share(one, 1, &shares[1]);
    CU_ASSERT_EQUAL(domain_file_open(2, 1, two->items, shares, 2, &back, &distinct), ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(distinct, 2);
    CU_ASSERT_EQUAL(domain_file_open(2, 1, one->items, shares, 2, &back, &distinct), ST_OK);
    payload_clear(&back);
    secret_clear(&shares[0]);
    secret_clear(&shares[1]);
}

static void changed_files_do_not_open(void)
{
    Ks__DomainFile *f = make(3, 5);
    struct payload back = { 0 };
    char *jwe = f->items[0]->compact_jwe, *tag = f->items[0]->tag;
    unsigned distinct;

    for (size_t i = 0; i < strlen(jwe); i += 37) {
        char was = jwe[i];

        jwe[i] = was == 'A' ? 'B' : 'A';
        CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_BAD_CIPHERTEXT);
        jwe[i] = was;
    }
    f->items[0]->tag = (char *)"strongroom-domain-v2";
    CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_BAD_REQUEST);
    f->items[0]->tag = (char *)"";
    CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_BAD_REQUEST);
    f->items[0]->tag = tag;
    for (uint32_t required = 0; required < 12; required++) {
        f->required = required;
        CU_ASSERT_EQUAL(open_by(f, 31, &back, &distinct), required == 3                   ? ST_OK
                                                          : required < 2 || required > 10 ? ST_BAD_REQUEST
                                                          : required > 5                  ? ST_NOT_PERMITTED
                                                                                          : ST_BAD_CIPHERTEXT);
        payload_clear(&back);
    }
}

static void there_is_just_one_item(void)
{
    Ks__DomainFile *f = make(3, 5);
    Ks__EncryptedItem *two[] = { f->items[0], f->items[0] };
    struct payload back = { 0 };
    unsigned distinct;

    f->n_items = 0;
    CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_BAD_REQUEST);
    f->items = two;
    f->n_items = 2;
    CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_BAD_REQUEST);
    f->n_items = 1;
    CU_ASSERT_EQUAL(open_by(f, 7, &back, &distinct), ST_OK);
    payload_clear(&back);
}

static void the_digest_is_of_everything(void)
{
    Ks__DomainFile *f = make(3, 5);
    Ks__EncryptedShare *swapped = f->shares[0];
    uint8_t digest[32];

    CU_ASSERT_EQUAL(domain_file_digest(f, digest), ST_OK);
    CU_ASSERT_EQUAL(memcmp(digest, f->digest.data, 32), 0);
#define CHANGED(change, undo)                                                                                          \
    do {                                                                                                               \
        change;                                                                                                        \
        CU_ASSERT_EQUAL(domain_file_digest(f, digest), ST_OK);                                                         \
        CU_ASSERT_NOT_EQUAL(memcmp(digest, f->digest.data, 32), 0);                                                    \
        undo;                                                                                                          \
    } while (0)
    CHANGED(f->required = 4, f->required = 3);
    CHANGED(f->n_shares = 4, f->n_shares = 5);
    CHANGED(f->n_items = 0, f->n_items = 1);
    CHANGED(f->items[0]->tag[3] ^= 1, f->items[0]->tag[3] ^= 1);
    CHANGED(f->items[0]->compact_jwe[100] ^= 1, f->items[0]->compact_jwe[100] ^= 1);
    CHANGED(f->shares[4]->holder.data[31] ^= 1, f->shares[4]->holder.data[31] ^= 1);
    CHANGED(f->shares[4]->compact_jwe[9] ^= 1, f->shares[4]->compact_jwe[9] ^= 1);
    CHANGED(f->shares[0] = f->shares[1]; f->shares[1] = swapped, f->shares[1] = f->shares[0]; f->shares[0] = swapped);
#undef CHANGED
    CU_ASSERT_EQUAL(domain_file_digest(f, digest), ST_OK);
    CU_ASSERT_EQUAL(memcmp(digest, f->digest.data, 32), 0);
}

/* --- shares on their way --- */

static void shares_travel_under_a_transfer_certificate(void)
{
    EVP_PKEY *transfer = fixture_rsa(3072);
    X509 *certificate = fixture_certificate(transfer, "transfer");
    Ks__DomainFile *f = make(2, 3);
    struct secret shares[2] = { { 0 } };
    struct bytes jwe = { 0 };
    struct payload back = { 0 };
    unsigned distinct;

    for (size_t i = 0; i < 2; i++) {
        open_share(f, i, &shares[i]);
        CU_ASSERT_EQUAL(domain_share_seal(secret_span(&shares[i]), certificate, fixture_draw, &jwe), ST_OK);
        CU_ASSERT_EQUAL(domain_share_open(bytes_span(&jwe), fixture_holders()[i].key, &shares[i]), ST_BAD_CIPHERTEXT);
        CU_ASSERT_EQUAL(domain_share_open(bytes_span(&jwe), transfer, &shares[i]), ST_OK);
    }
    CU_ASSERT_EQUAL(domain_file_open(2, 1, f->items, shares, 2, &back, &distinct), ST_OK);
    payload_clear(&back);
    secret_clear(&shares[0]);
    secret_clear(&shares[1]);
    bytes_clear(&jwe);
    X509_free(certificate);
    EVP_PKEY_free(transfer);
}

static void what_is_no_share_is_refused(void)
{
    const struct fixture_holder *h = fixture_holders();
    uint8_t bytes[DOMAIN_SHARE_LEN + 1] = { 0 };
    struct bytes jwe = { 0 };
    struct secret out = { 0 };
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    X509 *other = fixture_certificate(ec, "not RSA");

    for (size_t len = 0; len <= sizeof bytes; len++) {
        CU_ASSERT_EQUAL(domain_share_seal(span_of(bytes, len), h[0].certificate, fixture_draw, &jwe),
                        len == DOMAIN_SHARE_LEN ? ST_OK : ST_BAD_REQUEST);
        CU_ASSERT_FATAL(jwe_seal_to(h[0].key, span_of(bytes, len), fixture_draw, &jwe) == ST_OK);
        CU_ASSERT_EQUAL(domain_share_open(bytes_span(&jwe), h[0].key, &out),
                        len == DOMAIN_SHARE_LEN ? ST_OK : ST_BAD_CIPHERTEXT);
        CU_ASSERT_EQUAL(domain_master_open(bytes_span(&jwe), h[0].key, &out),
                        len == DOMAIN_MASTER_LEN ? ST_OK : ST_BAD_CIPHERTEXT);
        CU_ASSERT(len == DOMAIN_MASTER_LEN || out.p == NULL);
    }
    CU_ASSERT_EQUAL(domain_share_seal(span_of(bytes, DOMAIN_SHARE_LEN), other, fixture_draw, &jwe), ST_UNSUPPORTED);
    secret_clear(&out);
    bytes_clear(&jwe);
    X509_free(other);
    EVP_PKEY_free(ec);
}

static void too_many_shares_are_refused(void)
{
    Ks__DomainFile *f = make(2, 3);
    struct secret shares[HOLDERS_MAX + 1] = { { 0 } };
    struct payload back = { 0 };
    unsigned distinct = 7;

    CU_ASSERT_EQUAL(domain_file_open(2, 1, f->items, shares, HOLDERS_MAX + 1, &back, &distinct), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(distinct, 0);
    CU_ASSERT_EQUAL(domain_file_open(2, 1, f->items, shares, HOLDERS_MAX, &back, &distinct),
                    ST_BAD_REQUEST); /* empty */
}

static void the_master_key_opens_it(void)
{
    static const uint8_t master[DOMAIN_MASTER_LEN] = { 1, 2, 3 };
    struct payload p = fixture_payload(3, 5), back = { 0 };
    Ks__EncryptedItem item = KS__ENCRYPTED_ITEM__INIT, *items[] = { &item };
    struct secret packed = { 0 }, given = { 0 };
    struct bytes jwe = { 0 };
    uint8_t key[JWE_KEY_LEN];

    CU_ASSERT_FATAL(payload_pack(&p, &packed) == ST_OK);
    CU_ASSERT_FATAL(
        kdf_derive(span_of(master, sizeof master), span_text(DOMAIN_TAG), span_of(NULL, 0), key, sizeof key) == ST_OK);
    CU_ASSERT_FATAL(jwe_seal_direct(key, "x", secret_span(&packed), fixture_draw, &jwe) == ST_OK);
    item.tag = (char *)DOMAIN_TAG;
    item.compact_jwe = (char *)jwe.p;
    CU_ASSERT_FATAL(secret_set(&given, span_of(master, sizeof master)) == ST_OK);
    CU_ASSERT_EQUAL(domain_file_open_master(1, items, &given, &back), ST_OK);
    CU_ASSERT(payload_equal(&p, &back));
    payload_clear(&back);
    given.p[31] ^= 1;
    CU_ASSERT_EQUAL(domain_file_open_master(1, items, &given, &back), ST_BAD_CIPHERTEXT);
    given.p[31] ^= 1;
    given.len--;
    CU_ASSERT_EQUAL(domain_file_open_master(1, items, &given, &back), ST_BAD_REQUEST);
    given.len++;
    CU_ASSERT_EQUAL(domain_file_open_master(0, NULL, &given, &back), ST_BAD_REQUEST);
    secret_clear(&packed);
    secret_clear(&given);
    bytes_clear(&jwe);
}

/* --- what is not made --- */

static enum status try_to_make(const struct payload *p, size_t room)
{
    Ks__DomainFile *f = NULL;
    enum status st;

    budget_init(&budget, block, room);
    st = domain_file_make(p, fixture_draw, &budget, &f);
    CU_ASSERT_EQUAL(f != NULL, st == ST_OK);
    return st;
}

static void bad_holders_make_no_file(void)
{
    struct payload p = fixture_payload(3, 5);
    EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), fixture_rsa(1024) };
    struct bytes longer = { 0 };

    p.required = 6;
    CU_ASSERT_EQUAL(try_to_make(&p, sizeof block), ST_BAD_REQUEST);
    p = fixture_payload(3, 5);
    p.holders[2].certificate = span_text("no certificate");
    CU_ASSERT_EQUAL(try_to_make(&p, sizeof block), ST_UNSUPPORTED);
    bytes_append_span(&longer, bytes_span(&fixture_holders()[2].der));
    bytes_append_char(&longer, 'x');
    p.holders[2].certificate = bytes_span(&longer);
    CU_ASSERT_EQUAL(try_to_make(&p, sizeof block), ST_UNSUPPORTED);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        X509 *certificate = fixture_certificate(keys[i], "another key");
        uint8_t *der = NULL;
        int len = i2d_X509(certificate, &der);

        p.holders[2].certificate = span_of(der, (size_t)len);
        CU_ASSERT_EQUAL(try_to_make(&p, sizeof block), ST_UNSUPPORTED);
        OPENSSL_free(der);
        X509_free(certificate);
        EVP_PKEY_free(keys[i]);
    }
    bytes_clear(&longer);
}

static void whatever_fails_there_is_no_half_a_file(void)
{
    struct payload p = fixture_payload(2, 3);
    size_t room = 0;
    int n = 0;

    for (draw_fail_after(0); try_to_make(&p, sizeof block) != ST_OK; draw_fail_after(n))
        CU_ASSERT_FATAL(++n < 100);
    CU_ASSERT(n > DOMAIN_MASTER_LEN); /* one for each byte of the master key, at least */
    draw_fail_after(-1);
    while (try_to_make(&p, room) != ST_OK)
        CU_ASSERT_FATAL((room += 64) < sizeof block);
    CU_ASSERT(room > 1000);
}

static CU_TestInfo cases[] = {
    { "every quorum of the holders opens it, fewer do not", quorums_open_it_and_fewer_do_not },
    { "it names its holders by their certificates", the_file_names_its_holders },
    { "the link carries the largest", the_link_carries_the_largest },
    { "nothing secret is in it", nothing_secret_is_in_it },
    { "shares of two files do not fit together", each_file_has_a_master_key_of_its_own },
    { "changed files do not open", changed_files_do_not_open },
    { "there is just one item", there_is_just_one_item },
    { "the digest is of everything, in its order", the_digest_is_of_everything },
    { "shares travel under a transfer certificate", shares_travel_under_a_transfer_certificate },
    { "what is no share is refused", what_is_no_share_is_refused },
    { "more shares than there can be holders are refused", too_many_shares_are_refused },
    { "the master key opens it", the_master_key_opens_it },
    { "holders that cannot be make no file", bad_holders_make_no_file },
    { "whatever fails, there is no half a file", whatever_fails_there_is_no_half_a_file },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "security domain file", NULL, free_keys, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

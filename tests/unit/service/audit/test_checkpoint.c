#include "service/audit/checkpoint.h"

#include <stdio.h>

#include "firmware/base/base64url.h"
#include "tests/unit/service/audit/trails.h"

static const struct chain_point place = { .seq = 4711, .hash = { 0xde, 0xad, [31] = 0x01 } };

/* The record of a signed checkpoint's line. */
static void make(struct bytes *record, enum checkpoint_reason reason)
{
    char text[CHECKPOINT_TEXT_MAX];
    size_t len = checkpoint_write(text, &place, reason);

    bytes_reset(record);
    bytes_append_text(record, "\"checkpoint\":");
    bytes_append(record, text, len);
    bytes_append_text(record, ",\"signature\":\"");
    CU_ASSERT(checkpoint_sign(trail_key(), span_of(text, len), record) == ST_OK);
    bytes_append_char(record, '"');
}

static void what_is_signed_is_read_back(void)
{
    struct bytes record = { 0 };
    struct checkpoint c;

    for (unsigned reason = 0; reason < CHECKPOINT_REASON_COUNT_; reason++) {
        make(&record, (enum checkpoint_reason)reason);
        CU_ASSERT(checkpoint_is(bytes_span(&record)));
        CU_ASSERT(chain_is_record(bytes_span(&record)) == false);
        CU_ASSERT(checkpoint_parse(bytes_span(&record), &c) == ST_OK);
        CU_ASSERT(chain_point_equal(&c.at, &place) && c.reason == reason);
        CU_ASSERT(checkpoint_check(trail_key(), &c) == ST_OK);
        CU_ASSERT(checkpoint_check(other_key(), &c) == ST_CORRUPT);
    }
    bytes_clear(&record);
}

/* Whatever byte of it is changed, it is no checkpoint any more or its signature does not fit. */
static void every_changed_byte_shows(void)
{
    struct bytes record = { 0 };
    struct checkpoint c;

    make(&record, CHECKPOINT_INTERVAL);
    for (size_t at = 0; at < record.len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            record.p[at] ^= (uint8_t)BIT(bit);
            CU_ASSERT(checkpoint_parse(bytes_span(&record), &c) != ST_OK || checkpoint_check(trail_key(), &c) != ST_OK);
            record.p[at] ^= (uint8_t)BIT(bit);
        }
    for (size_t len = 0; len < record.len; len++)
        CU_ASSERT(checkpoint_parse(span_of(record.p, len), &c) != ST_OK);
    bytes_append_char(&record, ' ');
    CU_ASSERT(checkpoint_parse(bytes_span(&record), &c) != ST_OK);
    bytes_clear(&record);
}

/* As docs/audit.md has it, so that others can check: the domain, a line feed, the text. */
static void what_is_signed_is_as_documented(void)
{
    static const char domain[] = "strongroom audit checkpoint v1\n";
    struct bytes record = { 0 }, message = { 0 }, der = { 0 };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct checkpoint c;

    make(&record, CHECKPOINT_INTERVAL);
    CU_ASSERT(checkpoint_parse(bytes_span(&record), &c) == ST_OK);
    bytes_append_text(&message, domain);
    bytes_append_span(&message, c.text);
    CU_ASSERT(base64url_decode(&der, c.signature) == ST_OK);
    CU_ASSERT(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, trail_key()) == 1);
    CU_ASSERT(EVP_DigestVerify(ctx, der.p, der.len, message.p, message.len) == 1);
    EVP_MD_CTX_free(ctx);
    bytes_clear(&record);
    bytes_clear(&message);
    bytes_clear(&der);
}

/* A signature by the same key over the same text without the domain in front is no checkpoint's. */
static void a_signature_for_something_else_does_not_count(void)
{
    char text[CHECKPOINT_TEXT_MAX];
    size_t len = checkpoint_write(text, &place, CHECKPOINT_CLOSE), der_len = 128;
    uint8_t der[128], hex[256];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct bytes record = { 0 };
    struct checkpoint c;

    CU_ASSERT(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, trail_key()) == 1);
    CU_ASSERT(EVP_DigestSign(ctx, der, &der_len, (const uint8_t *)text, len) == 1);
    EVP_MD_CTX_free(ctx);
    make(&record, CHECKPOINT_CLOSE);
    CU_ASSERT(checkpoint_parse(bytes_span(&record), &c) == ST_OK);
    CU_ASSERT(EVP_EncodeBlock(hex, der, (int)der_len) > 0);
    for (uint8_t *p = hex; *p != '\0'; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    c.text = span_of(text, len);
    c.signature = span_of(hex, strcspn((const char *)hex, "="));
    CU_ASSERT(checkpoint_check(trail_key(), &c) == ST_CORRUPT);
    c.signature = span_of(NULL, 0);
    CU_ASSERT(checkpoint_check(trail_key(), &c) == ST_CORRUPT);
    bytes_clear(&record);
}

static void a_key_that_cannot_sign_is_unavailable(void)
{
    struct bytes out = { 0 };

    token_key_fail(true);
    CU_ASSERT(checkpoint_sign(token_key(), span_text("{}"), &out) == ST_UNAVAILABLE);
    token_key_fail(false);
    CU_ASSERT(checkpoint_sign(token_key(), span_text("{}"), &out) == ST_OK);
    bytes_clear(&out);
}

int main(void)
{
    CU_TestInfo cases[] = { { "what is signed is read back", what_is_signed_is_read_back },
                            { "what is signed is as documented", what_is_signed_is_as_documented },
                            { "every changed byte shows", every_changed_byte_shows },
                            { "a signature for something else does not count",
                              a_signature_for_something_else_does_not_count },
                            { "a key that cannot sign is unavailable", a_key_that_cannot_sign_is_unavailable },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "checkpoints", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

/* The board in memory as far as it stands for a TPM: what the tests of attestation rely on. */
#include "tests/unit/harness.h"

#include <openssl/evp.h>

#include "tests/unit/firmware/flash/memory_hal.h"
#include "tests/unit/firmware/flash/quote_check.h"

static const uint8_t nonce[32] = "a nonce of just thirty-two bytes", other[32] = "A nonce of just thirty-two bytes";

struct asked {
    struct bytes key, attest, signature;
};

static struct quote ask(struct memory_hal *m, struct asked *a)
{
    CU_ASSERT_EQUAL(m->hal.quote_key(m, &a->key), ST_OK);
    CU_ASSERT_EQUAL(m->hal.quote(m, nonce, &a->attest, &a->signature), ST_OK);
    return (struct quote){ bytes_span(&a->key), bytes_span(&a->attest), bytes_span(&a->signature) };
}

static void asked_clear(struct asked *a)
{
    bytes_clear(&a->key);
    bytes_clear(&a->attest);
    bytes_clear(&a->signature);
}

static void quotes_are_well_formed(void)
{
    struct memory_hal *m = memory_hal_new(4096, 4096);
    struct asked a = { 0 };
    uint8_t pcr[32];
    struct quote q;

    m->hal.facts.firmware_hash[5] = 7;
    q = ask(m, &a);
    quote_expected_pcr(m->hal.facts.firmware_hash, pcr);
    CU_ASSERT_PTR_NULL(quote_fault(&q, nonce, pcr));
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, other, pcr), "the extra data");
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, other), "the PCR digest");
    asked_clear(&a);
    memory_hal_free(m);
}

static void sign_anew(struct memory_hal *m, struct asked *a)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    uint8_t der[128];
    size_t len = sizeof der;

    CU_ASSERT_EQUAL_FATAL(EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, m->quote_key), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_DigestSign(sign, der, &len, a->attest.p, a->attest.len), 1);
    CU_ASSERT_EQUAL(bytes_set(&a->signature, span_of(der, len)), ST_OK);
    EVP_MD_CTX_free(sign);
}

/* The verifier refuses what it should. */
static void changed_quotes_are_refused(void)
{
    struct memory_hal *m = memory_hal_new(4096, 4096);
    struct asked a = { 0 };
    uint8_t pcr[32];
    struct quote q;

    q = ask(m, &a);
    quote_expected_pcr(m->hal.facts.firmware_hash, pcr);
    for (size_t i = 0; i < a.attest.len; i++) {
        bool name = i >= 10 && i < 42, clock = i >= 76 && i < 101; /* what a verifier has no opinion about */

        a.attest.p[i] ^= 1;
        CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, pcr), "the signature");
        sign_anew(m, &a);
        q.signature = bytes_span(&a.signature);
        CU_ASSERT((quote_fault(&q, nonce, pcr) == NULL) == (name || clock));
        a.attest.p[i] ^= 1;
        sign_anew(m, &a);
        q.signature = bytes_span(&a.signature);
    }
    CU_ASSERT_PTR_NULL(quote_fault(&q, nonce, pcr));
    bytes_append_char(&a.attest, 0);
    sign_anew(m, &a);
    q = (struct quote){ q.key, bytes_span(&a.attest), bytes_span(&a.signature) };
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, pcr), "more than a quote");
    asked_clear(&a);
    memory_hal_free(m);
}

static void boards_have_keys_of_their_own(void)
{
    struct memory_hal *m = memory_hal_new(4096, 4096), *copy = memory_hal_copy(m),
                      *stranger = memory_hal_new(4096, 4096);
    struct asked first = { 0 }, second = { 0 }, third = { 0 };

    ask(m, &first);
    ask(copy, &second);
    ask(stranger, &third);
    CU_ASSERT(span_equal(bytes_span(&first.key), bytes_span(&second.key)));
    CU_ASSERT_FALSE(span_equal(bytes_span(&first.key), bytes_span(&third.key)));
    asked_clear(&first);
    asked_clear(&second);
    asked_clear(&third);
    memory_hal_free(m);
    memory_hal_free(copy);
    memory_hal_free(stranger);
}

static void quotes_fail_when_told_to(void)
{
    struct memory_hal *m = memory_hal_new(4096, 4096);
    struct asked a = { 0 };

    m->fail_quote = 2;
    CU_ASSERT_EQUAL(m->hal.quote_key(m, &a.key), ST_OK);
    CU_ASSERT_EQUAL(m->hal.quote(m, nonce, &a.attest, &a.signature), ST_UNAVAILABLE);
    CU_ASSERT_EQUAL(m->hal.quote_key(m, &a.key), ST_UNAVAILABLE);
    m->no_quote = true;
    CU_ASSERT_EQUAL(m->hal.quote_key(m, &a.key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(m->hal.quote(m, nonce, &a.attest, &a.signature), ST_NOT_FOUND);
    asked_clear(&a);
    memory_hal_free(m);
}

static void statements_outlive_a_cut(void)
{
    struct memory_hal *m = memory_hal_new(4096, 4096), *cut;

    CU_ASSERT_EQUAL(m->hal.publish_destruction(m, span_text("all gone")), ST_OK);
    m->fail_destruction = 1;
    CU_ASSERT_EQUAL(m->hal.publish_destruction(m, span_text("")), ST_IO);
    cut = memory_hal_cut(m, m->event_count, CUT_LOSES, 0);
    CU_ASSERT(span_is(bytes_span(&cut->destruction), "all gone"));
    CU_ASSERT_EQUAL(cut->hal.publish_destruction(cut, span_text("")), ST_OK);
    CU_ASSERT_EQUAL(cut->destruction.len, 0);
    memory_hal_free(cut);
    memory_hal_free(m);
}

int main(void)
{
    CU_TestInfo cases[] = { { "quotes are well formed", quotes_are_well_formed },
                            { "changed quotes are refused", changed_quotes_are_refused },
                            { "boards have keys of their own", boards_have_keys_of_their_own },
                            { "quotes fail when told to", quotes_fail_when_told_to },
                            { "statements of destruction outlive a cut", statements_outlive_a_cut },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "the board in memory", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

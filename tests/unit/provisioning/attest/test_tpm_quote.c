/* provisioning/attest/tpm_quote.c: TPMS_ATTEST, byte by byte. */
#include "provisioning/attest/tpm_quote.h"

#include "firmware/base/hex.h"
#include "tests/unit/harness.h"

/* TPM_GENERATED_VALUE, TPM_ST_ATTEST_QUOTE; qualifiedSigner, extraData (sized); clockInfo, firmwareVersion; one bank,
 * SHA-256, PCR 12; pcrDigest (sized). */
#define MAGIC    "ff544347"
#define TYPE     "8018"
#define SIGNER   "00040102aabb"
#define EXTRA    "0003c0ffee"
#define CLOCK    "0000000000000001000000020000000301"
#define FIRMWARE "1122334455667788"
#define SELECT   "00000001000b03001000"
#define DIGEST   "0004d1d2d3d4"
#define QUOTE    MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE SELECT DIGEST

static enum status parse(const char *hex, struct tpm_quote *out)
{
    static uint8_t raw[128];
    size_t len = strlen(hex) / 2;

    CU_ASSERT_FATAL(len <= sizeof raw);
    CU_ASSERT_EQUAL_FATAL(hex_decode(raw, len, span_of(hex, 2 * len)), ST_OK);
    return tpm_quote_parse(span_of(raw, len), out);
}

static void refuse(const char *hex)
{
    struct tpm_quote q;

    if (parse(hex, &q) != ST_BAD_REQUEST) {
        printf("\n  taken for a quote: %s", hex);
        CU_FAIL("something else was taken for a quote");
    }
}

static void a_quote(void)
{
    static const uint8_t extra[] = { 0xc0, 0xff, 0xee }, digest[] = { 0xd1, 0xd2, 0xd3, 0xd4 };
    struct tpm_quote q;

    CU_ASSERT_EQUAL(parse(QUOTE, &q), ST_OK);
    CU_ASSERT(span_equal(q.extra_data, span_of(extra, sizeof extra)));
    CU_ASSERT(span_equal(q.pcr_digest, span_of(digest, sizeof digest)));
    CU_ASSERT_EQUAL(parse(MAGIC TYPE "0000" EXTRA CLOCK FIRMWARE SELECT "0000", &q), ST_OK);
    CU_ASSERT_EQUAL(q.pcr_digest.len, 0);
}

static void cut_or_longer(void)
{
    static const char whole[] = QUOTE;
    char cut[sizeof whole];

    for (size_t len = 0; len < sizeof whole - 1; len += 2) {
        snprintf(cut, sizeof cut, "%.*s", (int)len, whole);
        refuse(cut);
    }
    refuse(QUOTE "00");
}

static void lengths_that_lie(void)
{
    refuse(MAGIC TYPE "ffff0102aabb" EXTRA CLOCK FIRMWARE SELECT DIGEST);
    refuse(MAGIC TYPE SIGNER "ffffc0ffee" CLOCK FIRMWARE SELECT DIGEST);
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE SELECT "0005d1d2d3d4");
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE SELECT "0003d1d2d3d4");
}

static void something_else(void)
{
    refuse("ff544348" TYPE SIGNER EXTRA CLOCK FIRMWARE SELECT DIGEST);              /* not made by a TPM */
    refuse(MAGIC "8017" SIGNER EXTRA CLOCK FIRMWARE SELECT DIGEST);                 /* the certification of a key */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000001000403001000" DIGEST);   /* SHA-1 */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000001000b03000100" DIGEST);   /* PCR 8 */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000001000b03001100" DIGEST);   /* PCRs 8 and 12 */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000001000b03000000" DIGEST);   /* none */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000001000b0400100000" DIGEST); /* wider */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000000" DIGEST);               /* no bank */
    refuse(MAGIC TYPE SIGNER EXTRA CLOCK FIRMWARE "00000002000b03001000000403001000" DIGEST); /* two */
}

/* Computed by Python's hashlib: sha256(sha256(bytes(32) + bytes(range(32))).digest()). */
static void digest_of_an_image(void)
{
    uint8_t image[32], digest[32], wanted[32];

    for (unsigned i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)i;
    CU_ASSERT_EQUAL_FATAL(hex_decode(wanted, sizeof wanted,
                                     span_text("c7d4272a57977f661fbd79300a1bbfff2e4357cc44147a8211aa763f9f1b3a6c")),
                          ST_OK);
    tpm_quote_digest(image, digest);
    CU_ASSERT_EQUAL(memcmp(digest, wanted, sizeof digest), 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "a quote gives its extra data and its digest", a_quote },
        { "what was cut anywhere, or has a byte behind it, is none", cut_or_longer },
        { "lengths that point past the end, or before it, are refused", lengths_that_lie },
        { "what is of another type or over other PCRs is none", something_else },
        { "the digest of an image that was measured once", digest_of_an_image },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "TPM quotes", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

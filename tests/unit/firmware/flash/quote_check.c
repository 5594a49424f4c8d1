#include "tests/unit/firmware/flash/quote_check.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define SHA256_LEN 32

void quote_expected_pcr(const uint8_t image[32], uint8_t out[32])
{
    uint8_t extended[2 * SHA256_LEN] = { 0 };

    memcpy(extended + SHA256_LEN, image, SHA256_LEN);
    SHA256(extended, sizeof extended, out);
}

static bool signature_verifies(const struct quote *q)
{
    const uint8_t *p = q->key.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)q->key.len);
    EVP_MD_CTX *verify = EVP_MD_CTX_new();
    char curve[32] = "";
    bool ok = key != NULL && p == q->key.p + q->key.len &&
              EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1 && strcmp(curve, "prime256v1") == 0 &&
              EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(verify, q->signature.p, q->signature.len, q->attest.p, q->attest.len) == 1;

    EVP_MD_CTX_free(verify);
    EVP_PKEY_free(key);
    return ok;
}

/* The next bytes, if they are `want`. */
static bool next_is(struct span *rest, const void *want, size_t len)
{
    if (rest->len < len || memcmp(rest->p, want, len) != 0)
        return false;
    *rest = span_of(rest->p + len, rest->len - len);
    return true;
}

static bool skip(struct span *rest, size_t len)
{
    if (rest->len < len)
        return false;
    *rest = span_of(rest->p + len, rest->len - len);
    return true;
}

/* TPM 2.0, Part 2, 10.12.8: TPMS_ATTEST with a TPMS_QUOTE_INFO (10.12.4). */
const char *quote_fault(const struct quote *q, const uint8_t nonce[32], const uint8_t pcr[32])
{
    struct span rest = q->attest;
    uint8_t digest[SHA256_LEN];

    SHA256(pcr, SHA256_LEN, digest); /* of all selected values, which is one */
    if (!signature_verifies(q))
        return "the signature";
    if (!next_is(&rest, "\xff\x54\x43\x47", 4)) /* TPM_GENERATED: "\xffTCG" */
        return "the magic";
    if (!next_is(&rest, "\x80\x18", 2)) /* TPM_ST_ATTEST_QUOTE */
        return "the type";
    if (!next_is(&rest, "\x00\x22\x00\x0b", 4) || !skip(&rest, SHA256_LEN)) /* a SHA-256 name */
        return "the signer's name";
    if (!next_is(&rest, "\x00\x20", 2) || !next_is(&rest, nonce, SHA256_LEN))
        return "the extra data";
    if (!skip(&rest, 8 + 4 + 4) || !(next_is(&rest, "\0", 1) || next_is(&rest, "\1", 1)) || !skip(&rest, 8))
        return "the clock and the version"; /* clock, resets, restarts; safe; the TPM's firmware */
    if (!next_is(&rest, "\x00\x00\x00\x01\x00\x0b\x03\x00\x10\x00", 10)) /* one bank, SHA-256, PCR 12 alone */
        return "the PCR selection";
    if (!next_is(&rest, "\x00\x20", 2) || !next_is(&rest, digest, SHA256_LEN))
        return "the PCR digest";
    return rest.len == 0 ? NULL : "more than a quote";
}

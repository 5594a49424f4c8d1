#include "tests/unit/firmware/flash/memory_quote.h"

#include <openssl/sha.h>
#include <openssl/x509.h>

#define SHA256_LEN 32

void memory_quote_key(EVP_PKEY *key, struct bytes *spki)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    enum status st = len > 0 ? bytes_set(spki, span_of(der, (size_t)len)) : ST_INTERNAL;

    INVARIANT(st == ST_OK);
    OPENSSL_free(der);
}

/* SHA-256 of what the PCR holds: the digest over one selected PCR. */
static void pcr_digest(const uint8_t image[32], uint8_t out[SHA256_LEN])
{
    uint8_t extended[2 * SHA256_LEN] = { 0 }, pcr[SHA256_LEN];

    memcpy(extended + SHA256_LEN, image, SHA256_LEN);
    SHA256(extended, sizeof extended, pcr);
    SHA256(pcr, sizeof pcr, out);
}

/* TPM 2.0, Part 2, 10.12.8 and 10.12.4. */
static void append_attest(EVP_PKEY *key, const uint8_t image[32], const uint8_t nonce[32], struct bytes *out)
{
    static const uint8_t begin[] = { 0xff, 'T', 'C', 'G', 0x80, 0x18, 0, 2 + SHA256_LEN, 0, 0x0b },
                         selection[] = { 0, 0, 0, 1, 0, 0x0b, 3, 0x00, 0x10, 0x00 }, size[] = { 0, SHA256_LEN };
    uint8_t digest[SHA256_LEN];
    struct bytes spki = { 0 };

    memory_quote_key(key, &spki);
    SHA256(spki.p, spki.len, digest); /* a TPM's is over its own structure, which nobody has here */
    bytes_append(out, begin, sizeof begin);
    bytes_append(out, digest, sizeof digest);
    bytes_append(out, size, sizeof size);
    bytes_append(out, nonce, SHA256_LEN);
    bytes_append_u64(out, 123456); /* clock */
    bytes_append_u32(out, 2);      /* resets */
    bytes_append_u32(out, 0);      /* restarts */
    bytes_append_char(out, 1);     /* the clock is safe */
    bytes_append_u64(out, 1);      /* the TPM's firmware */
    bytes_append(out, selection, sizeof selection);
    pcr_digest(image, digest);
    bytes_append(out, size, sizeof size);
    bytes_append(out, digest, sizeof digest);
    bytes_clear(&spki);
}

void memory_quote(EVP_PKEY *key, const uint8_t image[32], const uint8_t nonce[32], struct bytes *attest,
                  struct bytes *signature)
{
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    uint8_t der[128];
    size_t len = sizeof der;
    bool ok;

    bytes_reset(attest);
    append_attest(key, image, nonce, attest);
    INVARIANT(sign != NULL && bytes_status(attest) == ST_OK);
    ok = EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(sign, der, &len, attest->p, attest->len) == 1 &&
         bytes_set(signature, span_of(der, len)) == ST_OK;
    INVARIANT(ok);
    EVP_MD_CTX_free(sign);
}

#include <openssl/ec.h>

#include "board/sim/tpm_command.h"

#define FIELD_LEN     32 /* of P-256 */
#define SIGNATURE_MAX 72 /* DER of two such numbers */

static const struct tpm_template attestation_key = { ATTRIBUTES_ATTESTATION, { ALG_NULL, ALG_ECDSA, ALG_SHA256 }, 3 };

/* A coordinate: a TPM may leave out zeros in front of it. */
static void get_field(struct tpm_reader *r, uint8_t out[FIELD_LEN])
{
    struct span got = tpm_get_sized(r);

    memset(out, 0, FIELD_LEN);
    if (got.len > FIELD_LEN)
        r->failed = true;
    else if (got.len > 0)
        memcpy(out + FIELD_LEN - got.len, got.p, got.len);
}

/* TPMT_PUBLIC of the attestation key (Part 2, 12.2.4) as SubjectPublicKeyInfo. */
static enum status public_to_spki(struct span public, struct bytes *spki)
{
    /* id-ecPublicKey, prime256v1, and the beginning of an uncompressed point: RFC 5480, 2 */
    static const uint8_t prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
    uint8_t whole[sizeof prefix + (size_t)2 * FIELD_LEN];
    struct tpm_reader r = { .rest = public };
    bool ours = tpm_get_u16(&r) == ALG_ECC && tpm_get_u16(&r) == ALG_SHA256 &&
                tpm_get_u32(&r) == attestation_key.attributes && tpm_get_sized(&r).len == 0;

    for (size_t i = 0; i < attestation_key.count; i++)
        ours = tpm_get_u16(&r) == attestation_key.algorithms[i] && ours;
    ours = tpm_get_u16(&r) == ECC_NIST_P256 && tpm_get_u16(&r) == ALG_NULL && ours;
    memcpy(whole, prefix, sizeof prefix);
    get_field(&r, whole + sizeof prefix);
    get_field(&r, whole + sizeof prefix + FIELD_LEN);
    if (!ours || r.failed || r.rest.len != 0)
        return ST_INTERNAL;
    return bytes_set(spki, span_of(whole, sizeof whole));
}

enum status tpm_quote_key(struct tpm *t, struct bytes *spki)
{
    uint32_t key = 0;
    struct tpm_reader r;
    enum status st;

    pthread_mutex_lock(&t->lock);
    if ((st = tpm_create_primary(t, &attestation_key, &key, &r)) == ST_OK)
        st = public_to_spki(tpm_get_sized(&r), spki);
    tpm_flush(t, key);
    pthread_mutex_unlock(&t->lock);
    return st;
}

/* TPMT_SIGNATURE (Part 2, 11.3.4) as DER. */
static enum status get_signature(struct tpm_reader *r, struct bytes *der)
{
    bool ours = tpm_get_u16(r) == ALG_ECDSA && tpm_get_u16(r) == ALG_SHA256;
    uint8_t number[FIELD_LEN], text[SIGNATURE_MAX], *end = text;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *first, *second;
    enum status st = ST_INTERNAL;

    get_field(r, number);
    first = BN_bin2bn(number, sizeof number, NULL);
    get_field(r, number);
    second = BN_bin2bn(number, sizeof number, NULL);
    if (pair == NULL || first == NULL || second == NULL) {
        BN_free(first);
        BN_free(second);
        st = ST_NO_MEMORY;
        goto done;
    }
    ECDSA_SIG_set0(pair, first, second); /* takes both */
    if (ours && !r->failed && r->rest.len == 0) {
        int len = i2d_ECDSA_SIG(pair, &end);

        st = len > 0 ? bytes_set(der, span_of(text, (size_t)len)) : ST_INTERNAL;
    }
done:
    ECDSA_SIG_free(pair);
    return st;
}

static enum status sign(struct tpm *t, uint32_t key, unsigned pcr, const uint8_t nonce[TPM_DIGEST_LEN],
                        struct bytes *attest, struct bytes *signature)
{
    struct tpm_writer w;
    struct tpm_reader r;
    enum status st;

    tpm_begin(&w, CC_QUOTE, key, RS_PW);
    tpm_put_sized(&w, span_of(nonce, TPM_DIGEST_LEN));
    tpm_put_u16(&w, ALG_NULL); /* the key's own scheme */
    tpm_put_selection(&w, pcr);
    if ((st = tpm_run(t, &w, NULL, &r)) != ST_OK || (st = bytes_set(attest, tpm_get_sized(&r))) != ST_OK)
        return st;
    return get_signature(&r, signature);
}

enum status tpm_quote(struct tpm *t, unsigned pcr, const uint8_t nonce[TPM_DIGEST_LEN], struct bytes *attest,
                      struct bytes *signature)
{
    uint32_t key = 0;
    enum status st;

    pthread_mutex_lock(&t->lock);
    if ((st = tpm_create_primary(t, &attestation_key, &key, NULL)) == ST_OK)
        st = sign(t, key, pcr, nonce, attest, signature);
    tpm_flush(t, key);
    pthread_mutex_unlock(&t->lock);
    return st;
}

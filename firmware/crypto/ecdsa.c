#include <openssl/err.h>

#include "firmware/crypto/signature.h"

/* ECDSA (FIPS 186-5, 6) with signatures as PKCS#11 has them: r and s, each as long as the order, one after the other.
 *
 * Faults (THREATS.md C13). libcrypto's nonce is hedged: a hash of private key, digest and fresh randomness, so a fault
 * in one signature and none in another of the same digest do not meet under one nonce, which is what the differential
 * attacks on deterministic ECDSA need. What is left is a fault inside one signature: a point off the curve, a skipped
 * step of the scalar multiplication, or flipped bits of the private key, whose wrong signature, once published, tells
 * bits of key or nonce. Verifying finds all of them but costs three P-256 signatures; any check as sound that avoids a
 * second scalar multiplication would need the nonce, which libcrypto rightly does not give away.
 * So on the two fast curves one signature in 64 is verified, at random: a fault that lasts (a flipped bit of a key or
 * of a table, a broken multiplier, a Rowhammer campaign) is found within some 64 signatures and takes the keystore to
 * its error state; a single glitch placed on one signature is found with probability 1/64 only. Where glitches are to
 * be feared - a board in an attacker's hands - build with ECDSA_VERIFY_ALL, for three to four times the cost. The
 * curves that are slow anyway (P-521, secp256k1) are verified always. */

#define DER_MAX   (2 * (3 + CURVE_SCALAR_MAX) + 4)
#define INPUT_MAX 128 /* PKCS#11 3.0, 2.3.6: 1,024 bits; what exceeds the order's length is cut off */

static unsigned verify_gap(const struct key *k)
{
#ifdef ECDSA_VERIFY_ALL
    (void)k;
    return 1;
#else
    return k->curve->verify_gap;
#endif
}

static CK_RV begin(struct operation *op)
{
    (void)op; /* no parameter; all state is the hash's, made when there are parts */
    return CKR_OK;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return 2 * op->key->curve->scalar_len;
}

static EVP_PKEY_CTX *take_context(struct key *k, enum key_context kind)
{
    EVP_PKEY_CTX *context = key_context_take(k, kind);

    if (context != NULL || (context = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL)) == NULL)
        return context;
    if ((kind == KEY_CONTEXT_SIGN ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context)) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

static CK_RV verify_der(struct key *k, struct span digest, struct span der)
{
    EVP_PKEY_CTX *context = take_context(k, KEY_CONTEXT_VERIFY);
    int verdict;

    if (context == NULL)
        return CKR_DEVICE_ERROR;
    verdict = EVP_PKEY_verify(context, der.p, der.len, digest.p, digest.len);
    key_context_put(k, KEY_CONTEXT_VERIFY, context);
    if (verdict == 1)
        return CKR_OK;
    ERR_clear_error();
    return CKR_SIGNATURE_INVALID;
}

static bool put_number(struct span *der, uint8_t *to, size_t len)
{
    struct span n;

    if (!der_take_number(der, &n) || n.len == 0 || n.len > len)
        return false;
    memset(to, 0, len - n.len);
    memcpy(to + len - n.len, n.p, n.len);
    return true;
}

static bool put_pair(struct span der, uint8_t *to, size_t len)
{
    struct span pair;

    return der_take(&der, DER_SEQUENCE, &pair) && der.len == 0 && put_number(&pair, to, len) &&
           put_number(&pair, to + len, len) && pair.len == 0;
}

static CK_RV sign(struct operation *op, struct span digest, struct output *out)
{
    static _Thread_local unsigned left;
    struct key *k = op->key;
    size_t scalar_len = k->curve->scalar_len, len = DER_MAX;
    EVP_PKEY_CTX *context;
    uint8_t der[DER_MAX];
    bool must_verify;
    CK_RV rv;

    if (digest.len == 0 || digest.len > INPUT_MAX)
        return CKR_DATA_LEN_RANGE;
    if ((rv = signature_must_verify(&left, verify_gap(k), &must_verify)) != CKR_OK)
        return rv;
    if ((context = take_context(k, KEY_CONTEXT_SIGN)) == NULL)
        return CKR_DEVICE_ERROR;
    if (EVP_PKEY_sign(context, der, &len, digest.p, digest.len) != 1) {
        EVP_PKEY_CTX_free(context);
        ERR_clear_error();
        return CKR_DEVICE_ERROR;
    }
    key_context_put(k, KEY_CONTEXT_SIGN, context);
    if (!put_pair(span_of(der, len), out->p, scalar_len) ||
        (must_verify && verify_der(k, digest, span_of(der, len)) != CKR_OK)) {
        left = 0; /* and the next one at once */
        return CKR_DEVICE_ERROR;
    }
    out->len = 2 * scalar_len;
    return CKR_OK;
}

static CK_RV check(struct operation *op, struct span digest, struct span signature)
{
    size_t len = op->key->curve->scalar_len;
    uint8_t der[DER_MAX];
    struct der_writer w;

    if (digest.len == 0 || digest.len > INPUT_MAX)
        return CKR_DATA_LEN_RANGE;
    if (signature.len != 2 * len)
        return CKR_SIGNATURE_LEN_RANGE;
    der_begin(&w, der, sizeof der);
    der_put_number(&w, span_of(signature.p + len, len));
    der_put_number(&w, span_of(signature.p, len));
    der_wrap(&w, DER_SEQUENCE, sizeof der);
    return verify_der(op->key, digest, der_written(&w));
}

const struct mechanism_family ecdsa_family = {
    .begin = begin, .output_max = output_max, .once = signature_once, SIGNATURE_MEMBERS, .sign = sign, .check = check
};

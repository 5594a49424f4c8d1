#include <openssl/crypto.h>

#include "pkcs11/token/mechanism.h"
#include "pkcs11/token/unpad.h"

#define KDK_LABEL "strongroom implicit rejection v1"

/* DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1). */
static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
static const uint8_t sha384_info[] = { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30 };
static const uint8_t sha512_info[] = { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40 };
#define INFO_LEN sizeof sha256_info

static const uint8_t *digest_info(enum token_alg alg)
{
    return alg == TOKEN_RS256 ? sha256_info : alg == TOKEN_RS384 ? sha384_info : sha512_info;
}

static enum status sign_into(struct worker *w, struct token_job *job, CK_MECHANISM *mechanism,
                             const struct token_key *key, struct span input)
{
    size_t len = key_signature_len(&key->spec), want = len;
    enum status st;

    if ((st = bytes_reserve(&job->output, len)) != ST_OK ||
        (st = call_sign(w, mechanism, key->handle, input, job->output.p, &len)) != ST_OK)
        return st;
    if (len != want)
        return ST_INTERNAL;
    job->output.len = len;
    return ST_OK;
}

CK_RSA_PKCS_PSS_PARAMS rsa_pss_params(enum token_alg alg)
{
    CK_ULONG salt = alg_info(alg)->digest_len;

    if (alg == TOKEN_PS256)
        return (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, salt };
    if (alg == TOKEN_PS384)
        return (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA384, CKG_MGF1_SHA384, salt };
    return (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA512, CKG_MGF1_SHA512, salt };
}

struct span rsa_digest_info(enum token_alg alg, struct span digest, uint8_t *out)
{
    memcpy(out, digest_info(alg), INFO_LEN);
    memcpy(out + INFO_LEN, digest.p, digest.len);
    return span_of(out, INFO_LEN + digest.len);
}

static enum status sign_pss(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_RSA_PKCS_PSS_PARAMS params = rsa_pss_params(job->alg);
    CK_MECHANISM mechanism = { CKM_RSA_PKCS_PSS, &params, sizeof params };

    return sign_into(w, job, &mechanism, key, job->input);
}

static enum status sign_pkcs1(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS };
    uint8_t info[INFO_LEN + 64];

    if (job->alg == TOKEN_RSNULL) {
        if (job->input.len == 0 || job->input.len > key_signature_len(&key->spec) - 11)
            return ST_BAD_REQUEST;
        return sign_into(w, job, &mechanism, key, job->input);
    }
    return sign_into(w, job, &mechanism, key, rsa_digest_info(job->alg, job->input, info));
}

enum status rsa_sign(struct worker *w, struct token_job *job, const struct token_key *key)
{
    const struct alg_info *info = alg_info(job->alg);

    if (info->digest_len != 0 && job->input.len != info->digest_len)
        return ST_BAD_REQUEST;
    if (job->alg == TOKEN_PS256 || job->alg == TOKEN_PS384 || job->alg == TOKEN_PS512)
        return sign_pss(w, job, key);
    return sign_pkcs1(w, job, key);
}

/* RFC 8017, 7.1.2 and 7.2.2 step 1, 5.1.2 step 1: as long as the modulus, and below it. Both are public. */
static bool in_range(struct span ciphertext, struct span modulus)
{
    return ciphertext.len == modulus.len && memcmp(ciphertext.p, modulus.p, modulus.len) < 0;
}

/* The draft derives the key of the pseudo-random answer from the private exponent, which we cannot have. The binding
 * key is as secret, and its own label keeps these MACs apart from those of blobs. Modulus and ciphertext have the same
 * length, so the input reads one way only. */
static enum status rejection_key(struct worker *w, const struct token_key *key, struct span ciphertext,
                                 uint8_t kdk[UNPAD_KDK_LEN])
{
    uint8_t input[sizeof KDK_LABEL + 2 * RSA_MODULUS_MAX];
    size_t at = sizeof KDK_LABEL; /* its NUL ends the label */

    _Static_assert(UNPAD_KDK_LEN == BLOB_MAC_LEN, "an HMAC-SHA256");
    memcpy(input, KDK_LABEL, at);
    memcpy(input + at, key->modulus.p, key->modulus.len);
    at += key->modulus.len;
    memcpy(input + at, ciphertext.p, ciphertext.len);
    at += ciphertext.len;
    return call_binding_mac(w, span_of(input, at), kdk);
}

static enum status unpad(struct worker *w, struct token_job *job, const struct token_key *key, struct span em,
                         struct secret *out)
{
    uint8_t kdk[UNPAD_KDK_LEN];
    enum status st;

    if (job->alg == TOKEN_RSA_OAEP)
        return unpad_oaep(em, EVP_sha1(), out->p, &out->len);
    if (job->alg == TOKEN_RSA_OAEP_256)
        return unpad_oaep(em, EVP_sha256(), out->p, &out->len);
    if ((st = rejection_key(w, key, job->input, kdk)) == ST_OK)
        st = unpad_pkcs1(em, kdk, out->p, &out->len);
    OPENSSL_cleanse(kdk, sizeof kdk);
    return st;
}

enum status rsa_decrypt(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_X_509 };
    uint8_t em[RSA_MODULUS_MAX];
    size_t len = sizeof em;
    enum status st;

    if (!in_range(job->input, key->modulus))
        return ST_BAD_CIPHERTEXT;
    if ((st = call_decrypt(w, &mechanism, key->handle, job->input, em, &len)) != ST_OK)
        goto done;
    if (len != key->modulus.len) {
        st = ST_INTERNAL;
        goto done;
    }
    if ((st = secret_grow(&job->secret_output, len)) == ST_OK)
        st = unpad(w, job, key, span_of(em, len), &job->secret_output);
done:
    OPENSSL_cleanse(em, sizeof em);
    return st;
}

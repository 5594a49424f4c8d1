#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "firmware/crypto/signature.h"

/* RSA (RFC 8017): PKCS#1 v1.5, PSS, OAEP and the bare operation. libcrypto blinds every private operation, and answers
 * bad PKCS#1 v1.5 padding with a plaintext that follows from key and ciphertext (implicit rejection, on by default
 * since 3.2; THREATS.md C9).
 *
 * Faults (THREATS.md C13). The attack on RSA-CRT needs a result that is right modulo one prime only. Inside every
 * private operation libcrypto raises the combined result to e again and compares, before it unblinds; on a mismatch
 * the result is dropped and made anew without CRT. A fault after that (unblinding, output) is one of arithmetic modulo
 * n and tells nothing of the primes. So the secrets are guarded always, at libcrypto's cost, and what we verify again
 * from the bytes that leave - one signature in 8, at random - is there to find a machine that has broken for good. */

#define VERIFY_GAP 8

struct padding {
    const char *mode;
    const struct hash *hash, *mgf;
    int salt_len;
    struct span label;
};

static size_t modulus_len(const struct operation *op)
{
    return (op->key->bits + 7) / 8;
}

static size_t output_max(const struct operation *op, size_t in_len)
{
    (void)in_len;
    return modulus_len(op);
}

/* A context for one operation; NULL: libcrypto refuses it. */
static EVP_PKEY_CTX *make_context(const struct operation *op, int (*init)(EVP_PKEY_CTX *, const OSSL_PARAM *),
                                  const struct padding *p)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, op->key->pkey, NULL);
    int salt_len = p->salt_len;
    OSSL_PARAM list[6];
    unsigned n = 0;

    list[n++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_PAD_MODE, (char *)p->mode, 0);
    if (p->hash != NULL)
        list[n++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_DIGEST, (char *)p->hash->name, 0);
    if (p->mgf != NULL)
        list[n++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_MGF1_DIGEST, (char *)p->mgf->name, 0);
    if (strcmp(p->mode, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
        list[n++] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt_len);
    if (p->label.len > 0)
        list[n++] =
            OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, (void *)p->label.p, p->label.len);
    list[n] = OSSL_PARAM_construct_end();
    if (context != NULL && init(context, list) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static struct padding padding_of(const struct operation *op)
{
    const struct mechanism *m = &op->mechanism;
    const struct mechanism_family *f = op->entry->family;
    const struct hash *combined = op->entry->digest != NULL ? hash_by_name(op->entry->digest) : NULL;

    if (f == &rsa_pkcs1_family)
        return (struct padding){ .mode = OSSL_PKEY_RSA_PAD_MODE_PKCSV15, .hash = combined };
    if (f == &rsa_raw_family)
        return (struct padding){ .mode = OSSL_PKEY_RSA_PAD_MODE_NONE };
    if (f == &rsa_oaep_family)
        return (struct padding){ .mode = OSSL_PKEY_RSA_PAD_MODE_OAEP,
                                 .hash = hash_by_type(m->hash),
                                 .mgf = hash_by_mgf(m->mgf),
                                 .label = m->aad };
    return (struct padding){ .mode = OSSL_PKEY_RSA_PAD_MODE_PSS,
                             .hash = hash_by_type(m->hash),
                             .mgf = hash_by_mgf(m->mgf),
                             .salt_len = (int)m->number };
}

static CK_RV begin_plain(struct operation *op)
{
    (void)op;
    return CKR_OK;
}

static CK_RV begin_oaep(struct operation *op)
{
    struct padding p = padding_of(op);

    if (!op->mechanism.has_parameter || p.hash == NULL || p.mgf == NULL || p.label.len > MECHANISM_PART_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    return modulus_len(op) >= 2 * p.hash->len + 2 ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

static CK_RV begin_pss(struct operation *op)
{
    struct padding p = padding_of(op);

    /* A combined mechanism names its hash twice (PKCS#11 3.0, 2.1.10). */
    if (!op->mechanism.has_parameter || p.hash == NULL || p.mgf == NULL ||
        (op->entry->digest != NULL && p.hash != hash_by_name(op->entry->digest)) ||
        op->mechanism.number > (op->key->bits + 6) / 8 - p.hash->len - 2) /* RFC 8017, 9.1.1, step 3 */
        return CKR_MECHANISM_PARAM_INVALID;
    return CKR_OK;
}

/* May that many bytes be signed (or, with `room` for their padding, encrypted)? */
static CK_RV check_length(const struct operation *op, const struct padding *p, struct span in)
{
    size_t overhead = op->entry->family == &rsa_raw_family ? 0 : 11; /* RFC 8017, 7.2.1 and 9.2 */

    if (op->entry->family == &rsa_oaep_family)
        overhead = 2 * p->hash->len + 2;
    if (op->entry->family == &rsa_pkcs1_family && op->kind != OPERATION_ENCRYPT && in.len == 0)
        return CKR_DATA_LEN_RANGE; /* libcrypto would sign nothing, and then not verify it */
    if (op->entry->family == &rsa_pss_family)
        return in.len == p->hash->len ? CKR_OK : CKR_DATA_LEN_RANGE;
    return in.len + overhead <= modulus_len(op) ? CKR_OK : CKR_DATA_LEN_RANGE;
}

/* The bare operation takes numbers: shorter ones get leading zeros (PKCS#11 3.0, 2.1.6). */
static struct span widen(const struct operation *op, struct span in, uint8_t memory[RSA_LEN_MAX])
{
    size_t len = modulus_len(op);

    if (op->entry->family != &rsa_raw_family || in.len >= len)
        return in;
    memset(memory, 0, len - in.len);
    if (in.len > 0)
        memcpy(memory + len - in.len, in.p, in.len);
    return span_of(memory, len);
}

static CK_RV check(struct operation *op, struct span in, struct span signature)
{
    struct padding p = padding_of(op);
    uint8_t wide[RSA_LEN_MAX];
    EVP_PKEY_CTX *context;
    CK_RV rv = check_length(op, &p, in);

    if (rv != CKR_OK)
        return rv;
    if (signature.len != modulus_len(op))
        return CKR_SIGNATURE_LEN_RANGE;
    if ((context = make_context(op, EVP_PKEY_verify_init_ex, &p)) == NULL)
        return CKR_DEVICE_ERROR;
    in = widen(op, in, wide);
    if (EVP_PKEY_verify(context, signature.p, signature.len, in.p, in.len) != 1)
        rv = CKR_SIGNATURE_INVALID;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return rv;
}

/* libcrypto's functions for each kind of operation, and what they cannot do: take an input that must be as long as the
 * modulus and is not (CKR_OK: it may be shorter), take one that is wrong. */
static const struct way {
    int (*init)(EVP_PKEY_CTX *, const OSSL_PARAM *);
    int (*run)(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
    CK_RV bad_length, bad_input;
} ways[OPERATION_KIND_COUNT_] = {
    [OPERATION_ENCRYPT] = { EVP_PKEY_encrypt_init_ex, EVP_PKEY_encrypt, CKR_OK, CKR_DATA_INVALID },
    [OPERATION_DECRYPT] = { EVP_PKEY_decrypt_init_ex, EVP_PKEY_decrypt, CKR_ENCRYPTED_DATA_LEN_RANGE,
                            CKR_ENCRYPTED_DATA_INVALID },
    [OPERATION_SIGN] = { EVP_PKEY_sign_init_ex, EVP_PKEY_sign, CKR_OK, CKR_DATA_INVALID },
    [OPERATION_SIGN_RECOVER] = { EVP_PKEY_sign_init_ex, EVP_PKEY_sign, CKR_OK, CKR_DATA_INVALID },
    [OPERATION_VERIFY_RECOVER] = { EVP_PKEY_verify_recover_init_ex, EVP_PKEY_verify_recover, CKR_SIGNATURE_LEN_RANGE,
                                   CKR_SIGNATURE_INVALID },
};

/* libcrypto wants room for a whole modulus, also for less; output_max() gives it that. */
static CK_RV transform(struct operation *op, struct span in, struct output *out)
{
    const struct way *way = &ways[op->kind];
    struct padding p = padding_of(op);
    uint8_t wide[RSA_LEN_MAX];
    size_t len = out->room;
    EVP_PKEY_CTX *context;
    CK_RV rv = CKR_OK;

    if (way->bad_length == CKR_OK)
        rv = check_length(op, &p, in);
    else if (in.len != modulus_len(op))
        rv = way->bad_length;
    if (rv != CKR_OK)
        return rv;
    if ((context = make_context(op, way->init, &p)) == NULL)
        return CKR_DEVICE_ERROR;
    in = widen(op, in, wide);
    if (way->run(context, out->p, &len, in.p, in.len) == 1)
        out->len = len;
    else if (way->bad_length == CKR_OK && op->entry->family != &rsa_raw_family)
        rv = CKR_DEVICE_ERROR; /* any padded input is below the modulus */
    else
        rv = way->bad_input;
    EVP_PKEY_CTX_free(context);
    OPENSSL_cleanse(wide, in.p == wide ? in.len : 0);
    ERR_clear_error();
    return rv;
}

static CK_RV sign(struct operation *op, struct span in, struct output *out)
{
    static _Thread_local unsigned left;
    bool must_verify;
    CK_RV rv;

    if ((rv = signature_must_verify(&left, VERIFY_GAP, &must_verify)) != CKR_OK ||
        (rv = transform(op, in, out)) != CKR_OK)
        return rv;
    if (must_verify && check(op, in, span_of(out->p, out->len)) != CKR_OK) {
        left = 0; /* and the next one at once */
        return CKR_DEVICE_ERROR;
    }
    return CKR_OK;
}

static CK_RV once(struct operation *op, struct span in, struct output *out)
{
    bool signs = op->kind == OPERATION_SIGN || op->kind == OPERATION_SIGN_RECOVER;

    return signs ? signature_once(op, in, out) : transform(op, in, out);
}

const struct mechanism_family rsa_pkcs1_family = {
    .begin = begin_plain, .output_max = output_max, .once = once, SIGNATURE_MEMBERS, .sign = sign, .check = check
};
const struct mechanism_family rsa_pss_family = {
    .begin = begin_pss, .output_max = output_max, .once = once, SIGNATURE_MEMBERS, .sign = sign, .check = check
};
const struct mechanism_family rsa_raw_family = {
    .begin = begin_plain, .output_max = output_max, .once = once, .verify = check, .sign = sign
};
const struct mechanism_family rsa_oaep_family = { .begin = begin_oaep, .output_max = output_max, .once = once };

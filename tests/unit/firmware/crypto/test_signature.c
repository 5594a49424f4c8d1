#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <pthread.h>

#include "firmware/crypto/hash.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/mechanism_table.h"
#include "firmware/crypto/signature.h"
#include "tests/unit/firmware/crypto/key_fixture.h"

/* Signatures: ours verified by libcrypto directly, libcrypto's by us, and every refusal. */

static const char message[] = "An HSM-backed key vault signs what it is told to sign, and nothing else.";

static bool libcrypto_verifies_ecdsa(const struct key *k, const char *hash, struct span in, struct span signature)
{
    size_t half = signature.len / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *der = NULL;
    int len;
    bool ok;

    ECDSA_SIG_set0(sig, BN_bin2bn(signature.p, (int)half, NULL), BN_bin2bn(signature.p + half, (int)half, NULL));
    len = i2d_ECDSA_SIG(sig, &der);
    ok = EVP_DigestVerifyInit_ex(ctx, NULL, hash, NULL, NULL, k->pkey, NULL) == 1 &&
         EVP_DigestVerify(ctx, der, (size_t)len, in.p, in.len) == 1;
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return ok;
}

static void ecdsa_signs_with_every_hash_and_curve(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *hash;
    } hashes[] = { { CKM_ECDSA_SHA1, "SHA1" },         { CKM_ECDSA_SHA224, "SHA224" },
                   { CKM_ECDSA_SHA256, "SHA256" },     { CKM_ECDSA_SHA384, "SHA384" },
                   { CKM_ECDSA_SHA512, "SHA512" },     { CKM_ECDSA_SHA3_224, "SHA3-224" },
                   { CKM_ECDSA_SHA3_256, "SHA3-256" }, { CKM_ECDSA_SHA3_384, "SHA3-384" },
                   { CKM_ECDSA_SHA3_512, "SHA3-512" } };
    static const char *const curves[] = { DER_P256, DER_P384, DER_P521, DER_K1 };

    for (unsigned c = 0; c < ARRAY_LEN(curves); c++) {
        struct pair p = pair_new(CKM_ECDSA_KEY_PAIR_GEN, curves[c], 0);

        for (unsigned h = 0; h < ARRAY_LEN(hashes); h++) {
            const struct mechanism m = { .type = hashes[h].type };
            struct span in = span_text(message), s;

            CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK);
            CU_ASSERT(s.len == 2 * p.signer->curve->scalar_len);
            CU_ASSERT(libcrypto_verifies_ecdsa(p.verifier, hashes[h].hash, in, s));
            CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_OK);
            CU_ASSERT(verify_in_parts(&m, p.verifier, in, s) == CKR_OK);
            CU_ASSERT(verify(&m, p.verifier, span_of(message, 5), s) == CKR_SIGNATURE_INVALID);
            CU_ASSERT(sign_in_parts(&m, p.signer, in, &s) == CKR_OK);
            CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_OK);
        }
        pair_free(&p);
    }
}

static void ecdsa_on_digests_of_any_length(void)
{
    struct pair p = pair_new(CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0);
    const struct mechanism m = { .type = CKM_ECDSA };
    static const uint8_t digest[129] = { 1, 2, 3 };
    struct operation *op;
    struct span s;

    for (size_t len = 1; len <= 128; len++) {
        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(digest, len), &s) == CKR_OK);
        CU_ASSERT(verify(&m, p.verifier, span_of(digest, len), s) == CKR_OK);
    }
    CU_ASSERT(verify(&m, p.verifier, span_of(digest, 32), s) == CKR_OK); /* what exceeds the order is cut off */
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(digest, 0), &s) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(digest, 129), &s) == CKR_DATA_LEN_RANGE);
    CU_ASSERT_FATAL(operation_begin(OPERATION_SIGN, &m, p.signer, &op) == CKR_OK);
    CU_ASSERT(operation_update(op, span_of(digest, 32), NULL) == CKR_FUNCTION_NOT_SUPPORTED);
    operation_free(op);
    pair_free(&p);
}

static void bad_ecdsa_signatures_are_refused(void)
{
    struct pair p = pair_new(CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0);
    const struct mechanism m = { .type = CKM_ECDSA_SHA256 };
    static const uint8_t order[] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    struct span in = span_text(message), s;
    uint8_t sound[64], bad[64];

    CU_ASSERT_FATAL(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK);
    memcpy(sound, s.p, 64);
    CU_ASSERT(verify(&m, p.verifier, in, span_of(sound, 63)) == CKR_SIGNATURE_LEN_RANGE);
    CU_ASSERT(verify(&m, p.verifier, in, span_of(sound, 0)) == CKR_SIGNATURE_LEN_RANGE);
    for (unsigned half = 0; half < 64; half += 32) {
        memcpy(bad, sound, 64);
        memset(bad + half, 0, 32);
        CU_ASSERT(verify(&m, p.verifier, in, span_of(bad, 64)) == CKR_SIGNATURE_INVALID);
        memcpy(bad + half, order, 32);
        CU_ASSERT(verify(&m, p.verifier, in, span_of(bad, 64)) == CKR_SIGNATURE_INVALID);
        memset(bad + half, 0xff, 32);
        CU_ASSERT(verify(&m, p.verifier, in, span_of(bad, 64)) == CKR_SIGNATURE_INVALID);
    }
    CU_ASSERT(verify(&m, p.verifier, in, span_of(sound, 64)) == CKR_OK); /* the context survives refusals */
    CU_ASSERT(verify(&m, p.signer, in, span_of(sound, 64)) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.verifier, in, &s) == CKR_KEY_TYPE_INCONSISTENT);
    pair_free(&p);
}

/* A private key whose public half is another's, as a fault would have it: libcrypto signs, and we find it. */
static void wrong_signatures_are_found_before_they_leave(void)
{
    static const struct {
        CK_MECHANISM_TYPE generation, sign;
        const char *params;
        unsigned tries; /* within which one is verified */
    } kinds[] = { { CKM_ECDSA_KEY_PAIR_GEN, CKM_ECDSA, DER_P256, 127 },
                  { CKM_ECDSA_KEY_PAIR_GEN, CKM_ECDSA, DER_P384, 127 },
                  { CKM_ECDSA_KEY_PAIR_GEN, CKM_ECDSA, DER_P521, 1 },
                  { CKM_ECDSA_KEY_PAIR_GEN, CKM_ECDSA, DER_K1, 1 },
                  { CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, DER_ED, 1 } };

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, 0);
        struct pair other = pair_new(kinds[i].generation, kinds[i].params, 0);
        const struct mechanism m = { .type = kinds[i].sign };
        struct attributes mixed = copy_of(&p.private);
        unsigned tries = 0;
        struct span s;
        struct key *k;
        CK_RV rv;

        set(&mixed, CKA_EC_POINT, attributes_get(&other.private, CKA_EC_POINT));
        k = load(&mixed);
        do
            rv = compute(OPERATION_SIGN, &m, k, span_of(message, 32), &s);
        while (rv == CKR_OK && ++tries < 1000);
        CU_ASSERT(rv == CKR_DEVICE_ERROR && s.len == 0 && tries < kinds[i].tries);
        key_unref(k);
        attributes_clear(&mixed);
        pair_free(&p);
        pair_free(&other);
    }
}

/* RSA with one wrong CRT value, which would give the primes away: libcrypto's own check replaces the result. */
static void a_fault_in_crt_does_not_leave(void)
{
    static const CK_ATTRIBUTE_TYPE values[] = { CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT };
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    const struct mechanism m = { .type = CKM_SHA256_RSA_PKCS };

    for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
        struct attributes faulty = copy_of(&p.private);
        struct span value = attributes_get(&p.private, values[i]), s;
        uint8_t changed[256];
        struct key *k;

        memcpy(changed, value.p, value.len);
        changed[value.len / 2] ^= 1;
        set(&faulty, values[i], span_of(changed, value.len));
        k = load(&faulty);
        for (unsigned n = 0; n < 20; n++) {
            CU_ASSERT(compute(OPERATION_SIGN, &m, k, span_text(message), &s) == CKR_OK);
            CU_ASSERT(verify(&m, p.verifier, span_text(message), s) == CKR_OK);
        }
        key_unref(k);
        attributes_clear(&faulty);
    }
    pair_free(&p);
}

static void one_signature_in_gap_is_verified(void)
{
    unsigned left = 0, verified = 0;
    bool must;

    for (unsigned i = 0; i < 64000; i++) {
        CU_ASSERT(signature_must_verify(&left, 64, &must) == CKR_OK);
        verified += must;
    }
    CU_ASSERT(verified > 850 && verified < 1150); /* 1,000 expected; 5 standard deviations are 92 */
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT(signature_must_verify(&left, 1, &must) == CKR_OK && must);
}

static bool libcrypto_verifies(const struct key *k, const char *hash, bool pss, struct span in, struct span s)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context;
    bool ok = EVP_DigestVerifyInit_ex(ctx, &context, hash, NULL, NULL, k->pkey, NULL) == 1;

    if (pss)
        ok = ok && EVP_PKEY_CTX_set_params(
                       context, (const OSSL_PARAM[]){ OSSL_PARAM_construct_utf8_string("pad-mode", (char *)"pss", 0),
                                                      OSSL_PARAM_construct_end() }) == 1;
    ok = ok && EVP_DigestVerify(ctx, s.p, s.len, in.p, in.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static void rsa_signs_with_every_hash(void)
{
    static const struct {
        CK_MECHANISM_TYPE pkcs1, pss, hash;
        CK_ULONG mgf;
    } rows[] = { { CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1 },
                 { CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224, CKG_MGF1_SHA224 },
                 { CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256 },
                 { CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384 },
                 { CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512 } };
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    struct span in = span_text(message), s;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct hash *h = hash_by_type(rows[i].hash);
        struct mechanism m = { .type = rows[i].pkcs1 };

        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK && s.len == 256);
        CU_ASSERT(libcrypto_verifies(p.verifier, h->name, false, in, s));
        CU_ASSERT(sign_in_parts(&m, p.signer, in, &s) == CKR_OK);
        CU_ASSERT(verify_in_parts(&m, p.verifier, in, s) == CKR_OK);
        CU_ASSERT(verify(&m, p.verifier, span_of(message, 4), s) == CKR_SIGNATURE_INVALID);
        CU_ASSERT(verify(&m, p.verifier, in, span_of(s.p, 255)) == CKR_SIGNATURE_LEN_RANGE);
        m = (struct mechanism){ .type = rows[i].pss, .has_parameter = true, .hash = rows[i].hash, .mgf = rows[i].mgf };
        for (m.number = 0; m.number <= h->len; m.number += h->len) {
            CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK);
            CU_ASSERT(libcrypto_verifies(p.verifier, h->name, true, in, s));
            CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_OK);
            CU_ASSERT(sign_in_parts(&m, p.signer, in, &s) == CKR_OK);
            CU_ASSERT(verify_in_parts(&m, p.verifier, in, s) == CKR_OK);
            m.number++; /* another salt length than the signature's */
            CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_SIGNATURE_INVALID);
            m.number--;
        }
    }
    pair_free(&p);
}

static CK_RV begins(enum operation_kind kind, const struct mechanism *m, struct key *k)
{
    struct operation *op;
    CK_RV rv = operation_begin(kind, m, k, &op);

    operation_free(op);
    return rv;
}

static void bad_rsa_parameters_are_refused(void)
{
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    const struct mechanism sound = {
        .type = CKM_RSA_PKCS_PSS, .has_parameter = true, .hash = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .number = 32
    };
    struct mechanism m = sound;
    struct span s;

    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_OK);
    m.has_parameter = false;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m = sound;
    m.hash = CKM_MD5;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m = sound;
    m.mgf = 0;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m = sound;
    m.number = 256 - 32 - 2;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_OK);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(message, 32), &s) == CKR_OK);
    m.number++;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m.number = (CK_ULONG)-1;
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m = sound;
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(message, 31), &s) == CKR_DATA_LEN_RANGE);
    m.type = CKM_SHA512_RSA_PKCS_PSS; /* names two hashes */
    CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    m = (struct mechanism){ .type = CKM_RSA_PKCS_OAEP };
    CU_ASSERT(begins(OPERATION_DECRYPT, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    pair_free(&p);
}

static void rsa_pkcs1_signs_recovers_and_limits(void)
{
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    const struct mechanism m = { .type = CKM_RSA_PKCS };
    static const uint8_t data[256] = { 7 };
    uint8_t copy[256];
    struct span s, back;

    for (size_t len = 0; len <= 245; len += 35) {
        if (len > 0) {
            CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(data, len), &s) == CKR_OK && s.len == 256);
            CU_ASSERT(verify(&m, p.verifier, span_of(data, len), s) == CKR_OK);
            CU_ASSERT(compute(OPERATION_SIGN_RECOVER, &m, p.signer, span_of(data, len), &s) == CKR_OK);
            memcpy(copy, s.p, 256);
            CU_ASSERT(compute(OPERATION_VERIFY_RECOVER, &m, p.verifier, span_of(copy, 256), &back) == CKR_OK);
            CU_ASSERT(span_equal(back, span_of(data, len)));
            copy[17] ^= 1;
            CU_ASSERT(compute(OPERATION_VERIFY_RECOVER, &m, p.verifier, span_of(copy, 256), &back) ==
                      CKR_SIGNATURE_INVALID);
            CU_ASSERT(compute(OPERATION_VERIFY_RECOVER, &m, p.verifier, span_of(copy, 255), &back) ==
                      CKR_SIGNATURE_LEN_RANGE);
        }
        CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(data, len), &s) == CKR_OK && s.len == 256);
        memcpy(copy, s.p, 256);
        CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(copy, 256), &back) == CKR_OK);
        CU_ASSERT(span_equal(back, span_of(data, len)));
    }
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(data, 0), &s) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(data, 246), &s) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(data, 246), &s) == CKR_DATA_LEN_RANGE);
    CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(copy, 255), &s) == CKR_ENCRYPTED_DATA_LEN_RANGE);
    pair_free(&p);
}

/* The same wrong ciphertext gives the same plaintext each time, and no error. */
static void pkcs1_decryption_rejects_implicitly(void)
{
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    const struct mechanism m = { .type = CKM_RSA_PKCS };
    uint8_t bad[256] = { 0 }, first[256];
    size_t first_len;
    struct span s;

    for (unsigned i = 1; i < 50; i++) {
        bad[128] = (uint8_t)i;
        CU_ASSERT_FATAL(compute(OPERATION_DECRYPT, &m, p.signer, span_of(bad, 256), &s) == CKR_OK);
        first_len = s.len;
        memcpy(first, s.p, s.len);
        CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(bad, 256), &s) == CKR_OK);
        CU_ASSERT(span_equal(s, span_of(first, first_len)));
    }
    pair_free(&p);
}

static void the_bare_rsa_operation_takes_numbers(void)
{
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    const struct mechanism m = { .type = CKM_RSA_X_509 };
    uint8_t copy[256], big[257], padded[256] = { 0 };
    struct span s, back;

    memcpy(padded + 256 - 10, message, 10);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(message, 10), &s) == CKR_OK && s.len == 256);
    memcpy(copy, s.p, 256);
    CU_ASSERT(verify(&m, p.verifier, span_of(message, 10), span_of(copy, 256)) == CKR_OK);
    CU_ASSERT(verify(&m, p.verifier, span_of(padded, 256), span_of(copy, 256)) == CKR_OK);
    CU_ASSERT(verify(&m, p.verifier, span_of(message, 9), span_of(copy, 256)) == CKR_SIGNATURE_INVALID);
    CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(copy, 256), &back) == CKR_OK);
    CU_ASSERT(span_equal(back, span_of(padded, 256)));
    memset(big, 0xff, sizeof big);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(big, 256), &s) == CKR_DATA_INVALID);
    CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(big, 256), &s) == CKR_DATA_INVALID);
    CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(big, 256), &s) == CKR_ENCRYPTED_DATA_INVALID);
    CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_of(big, 257), &s) == CKR_DATA_LEN_RANGE);
    pair_free(&p);
}

static void oaep_keeps_hash_label_and_length(void)
{
    struct pair p = pair_new(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048);
    static const CK_MECHANISM_TYPE types[] = { CKM_SHA_1, CKM_SHA256, CKM_SHA512, CKM_SHA3_256 };
    static const uint8_t data[256] = { 9 };
    uint8_t copy[256];
    struct span s, back;

    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        const struct hash *h = hash_by_type(types[i]);
        struct mechanism m = {
            .type = CKM_RSA_PKCS_OAEP, .has_parameter = true, .hash = h->type, .mgf = h->mgf, .aad = span_text("label")
        };
        size_t most = 256 - 2 * h->len - 2;

        CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(data, most), &s) == CKR_OK && s.len == 256);
        memcpy(copy, s.p, 256);
        CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(copy, 256), &back) == CKR_OK);
        CU_ASSERT(span_equal(back, span_of(data, most)));
        m.aad = span_text("lapel");
        CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(copy, 256), &s) == CKR_ENCRYPTED_DATA_INVALID);
        m.aad = span_text("label");
        m.mgf = h->mgf == CKG_MGF1_SHA1 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1;
        CU_ASSERT(compute(OPERATION_DECRYPT, &m, p.signer, span_of(copy, 256), &s) == CKR_ENCRYPTED_DATA_INVALID);
        CU_ASSERT(compute(OPERATION_ENCRYPT, &m, p.verifier, span_of(data, most + 1), &s) == CKR_DATA_LEN_RANGE);
    }
    pair_free(&p);
}

/* RFC 8032, 7.1 to 7.3: tests 2 and 3, ctx "foo", ph "abc". */
static void ed25519_gives_the_published_signatures(void)
{
    static const struct {
        const char *seed, *in, *context, *signature;
        unsigned flags;
    } rows[] = {
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72", "",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
          "b4302aeeb00d291612bb0c00",
          0 },
        { "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6", "f726936d19c800494e3fdaff20b276a8",
          "666f6f",
          "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5f6cca685"
          "a587b4b21f4b888e4e7edb0d",
          0 },
        { "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", "616263", "",
          "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61"
          "e636062aaad11c2a26083406",
          MECHANISM_EDDSA_PREHASH },
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC_EDWARDS),
                          b = template_of(CKO_PUBLIC_KEY, CKK_EC_EDWARDS);
        struct mechanism m = { .type = CKM_EDDSA,
                               .has_parameter = rows[i].context[0] != '\0' || rows[i].flags != 0,
                               .flags = rows[i].flags,
                               .aad = from_hex(rows[i].context) };
        struct span want = from_hex(rows[i].signature), in = from_hex(rows[i].in), s;
        struct key *signer, *verifier;
        uint8_t bad[64];

        set_hex(&a, CKA_EC_PARAMS, DER_ED);
        set_hex(&a, CKA_VALUE, rows[i].seed);
        CU_ASSERT_FATAL(key_complete(&a) == CKR_OK);
        set_hex(&b, CKA_EC_PARAMS, DER_ED);
        set(&b, CKA_EC_POINT, attributes_get(&a, CKA_EC_POINT));
        signer = load(&a);
        verifier = load(&b);
        for (unsigned n = 0; n < 3; n++) { /* also with the kept context */
            CU_ASSERT(compute(OPERATION_SIGN, &m, signer, in, &s) == CKR_OK && span_equal(s, want));
            CU_ASSERT(verify(&m, verifier, in, want) == CKR_OK);
            memcpy(bad, want.p, 64);
            bad[20 * n] ^= 1;
            CU_ASSERT(verify(&m, verifier, in, span_of(bad, 64)) == CKR_SIGNATURE_INVALID);
        }
        CU_ASSERT(verify(&m, verifier, in, span_of(want.p, 63)) == CKR_SIGNATURE_LEN_RANGE);
        m.flags ^= MECHANISM_EDDSA_PREHASH;
        CU_ASSERT(verify(&m, verifier, in, want) == CKR_SIGNATURE_INVALID);
        m.flags = 2;
        CU_ASSERT(begins(OPERATION_SIGN, &m, signer) == CKR_MECHANISM_PARAM_INVALID);
        key_unref(signer);
        key_unref(verifier);
        attributes_clear(&a);
        attributes_clear(&b);
    }
}

static void ml_dsa_with_context_hedge_and_hash(void)
{
    static const struct {
        CK_MECHANISM_TYPE type, hash;
        size_t in_len;
    } rows[] = { { CKM_ML_DSA, 0, 60 },
                 { CKM_HASH_ML_DSA, CKM_SHA3_256, 32 },
                 { CKM_HASH_ML_DSA, CKM_SHA512, 64 },
                 { CKM_HASH_ML_DSA_SHA256, 0, 60 },
                 { CKM_HASH_ML_DSA_SHA512, 0, 60 } };
    struct pair p = pair_new(CKM_ML_DSA_KEY_PAIR_GEN, NULL, CKP_ML_DSA_65);
    uint8_t first[3309];
    struct span s;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct mechanism m = { .type = rows[i].type,
                               .has_parameter = true,
                               .hash = rows[i].hash,
                               .number = CKH_DETERMINISTIC_REQUIRED,
                               .aad = span_text("context") };
        struct span in = span_of(message, rows[i].in_len);

        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK && s.len == sizeof first);
        memcpy(first, s.p, s.len);
        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK && span_equal(s, span_of(first, s.len)));
        m.number = CKH_HEDGE_REQUIRED;
        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, in, &s) == CKR_OK && !span_equal(s, span_of(first, s.len)));
        CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_OK);
        CU_ASSERT(verify(&m, p.verifier, span_of(message, rows[i].in_len - 1), s) != CKR_OK);
        m.aad = span_text("contexts");
        CU_ASSERT(verify(&m, p.verifier, in, s) == CKR_SIGNATURE_INVALID);
        CU_ASSERT(verify(&m, p.verifier, in, span_of(s.p, s.len - 1)) == CKR_SIGNATURE_LEN_RANGE);
        m.number = 3;
        CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
        m.number = 0;
        m.aad = span_of(first, 256);
        CU_ASSERT(begins(OPERATION_SIGN, &m, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    }
    pair_free(&p);
}

static void hash_ml_dsa_is_one_thing_in_both_forms(void)
{
    struct pair p = pair_new(CKM_ML_DSA_KEY_PAIR_GEN, NULL, CKP_ML_DSA_44);
    const struct mechanism combined = { .type = CKM_HASH_ML_DSA_SHA256 }, pure = { .type = CKM_ML_DSA };
    struct mechanism hashed = { .type = CKM_HASH_ML_DSA, .has_parameter = true, .hash = CKM_SHA256 };
    struct span in = span_text(message), s;
    uint8_t digest[32];

    CU_ASSERT_FATAL(hash_once(hash_by_type(CKM_SHA256), in, digest) == CKR_OK);
    CU_ASSERT(sign_in_parts(&combined, p.signer, in, &s) == CKR_OK);
    CU_ASSERT(verify(&combined, p.verifier, in, s) == CKR_OK &&
              verify_in_parts(&combined, p.verifier, in, s) == CKR_OK);
    CU_ASSERT(verify(&hashed, p.verifier, span_of(digest, 32), s) == CKR_OK);
    CU_ASSERT(verify(&pure, p.verifier, in, s) == CKR_SIGNATURE_INVALID);
    CU_ASSERT(verify(&pure, p.verifier, span_of(digest, 32), s) == CKR_SIGNATURE_INVALID);
    CU_ASSERT(verify(&hashed, p.verifier, span_of(digest, 31), s) == CKR_DATA_LEN_RANGE);
    hashed.hash = CKM_SHA_1; /* FIPS 204 has no OID for it */
    CU_ASSERT(begins(OPERATION_SIGN, &hashed, p.signer) == CKR_MECHANISM_PARAM_INVALID);
    pair_free(&p);
}

static void slh_dsa_signs(void)
{
    static const CK_ULONG sets[] = { CKP_SLH_DSA_SHA2_128F, CKP_SLH_DSA_SHAKE_128F };

    for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
        struct pair p = pair_new(CKM_SLH_DSA_KEY_PAIR_GEN, NULL, sets[i]);
        struct mechanism m = { .type = CKM_SLH_DSA, .has_parameter = true, .aad = span_text("c") };
        struct span s;

        CU_ASSERT(compute(OPERATION_SIGN, &m, p.signer, span_text(message), &s) == CKR_OK && s.len == 17088);
        CU_ASSERT(verify(&m, p.verifier, span_text(message), s) == CKR_OK);
        CU_ASSERT(verify(&m, p.verifier, span_of(message, 3), s) == CKR_SIGNATURE_INVALID);
        m.aad = span_text("d");
        CU_ASSERT(verify(&m, p.verifier, span_text(message), s) == CKR_SIGNATURE_INVALID);
        pair_free(&p);
    }
}

#define THREADS 4

static void *sign_and_verify(void *arg)
{
    struct pair *pairs = arg;
    const struct mechanism ways[] = { { .type = CKM_ECDSA_SHA256 }, { .type = CKM_EDDSA } };
    uint8_t text[8] = { 0 }, signature[64];

    for (unsigned i = 0; i < 300; i++) {
        const struct mechanism *m = &ways[i % 2];
        struct output out = { .p = signature, .room = sizeof signature };

        text[0] = (uint8_t)i;
        if (operation_compute(OPERATION_SIGN, m, pairs[i % 2].signer, span_of(text, 8), span_of(NULL, 0), &out) !=
                CKR_OK ||
            verify(m, pairs[i % 2].verifier, span_of(text, 8), span_of(signature, out.len)) != CKR_OK)
            return arg;
    }
    return NULL;
}

static void many_threads_share_a_key(void)
{
    struct pair pairs[] = { pair_new(CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0),
                            pair_new(CKM_EC_EDWARDS_KEY_PAIR_GEN, DER_ED, 0) };
    pthread_t threads[THREADS];
    void *failed;

    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, sign_and_verify, pairs) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    pair_free(&pairs[0]);
    pair_free(&pairs[1]);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "ECDSA signs with every hash and curve", ecdsa_signs_with_every_hash_and_curve },
        { "ECDSA on digests of any length", ecdsa_on_digests_of_any_length },
        { "bad ECDSA signatures are refused", bad_ecdsa_signatures_are_refused },
        { "wrong signatures are found before they leave", wrong_signatures_are_found_before_they_leave },
        { "a fault in CRT does not leave", a_fault_in_crt_does_not_leave },
        { "one signature in so many is verified", one_signature_in_gap_is_verified },
        { "RSA signs with every hash", rsa_signs_with_every_hash },
        { "bad RSA parameters are refused", bad_rsa_parameters_are_refused },
        { "RSA PKCS#1 signs, encrypts and has limits", rsa_pkcs1_signs_recovers_and_limits },
        { "PKCS#1 v1.5 decryption rejects implicitly", pkcs1_decryption_rejects_implicitly },
        { "the bare RSA operation takes numbers", the_bare_rsa_operation_takes_numbers },
        { "OAEP keeps hash, label and length", oaep_keeps_hash_label_and_length },
        { "Ed25519 gives the published signatures", ed25519_gives_the_published_signatures },
        { "ML-DSA with context, hedge and hash", ml_dsa_with_context_hedge_and_hash },
        { "HashML-DSA is one thing in both forms", hash_ml_dsa_is_one_thing_in_both_forms },
        { "SLH-DSA signs", slh_dsa_signs },
        { "many threads share a key", many_threads_share_a_key },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "signatures and RSA", entropy_set_up, NULL, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

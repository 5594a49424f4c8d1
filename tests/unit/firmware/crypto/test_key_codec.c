#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "firmware/crypto/der.h"
#include "tests/unit/firmware/crypto/key_fixture.h"

/* Encodings, against libcrypto's own readers and writers. */

static const struct {
    CK_MECHANISM_TYPE generation;
    const char *params;
    CK_ULONG number;
} kinds[] = {
    { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048 },
    { CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0 },
    { CKM_ECDSA_KEY_PAIR_GEN, DER_P384, 0 },
    { CKM_ECDSA_KEY_PAIR_GEN, DER_P521, 0 },
    { CKM_ECDSA_KEY_PAIR_GEN, DER_K1, 0 },
    { CKM_EC_EDWARDS_KEY_PAIR_GEN, DER_ED, 0 },
    { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, DER_X, 0 },
    { CKM_ML_DSA_KEY_PAIR_GEN, NULL, CKP_ML_DSA_44 },
    { CKM_ML_DSA_KEY_PAIR_GEN, NULL, CKP_ML_DSA_65 },
    { CKM_ML_DSA_KEY_PAIR_GEN, NULL, CKP_ML_DSA_87 },
    { CKM_ML_KEM_KEY_PAIR_GEN, NULL, CKP_ML_KEM_512 },
    { CKM_ML_KEM_KEY_PAIR_GEN, NULL, CKP_ML_KEM_768 },
    { CKM_ML_KEM_KEY_PAIR_GEN, NULL, CKP_ML_KEM_1024 },
    { CKM_SLH_DSA_KEY_PAIR_GEN, NULL, CKP_SLH_DSA_SHA2_128F },
    { CKM_SLH_DSA_KEY_PAIR_GEN, NULL, CKP_SLH_DSA_SHAKE_192F },
};

/* What a stranger's key would bring along. */
static struct attributes bare(const struct attributes *of)
{
    return template_of(attributes_ulong(of, CKA_CLASS, 0), attributes_ulong(of, CKA_KEY_TYPE, 0));
}

static void same_values(const struct attributes *a, const struct attributes *b)
{
    for (unsigned i = 0; i < a->count; i++)
        CU_ASSERT(span_equal(span_of(a->items[i].p, a->items[i].len), attributes_get(b, a->items[i].type)));
}

static void libcrypto_reads_what_we_write(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, kinds[i].number);
        const uint8_t *at;
        uint8_t *encoded, *again = NULL;
        EVP_PKEY *pkey, *public;
        struct span info;
        size_t len;

        CU_ASSERT_FATAL(key_encode(&p.private, &encoded, &len) == CKR_OK);
        at = encoded;
        pkey = d2i_AutoPrivateKey(NULL, &at, (long)len);
        CU_ASSERT_FATAL(pkey != NULL && at == encoded + len);
        CU_ASSERT(key_add_public_info(&p.public) == CKR_OK && key_add_public_info(&p.private) == CKR_OK);
        info = attributes_get(&p.public, CKA_PUBLIC_KEY_INFO);
        CU_ASSERT(span_equal(info, attributes_get(&p.private, CKA_PUBLIC_KEY_INFO)));
        at = info.p;
        public = d2i_PUBKEY(NULL, &at, (long)info.len);
        CU_ASSERT(public != NULL && EVP_PKEY_eq(pkey, public) == 1);
        len = (size_t)i2d_PUBKEY(pkey, &again);
        CU_ASSERT(span_equal(info, span_of(again, len))); /* byte by byte */
        OPENSSL_free(again);
        EVP_PKEY_free(pkey);
        EVP_PKEY_free(public);
        free(encoded);
        pair_free(&p);
    }
}

static void we_read_what_libcrypto_writes(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, kinds[i].number);
        struct attributes a = bare(&p.private);
        PKCS8_PRIV_KEY_INFO *info;
        uint8_t *encoded, *theirs = NULL;
        const uint8_t *at;
        EVP_PKEY *pkey;
        size_t len;
        int their_len;

        CU_ASSERT_FATAL(key_encode(&p.private, &encoded, &len) == CKR_OK);
        at = encoded;
        pkey = d2i_AutoPrivateKey(NULL, &at, (long)len);
        info = EVP_PKEY2PKCS8(pkey);
        their_len = i2d_PKCS8_PRIV_KEY_INFO(info, &theirs);
        CU_ASSERT_FATAL(their_len > 0);
        CU_ASSERT(key_decode(&a, span_of(theirs, (size_t)their_len)) == CKR_OK);
        CU_ASSERT(key_complete(&a) == CKR_OK);
        same_values(&p.private, &a);
        attributes_clear(&a);
        a = bare(&p.private); /* and our own */
        CU_ASSERT(key_decode(&a, span_of(encoded, len)) == CKR_OK && key_complete(&a) == CKR_OK);
        same_values(&p.private, &a);
        attributes_clear(&a);
        PKCS8_PRIV_KEY_INFO_free(info);
        OPENSSL_free(theirs);
        EVP_PKEY_free(pkey);
        free(encoded);
        pair_free(&p);
    }
}

/* Every cut, and every byte more, of every kind. */
static void what_is_cut_or_longer_is_refused(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, kinds[i].number);
        uint8_t *encoded, *longer;
        size_t len;

        CU_ASSERT_FATAL(key_encode(&p.private, &encoded, &len) == CKR_OK);
        for (size_t cut = 0; cut < len; cut++) {
            struct attributes a = bare(&p.private);
            uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a read beyond */

            memcpy(exact, encoded, cut);
            CU_ASSERT(key_decode(&a, span_of(exact, cut)) != CKR_OK);
            free(exact);
            attributes_clear(&a);
        }
        longer = calloc(1, len + 1);
        memcpy(longer, encoded, len);
        struct attributes a = bare(&p.private);
        CU_ASSERT(key_decode(&a, span_of(longer, len + 1)) == CKR_WRAPPED_KEY_INVALID);
        attributes_clear(&a);
        free(longer);
        free(encoded);
        pair_free(&p);
    }
}

/* Any byte changed: decoded or not, it never is taken for another key of the same value, and nothing crashes. */
static void changed_bytes_do_no_harm(void)
{
    for (unsigned i = 1; i < ARRAY_LEN(kinds); i += 4) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, kinds[i].number);
        uint8_t *encoded;
        size_t len;

        CU_ASSERT_FATAL(key_encode(&p.private, &encoded, &len) == CKR_OK);
        for (size_t at = 0; at < len && at < 200; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                struct attributes a = bare(&p.private);

                encoded[at] ^= (uint8_t)(1u << bit);
                if (key_decode(&a, span_of(encoded, len)) == CKR_OK && at < 30 && key_complete(&a) == CKR_OK)
                    CU_ASSERT(attributes_has(&a, CKA_VALUE));
                encoded[at] ^= (uint8_t)(1u << bit);
                attributes_clear(&a);
            }
        free(encoded);
        pair_free(&p);
    }
}

static CK_RV decodes(CK_KEY_TYPE type, const char *encoded)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, type);
    CK_RV rv = key_decode(&a, from_hex(encoded));

    attributes_clear(&a);
    return rv;
}

#define SEED "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"

/* RFC 8410, 10.3: without and with attributes and the public key. */
static void forms_of_the_standards_are_read(void)
{
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "302e020100300506032b657004220420" SEED) == CKR_OK);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "3072020101300506032b657004220420" SEED
                                      "a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273812100"
                                      "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1") == CKR_OK);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "302e020102300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "302e020100300506032b656e04220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_EC_MONTGOMERY, "302e020100300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_RSA, "302e020100300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "30812e020100300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID); /* BER */
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "302f02020000300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "3030020100300706032b6570050004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_EC_EDWARDS, "") == CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT(decodes(CKK_AES, "302e020100300506032b657004220420" SEED) == CKR_WRAPPED_KEY_INVALID);
}

/* RFC 8017, A.1.2: otherPrimeInfos, or anything else behind the coefficient; and version 1. */
static void rsa_keys_have_two_primes(void)
{
    static const uint8_t oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
    static const uint8_t one[] = { 1 };
    uint8_t memory[256];

    for (unsigned version = 0; version <= 1; version++)
        for (unsigned numbers = 7; numbers <= 9; numbers++) {
            struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_RSA);
            struct der_writer w;
            bool good = version == 0 && numbers == 8;

            der_begin(&w, memory, sizeof memory);
            for (unsigned i = 0; i < numbers; i++)
                der_put_number(&w, span_of(one, 1));
            der_put_number(&w, span_of(one, version));
            der_wrap(&w, DER_SEQUENCE, sizeof memory);
            der_wrap(&w, DER_OCTETS, sizeof memory);
            size_t mark = der_mark(&w);
            der_put(&w, span_of(oid, sizeof oid));
            der_wrap(&w, DER_SEQUENCE, mark);
            der_put_number(&w, span_of(NULL, 0));
            der_wrap(&w, DER_SEQUENCE, sizeof memory);
            CU_ASSERT(key_decode(&a, der_written(&w)) == (good ? CKR_OK : CKR_WRAPPED_KEY_INVALID));
            attributes_clear(&a);
        }
}

static void a_template_binds_curve_and_set(void)
{
    struct pair p = pair_new(CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0), q = pair_new(CKM_ML_DSA_KEY_PAIR_GEN, NULL, 1);
    struct attributes a = bare(&p.private);
    uint8_t *encoded;
    size_t len;

    CU_ASSERT_FATAL(key_encode(&p.private, &encoded, &len) == CKR_OK);
    set_hex(&a, CKA_EC_PARAMS, DER_K1);
    CU_ASSERT(key_decode(&a, span_of(encoded, len)) == CKR_WRAPPED_KEY_INVALID);
    set_hex(&a, CKA_EC_PARAMS, DER_P256);
    CU_ASSERT(key_decode(&a, span_of(encoded, len)) == CKR_OK);
    attributes_clear(&a);
    free(encoded);
    CU_ASSERT_FATAL(key_encode(&q.private, &encoded, &len) == CKR_OK);
    a = bare(&q.private);
    set_ulong(&a, CKA_PARAMETER_SET, CKP_ML_DSA_65);
    CU_ASSERT(key_decode(&a, span_of(encoded, len)) == CKR_WRAPPED_KEY_INVALID);
    attributes_clear(&a);
    free(encoded);
    pair_free(&p);
    pair_free(&q);
}

static void what_has_no_value_is_not_encoded(void)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_RSA);
    uint8_t *encoded;
    size_t len;

    CU_ASSERT(key_encode(&a, &encoded, &len) == CKR_TEMPLATE_INCOMPLETE && encoded == NULL);
    CU_ASSERT(key_add_public_info(&a) == CKR_TEMPLATE_INCOMPLETE);
    attributes_clear(&a);
    a = template_of(CKO_SECRET_KEY, CKK_AES);
    set_hex(&a, CKA_VALUE, SEED);
    CU_ASSERT(key_encode(&a, &encoded, &len) == CKR_OK && span_equal(span_of(encoded, len), from_hex(SEED)));
    free(encoded);
    attributes_clear(&a);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "libcrypto reads what we write", libcrypto_reads_what_we_write },
        { "we read what libcrypto writes", we_read_what_libcrypto_writes },
        { "what is cut or longer is refused", what_is_cut_or_longer_is_refused },
        { "changed bytes do no harm", changed_bytes_do_no_harm },
        { "forms of the standards are read", forms_of_the_standards_are_read },
        { "RSA keys have two primes", rsa_keys_have_two_primes },
        { "a template binds curve and parameter set", a_template_binds_curve_and_set },
        { "what has no value is not encoded", what_has_no_value_is_not_encoded },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "encodings of keys", entropy_set_up, NULL, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

#include <openssl/core_names.h>

#include "firmware/crypto/key_inside.h"
#include "tests/unit/firmware/crypto/key_fixture.h"

static CK_RV generates(CK_MECHANISM_TYPE generation, CK_ATTRIBUTE_TYPE type, struct span value)
{
    const struct mechanism m = { .type = generation };
    struct attributes public = { 0 }, private = { 0 };
    CK_RV rv;

    if (value.p != NULL)
        set(&public, type, value);
    rv = key_generate_pair(&m, &public, &private);
    attributes_clear(&public);
    attributes_clear(&private);
    return rv;
}

static CK_RV generates_number(CK_MECHANISM_TYPE generation, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
    return generates(generation, type, span_of(&number, sizeof number));
}

static CK_RV checks(const struct attributes *a)
{
    struct attributes copy = copy_of(a);
    CK_RV rv = key_complete(&copy);

    attributes_clear(&copy);
    return rv;
}

/* What we make passes every check on what comes from outside. */
static void every_kind_is_made_and_sound(void)
{
    static const struct {
        CK_MECHANISM_TYPE generation;
        const char *params;
        CK_ULONG number, bits;
    } kinds[] = {
        { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 2048, 2048 }, { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 3072, 3072 },
        { CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0, 256 },    { CKM_ECDSA_KEY_PAIR_GEN, DER_P384, 0, 384 },
        { CKM_ECDSA_KEY_PAIR_GEN, DER_P521, 0, 521 },    { CKM_ECDSA_KEY_PAIR_GEN, DER_K1, 0, 256 },
        { CKM_EC_EDWARDS_KEY_PAIR_GEN, DER_ED, 0, 255 }, { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, DER_X, 0, 255 },
        { CKM_ML_DSA_KEY_PAIR_GEN, NULL, 1, 0 },         { CKM_ML_DSA_KEY_PAIR_GEN, NULL, 3, 0 },
        { CKM_ML_KEM_KEY_PAIR_GEN, NULL, 1, 0 },         { CKM_ML_KEM_KEY_PAIR_GEN, NULL, 3, 0 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, kinds[i].number);

        CU_ASSERT(checks(&p.public) == CKR_OK && checks(&p.private) == CKR_OK);
        CU_ASSERT(key_bits(p.signer) == kinds[i].bits && key_bits(p.verifier) == kinds[i].bits);
        CU_ASSERT(attributes_ulong(&p.private, CKA_CLASS, 0) == CKO_PRIVATE_KEY);
        CU_ASSERT(attributes_ulong(&p.public, CKA_CLASS, 0) == CKO_PUBLIC_KEY);
        pair_free(&p);
    }
}

static void every_slh_dsa_set_makes_keys(void)
{
    for (CK_ULONG set = CKP_SLH_DSA_SHA2_128S; set <= CKP_SLH_DSA_SHAKE_256F; set++) {
        const struct pqc_set *facts = pqc_set(CKK_SLH_DSA, set);
        EVP_PKEY *pkey;
        uint8_t public[64], private[128];
        size_t public_len = 0, private_len = 0;

        CU_ASSERT_FATAL(facts != NULL);
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, facts->name);
        CU_ASSERT(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, public, sizeof public, &public_len));
        CU_ASSERT(
            EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, private, sizeof private, &private_len));
        CU_ASSERT(public_len == facts->public_len && private_len == facts->private_len);
        CU_ASSERT(EVP_PKEY_get_size(pkey) == facts->output_len);
        EVP_PKEY_free(pkey);
    }
}

static void the_exponent_is_the_callers_or_65537(void)
{
    const struct mechanism m = { .type = CKM_RSA_PKCS_KEY_PAIR_GEN };
    struct attributes public = { 0 }, private = { 0 };

    set_ulong(&public, CKA_MODULUS_BITS, 2048);
    set_hex(&public, CKA_PUBLIC_EXPONENT, "010000000f");
    CU_ASSERT(key_generate_pair(&m, &public, &private) == CKR_OK);
    CU_ASSERT(span_equal(attributes_get(&private, CKA_PUBLIC_EXPONENT), from_hex("010000000f")));
    attributes_clear(&private);
    set_hex(&public, CKA_PUBLIC_EXPONENT, "03");
    CU_ASSERT(key_generate_pair(&m, &public, &private) == CKR_ATTRIBUTE_VALUE_INVALID);
    attributes_clear(&private);
    attributes_remove(&public, CKA_PUBLIC_EXPONENT);
    CU_ASSERT(key_generate_pair(&m, &public, &private) == CKR_OK);
    CU_ASSERT(span_equal(attributes_get(&public, CKA_PUBLIC_EXPONENT), from_hex("010001")));
    CU_ASSERT(!attributes_has(&public, CKA_PRIVATE_EXPONENT) && !attributes_has(&public, CKA_PRIME_1));
    attributes_clear(&public);
    attributes_clear(&private);
}

static void bad_templates_are_refused(void)
{
    const struct mechanism m = { .type = CKM_ECDSA_KEY_PAIR_GEN };
    struct attributes public = template_of(CKO_PUBLIC_KEY, CKK_RSA), private = { 0 };

    CU_ASSERT(generates(CKM_RSA_PKCS_KEY_PAIR_GEN, 0, span_of(NULL, 0)) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(generates(CKM_ECDSA_KEY_PAIR_GEN, 0, span_of(NULL, 0)) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(generates(CKM_EC_EDWARDS_KEY_PAIR_GEN, 0, span_of(NULL, 0)) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(generates(CKM_ML_DSA_KEY_PAIR_GEN, 0, span_of(NULL, 0)) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(generates_number(CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, 1024) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(generates_number(CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, 2049) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(generates_number(CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, 16384) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(generates_number(CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, (CK_ULONG)-1) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(generates(CKM_ECDSA_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex("06052b81040021")) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(generates(CKM_ECDSA_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex(DER_ED)) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(generates(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex(DER_X)) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(generates(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex(DER_ED)) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(generates_number(CKM_ML_DSA_KEY_PAIR_GEN, CKA_PARAMETER_SET, 0) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(generates_number(CKM_ML_KEM_KEY_PAIR_GEN, CKA_PARAMETER_SET, 4) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(generates_number(CKM_AES_KEY_GEN, CKA_VALUE_LEN, 16) == CKR_MECHANISM_INVALID);
    set_hex(&public, CKA_EC_PARAMS, DER_P256); /* a type that the mechanism does not make */
    CU_ASSERT(key_generate_pair(&m, &public, &private) == CKR_TEMPLATE_INCONSISTENT);
    attributes_clear(&public);
    attributes_clear(&private);
}

static CK_RV generates_secret(CK_MECHANISM_TYPE type, CK_KEY_TYPE key_type, CK_ULONG len, size_t *made)
{
    const struct mechanism m = { .type = type };
    struct attributes a = { 0 };
    CK_RV rv;

    if (key_type != CKK_VENDOR_DEFINED)
        set_ulong(&a, CKA_KEY_TYPE, key_type);
    if (len != 0)
        set_ulong(&a, CKA_VALUE_LEN, len);
    rv = key_generate_secret(&m, &a);
    *made = attributes_get(&a, CKA_VALUE).len;
    attributes_clear(&a);
    return rv;
}

static void secrets_are_made_or_refused(void)
{
    size_t len;

    CU_ASSERT(generates_secret(CKM_AES_KEY_GEN, CKK_VENDOR_DEFINED, 32, &len) == CKR_OK && len == 32);
    CU_ASSERT(generates_secret(CKM_GENERIC_SECRET_KEY_GEN, CKK_VENDOR_DEFINED, 21, &len) == CKR_OK && len == 21);
    CU_ASSERT(generates_secret(CKM_GENERIC_SECRET_KEY_GEN, CKK_SHA256_HMAC, 32, &len) == CKR_OK && len == 32);
    CU_ASSERT(generates_secret(CKM_HKDF_KEY_GEN, CKK_VENDOR_DEFINED, 32, &len) == CKR_OK && len == 32);
    CU_ASSERT(generates_secret(CKM_AES_KEY_GEN, CKK_AES, 20, &len) == CKR_KEY_SIZE_RANGE && len == 0);
    CU_ASSERT(generates_secret(CKM_AES_KEY_GEN, CKK_AES, 0, &len) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(generates_secret(CKM_AES_KEY_GEN, CKK_GENERIC_SECRET, 16, &len) == CKR_TEMPLATE_INCONSISTENT);
    CU_ASSERT(generates_secret(CKM_GENERIC_SECRET_KEY_GEN, CKK_AES, 16, &len) == CKR_TEMPLATE_INCONSISTENT);
    CU_ASSERT(generates_secret(CKM_GENERIC_SECRET_KEY_GEN, CKK_RSA, 16, &len) == CKR_TEMPLATE_INCONSISTENT);
    CU_ASSERT(generates_secret(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, (CK_ULONG)-1, &len) ==
              CKR_KEY_SIZE_RANGE);
    CU_ASSERT(generates_secret(CKM_ECDSA, CKK_VENDOR_DEFINED, 16, &len) == CKR_MECHANISM_INVALID);
}

static void nothing_is_made_when_the_entropy_fails(void)
{
    struct pair p = pair_new(CKM_ECDSA_KEY_PAIR_GEN, DER_P256, 0), q = pair_new(CKM_ML_DSA_KEY_PAIR_GEN, NULL, 1);
    const struct mechanism ecdsa = { .type = CKM_ECDSA }, ml_dsa = { .type = CKM_ML_DSA };
    struct span signature;
    size_t len;

    entropy_fails(true);
    CU_ASSERT(generates(CKM_ECDSA_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex(DER_P256)) == CKR_DEVICE_ERROR);
    CU_ASSERT(generates(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKA_EC_PARAMS, from_hex(DER_X)) == CKR_DEVICE_ERROR);
    CU_ASSERT(generates_secret(CKM_AES_KEY_GEN, CKK_AES, 16, &len) == CKR_DEVICE_ERROR && len == 0);
    CU_ASSERT(compute(OPERATION_SIGN, &ecdsa, p.signer, span_text("text"), &signature) == CKR_DEVICE_ERROR);
    CU_ASSERT(compute(OPERATION_SIGN, &ml_dsa, q.signer, span_text("text"), &signature) == CKR_DEVICE_ERROR);
    entropy_fails(false);
    CU_ASSERT(compute(OPERATION_SIGN, &ecdsa, p.signer, span_text("text"), &signature) == CKR_OK);
    pair_free(&p);
    pair_free(&q);
}

static void what_nobody_vouches_for_is_not_loaded(void)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC);
    struct key *k;

    CU_ASSERT(key_load(&a, &k) == CKR_ATTRIBUTE_VALUE_INVALID && k == NULL);
    set_hex(&a, CKA_EC_PARAMS, DER_P256);
    CU_ASSERT(key_load(&a, &k) == CKR_ATTRIBUTE_VALUE_INVALID && k == NULL);
    set_ulong(&a, CKA_CLASS, CKO_DATA);
    CU_ASSERT(key_load(&a, &k) == CKR_ATTRIBUTE_VALUE_INVALID && k == NULL);
    attributes_clear(&a);
    CU_ASSERT(key_load(&a, &k) == CKR_ATTRIBUTE_VALUE_INVALID && k == NULL);
    key_unref(NULL);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "every kind is made and sound", every_kind_is_made_and_sound },
        { "every SLH-DSA set makes keys", every_slh_dsa_set_makes_keys },
        { "the exponent is the caller's or 65537", the_exponent_is_the_callers_or_65537 },
        { "bad templates are refused", bad_templates_are_refused },
        { "secrets are made or refused", secrets_are_made_or_refused },
        { "nothing is made when the entropy fails", nothing_is_made_when_the_entropy_fails },
        { "what nobody vouches for is not loaded", what_nobody_vouches_for_is_not_loaded },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "generation of keys", entropy_set_up, NULL, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

#include <jansson.h>
#include <stdio.h>

#include "firmware/crypto/hash.h"
#include "tests/unit/firmware/crypto/key_fixture.h"

/* Wycheproof's verdicts on asymmetric operations, straight at the mechanisms. What a file says is "acceptable" we may
 * take or not. */

static unsigned cases, left_out, groups;

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

static struct span bytes_of(const json_t *object, const char *name)
{
    return from_hex(text(object, name));
}

static void judge(const json_t *test, const char *file, bool accepted)
{
    const char *verdict = text(test, "result");

    cases++;
    if (strcmp(verdict, "acceptable") == 0 || (strcmp(verdict, "valid") == 0) == accepted)
        return;
    fprintf(stderr, "%s %lld (%s): %s, but %s\n", file, (long long)json_integer_value(json_object_get(test, "tcId")),
            text(test, "comment"), verdict, accepted ? "accepted" : "refused");
    CU_FAIL("another verdict than the file's");
}

static bool has_flag(const json_t *test, const char *flag)
{
    const json_t *flags = json_object_get(test, "flags");

    for (size_t i = 0; i < json_array_size(flags); i++)
        if (strcmp(json_string_value(json_array_get(flags, i)), flag) == 0)
            return true;
    return false;
}

/* Calls `each` for every test; `group` prepares what the tests of a group share. */
static void run(const char *name, void (*each)(const json_t *group, const json_t *test, const char *file))
{
    const char *folder = vectors_folder("wycheproof");
    char path[512];
    json_t *root;

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s_test.json", folder, name);
    root = json_load_file(path, 0, NULL);
    CU_ASSERT_FATAL(root != NULL);
    for (size_t g = 0; g < json_array_size(json_object_get(root, "testGroups")); g++) {
        const json_t *group = json_array_get(json_object_get(root, "testGroups"), g);
        const json_t *tests = json_object_get(group, "tests");

        groups++;
        for (size_t t = 0; t < json_array_size(tests); t++)
            each(group, json_array_get(tests, t), name);
    }
    json_decref(root);
}

static CK_MECHANISM_TYPE hash_named(const char *name)
{
    static const struct {
        const char *name;
        CK_MECHANISM_TYPE type;
    } names[] = { { "SHA-1", CKM_SHA_1 },
                  { "SHA-224", CKM_SHA224 },
                  { "SHA-256", CKM_SHA256 },
                  { "SHA-384", CKM_SHA384 },
                  { "SHA-512", CKM_SHA512 },
                  { "SHA3-256", CKM_SHA3_256 },
                  { "SHA-512/224", CKM_SHA512_224 },
                  { "SHA-512/256", CKM_SHA512_256 } };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].type;
    CU_FAIL_FATAL("unknown hash");
    return 0;
}

/* A public or private key as its file has it, through key_complete() as any import. NULL: refused. */
static struct key *import(struct attributes *a)
{
    struct key *k = NULL;

    if (key_complete(a) == CKR_OK)
        CU_ASSERT(key_load(a, &k) == CKR_OK);
    attributes_clear(a);
    return k;
}

static struct key *import_ec(const char *params, struct span point)
{
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_EC);

    set_hex(&a, CKA_EC_PARAMS, params);
    set(&a, CKA_EC_POINT, point);
    return import(&a);
}

static const char *ec_params(const char *curve)
{
    return strcmp(curve, "secp256r1") == 0   ? DER_P256
           : strcmp(curve, "secp384r1") == 0 ? DER_P384
           : strcmp(curve, "secp521r1") == 0 ? DER_P521
                                             : DER_K1;
}

static void ecdsa_case(const json_t *group, const json_t *test, const char *file)
{
    const json_t *public = json_object_get(group, "publicKey");
    CK_MECHANISM_TYPE hash = hash_named(text(group, "sha"));
    const struct mechanism m = { .type = hash == CKM_SHA256   ? CKM_ECDSA_SHA256
                                         : hash == CKM_SHA384 ? CKM_ECDSA_SHA384
                                                              : CKM_ECDSA_SHA512 };
    struct key *k = import_ec(ec_params(text(public, "curve")), bytes_of(public, "uncompressed"));

    CU_ASSERT_FATAL(k != NULL);
    judge(test, file, verify(&m, k, bytes_of(test, "msg"), bytes_of(test, "sig")) == CKR_OK);
    key_unref(k);
}

static void ecdsa_gives_every_verdict(void)
{
    run("ecdsa_secp256r1_sha256_p1363", ecdsa_case);
    run("ecdsa_secp256r1_sha512_p1363", ecdsa_case);
    run("ecdsa_secp384r1_sha384_p1363", ecdsa_case);
    run("ecdsa_secp384r1_sha512_p1363", ecdsa_case);
    run("ecdsa_secp521r1_sha512_p1363", ecdsa_case);
    run("ecdsa_secp256k1_sha256_p1363", ecdsa_case);
}

static struct key *import_rsa_public(const json_t *group)
{
    const json_t *public = json_object_get(group, "publicKey");
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_RSA);

    if (public == NULL)
    public = group;
    set(&a, CKA_MODULUS, bytes_of(public, "modulus"));
    set(&a, CKA_PUBLIC_EXPONENT, bytes_of(public, "publicExponent"));
    return import(&a);
}

static void pkcs1_signature_case(const json_t *group, const json_t *test, const char *file)
{
    CK_MECHANISM_TYPE hash = hash_named(text(group, "sha"));
    const struct mechanism m = { .type = hash == CKM_SHA256   ? CKM_SHA256_RSA_PKCS
                                         : hash == CKM_SHA384 ? CKM_SHA384_RSA_PKCS
                                                              : CKM_SHA512_RSA_PKCS };
    struct key *k = import_rsa_public(group);

    if (k == NULL) { /* e = 3: THREATS.md 5.6 */
        left_out++;
        return;
    }
    judge(test, file, verify(&m, k, bytes_of(test, "msg"), bytes_of(test, "sig")) == CKR_OK);
    key_unref(k);
}

static CK_ULONG mgf_of(const json_t *group)
{
    const struct hash *h = hash_by_type(hash_named(text(group, "mgfSha")));

    return h->mgf;
}

static void pss_case(const json_t *group, const json_t *test, const char *file)
{
    CK_MECHANISM_TYPE hash = hash_named(text(group, "sha"));
    const struct mechanism m = { .type = hash == CKM_SHA_1    ? CKM_SHA1_RSA_PKCS_PSS
                                         : hash == CKM_SHA256 ? CKM_SHA256_RSA_PKCS_PSS
                                         : hash == CKM_SHA384 ? CKM_SHA384_RSA_PKCS_PSS
                                                              : CKM_SHA512_RSA_PKCS_PSS,
                                 .has_parameter = true,
                                 .hash = hash,
                                 .mgf = mgf_of(group),
                                 .number = (CK_ULONG)json_integer_value(json_object_get(group, "sLen")) };
    struct key *k = import_rsa_public(group);

    CU_ASSERT_FATAL(k != NULL);
    judge(test, file, verify(&m, k, bytes_of(test, "msg"), bytes_of(test, "sig")) == CKR_OK);
    key_unref(k);
}

static void rsa_signatures_get_every_verdict(void)
{
    run("rsa_signature_2048_sha256", pkcs1_signature_case);
    run("rsa_signature_3072_sha384", pkcs1_signature_case);
    run("rsa_signature_4096_sha512", pkcs1_signature_case);
    run("rsa_pss_2048_sha1_mgf1_20", pss_case);
    run("rsa_pss_2048_sha256_mgf1_0", pss_case);
    run("rsa_pss_2048_sha256_mgf1_32", pss_case);
    run("rsa_pss_2048_sha256_mgf1sha1_20", pss_case);
    run("rsa_pss_4096_sha512_mgf1_64", pss_case);
}

/* The same private key for the many cases of a group. */
static struct key *import_pkcs8(const json_t *group, CK_KEY_TYPE type)
{
    static unsigned of;
    static struct key *kept;
    struct attributes a;

    if (of != groups) {
        key_unref(kept);
        a = template_of(CKO_PRIVATE_KEY, type);
        CU_ASSERT_FATAL(key_decode(&a, bytes_of(group, "privateKeyPkcs8")) == CKR_OK);
        kept = import(&a);
        of = groups;
    }
    CU_ASSERT_FATAL(kept != NULL);
    return kept;
}

static void oaep_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = { .type = CKM_RSA_PKCS_OAEP,
                                 .has_parameter = true,
                                 .hash = hash_named(text(group, "sha")),
                                 .mgf = mgf_of(group),
                                 .aad = bytes_of(test, "label") };
    struct span plain;
    CK_RV rv;

    if (m.mgf == 0) { /* PKCS#11 has no name for MGF1 with SHA-512/256 and /224 */
        left_out++;
        return;
    }
    rv = compute(OPERATION_DECRYPT, &m, import_pkcs8(group, CKK_RSA), bytes_of(test, "ct"), &plain);
    CU_ASSERT(rv == CKR_OK || rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE);
    judge(test, file, rv == CKR_OK && span_equal(plain, bytes_of(test, "msg")));
}

/* Bad padding is no error but another plaintext: implicit rejection. */
static void pkcs1_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = { .type = CKM_RSA_PKCS };
    struct span plain, ct = bytes_of(test, "ct");
    struct key *k = import_pkcs8(group, CKK_RSA);
    CK_RV rv = compute(OPERATION_DECRYPT, &m, k, ct, &plain);

    if (strcmp(text(test, "comment"), "c = n") == 0) {
        CU_ASSERT(rv == CKR_ENCRYPTED_DATA_INVALID); /* anyone can see that */
    } else {
        CU_ASSERT(rv == (ct.len == (key_bits(k) + 7) / 8 ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE));
    }
    judge(test, file, rv == CKR_OK && span_equal(plain, bytes_of(test, "msg")));
}

static void rsa_decryption_gives_every_verdict(void)
{
    run("rsa_oaep_2048_sha1_mgf1sha1", oaep_case);
    run("rsa_oaep_2048_sha256_mgf1sha1", oaep_case);
    run("rsa_oaep_2048_sha256_mgf1sha256", oaep_case);
    run("rsa_oaep_2048_sha512_224_mgf1sha1", oaep_case);
    run("rsa_oaep_4096_sha512_mgf1sha512", oaep_case);
    run("rsa_pkcs1_2048", pkcs1_case);
}

static bool gives(struct span got, struct span want)
{
    return got.p != NULL && span_equal(got, want);
}

static struct span shared_secret(const struct mechanism *m, struct key *base, size_t len, struct attributes *target)
{
    *target = template_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET);
    set_ulong(target, CKA_VALUE_LEN, len);
    return derive_key(m, base, NULL, target) == CKR_OK ? attributes_get(target, CKA_VALUE) : span_of(NULL, 0);
}

static void ecdh_case(const json_t *group, const json_t *test, const char *file)
{
    bool x25519 = strcmp(text(group, "curve"), "curve25519") == 0;
    const struct mechanism m = { .type = CKM_ECDH1_DERIVE, .number = CKD_NULL, .data = bytes_of(test, "public") };
    struct attributes a = template_of(CKO_PRIVATE_KEY, x25519 ? CKK_EC_MONTGOMERY : CKK_EC), target;
    struct span want = bytes_of(test, "shared");
    struct key *base;

    set_hex(&a, CKA_EC_PARAMS, x25519 ? DER_X : ec_params(text(group, "curve")));
    set(&a, CKA_VALUE, bytes_of(test, "private"));
    base = import(&a);
    CU_ASSERT_FATAL(base != NULL);
    if (has_flag(test, "CompressedPoint") || has_flag(test, "CompressedPublic")) {
        CU_ASSERT(shared_secret(&m, base, want.len, &target).p == NULL);
        left_out++; /* a compressed point, which we refuse although it is sound */
    } else {
        judge(test, file, gives(shared_secret(&m, base, x25519 ? 32 : want.len != 0 ? want.len : 32, &target), want));
    }
    attributes_clear(&target);
    key_unref(base);
}

static void key_agreement_gives_every_secret(void)
{
    run("ecdh_secp256r1_ecpoint", ecdh_case);
    run("ecdh_secp384r1_ecpoint", ecdh_case);
    run("ecdh_secp521r1_ecpoint", ecdh_case);
    run("x25519", ecdh_case);
}

static void hkdf_case(const json_t *group, const json_t *test, const char *file)
{
    struct mechanism m = { .type = CKM_HKDF_DERIVE,
                           .hash = strstr(file, "sha1") != NULL     ? CKM_SHA_1
                                   : strstr(file, "sha256") != NULL ? CKM_SHA256
                                                                    : CKM_SHA512,
                           .flags = MECHANISM_HKDF_EXTRACT | MECHANISM_HKDF_EXPAND,
                           .data = bytes_of(test, "salt"),
                           .aad = bytes_of(test, "info") };
    size_t size = (size_t)json_integer_value(json_object_get(test, "size"));
    struct attributes a = template_of(CKO_SECRET_KEY, CKK_HKDF), target;
    struct key *base;

    (void)group;
    m.number = m.data.len > 0 ? CKF_HKDF_SALT_DATA : CKF_HKDF_SALT_NULL;
    set(&a, CKA_VALUE, bytes_of(test, "ikm"));
    if (bytes_of(test, "ikm").len == 0 || size < 14) { /* no key; too short for a key of its own */
        left_out++;
        attributes_clear(&a);
        return;
    }
    base = import(&a);
    judge(test, file, gives(shared_secret(&m, base, size, &target), bytes_of(test, "okm")));
    attributes_clear(&target);
    key_unref(base);
}

static void hkdf_gives_every_key(void)
{
    run("hkdf_sha1", hkdf_case);
    run("hkdf_sha256", hkdf_case);
    run("hkdf_sha512", hkdf_case);
}

static void eddsa_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = { .type = CKM_EDDSA };
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_EC_EDWARDS);
    struct key *k;

    set_hex(&a, CKA_EC_PARAMS, DER_ED);
    set(&a, CKA_EC_POINT, bytes_of(json_object_get(group, "publicKey"), "pk"));
    if ((k = import(&a)) == NULL) { /* of low order */
        judge(test, file, false);
        return;
    }
    judge(test, file, verify(&m, k, bytes_of(test, "msg"), bytes_of(test, "sig")) == CKR_OK);
    key_unref(k);
}

static CK_ULONG ml_set(const char *file)
{
    return strstr(file, "44") != NULL || strstr(file, "512") != NULL   ? 1
           : strstr(file, "65") != NULL || strstr(file, "768") != NULL ? 2
                                                                       : 3;
}

static void ml_dsa_verify_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = { .type = CKM_ML_DSA, .has_parameter = true, .aad = bytes_of(test, "ctx") };
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_ML_DSA);
    struct key *k;

    set_ulong(&a, CKA_PARAMETER_SET, ml_set(file));
    set(&a, CKA_VALUE, bytes_of(group, "publicKey"));
    if ((k = import(&a)) == NULL) {
        judge(test, file, false);
        return;
    }
    judge(test, file, verify(&m, k, bytes_of(test, "msg"), bytes_of(test, "sig")) == CKR_OK);
    key_unref(k);
}

static void ml_dsa_sign_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = {
        .type = CKM_ML_DSA, .has_parameter = true, .number = CKH_DETERMINISTIC_REQUIRED, .aad = bytes_of(test, "ctx")
    };
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_ML_DSA);
    struct span signature = { 0 };
    struct key *k;
    bool made;

    if (json_object_get(test, "msg") == NULL || has_flag(test, "Randomized")) { /* only mu; a nonce of theirs */
        left_out++;
        attributes_clear(&a);
        return;
    }
    set_ulong(&a, CKA_PARAMETER_SET, ml_set(file));
    set(&a, CKA_SEED, bytes_of(group, "privateSeed"));
    if ((k = import(&a)) == NULL) {
        judge(test, file, false);
        return;
    }
    made = compute(OPERATION_SIGN, &m, k, bytes_of(test, "msg"), &signature) == CKR_OK;
    judge(test, file, made && span_equal(signature, bytes_of(test, "sig")));
    key_unref(k);
}

static void ml_kem_case(const json_t *group, const json_t *test, const char *file)
{
    const struct mechanism m = { .type = CKM_ML_KEM };
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_ML_KEM);
    struct attributes target = template_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET);
    struct key *k;
    bool made;

    (void)group;
    set_ulong(&a, CKA_PARAMETER_SET, ml_set(file));
    set(&a, CKA_SEED, bytes_of(test, "seed"));
    if ((k = import(&a)) == NULL) {
        judge(test, file, false);
    } else {
        made = decapsulate_key(&m, k, bytes_of(test, "c"), &target) == CKR_OK;
        judge(test, file, made && span_equal(attributes_get(&target, CKA_VALUE), bytes_of(test, "K")));
    }
    attributes_clear(&target);
    key_unref(k);
}

static void edwards_and_post_quantum_give_every_verdict(void)
{
    run("ed25519", eddsa_case);
    run("mldsa_44_verify", ml_dsa_verify_case);
    run("mldsa_65_verify", ml_dsa_verify_case);
    run("mldsa_87_verify", ml_dsa_verify_case);
    run("mldsa_65_sign_seed", ml_dsa_sign_case);
    run("mlkem_768", ml_kem_case);
    run("mlkem_1024", ml_kem_case);
}

static void tell(void)
{
    printf(" %u cases used, %u left out ", cases, left_out);
    CU_ASSERT(vectors_folder("wycheproof") == NULL || cases > 4000);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "ECDSA gives every verdict", ecdsa_gives_every_verdict },
        { "RSA signatures get every verdict", rsa_signatures_get_every_verdict },
        { "RSA decryption gives every verdict", rsa_decryption_gives_every_verdict },
        { "key agreement gives every secret", key_agreement_gives_every_secret },
        { "HKDF gives every key", hkdf_gives_every_key },
        { "Ed25519, ML-DSA and ML-KEM give every verdict", edwards_and_post_quantum_give_every_verdict },
        { "and they were many", tell },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "Wycheproof, asymmetric", entropy_set_up, NULL, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

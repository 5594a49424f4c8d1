/* Wycheproof: which family a file belongs to, by its name. */
#include <fnmatch.h>
#include <stdio.h>

#include "tests/vectors/cases.h"
#include "tests/vectors/sets.h"

static const struct {
    const char *files;
    const struct family *family; /* NULL: left out, and `argument` says why */
    const char *argument;
} rules[] = {
    { "ecdsa_*_p1363_test.json", &ecdsa_p1363_family, NULL },
    { "ecdsa_*_test.json", &ecdsa_family, NULL },
    { "ed*_test.json", &eddsa_family, NULL },
    { "rsa_pkcs1_*_sig_gen_test.json", &rsa_sign_family, NULL },
    { "rsa_pkcs1_*_test.json", &rsa_decrypt_family, NULL },
    { "rsa_signature_*_test.json", &rsa_verify_family, NULL },
    { "rsa_pss_*_test.json", &rsa_pss_family, NULL },
    { "rsa_*oaep_*_test.json", &rsa_oaep_family, NULL },
    { "primality_test.json", &primality_family, NULL },
    { "aes_gcm_test.json", &gcm_family, NULL },
    { "aes_cbc_pkcs5_test.json", &cbc_family, NULL },
    { "aes_wrap_test.json", &wrap_family, NULL },
    { "aes_kwp_test.json", &wrap_padded_family, NULL },
    { "aes_cmac_test.json", &cmac_family, NULL },
    { "aes_gmac_test.json", &gmac_family, NULL },
    { "hmac_sha1_test.json", &hmac_family, "SHA-1" },
    { "hmac_sha224_test.json", &hmac_family, "SHA-224" },
    { "hmac_sha256_test.json", &hmac_family, "SHA-256" },
    { "hmac_sha384_test.json", &hmac_family, "SHA-384" },
    { "hmac_sha512_test.json", &hmac_family, "SHA-512" },
    { "hmac_sha512_224_test.json", &hmac_family, "SHA-512/224" },
    { "hmac_sha512_256_test.json", &hmac_family, "SHA-512/256" },
    { "hmac_sha3_224_test.json", &hmac_family, "SHA3-224" },
    { "hmac_sha3_256_test.json", &hmac_family, "SHA3-256" },
    { "hmac_sha3_384_test.json", &hmac_family, "SHA3-384" },
    { "hmac_sha3_512_test.json", &hmac_family, "SHA3-512" },
    { "hkdf_sha1_test.json", &hkdf_family, "SHA-1" },
    { "hkdf_sha256_test.json", &hkdf_family, "SHA-256" },
    { "hkdf_sha384_test.json", &hkdf_family, "SHA-384" },
    { "hkdf_sha512_test.json", &hkdf_family, "SHA-512" },
    { "ecdh_*_ecpoint_test.json", &ecdh_point_family, NULL },
    { "ecdh_*_webcrypto_test.json", &ecdh_jwk_family, NULL },
    { "ecdh_*_test.json", &ecdh_spki_family, NULL },
    { "x*_jwk_test.json", &xdh_jwk_family, NULL },
    { "x*_test.json", &xdh_family, NULL },
    { "mldsa_44_verify_test.json", &ml_dsa_verify_family, "ML-DSA-44" },
    { "mldsa_65_verify_test.json", &ml_dsa_verify_family, "ML-DSA-65" },
    { "mldsa_87_verify_test.json", &ml_dsa_verify_family, "ML-DSA-87" },
    { "mldsa_65_sign_seed_test.json", &ml_dsa_sign_family, "ML-DSA-65" },
    { "mlkem_*_semi_expanded_decaps_test.json", &ml_kem_expanded_family, NULL },
    { "mlkem_*_encaps_test.json", &ml_kem_encaps_family, NULL },
    { "mlkem_*_test.json", &ml_kem_family, NULL },
    { "json_web_*_test.json", NULL, "JOSE format, not a token mechanism" },
    { "a*cbc_hs*_test.json", NULL, "JOSE's composite cipher, not a token mechanism" },
    { "pbkdf2_*_test.json", NULL, "derivation from a password: mechanism not offered: PKCS5_PBKD2" },
    { "pbes2_*_test.json", NULL, "encryption under a password: not a token mechanism" },
    { "ec_prime_order_curves_test.json", NULL, "curves by explicit parameters: a token takes named ones" },
    { "aes_ccm_test.json", NULL, "mechanism not offered: AES_CCM" },
    { "aes_xts_test.json", NULL, "mechanism not offered: AES_XTS" },
    { "aes_gcm_siv_test.json", NULL, "AES-GCM-SIV: no mechanism of PKCS#11" },
    { "chacha20_poly1305_test.json", NULL, "mechanism not offered: CHACHA20_POLY1305" },
};

static void left_out_run(struct work *w, struct outcome *o)
{
    outcome_left_out(o, w->argument);
}

static const struct family left_out_family = { NULL, left_out_run };

static char verdict(struct work *w)
{
    return json_text(w->test, "result")[0];
}

static void run_file(struct work *w, const char *folder, const char *name)
{
    const struct family *family = NULL;
    char path[1024];
    json_t *root, *group;
    size_t i;

    w->argument = NULL;
    for (i = 0; i < ARRAY_LEN(rules); i++)
        if (fnmatch(rules[i].files, name, 0) == 0) {
            family = rules[i].family != NULL ? rules[i].family : &left_out_family;
            w->argument = rules[i].argument;
            break;
        }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    report_file(w->report);
    root = vector_file(path);
    if (root == NULL || family == NULL)
        report_failed(w->report, 0, 'v', family == NULL ? "a file that no rule names" : "cannot be read", name);
    else
        json_array_foreach(json_object_get(root, "testGroups"), i, group)
        {
            w->group = group;
            work_group(w, family, json_object_get(group, "tests"), verdict);
        }
    report_row(w->report, name);
    json_decref(root);
}

void wycheproof_run(struct work *w, const char *folder)
{
    size_t count;
    char **names = vector_names(folder, "_test.json", &count);

    for (size_t i = 0; i < count; i++) {
        run_file(w, folder, names[i]);
        free(names[i]);
    }
    free(names);
}

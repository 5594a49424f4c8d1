/* ACVP: which family a set of vectors belongs to, by its algorithm and mode; its answers lie in a file of the same
 * name. */
#include <fnmatch.h>
#include <stdio.h>

#include "tests/vectors/acvp_cases.h"
#include "tests/vectors/sets.h"

static const struct {
    const char *algorithm, *mode;
    const struct family *family; /* NULL: left out, and `argument` says why */
    const char *argument;
} rules[] = {
    { "ACVP-AES-CBC", "", &acvp_aes_family, "CBC" },
    { "ACVP-AES-CTR", "", &acvp_aes_family, "CTR" },
    { "ACVP-AES-ECB", "", &acvp_aes_family, "ECB" },
    { "ACVP-AES-GCM", "", &acvp_aes_family, "GCM" },
    { "ACVP-AES-KW", "", &acvp_wrap_family, "KW" },
    { "ACVP-AES-KWP", "", &acvp_wrap_family, "KWP" },
    { "ACVP-AES-GMAC", "", &acvp_gmac_family, NULL },
    { "CMAC-AES", "", &acvp_cmac_family, NULL },
    { "HMAC-*", "", &acvp_hmac_family, NULL },
    { "SHA*", "", &acvp_digest_family, NULL },
    { "ECDSA", "keyVer", &acvp_ec_key_family, NULL },
    { "ECDSA", "sigVer", &acvp_ecdsa_family, NULL },
    { "EDDSA", "keyVer", &acvp_ed_key_family, NULL },
    { "EDDSA", "sigVer", &acvp_eddsa_family, NULL },
    { "KDA", "HKDF", &acvp_hkdf_family, NULL },
    { "KAS-ECC-SSC", "", &acvp_ecdh_family, NULL },
    { "RSA", "sigVer", &acvp_rsa_verify_family, NULL },
    { "RSA", "sigGen", &acvp_rsa_sign_family, NULL },
    { "ML-DSA", "keyGen", &acvp_ml_dsa_key_family, NULL },
    { "ML-DSA", "sig*", NULL, "ML-DSA's internal interface: no mechanism of PKCS#11" },
    { "ML-KEM", "keyGen", &acvp_ml_kem_key_family, NULL },
    { "ML-KEM", "encapDecap", &acvp_ml_kem_family, NULL },
    { "ACVP-AES-CCM", "", NULL, "mechanism not offered: AES_CCM" },
    { "ACVP-AES-XTS", "", NULL, "mechanism not offered: AES_XTS" },
    { "PBKDF", "", NULL, "derivation from a password: mechanism not offered: PKCS5_PBKD2" },
    { "KDF", "", NULL, "SP 800-108: mechanism not offered: SP800_108_COUNTER_KDF" },
    { "*DRBG", "", NULL, "a random bit generator with given entropy: no token takes it" },
};

static void left_out_run(struct work *w, struct outcome *o)
{
    outcome_left_out(o, w->argument);
}

static const struct family left_out_family = { NULL, left_out_run };

static char verdict(struct work *w)
{
    const json_t *passed = json_object_get(w->expected, "testPassed");

    return passed != NULL && !json_is_true(passed) ? 'i' : 'v';
}

static void run_set(struct work *w, const json_t *set)
{
    const char *algorithm = json_text(set, "algorithm"), *mode = json_text(set, "mode");
    const struct family *family = NULL;
    json_t *group;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rules); i++)
        if (fnmatch(rules[i].algorithm, algorithm, 0) == 0 && fnmatch(rules[i].mode, mode, 0) == 0) {
            family = rules[i].family != NULL ? rules[i].family : &left_out_family;
            w->argument = rules[i].argument != NULL ? rules[i].argument : algorithm;
            break;
        }
    if (family == NULL) {
        report_failed(w->report, 0, 'v', "a set that no rule names", algorithm);
        return;
    }
    json_array_foreach(json_object_get(set, "testGroups"), i, group)
    {
        w->group = group;
        work_group(w, family, json_object_get(group, "tests"), verdict);
    }
}

static void run_file(struct work *w, const char *folder, const char *name)
{
    json_t *root, *answers = NULL, *set;
    char path[1024];
    size_t i;

    report_file(w->report);
    snprintf(path, sizeof path, "%s/vectors/%s", folder, name);
    root = vector_file(path);
    snprintf(path, sizeof path, "%s/expected/%s", folder, name);
    answers = vector_file(path); /* RSA sigGen, KAS and KDF have none */
    if (root == NULL)
        report_failed(w->report, 0, 'v', "cannot be read", name);
    json_array_foreach(root, i, set)
    {
        w->answers = json_array_get(answers, i); /* in the same order; element 0 says where they are from */
        if (json_object_get(set, "algorithm") != NULL)
            run_set(w, set);
    }
    report_row(w->report, name);
    json_decref(root);
    json_decref(answers);
}

void acvp_run(struct work *w, const char *folder)
{
    char path[1024];
    size_t count;
    char **names;

    snprintf(path, sizeof path, "%s/vectors", folder);
    names = vector_names(path, ".bz2", &count);
    for (size_t i = 0; i < count; i++) {
        run_file(w, folder, names[i]);
        free(names[i]);
    }
    free(names);
}

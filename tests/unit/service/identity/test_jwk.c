#include "service/identity/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "firmware/base/base64url.h"
#include "tests/unit/service/identity/signer.h"

/* RFC 7638, 3.1: key, canonical text and thumbprint. */
#define RFC_N                                                                                                          \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"             \
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"             \
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"             \
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RFC_THUMBPRINT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

static enum status read_key(const char *text, bool named, struct jwk *out)
{
    json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);
    enum status st;

    CU_ASSERT_PTR_NOT_NULL_FATAL(object);
    st = jwk_from_json(object, named, out);
    json_decref(object);
    return st;
}

static void rfc_key(void)
{
    struct jwk key;

    CU_ASSERT_EQUAL(read_key("{\"kty\":\"RSA\",\"n\":\"" RFC_N
                             "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
                             true, &key),
                    ST_OK);
    CU_ASSERT_STRING_EQUAL(key.kid, "2011-04-29");
    CU_ASSERT_EQUAL(key.algs, BIT(JWS_RS256));
    CU_ASSERT_EQUAL(key.signature_len, 256);
    jwk_clear(&key);
    CU_ASSERT_PTR_NULL(key.key);
    jwk_clear(&key);
}

/* What jwk_canonical() writes of a key is what the RFC's example looks like, for each type. */
static void canonical(void)
{
    static const enum signing_key keys[] = { RSA_A, P256_A, P384_A, P521_A };
    struct bytes text = { 0 }, jwk = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *ours, *theirs;
        struct jwk key;

        CU_ASSERT_EQUAL(jwk_canonical(signer_key(keys[i]), &text), ST_OK);
        bytes_reset(&jwk);
        signer_jwk(&jwk, keys[i], NULL, NULL);
        ours = json_loads(bytes_text(&text), 0, NULL);
        theirs = json_loads(bytes_text(&jwk), 0, NULL);
        CU_ASSERT_PTR_NOT_NULL(ours);
        CU_ASSERT_TRUE(json_equal(ours, theirs));
        CU_ASSERT_PTR_NULL(strpbrk(bytes_text(&text), " \n"));
        CU_ASSERT_EQUAL(strncmp(bytes_text(&text), i == 0 ? "{\"e\":\"" : "{\"crv\":\"P-", 6), 0);
        CU_ASSERT_EQUAL(jwk_from_json(ours, false, &key), ST_OK);
        CU_ASSERT_STRING_EQUAL(key.kid, "");
        jwk_clear(&key);
        json_decref(ours);
        json_decref(theirs);
    }
    bytes_clear(&text);
    bytes_clear(&jwk);
}

static void canonical_of_the_rfc(void)
{
    uint8_t n[256], e[3] = { 1, 0, 1 }, digest[SHA256_DIGEST_LENGTH];
    struct bytes text = { 0 }, thumbprint = { 0 };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters;
    BIGNUM *bn, *be;
    size_t len = 0;

    CU_ASSERT_EQUAL_FATAL(base64url_decode_to(n, &len, span_text(RFC_N)), ST_OK);
    bn = BN_bin2bn(n, (int)len, NULL);
    be = BN_bin2bn(e, sizeof e, NULL);
    CU_ASSERT(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(parameters = OSSL_PARAM_BLD_to_param(build));
    CU_ASSERT(EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) == 1);
    CU_ASSERT_EQUAL(jwk_canonical(key, &text), ST_OK);
    CU_ASSERT_STRING_EQUAL(bytes_text(&text), "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC_N "\"}");
    SHA256(text.p, text.len, digest);
    base64url_append(&thumbprint, span_of(digest, sizeof digest));
    CU_ASSERT_STRING_EQUAL(bytes_text(&thumbprint), RFC_THUMBPRINT);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(bn);
    BN_free(be);
    bytes_clear(&text);
    bytes_clear(&thumbprint);
}

static void other_types(void)
{
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *k1 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    struct bytes text = { 0 };

    CU_ASSERT_EQUAL(jwk_canonical(ed, &text), ST_UNSUPPORTED);
    CU_ASSERT_EQUAL(jwk_canonical(k1, &text), ST_UNSUPPORTED);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(k1);
    bytes_clear(&text);
}

static void names(void)
{
    static const char *const good[] = { "a",
                                        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                                        "2011-04-29",
                                        "a.b",
                                        "x:y=z+~@",
                                        ".",
                                        "bilbo.baggins@hobbiton.example" };
    static const char *const bad[] = { "",     "..", "a..b", "a/b", "/",   "\\",       "a b", "a\tb", "'",
                                       "\"",   "`",  "$",    "%2e", "a;b", "\xc3\xa9", "<",   "a,b",  "{",
                                       "a\nb", "*",  "?",    "&",   "#",   "|",        "!" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CU_ASSERT_TRUE(jwk_kid_valid(span_text(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(jwk_kid_valid(span_text(bad[i])));
    CU_ASSERT_FALSE(jwk_kid_valid(span_of("a\0b", 3)));
}

static void algorithms(void)
{
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("RS256")), JWS_RS256);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("ES512")), JWS_ES512);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("none")), JWS_ALG_UNKNOWN);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("HS256")), JWS_ALG_UNKNOWN);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("rs256")), JWS_ALG_UNKNOWN);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("ES256K")), JWS_ALG_UNKNOWN);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_text("")), JWS_ALG_UNKNOWN);
    CU_ASSERT_EQUAL(jws_alg_by_name(span_of("RS256\0", 6)), JWS_ALG_UNKNOWN);
}

/* The id changes with the name, the algorithms and the key, and with nothing else. */
static void ids(void)
{
    static const struct {
        enum signing_key key;
        const char *kid, *extra;
    } table[] = { { RSA_A, "a", NULL },
                  { RSA_A, "b", NULL },
                  { RSA_A, "a", "\"alg\":\"RS256\"" },
                  { RSA_A, "a", "\"alg\":\"PS256\"" },
                  { RSA_B, "a", NULL },
                  { P256_A, "a", NULL } };
    struct jwk keys[ARRAY_LEN(table)], again;
    struct bytes text = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bytes_reset(&text);
        signer_jwk(&text, table[i].key, table[i].kid, table[i].extra);
        CU_ASSERT_EQUAL(read_key(bytes_text(&text), true, &keys[i]), ST_OK);
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(memcmp(keys[i].id, keys[k].id, JWK_ID_LEN), 0);
    }
    bytes_reset(&text);
    signer_jwk(&text, RSA_A, "a", "\"use\":\"sig\",\"x5t\":\"abc\"");
    CU_ASSERT_EQUAL(read_key(bytes_text(&text), true, &again), ST_OK);
    CU_ASSERT_EQUAL(memcmp(again.id, keys[0].id, JWK_ID_LEN), 0);
    jwk_clear(&again);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        jwk_clear(&keys[i]);
    bytes_clear(&text);
}

static void large_sets(void)
{
    struct bytes text = { 0 };
    struct jwk_set *set = NULL;
    char kid[16];

    for (unsigned count = JWK_SET_MAX; count <= JWK_SET_MAX + 1; count++) {
        bytes_reset(&text);
        bytes_append_text(&text, "{\"keys\":[");
        for (unsigned i = 0; i < count; i++) {
            bytes_append_text(&text, i > 0 ? "," : "");
            snprintf(kid, sizeof kid, "k%u", i);
            signer_jwk(&text, P256_A, kid, NULL);
        }
        bytes_append_text(&text, "]}");
        CU_ASSERT_EQUAL(jwk_set_parse(bytes_span(&text), &set), count == JWK_SET_MAX ? ST_OK : ST_BAD_REQUEST);
        if (set != NULL) {
            CU_ASSERT_EQUAL(set->count, JWK_SET_MAX);
            CU_ASSERT_PTR_NOT_NULL(jwk_set_find(set, span_text("k63")));
            CU_ASSERT_PTR_NULL(jwk_set_find(set, span_text("k64")));
            CU_ASSERT_PTR_EQUAL(jwk_set_ref(set), set);
            jwk_set_unref(set);
        }
        jwk_set_unref(set);
    }
    jwk_set_unref(NULL);
    bytes_clear(&text);
}

static CU_TestInfo cases[] = {
    { "the key of RFC 7638 is read", rfc_key },
    { "the canonical text of each type is read back", canonical },
    { "the canonical text and thumbprint of RFC 7638, 3.1", canonical_of_the_rfc },
    { "other types have no canonical text", other_types },
    { "what can be a key's name", names },
    { "algorithms by their exact names; none and HMAC are none", algorithms },
    { "a key's id follows its name, algorithms and numbers", ids },
    { "a set has at most 64 keys", large_sets },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "keys", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

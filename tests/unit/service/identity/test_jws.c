#include "service/identity/jws.h"

#include <openssl/err.h>
#include <stdio.h>

#include "tests/unit/service/identity/signer.h"

/* ---- Wycheproof ---- */

/* Valid by the standards, refused by us, and why:
 * HMAC (1, 348, 352, 357 to 377): no issuer of ours shares a secret with us, so there is no such algorithm here;
 *   of 357 to 377, which are about base64, 372 and 373 hold characters outside the alphabet, too.
 * "ES521" as the key's alg (347, 351): not a name of RFC 7518, 3.1.
 * A key set for PS256 and a signature by PS384 (346, 350): a key's alg is the only one it may be used with.
 * An empty payload (259, 264, 268, 272, 320, 325): a token without claims. */
static bool left_out(int64_t id)
{
    static const int64_t ids[] = { 1, 259, 264, 268, 272, 320, 325, 346, 347, 348, 350, 351, 352 };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (ids[i] == id)
            return true;
    return id >= 357 && id <= 377;
}

static json_t *load(const char *file)
{
    const char *folder = vectors_folder("wycheproof");
    struct bytes text = { 0 };
    char path[640];
    json_t *root;

    if (folder == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    read_file(path, &text);
    root = json_loadb((const char *)text.p, text.len, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    bytes_clear(&text);
    return root;
}

static bool verifies(const json_t *key_text, struct span token)
{
    struct jwk key = { 0 };
    struct jws j;
    bool ok = jwk_from_json(key_text, false, &key) == ST_OK && jws_parse(&j, JWS_ACCESS_TOKEN, token) == ST_OK;

    if (ok) {
        ok = jws_verify(&j, &key) == ST_OK;
        jws_clear(&j);
    }
    jwk_clear(&key);
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
    return ok;
}

static void wycheproof_signatures(void)
{
    json_t *root = load("json_web_signature_test.json"), *group, *test;
    unsigned seen = 0, accepted = 0;
    size_t i, k;

    if (root == NULL)
        return;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_t *public_key = json_object_get(group, "public");

        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            int64_t id = json_integer_value(json_object_get(test, "tcId"));
            bool valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
            const char *jws = json_string_value(json_object_get(test, "jws"));
            bool ok = verifies(public_key != NULL ? public_key : json_object_get(group, "private"), span_text(jws));

            seen++;
            accepted += ok;
            if (ok != (valid && !left_out(id))) {
                printf("\n%d %s", (int)id, json_string_value(json_object_get(test, "comment")));
                CU_FAIL("a verdict differs");
            }
        }
    }
    CU_ASSERT_EQUAL(seen, 401);
    printf("\n    %u of %u signatures verify", accepted, seen);
    json_decref(root);
}

/* The tests of base64 have HMACs, so what is left of them for us is the form: those with characters that do not belong
 * there are refused before any key is asked. */
static void wycheproof_base64(void)
{
    static const int64_t ill_formed[] = { 359, 360, 361, 362, 363, 364, 365, 366, 367,
                                          368, 369, 370, 371, 372, 373, 374, 375 };
    json_t *root = load("json_web_signature_test.json"), *group, *test;
    unsigned seen = 0;
    size_t i, k;

    if (root == NULL)
        return;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
        json_array_foreach(json_object_get(group, "tests"), k,
                           test) for (size_t n = 0; n < ARRAY_LEN(ill_formed);
                                      n++) if (json_integer_value(json_object_get(test, "tcId")) == ill_formed[n])
    {
        struct jws j;

        CU_ASSERT_EQUAL(jws_parse(&j, JWS_ACCESS_TOKEN, span_text(json_string_value(json_object_get(test, "jws")))),
                        ST_UNAUTHENTICATED);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, ARRAY_LEN(ill_formed));
    json_decref(root);
}

/* Sets of keys: those with HMAC keys are refused as a whole (2, 13 to 15 are valid with them). */
static void wycheproof_keys(void)
{
    json_t *root = load("json_web_key_test.json"), *group, *test;
    unsigned seen = 0;
    size_t i, k;

    if (root == NULL)
        return;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_t *keys = json_object_get(group, "public");
        char *text = json_dumps(keys != NULL ? keys : json_object_get(group, "private"), JSON_COMPACT);
        struct jwk_set *set = NULL;

        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        (void)!jwk_set_parse(span_text(text), &set);
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            int64_t id = json_integer_value(json_object_get(test, "tcId"));
            struct jws j;
            struct span kid;
            const struct jwk *key;
            bool ok = set != NULL && jws_parse(&j, JWS_ACCESS_TOKEN,
                                               span_text(json_string_value(json_object_get(test, "jws")))) == ST_OK;

            if (ok) {
                ok = json_get_text(j.header, "kid", &kid) == ST_OK && (key = jwk_set_find(set, kid)) != NULL &&
                     jws_verify(&j, key) == ST_OK;
                jws_clear(&j);
            }
            seen++;
            if (ok != (id == 5)) { /* the one valid test of the asymmetric ones */
                printf("\n%d %s", (int)id, json_string_value(json_object_get(test, "comment")));
                CU_FAIL("a verdict differs");
            }
        }
        jwk_set_unref(set);
        free(text);
    }
    CU_ASSERT_EQUAL(seen, 26);
    json_decref(root);
}

/* ---- client assertions ---- */

static enum status parse(enum jws_kind kind, const char *header)
{
    struct bytes token = { 0 };
    struct jws j;
    enum status st;

    signer_input(&token, header, "{}");
    bytes_append_text(&token, ".AAAA");
    if ((st = jws_parse(&j, kind, bytes_span(&token))) == ST_OK)
        jws_clear(&j);
    else
        CU_ASSERT_PTR_NULL(j.header);
    bytes_clear(&token);
    return st;
}

static void kinds(void)
{
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"PS256\",\"x5c\":[\"MIIB\"]}"), ST_OK);
    CU_ASSERT_EQUAL(parse(JWS_ACCESS_TOKEN, "{\"alg\":\"PS256\",\"x5c\":[\"MIIB\"]}"), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"PS256\",\"x5u\":\"https://localhost\"}"),
                    ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"PS256\",\"jwk\":{}}"), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"none\"}"), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"HS256\"}"), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, "{\"alg\":\"PS256\",\"typ\":\"at+jwt\"}"), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(parse(JWS_ACCESS_TOKEN, "{\"alg\":\"PS256\",\"typ\":\"at+jwt\"}"), ST_OK);
}

static void names(void)
{
    static const char *const bad[] = {
        "\"\"", "\"a/b\"", "\"../a\"", "\"a\\u0000\"", "\"a'b\"", "7", "null", "[\"a\"]"
    };
    char header[128];

    CU_ASSERT_EQUAL(parse(JWS_ACCESS_TOKEN, "{\"alg\":\"PS256\",\"kid\":\"a\"}"), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(header, sizeof header, "{\"alg\":\"PS256\",\"kid\":%s}", bad[i]);
        CU_ASSERT_EQUAL(parse(JWS_ACCESS_TOKEN, header), ST_UNAUTHENTICATED);
        CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, header), ST_UNAUTHENTICATED);
    }
}

static void long_token(void)
{
    struct bytes token = { 0 };
    struct jws j;

    bytes_append_text(&token, "eyJhbGciOiJSUzI1NiJ9."); /* {"alg":"RS256"} */
    while (token.len < JWS_TEXT_MAX - 5)
        bytes_append_char(&token, 'A');
    bytes_append_text(&token, ".AAAA");
    CU_ASSERT_EQUAL(jws_parse(&j, JWS_CLIENT_ASSERTION, bytes_span(&token)), ST_OK);
    jws_clear(&j);
    bytes_append_text(&token, "AAAA");
    CU_ASSERT_EQUAL(jws_parse(&j, JWS_CLIENT_ASSERTION, bytes_span(&token)), ST_UNAUTHENTICATED);
    bytes_clear(&token);
}

static void long_header(void)
{
    struct bytes header = { 0 };

    bytes_append_text(&header, "{\"alg\":\"PS256\",\"x\":\"");
    while (header.len < 6140)
        bytes_append_char(&header, 'x');
    bytes_append_text(&header, "\"}");
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, bytes_text(&header)), ST_OK);
    header.len -= 2;
    bytes_append_text(&header, "xxxx\"}");
    CU_ASSERT_EQUAL(parse(JWS_CLIENT_ASSERTION, bytes_text(&header)), ST_UNAUTHENTICATED);
    bytes_clear(&header);
}

static CU_TestInfo cases[] = {
    { "Wycheproof: JSON web signatures", wycheproof_signatures },
    { "Wycheproof: ill-formed base64", wycheproof_base64 },
    { "Wycheproof: JSON web keys", wycheproof_keys },
    { "a client assertion may carry its certificate, an access token may not", kinds },
    { "a header has at most 8 KiB", long_header },
    { "all of it has at most 16 KiB", long_token },
    { "a kid that cannot be a key's name is refused before any key is asked", names },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "signatures", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

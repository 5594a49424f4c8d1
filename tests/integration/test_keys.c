/* Keys over the wire: create, sign, verify with OpenSSL, restart, sign again. */
#include <stdio.h>

#include "tests/integration/appliance.h"
#include "tests/integration/signature.h"
#include "tests/unit/harness.h"

#define MESSAGE "what is signed here"

static struct appliance *a;
static struct reply reply;
static char *vault;

static int set_up(void)
{
    return appliance_with_vault("demo", &a, &vault) ? 0 : 1;
}

static int tear_down(void)
{
    free(vault);
    reply_clear(&reply);
    return appliance_free(a) ? 0 : 1;
}

/* A data plane request as the demo principal; returns the status. */
static long ask(const char *method, const char *path, const char *json, unsigned http)
{
    char *url = text_of("%s%s?" TEST_DATA_API, vault, path);
    struct request rq = { .method = method, .url = url, .json = json, .http = http };

    rq.token = appliance_token(a, a->data_url);
    CU_ASSERT(appliance_request(a, &rq, &reply));
    free(url);
    return reply.status;
}

static EVP_PKEY *key_of_reply(void)
{
    json_t *body = reply_json(&reply);
    EVP_PKEY *key = jwk_public_key(json_object_get(body, "key"));

    json_decref(body);
    return key;
}

static EVP_PKEY *create(const char *name, const char *json)
{
    char *path = text_of("/keys/%s/create", name);
    EVP_PKEY *key;

    CU_ASSERT_EQUAL_FATAL(ask("POST", path, json, 0), 200);
    key = key_of_reply();
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    free(path);
    return key;
}

/* Sign the message's digest with the newest version; is the signature good under `key`? */
static bool signs(const char *name, const char *alg, EVP_PKEY *key, unsigned http)
{
    uint8_t digest[32];
    char *path = text_of("/keys/%s/sign", name), *value = sha256_base64url(MESSAGE, digest);
    char *json = text_of("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
    bool good = ask("POST", path, json, http) == 200 &&
                signature_good(key, "SHA256", alg[0] == 'P', span_of(digest, 32), reply_text(&reply, "value"));

    if (!good)
        printf("\n  %s %s: %ld %s", name, alg, reply.status, bytes_text(&reply.body));
    free(json);
    free(value);
    free(path);
    return good;
}

static EVP_PKEY *ec, *rsa; /* of the keys "ec" and "rsa", as they were created */

static void created(void)
{
    ec = create("ec", "{\"kty\":\"EC-HSM\",\"crv\":\"P-256\",\"key_ops\":[\"sign\",\"verify\"]}");
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "key.kty"), "EC-HSM");
    CU_ASSERT_EQUAL(strncmp(reply_text(&reply, "key.kid"), vault, strlen(vault)), 0);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "key.d"), "");
    rsa = create("rsa", "{\"kty\":\"RSA-HSM\",\"key_size\":2048}");
    CU_ASSERT_EQUAL(EVP_PKEY_get_bits(rsa), 2048);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "key.d"), "");
}

static void signatures_are_good(void)
{
    for (unsigned http = 1; http <= 2; http++) {
        CU_ASSERT(signs("ec", "ES256", ec, http));
        CU_ASSERT_EQUAL(reply.http, http);
        CU_ASSERT(signs("rsa", "RS256", rsa, http));
        CU_ASSERT(signs("rsa", "PS256", rsa, http));
    }
}

static void edited_ones_are_not(void)
{
    uint8_t digest[32];
    char *value = sha256_base64url(MESSAGE, digest);

    CU_ASSERT(signs("ec", "ES256", ec, 0));
    digest[0] ^= 1;
    CU_ASSERT_FALSE(signature_good(ec, "SHA256", false, span_of(digest, 32), reply_text(&reply, "value")));
    free(value);
}

/* What the vault says of a signature: "true", "false". */
static const char *verdict(const char *digest, const char *signature)
{
    char *json = text_of("{\"alg\":\"ES256\",\"digest\":\"%s\",\"value\":\"%s\"}", digest, signature);
    const char *said = "?";

    if (ask("POST", "/keys/ec/verify", json, 0) == 200)
        said = strstr(bytes_text(&reply.body), "true") != NULL ? "true" : "false";
    free(json);
    return said;
}

static void the_vault_verifies(void)
{
    uint8_t digest[32];
    char *value = sha256_base64url(MESSAGE, digest), *other = sha256_base64url("something else", digest), *signature;

    CU_ASSERT(signs("ec", "ES256", ec, 0));
    signature = text_of("%s", reply_text(&reply, "value"));
    CU_ASSERT_STRING_EQUAL(verdict(value, signature), "true");
    CU_ASSERT_STRING_EQUAL(verdict(other, signature), "false");
    free(signature);
    free(value);
    free(other);
}

static void wrong_uses_are_refused(void)
{
    uint8_t digest[32];
    char *value = sha256_base64url(MESSAGE, digest), *json;

    json = text_of("{\"alg\":\"RS256\",\"value\":\"%s\"}", value);
    CU_ASSERT_EQUAL(ask("POST", "/keys/ec/sign", json, 0), 400);
    free(json);
    CU_ASSERT_EQUAL(ask("POST", "/keys/ec/sign", "{\"alg\":\"ES256\",\"value\":\"AAAA\"}", 0), 400);
    CU_ASSERT_EQUAL(ask("POST", "/keys/none/sign", "{\"alg\":\"ES256\",\"value\":\"AAAA\"}", 0), 404);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "error.code"), "KeyNotFound");
    free(value);
}

static void keys_outlive_a_restart(void)
{
    EVP_PKEY *now;

    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    CU_ASSERT_EQUAL(ask("GET", "/keys/ec", NULL, 0), 200);
    now = key_of_reply();
    CU_ASSERT_EQUAL(EVP_PKEY_eq(now, ec), 1);
    EVP_PKEY_free(now);
    CU_ASSERT(signs("ec", "ES256", ec, 0));
    CU_ASSERT(signs("rsa", "RS256", rsa, 0));
}

static void keys_outlive_a_crash(void)
{
    EVP_PKEY *fresh = create("fresh", "{\"kty\":\"EC\",\"crv\":\"P-256\"}");

    appliance_kill_daemon(a, VAULTD);
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    CU_ASSERT(signs("fresh", "ES256", fresh, 0));
    EVP_PKEY_free(fresh);
}

static void other_vaults_have_none_of_them(void)
{
    char *mine = vault;

    CU_ASSERT(appliance_make_vault(a, "demo2"));
    vault = appliance_vault_url(a, "demo2");
    CU_ASSERT_EQUAL(ask("GET", "/keys/ec", NULL, 0), 404);
    free(vault);
    vault = mine;
}

static void release_keys(void)
{
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "EC and RSA keys are created; the answer has the public half alone", created },
        { "signatures verify with OpenSSL, over HTTP/1.1 and HTTP/2", signatures_are_good },
        { "and not over another digest", edited_ones_are_not },
        { "verify says true and false", the_vault_verifies },
        { "an algorithm unlike the key, a digest of wrong length, an unknown key are refused", wrong_uses_are_refused },
        { "the same keys sign after a restart", keys_outlive_a_restart },
        { "an acknowledged key signs after a crash", keys_outlive_a_crash },
        { "another vault has none of them", other_vaults_have_none_of_them },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "keys", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    release_keys();
    return code;
}

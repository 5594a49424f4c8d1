#include "service/identity/authority.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>

#include "firmware/base/base64url.h"
#include "service/identity/application.h"
#include "service/identity/authority_internal.h"
#include "service/identity/issuer_keys.h"
#include "tests/unit/pkcs11/token/fixture.h"
#include "tests/unit/service/identity/asking.h"
#include "tests/unit/service/identity/certificate.h"

#define SCOPE     "scope=https://vault.localhost:8443/.default"
#define GRANT     "grant_type=client_credentials"
#define TYPE      "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define TOKEN_URL BASE_URL "/" TENANT "/oauth2/v2.0/token"

static const char *const resources[] = { AUDIENCE, MANAGEMENT, NULL };
static struct token *token;
static struct store *store;
static struct authority *authority;
static struct application app;
static struct secret app_secret;
static struct test_certificate rsa_certificate, ec_certificate;

static struct authority *start(bool single_use)
{
    struct authority_config config = { .base_url = BASE_URL,
                                       .resources = resources,
                                       .store = store,
                                       .token = token,
                                       .single_use_assertions = single_use,
                                       .now = test_clock };
    struct authority *a = NULL;

    memcpy(config.tenant_id.text, TENANT, GUID_LEN);
    INVARIANT(authority_new(&config, &a) == ST_OK);
    return a;
}

/* One token and one store for all suites; SoftHSM is slow to start. */
static int open_all(void)
{
    static const struct key_spec spec = { KEY_TYPE_RSA, KEY_CURVE_NONE, 2048 };
    struct token_config config = fixture_config();

    test_now = NOW;
    if (token != NULL)
        return 0;
    token = fixture_open(&config);
    INVARIANT(token_provision_key_pair(token, TOKEN_LABEL_AUTHORITY, &spec) == ST_OK);
    INVARIANT(store_open_memory(&store) == ST_OK);
    authority = start(false);
    app.enabled = true;
    INVARIANT(application_create(store, &app) == ST_OK);
    INVARIANT(application_add_secret(store, &app.client_id, 0, &app_secret) == ST_OK);
    certificate_make(&rsa_certificate, signer_key(RSA_A), NOW - 1000, NOW + 86400);
    certificate_make(&ec_certificate, signer_key(P256_A), NOW - 1000, NOW + 86400);
    INVARIANT(application_add_certificate(store, &app.client_id, bytes_span(&rsa_certificate.pem)) == ST_OK);
    INVARIANT(application_add_certificate(store, &app.client_id, bytes_span(&ec_certificate.der)) == ST_OK);
    return 0;
}

static void close_all(void)
{
    token_close(token);
    authority_free(authority);
    store_close(store);
    secret_clear(&app_secret);
    certificate_clear(&rsa_certificate);
    certificate_clear(&ec_certificate);
}

/* "client_id=..&client_secret=..&<rest>"; the text is valid until the next call. */
static const char *with_secret(const char *rest)
{
    static struct bytes form;

    bytes_reset(&form);
    bytes_printf(&form, "client_id=%s&client_secret=%.*s&%s", app.client_id.text, (int)app_secret.len,
                 (const char *)app_secret.p, rest);
    return bytes_text(&form);
}

static void refused(const struct answer *a, unsigned http_status, const char *error, int code)
{
    char prefix[32];

    CU_ASSERT_EQUAL(a->http_status, http_status);
    CU_ASSERT_STRING_EQUAL(answer_text(a, "error"), error);
    CU_ASSERT_EQUAL(answer_code(a), code);
    snprintf(prefix, sizeof prefix, "AADSTS%d: ", code);
    CU_ASSERT_EQUAL(strncmp(answer_text(a, "error_description"), prefix, strlen(prefix)), 0);
    CU_ASSERT_EQUAL(strlen(answer_text(a, "trace_id")), GUID_LEN);
    CU_ASSERT_EQUAL(strlen(answer_text(a, "correlation_id")), GUID_LEN);
    CU_ASSERT_STRING_EQUAL(answer_text(a, "timestamp"), "2023-11-14 22:13:20Z");
    CU_ASSERT_PTR_NULL(json_object_get(a->json, "access_token"));
    CU_ASSERT_EQUAL(a->object_id.text[0] != '\0', http_status == 400 && (code == 70011 || code == 500011));
}

static void form_refused(const char *form, unsigned http_status, const char *error, int code)
{
    struct answer a;

    ask(&a, authority, form);
    if (a.http_status != http_status || answer_code(&a) != code)
        printf("\n%s: %u %s", form, a.http_status, answer_text(&a, "error_description"));
    refused(&a, http_status, error, code);
    answer_clear(&a);
}

/* ---- tokens ---- */

/* A part of a JWS, decoded and read. */
static json_t *part_of(const char *jws, unsigned n)
{
    struct bytes json = { 0 };
    json_t *out;

    for (; n > 0; n--)
        jws = strchr(jws, '.') + 1;
    CU_ASSERT_EQUAL(base64url_decode(&json, span_of(jws, strcspn(jws, "."))), ST_OK);
    out = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    bytes_clear(&json);
    return out;
}

/* By OpenSSL alone, with the key as the token tells it. */
static bool openssl_verifies(const char *jws)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct bytes sig = { 0 };
    EVP_PKEY *key = NULL;
    const char *dot = strrchr(jws, '.');
    bool ok;

    CU_ASSERT_EQUAL_FATAL(token_public_key(token, TOKEN_LABEL_AUTHORITY, &key), ST_OK);
    CU_ASSERT_EQUAL(base64url_decode(&sig, span_text(dot + 1)), ST_OK);
    ok = EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
         EVP_DigestVerify(context, sig.p, sig.len, (const uint8_t *)jws, (size_t)(dot - jws)) == 1;
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(context);
    bytes_clear(&sig);
    return ok;
}

static struct verifier *verifier_of_the_store(const char *audience)
{
    struct verifier_config config = { .issuer = ISSUER, .audience = audience, .now = test_clock };
    struct verifier *v = NULL;
    struct bytes jwks = { 0 };

    memcpy(config.tenant_id.text, TENANT, GUID_LEN);
    CU_ASSERT_EQUAL_FATAL(verifier_new(&config, &v), ST_OK);
    CU_ASSERT_EQUAL(store_get(store, span_text(AUTHORITY_KEYS_RECORD), &jwks, NULL), ST_OK);
    CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&jwks)), ST_OK);
    bytes_clear(&jwks);
    return v;
}

/* The answer holds a token that our verifier takes for `audience`, of our application. */
static void issued(const struct answer *a, const char *audience)
{
    struct verifier *v = verifier_of_the_store(audience);
    struct principal who;

    CU_ASSERT_EQUAL(a->http_status, 200);
    CU_ASSERT_STRING_EQUAL(a->outcome, "issued");
    CU_ASSERT_STRING_EQUAL(answer_text(a, "token_type"), "Bearer");
    CU_ASSERT_TRUE(json_is_integer(json_object_get(a->json, "expires_in")));
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(a->json, "expires_in")), 3600);
    CU_ASSERT_TRUE(json_is_integer(json_object_get(a->json, "ext_expires_in")));
    CU_ASSERT_EQUAL(verifier_check(v, span_text(answer_text(a, "access_token")), &who), ST_OK);
    CU_ASSERT_EQUAL(who.kind, PRINCIPAL_APPLICATION);
    CU_ASSERT_TRUE(guid_equal(&who.object_id, &app.object_id));
    CU_ASSERT_TRUE(guid_equal(&who.application_id, &app.client_id));
    CU_ASSERT_TRUE(guid_equal(&a->client_id, &app.client_id));
    CU_ASSERT_TRUE(guid_equal(&a->object_id, &app.object_id));
    verifier_free(v);
}

static void by_secret(void)
{
    struct answer a;
    json_t *header, *claims;
    const char *jws;

    ask(&a, authority,
        with_secret(GRANT
                    "&scope=https%3A%2F%2Fvault.localhost%3A8443%2F.default&x-client-SKU=msal.js.node&claims=%7B%7D"));
    issued(&a, AUDIENCE);
    jws = answer_text(&a, "access_token");
    CU_ASSERT_TRUE(openssl_verifies(jws));
    header = part_of(jws, 0);
    CU_ASSERT_EQUAL(json_object_size(header), 3);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(header, "typ")), "JWT");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(header, "alg")), "RS256");
    CU_ASSERT_EQUAL(strlen(json_string_value(json_object_get(header, "kid"))), 43);
    claims = part_of(jws, 1);
#define CLAIM(name) json_string_value(json_object_get(claims, name))
    CU_ASSERT_STRING_EQUAL(CLAIM("aud"), AUDIENCE);
    CU_ASSERT_STRING_EQUAL(CLAIM("iss"), ISSUER);
    CU_ASSERT_STRING_EQUAL(CLAIM("iss"), authority_issuer(authority));
    CU_ASSERT_STRING_EQUAL(CLAIM("idp"), ISSUER);
    CU_ASSERT_STRING_EQUAL(CLAIM("appid"), app.client_id.text);
    CU_ASSERT_STRING_EQUAL(CLAIM("azp"), app.client_id.text);
    CU_ASSERT_STRING_EQUAL(CLAIM("appidacr"), "1");
    CU_ASSERT_STRING_EQUAL(CLAIM("idtyp"), "app");
    CU_ASSERT_STRING_EQUAL(CLAIM("oid"), app.object_id.text);
    CU_ASSERT_STRING_EQUAL(CLAIM("sub"), app.object_id.text);
    CU_ASSERT_STRING_EQUAL(CLAIM("tid"), TENANT);
    CU_ASSERT_EQUAL(strlen(CLAIM("uti")), 22);
    CU_ASSERT_STRING_EQUAL(CLAIM("ver"), "2.0");
#undef CLAIM
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(claims, "iat")), NOW);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(claims, "nbf")), NOW);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(claims, "exp")), NOW + 3600);
    CU_ASSERT_PTR_NULL(json_object_get(claims, "roles"));
    json_decref(header);
    json_decref(claims);
    answer_clear(&a);
}

static void audiences(void)
{
    static const struct {
        bool v1;
        const char *rest, *aud;
    } table[] = {
        { false, GRANT "&scope=https://vault.localhost:8443/.default", AUDIENCE },
        { false, GRANT "&scope=https://vault.localhost:8443//.default", AUDIENCE "/" },
        { false, GRANT "&scope=https://management.localhost:8444//.default", MANAGEMENT "/" },
        { false, GRANT "&scope=https://management.localhost:8444/.default+openid+profile+offline_access", MANAGEMENT },
        { false, GRANT "&scope=openid+https://management.localhost:8444/.default", MANAGEMENT },
        { false, GRANT "&" SCOPE "&resource=https://elsewhere", AUDIENCE }, /* version 2 knows no such member */
        { true, GRANT "&resource=https://vault.localhost:8443", AUDIENCE },
        { true, GRANT "&resource=https://vault.localhost:8443/", AUDIENCE "/" },
        { true, GRANT "&" SCOPE, AUDIENCE }, /* MSAL in ADFS mode */
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct answer a;
        json_t *claims;

        ask_full(&a, authority, i % 2 == 0 ? TENANT : "adfs", table[i].v1, with_secret(table[i].rest), NULL);
        issued(&a, strncmp(table[i].aud, AUDIENCE, strlen(AUDIENCE)) == 0 ? AUDIENCE : MANAGEMENT);
        claims = part_of(answer_text(&a, "access_token"), 1);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(claims, "aud")), table[i].aud);
        if (table[i].v1)
            CU_ASSERT_STRING_EQUAL(answer_text(&a, "resource"), table[i].aud);
        json_decref(claims);
        answer_clear(&a);
    }
}

static const char *basic_header(const char *id, struct span password)
{
    static char header[1024];
    struct bytes joined = { 0 };
    uint8_t encoded[512];

    bytes_printf(&joined, "%s:", id);
    bytes_append_span(&joined, password);
    EVP_EncodeBlock(encoded, joined.p, (int)joined.len);
    snprintf(header, sizeof header, "Basic %s", (const char *)encoded);
    bytes_clear(&joined);
    return header;
}

static void by_basic(void)
{
    struct answer a;
    char form[512];

    ask_full(&a, authority, TENANT, false, GRANT "&" SCOPE, basic_header(app.client_id.text, secret_span(&app_secret)));
    issued(&a, AUDIENCE);
    answer_clear(&a);
    snprintf(form, sizeof form, GRANT "&" SCOPE "&client_id=%s", app.client_id.text);
    ask_full(&a, authority, TENANT, false, form, basic_header(app.client_id.text, secret_span(&app_secret)));
    issued(&a, AUDIENCE);
    answer_clear(&a);
    ask_full(&a, authority, TENANT, false, GRANT "&" SCOPE, basic_header(app.client_id.text, span_text("wrong")));
    refused(&a, 401, "invalid_client", 7000215);
    answer_clear(&a);
    ask_full(&a, authority, TENANT, false, GRANT "&" SCOPE "&client_id=" CLIENT,
             basic_header(app.client_id.text, secret_span(&app_secret)));
    refused(&a, 400, "invalid_request", 90023);
    answer_clear(&a);
    ask_full(&a, authority, TENANT, false, with_secret(GRANT "&" SCOPE),
             basic_header(app.client_id.text, secret_span(&app_secret)));
    refused(&a, 400, "invalid_request", 90023);
    answer_clear(&a);
    ask_full(&a, authority, TENANT, false, GRANT "&" SCOPE, "Basic !!!");
    refused(&a, 400, "invalid_request", 90014);
    answer_clear(&a);
    ask_full(&a, authority, TENANT, false, GRANT "&" SCOPE, "Bearer abc");
    refused(&a, 400, "invalid_request", 90014);
    answer_clear(&a);
}

/* ---- refusals ---- */

static void forms(void)
{
    struct answer a;

    form_refused("", 400, "invalid_request", 900144);
    form_refused("grant_type=%", 400, "invalid_request", 90014);
    form_refused("{\"grant_type\":\"client_credentials\"}", 400, "invalid_request", 900144);
    form_refused(GRANT "&" GRANT, 400, "invalid_request", 90014);
    form_refused(GRANT "&" SCOPE "&client_secret=x", 400, "invalid_request", 900144);
    form_refused(GRANT "&" SCOPE "&client_id=" CLIENT, 401, "invalid_client", 7000216);
    form_refused(GRANT "&" SCOPE "&client_id=" CLIENT "&client_assertion=x", 401, "invalid_client", 7000216);
    form_refused(GRANT "&" SCOPE "&client_id=" CLIENT "&" TYPE, 401, "invalid_client", 7000216);
    form_refused(GRANT "&" SCOPE "&client_id=" CLIENT "&client_assertion=x&client_assertion_type=saml", 401,
                 "invalid_client", 7000216);
    form_refused(GRANT "&" SCOPE "&client_id=" CLIENT "&client_secret=x&client_assertion=x&" TYPE, 400,
                 "invalid_request", 90023);
    form_refused(with_secret(SCOPE), 400, "invalid_request", 900144);
    form_refused(with_secret("grant_type=password&" SCOPE), 400, "unsupported_grant_type", 70003);
    form_refused(with_secret("grant_type=authorization_code&" SCOPE), 400, "unsupported_grant_type", 70003);
    form_refused(with_secret("grant_type=CLIENT_CREDENTIALS&" SCOPE), 400, "unsupported_grant_type", 70003);
    ask_full(&a, authority, "common", false, with_secret(GRANT "&" SCOPE), NULL);
    refused(&a, 400, "invalid_request", 90002);
    answer_clear(&a);
}

static void scopes(void)
{
    static const char *const bad[] = {
        "https://vault.localhost:8443",
        ".default",
        "/.default",
        "openid",
        "+",
        "https://vault.localhost:8443/.default+https://management.localhost:8444/.default",
        "https://vault.localhost:8443/.DEFAULT",
        "https://vault.localhost:8443/.default/",
        "https://vault.localhost:8443/keys.read",
        "a+b+c"
    };
    static const char *const unknown[] = {
        "https://elsewhere.localhost/.default",      "https://vault.localhost/.default",
        "https://VAULT.localhost:8443/.default",     "https://vault.localhost:8443///.default",
        "https://kv1.vault.localhost:8443/.default", "x/.default"
    };
    struct answer a;
    char rest[512];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(rest, sizeof rest, GRANT "&scope=%s", bad[i]);
        form_refused(with_secret(rest), 400, "invalid_scope", 70011);
    }
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        snprintf(rest, sizeof rest, GRANT "&scope=%s", unknown[i]);
        form_refused(with_secret(rest), 400, "invalid_resource", 500011);
    }
    ask_v1(&a, authority, with_secret(GRANT "&resource=https://elsewhere"));
    refused(&a, 400, "invalid_resource", 500011);
    answer_clear(&a);
    ask(&a, authority, with_secret(GRANT));
    CU_ASSERT_EQUAL(a.http_status, 400);
    CU_ASSERT_EQUAL(answer_code(&a), 900144);
    answer_clear(&a);
    /* A stranger does not learn what there is. */
    form_refused(GRANT "&scope=https://elsewhere/.default&client_id=" CLIENT "&client_secret=wrong", 401,
                 "invalid_client", 7000215);
}

/* The two answers but for what differs between any two. */
static void same_but_for_ids(const struct answer *a, const struct answer *b)
{
    static const char *const ids[] = { "trace_id", "correlation_id", "error_description" };
    const char *left = answer_text(a, "error_description"), *right = answer_text(b, "error_description");

    CU_ASSERT_EQUAL(a->http_status, b->http_status);
    CU_ASSERT_STRING_EQUAL(a->outcome, b->outcome);
    CU_ASSERT_EQUAL(strlen(left), strlen(right));
    CU_ASSERT_EQUAL(strncmp(left, right, (size_t)(strstr(left, "Trace ID") - left)), 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        json_object_del(a->json, ids[i]);
        json_object_del(b->json, ids[i]);
    }
    CU_ASSERT_TRUE(json_equal(a->json, b->json));
}

static void strangers_and_guessers(void)
{
    struct answer wrong, unknown, no_guid, disabled;
    struct application off = { .enabled = true };
    struct secret secret = { 0 };
    char form[512];

    snprintf(form, sizeof form, GRANT "&" SCOPE "&client_id=%s&client_secret=wrong", app.client_id.text);
    ask(&wrong, authority, form);
    refused(&wrong, 401, "invalid_client", 7000215);
    ask(&unknown, authority, GRANT "&" SCOPE "&client_id=" CLIENT "&client_secret=wrong");
    ask(&no_guid, authority, GRANT "&" SCOPE "&client_id=somebody&client_secret=wrong");
    CU_ASSERT_EQUAL(application_create(store, &off), ST_OK);
    CU_ASSERT_EQUAL(application_add_secret(store, &off.client_id, 0, &secret), ST_OK);
    CU_ASSERT_EQUAL(application_set_enabled(store, &off.client_id, false), ST_OK);
    snprintf(form, sizeof form, GRANT "&" SCOPE "&client_id=%s&client_secret=%.*s", off.client_id.text, (int)secret.len,
             (const char *)secret.p);
    ask(&disabled, authority, form);
    CU_ASSERT_STRING_EQUAL(unknown.client_id.text, CLIENT); /* for the audit */
    CU_ASSERT_EQUAL(no_guid.client_id.text[0], '\0');
    same_but_for_ids(&wrong, &unknown);
    answer_clear(&wrong);
    ask(&wrong, authority, GRANT "&" SCOPE "&client_id=" CLIENT "&client_secret=wrong2");
    same_but_for_ids(&wrong, &no_guid);
    answer_clear(&wrong);
    ask(&wrong, authority, GRANT "&" SCOPE "&client_id=" CLIENT "&client_secret=wrong3");
    same_but_for_ids(&wrong, &disabled);
    answer_clear(&wrong);
    answer_clear(&unknown);
    answer_clear(&no_guid);
    answer_clear(&disabled);
    secret_clear(&secret);
}

static void throttling(void)
{
    struct application victim = { .enabled = true };
    struct secret secret = { 0 };
    struct answer a;
    char form[512], good[512];

    CU_ASSERT_EQUAL(application_create(store, &victim), ST_OK);
    CU_ASSERT_EQUAL(application_add_secret(store, &victim.client_id, 0, &secret), ST_OK);
    snprintf(form, sizeof form, GRANT "&" SCOPE "&client_id=%s&client_secret=wrong", victim.client_id.text);
    snprintf(good, sizeof good, GRANT "&" SCOPE "&client_id=%s&client_secret=%.*s", victim.client_id.text,
             (int)secret.len, (const char *)secret.p);
    for (unsigned i = 0; i < 12; i++) {
        ask(&a, authority, form);
        CU_ASSERT_EQUAL(a.http_status, i < 10 ? 401 : 429);
        CU_ASSERT_STRING_EQUAL(a.outcome, i < 10 ? "wrong secret" : "throttled");
        CU_ASSERT_STRING_EQUAL(answer_text(&a, "error"), "invalid_client");
        answer_clear(&a);
    }
    /* Neither the client itself nor another one is locked out by it. */
    ask(&a, authority, good);
    CU_ASSERT_EQUAL(a.http_status, 200);
    answer_clear(&a);
    ask(&a, authority, with_secret(GRANT "&" SCOPE));
    CU_ASSERT_EQUAL(a.http_status, 200);
    answer_clear(&a);
    test_now = NOW + 60;
    ask(&a, authority, form);
    CU_ASSERT_EQUAL(a.http_status, 401);
    answer_clear(&a);
    test_now = NOW;
    secret_clear(&secret);
}

/* ---- assertions ---- */

struct assertion {
    enum signing_key key;
    const char *alg, *header, *claims;
};

static unsigned next_jti;

/* The claims of a good assertion, with one in place of its own, or left out. */
static const char *assertion_claims(const char *name, const char *value)
{
    static struct bytes out;
    const char *names[] = { "aud", "iss", "sub", "jti", "nbf", "iat", "exp" };
    char texts[7][256];
    bool used = false, first = true;

    snprintf(texts[0], sizeof texts[0], "\"" TOKEN_URL "\"");
    snprintf(texts[1], sizeof texts[1], "\"%s\"", app.client_id.text);
    snprintf(texts[2], sizeof texts[2], "\"%s\"", app.client_id.text);
    snprintf(texts[3], sizeof texts[3], "\"jti-%u\"", next_jti++);
    snprintf(texts[4], sizeof texts[4], "%d", NOW);
    snprintf(texts[5], sizeof texts[5], "%d", NOW);
    snprintf(texts[6], sizeof texts[6], "%d", NOW + 600);
    bytes_reset(&out);
    bytes_append_char(&out, '{');
    for (size_t i = 0; i < 7; i++) {
        const char *v = texts[i];

        if (name != NULL && strcmp(name, names[i]) == 0) {
            v = value;
            used = true;
        }
        if (v != NULL) {
            bytes_printf(&out, "%s\"%s\":%s", first ? "" : ",", names[i], v);
            first = false;
        }
    }
    if (name != NULL && !used)
        bytes_printf(&out, ",\"%s\":%s", name, value);
    bytes_append_char(&out, '}');
    return bytes_text(&out);
}

/* A header that names a certificate as `name` does ("x5t", "x5t#S256"), with padding or without. */
static const char *assertion_header(const char *alg, const char *name, const struct test_certificate *c,
                                    const char *padding, const char *extra)
{
    static struct bytes out;
    bool sha256 = strcmp(name, "x5t") != 0;

    bytes_reset(&out);
    bytes_printf(&out, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"%s\":\"", alg, name);
    base64url_append(&out, sha256 ? span_of(c->sha256, 32) : span_of(c->sha1, 20));
    bytes_printf(&out, "%s\"%s}", padding, extra);
    return bytes_text(&out);
}

static void ask_by(struct answer *a, struct authority *of, enum signing_key key, const char *alg, const char *header,
                   const char *claims, const char *scope)
{
    struct bytes form = { 0 }, jws = { 0 };

    signer_token(&jws, key, alg, header, claims);
    bytes_printf(&form, GRANT "&%s&" TYPE "&client_id=%s&client_assertion=%s", scope, app.client_id.text,
                 bytes_text(&jws));
    ask(a, of, bytes_text(&form));
    bytes_clear(&form);
    bytes_clear(&jws);
}

static void by_assertion(void)
{
    struct answer a;
    json_t *claims;
    char x5c[64] = ",\"x5c\":[\"MIIB\"]";

    /* JavaScript */
    ask_by(&a, authority, RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ""),
           assertion_claims(NULL, NULL), SCOPE);
    issued(&a, AUDIENCE);
    claims = part_of(answer_text(&a, "access_token"), 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(claims, "appidacr")), "2");
    json_decref(claims);
    answer_clear(&a);
    /* the same with its certificate chain */
    ask_by(&a, authority, RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", x5c),
           assertion_claims(NULL, NULL), SCOPE);
    issued(&a, AUDIENCE);
    answer_clear(&a);
    /* Python: SHA-1 with padding, floating times */
    ask_by(&a, authority, RSA_A, "RS256", assertion_header("RS256", "x5t", &rsa_certificate, "=", ""),
           assertion_claims("exp", "1700000600.123456"), SCOPE);
    issued(&a, AUDIENCE);
    answer_clear(&a);
    ask_by(&a, authority, RSA_A, "RS256", assertion_header("RS256", "x5t", &rsa_certificate, "", ""),
           assertion_claims("iat", "1699999999.5"), SCOPE);
    issued(&a, AUDIENCE);
    answer_clear(&a);
    ask_by(&a, authority, P256_A, "ES256", assertion_header("ES256", "x5t#S256", &ec_certificate, "=", ""),
           assertion_claims(NULL, NULL), SCOPE);
    issued(&a, AUDIENCE);
    answer_clear(&a);
}

static void assertion_audiences(void)
{
    static const struct {
        const char *aud;
        bool good;
    } table[] = {
        { "\"" TOKEN_URL "\"", true },
        { "[\"" TOKEN_URL "\"]", true },
        { "\"" TOKEN_URL "?client-request-id=abc\"", true },
        { "\"" BASE_URL "/" TENANT "/oauth2/token\"", true },
        { "\"" BASE_URL "/adfs/oauth2/token\"", true },
        { "\"" BASE_URL "/adfs/oauth2/v2.0/token\"", true },
        { "\"" BASE_URL "/AAAAAAAA-0000-4000-8000-000000000001/oauth2/v2.0/token\"", true },
        { "\"" BASE_URL "/" OBJECT "/oauth2/v2.0/token\"", false },
        { "\"" BASE_URL "/common/oauth2/v2.0/token\"", false },
        { "\"" TOKEN_URL "/\"", false },
        { "\"" TOKEN_URL "x\"", false },
        { "\"" BASE_URL "\"", false },
        { "\"" BASE_URL "/\"", false },
        { "\"" BASE_URL "/adfs\"", false },
        { "\"" BASE_URL "." TENANT "/oauth2/v2.0/token\"", false },
        { "\"?" TOKEN_URL "\"", false },
        { "\"https://login.localhost/" TENANT "/oauth2/v2.0/token\"", false },
        { "\"https://login.localhost:84440/" TENANT "/oauth2/v2.0/token\"", false },
        { "\"http://login.localhost:8444/" TENANT "/oauth2/v2.0/token\"", false },
        { "\"https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token\"", false },
        { "[\"" TOKEN_URL "\",\"https://elsewhere\"]", false },
        { "[]", false },
        { "7", false },
        { NULL, false },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct answer a;

        test_now = NOW + 60 * (int64_t)(i / 9) / 2; /* not to be throttled */
        ask_by(&a, authority, RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ""),
               assertion_claims("aud", table[i].aud), SCOPE);
        if ((a.http_status == 200) != table[i].good) {
            printf("\n%s", table[i].aud);
            CU_FAIL("an audience is judged differently");
        }
        CU_ASSERT(a.http_status == 200 || answer_code(&a) == 700027 || answer_code(&a) == 90055);
        answer_clear(&a);
    }
    test_now = NOW;
}

static void assertion_claims_refused(void)
{
    static const struct {
        const char *name, *value;
        bool good;
    } table[] = {
        { "iss", NULL, false },
        { "iss", "\"" CLIENT "\"", false },
        { "iss", "7", false },
        { "sub", NULL, false },
        { "sub", "\"" CLIENT "\"", false },
        { "jti", NULL, false },
        { "jti", "\"\"", false },
        { "jti", "7", false },
        { "exp", NULL, false },
        { "exp", "null", false },
        { "exp", "\"1700000600\"", false },
        { "exp", "1700000000", false },
        { "exp", "1699999999.9", false },
        { "exp", "1700000000.5", true },
        { "exp", "1700086400", true }, /* 24 hours */
        { "exp", "1700086400.5", false },
        { "exp", "1e300", false },
        { "exp", "-1", false },
        { "nbf", "1700000060.0", true },
        { "nbf", "1700000060.5", false },
        { "nbf", "\"now\"", false },
        { "nbf", NULL, true },
        { "iat", "1700000061", false },
        { "iat", "null", false },
        { "iat", NULL, true },
        { "unknown", "[]", true },
        { "\\u0065xp", "1700000600", false }, /* twice */
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct answer a;

        ask_by(&a, authority, RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ""),
               assertion_claims(table[i].name, table[i].value), SCOPE);
        if ((a.http_status == 200) != table[i].good) {
            printf("\n%s %s", table[i].name, table[i].value);
            CU_FAIL("a claim is judged differently");
        }
        answer_clear(&a);
    }
}

static void assertions_refused(void)
{
    struct test_certificate unknown, ended;
    struct answer a;

    certificate_make(&unknown, signer_key(RSA_A), NOW - 5000, NOW + 86400); /* our key, another certificate */
    certificate_make(&ended, signer_key(RSA_B), NOW - 5000, NOW - 1);
    CU_ASSERT_EQUAL(application_add_certificate(store, &app.client_id, bytes_span(&ended.der)), ST_OK);
#define REFUSED(key, alg, header)                                                                                      \
    do {                                                                                                               \
        ask_by(&a, authority, key, alg, header, assertion_claims(NULL, NULL), SCOPE);                                  \
        CU_ASSERT(a.http_status == 401 || a.http_status == 429);                                                       \
        CU_ASSERT_STRING_EQUAL(answer_text(&a, "error"), "invalid_client");                                            \
        CU_ASSERT_EQUAL(a.object_id.text[0], '\0');                                                                    \
        answer_clear(&a);                                                                                              \
    } while (0)
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &unknown, "", ""));
    REFUSED(RSA_B, "PS256", assertion_header("PS256", "x5t#S256", &ended, "", ""));
    REFUSED(RSA_B, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(P256_A, "ES256", assertion_header("ES256", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(RSA_A, "RS256", assertion_header("RS256", "x5t#S256", &ec_certificate, "", ""));
    REFUSED(RSA_A, "RS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(RSA_A, "RS512", assertion_header("RS512", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(RSA_A, "PS256", assertion_header("none", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(RSA_A, "PS256", assertion_header("HS256", "x5t#S256", &rsa_certificate, "", ""));
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "==", ""));
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "A", ""));
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ",\"jwk\":{}"));
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ",\"x5u\":\"https://a\""));
    REFUSED(RSA_A, "PS256", assertion_header("PS256", "x5t#S256", &rsa_certificate, "", ",\"crit\":[\"exp\"]"));
    REFUSED(RSA_A, "PS256", "{\"alg\":\"PS256\"}");
    REFUSED(RSA_A, "PS256", "{\"alg\":\"PS256\",\"kid\":\"whatever\"}");
    REFUSED(RSA_A, "PS256", "{\"alg\":\"PS256\",\"x5t\":7}");
#undef REFUSED
    /* A client that does not exist gets the answer of one that does. */
    ask(&a, authority, GRANT "&" SCOPE "&" TYPE "&client_id=" CLIENT "&client_assertion=a.b.c");
    CU_ASSERT_EQUAL(answer_code(&a), 700027);
    answer_clear(&a);
    certificate_clear(&unknown);
    certificate_clear(&ended);
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
}

/* The same assertion for two audiences and in parallel: that is what MSAL for JavaScript does. */
static void assertion_shown_again(void)
{
    struct bytes claims = { 0 }, header = { 0 };
    struct authority *strict;
    struct answer a;

    bytes_append_text(&claims, assertion_claims("exp", "1700040000"));
    bytes_append_text(&header, assertion_header("RS256", "x5t", &rsa_certificate, "", ""));
#define SHOWN(of, scope, expected)                                                                                     \
    do {                                                                                                               \
        ask_by(&a, of, RSA_A, "RS256", bytes_text(&header), bytes_text(&claims), scope);                               \
        CU_ASSERT_EQUAL(a.http_status, expected);                                                                      \
        answer_clear(&a);                                                                                              \
    } while (0)
    SHOWN(authority, SCOPE, 200);
    SHOWN(authority, "scope=https://management.localhost:8444/.default", 200);
    test_now = NOW + 599;
    SHOWN(authority, SCOPE, 200);
    test_now = NOW + 600;
    SHOWN(authority, SCOPE, 401);
    test_now = NOW;
    strict = start(true);
    SHOWN(strict, SCOPE, 200);
    SHOWN(strict, SCOPE, 401);
#undef SHOWN
    authority_free(strict);
    bytes_clear(&claims);
    bytes_clear(&header);
}

/* ---- documents and life ---- */

static void documents(void)
{
    struct bytes text = { 0 };
    json_t *json;

    CU_ASSERT_EQUAL(authority_discovery(authority, span_text(TENANT), &text), ST_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json = json_loads(bytes_text(&text), JSON_REJECT_DUPLICATES, NULL));
#define TEXT(name) json_string_value(json_object_get(json, name))
    CU_ASSERT_STRING_EQUAL(TEXT("issuer"), ISSUER);
    CU_ASSERT_STRING_EQUAL(TEXT("token_endpoint"), TOKEN_URL);
    CU_ASSERT_STRING_EQUAL(TEXT("authorization_endpoint"), BASE_URL "/" TENANT "/oauth2/v2.0/authorize");
    CU_ASSERT_STRING_EQUAL(TEXT("jwks_uri"), BASE_URL "/" TENANT "/discovery/v2.0/keys");
    json_decref(json);
    CU_ASSERT_EQUAL(authority_discovery(authority, span_text("adfs"), &text), ST_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json = json_loads(bytes_text(&text), JSON_REJECT_DUPLICATES, NULL));
    CU_ASSERT_STRING_EQUAL(TEXT("token_endpoint"), BASE_URL "/adfs/oauth2/v2.0/token");
    CU_ASSERT_STRING_EQUAL(TEXT("issuer"), ISSUER);
#undef TEXT
    json_decref(json);
    CU_ASSERT_EQUAL(authority_discovery(authority, span_text("common"), &text), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(authority_discovery(authority, span_text("x\"y"), &text), ST_NOT_FOUND);
    CU_ASSERT_TRUE(authority_is_tenant(authority, span_text("ADFS")));
    CU_ASSERT_TRUE(authority_is_tenant(authority, span_text("AAAAAAAA-0000-4000-8000-000000000001")));
    CU_ASSERT_FALSE(authority_is_tenant(authority, span_text("organizations")));
    CU_ASSERT_FALSE(authority_is_tenant(authority, span_text("")));
    CU_ASSERT_EQUAL(authority_jwks(authority, &text), ST_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json = json_loads(bytes_text(&text), JSON_REJECT_DUPLICATES, NULL));
    {
        json_t *key = json_array_get(json_object_get(json, "keys"), 0);

        CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "keys")), 1);
        CU_ASSERT_EQUAL(json_object_size(key), 6);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(key, "kty")), "RSA");
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(key, "use")), "sig");
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(key, "alg")), "RS256");
    }
    json_decref(json);
    bytes_clear(&text);
}

static void restart(void)
{
    struct verifier *v = verifier_of_the_store(AUDIENCE);
    struct bytes before = { 0 }, after = { 0 };
    uint64_t revision = 0, again = 0;
    struct authority *second;
    struct principal who;
    struct answer a;

    ask(&a, authority, with_secret(GRANT "&" SCOPE));
    CU_ASSERT_EQUAL(authority_jwks(authority, &before), ST_OK);
    CU_ASSERT_EQUAL(store_get(store, span_text(AUTHORITY_KEYS_RECORD), NULL, &revision), ST_OK);
    second = start(false);
    CU_ASSERT_EQUAL(authority_jwks(second, &after), ST_OK);
    CU_ASSERT_STRING_EQUAL(bytes_text(&before), bytes_text(&after)); /* the same kid */
    CU_ASSERT_EQUAL(store_get(store, span_text(AUTHORITY_KEYS_RECORD), NULL, &again), ST_OK);
    CU_ASSERT_EQUAL(revision, again); /* and nothing written */
    CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&after)), ST_OK);
    CU_ASSERT_EQUAL(verifier_check(v, span_text(answer_text(&a, "access_token")), &who), ST_OK);
    authority_free(second);
    authority_free(NULL);
    verifier_free(v);
    answer_clear(&a);
    bytes_clear(&before);
    bytes_clear(&after);
}

/* A verifier in another process learns the keys from the store, also when they come later or change. */
static void keys_by_watch(void)
{
    struct verifier_config config = { .issuer = ISSUER, .audience = AUDIENCE, .now = test_clock };
    struct bytes jwks = { 0 }, other = { 0 };
    struct issuer_keys *watch = NULL;
    struct store_write write = { .key = span_text(AUTHORITY_KEYS_RECORD), .expected = STORE_ANY };
    struct store_commit commit = { .writes = &write, .count = 1 };
    struct verifier *v = NULL;
    struct principal who;
    struct answer a;

    memcpy(config.tenant_id.text, TENANT, GUID_LEN);
    CU_ASSERT_EQUAL_FATAL(verifier_new(&config, &v), ST_OK);
    ask(&a, authority, with_secret(GRANT "&" SCOPE));
    CU_ASSERT_EQUAL(issuer_keys_watch(store, v, &watch), ST_OK);
    CU_ASSERT_EQUAL(verifier_check(v, span_text(answer_text(&a, "access_token")), &who), ST_OK);
    signer_jwks(&other);
    write.value = bytes_span(&other);
    CU_ASSERT_EQUAL(store_commit(store, &commit), ST_OK); /* told before the commit is done */
    CU_ASSERT_EQUAL(verifier_check(v, span_text(answer_text(&a, "access_token")), &who), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(verifier_check(v, good_token(claims_with(NULL, NULL)), &who), ST_OK);
    write.value = span_text("{}");
    CU_ASSERT_EQUAL(store_commit(store, &commit), ST_OK);
    CU_ASSERT_EQUAL(verifier_check(v, good_token(claims_with(NULL, NULL)), &who), ST_OK); /* the last good ones stay */
    CU_ASSERT_EQUAL(authority_jwks(authority, &jwks), ST_OK);
    write.value = bytes_span(&jwks);
    CU_ASSERT_EQUAL(store_commit(store, &commit), ST_OK);
    CU_ASSERT_EQUAL(verifier_check(v, span_text(answer_text(&a, "access_token")), &who), ST_OK);
    issuer_keys_unwatch(watch);
    issuer_keys_unwatch(NULL);
    verifier_free(v);
    answer_clear(&a);
    bytes_clear(&jwks);
    bytes_clear(&other);
}

static void *ask_often(void *arg)
{
    unsigned *good = arg;
    char form[512];

    snprintf(form, sizeof form, "client_id=%s&client_secret=%.*s&" GRANT "&" SCOPE, app.client_id.text,
             (int)app_secret.len, (const char *)app_secret.p);
    for (unsigned i = 0; i < 25; i++) {
        struct answer a;

        ask(&a, authority, form);
        *good += a.http_status == 200;
        answer_clear(&a);
    }
    return NULL;
}

static void threads(void)
{
    unsigned good[4] = { 0 };
    pthread_t thread[4];

    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, ask_often, &good[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(good[0] + good[1] + good[2] + good[3], 100);
}

static CU_TestInfo token_cases[] = {
    { "a client secret gets a token that says who it is for, and verifies by OpenSSL alone", by_secret },
    { "the audience is what was asked for, slash and all; version 1 and ADFS too", audiences },
    { "HTTP Basic", by_basic },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo refusal_cases[] = {
    { "forms that ask wrongly", forms },
    { "scopes and resources we do not have", scopes },
    { "unknown clients, disabled clients and wrong secrets get one answer", strangers_and_guessers },
    { "guessers are throttled, nobody is locked out", throttling },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo assertion_cases[] = {
    { "assertions as MSAL for JavaScript and for Python make them", by_assertion },
    { "an assertion is for our token endpoint, in any of its spellings", assertion_audiences },
    { "claims of assertions", assertion_claims_refused },
    { "wrong certificates, keys, algorithms and headers", assertions_refused },
    { "an assertion may be shown again for ten minutes, or not at all", assertion_shown_again },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo life_cases[] = {
    { "the discovery document and the keys", documents },
    { "a restart keeps the key's name, and tokens stay good", restart },
    { "a verifier learns the keys from the store", keys_by_watch },
    { "four threads ask at once", threads },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "tokens", open_all, NULL, NULL, NULL, token_cases },
                              { "refusals", open_all, NULL, NULL, NULL, refusal_cases },
                              { "assertions", open_all, NULL, NULL, NULL, assertion_cases },
                              { "documents and life", open_all, NULL, NULL, NULL, life_cases },
                              CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    close_all();
    return code;
}

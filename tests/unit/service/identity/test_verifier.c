#include "service/identity/verifier.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>

#include "firmware/base/base64url.h"
#include "tests/unit/service/identity/signer.h"

static struct verifier *v;

static struct verifier *verifier_with(size_t cache_limit)
{
    struct verifier_config config = {
        .issuer = ISSUER, .audience = AUDIENCE, .cache_limit = cache_limit, .now = test_clock
    };
    struct verifier *made = NULL;
    struct bytes jwks = { 0 };

    memcpy(config.tenant_id.text, TENANT, GUID_LEN);
    signer_jwks(&jwks);
    if (verifier_new(&config, &made) != ST_OK || verifier_set_keys(made, bytes_span(&jwks)) != ST_OK) {
        verifier_free(made); /* no assertion: CUnit allows none while a suite is set up, and fails the suite itself */
        made = NULL;
    }
    bytes_clear(&jwks);
    return made;
}

static int open_verifier(void)
{
    test_now = NOW;
    v = verifier_with(0);
    return v != NULL ? 0 : 1;
}

static int close_verifier(void)
{
    verifier_free(v);
    v = NULL;
    return 0;
}

static enum status check(struct span token)
{
    struct principal who;

    return verifier_check(v, token, &who);
}

/* Refused, and refused again: nothing remembers it as good. Nor does libcrypto's error queue hold anything. */
static void refused_named(const char *what, struct span token)
{
    for (unsigned i = 0; i < 2; i++)
        if (check(token) != ST_UNAUTHENTICATED) {
            printf("\n%s", what);
            CU_FAIL("a token was taken");
        }
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
}

#define refused(token) refused_named(#token, token)

/* ---- what is accepted ---- */

static void algorithms(void)
{
    static const struct {
        enum signing_key key;
        const char *kid, *alg;
    } table[] = { { RSA_A, "rsa", "RS256" },
                  { RSA_A, "rsa", "PS256" },
                  { P256_A, "p256", "ES256" },
                  { P384_A, "p384", "ES384" },
                  { P521_A, "p521", "ES512" } };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct bytes token = { 0 }, header = { 0 };

        bytes_printf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", table[i].alg, table[i].kid);
        for (unsigned n = 0; n < 20; n++) { /* ECDSA: also those whose r or s begins with zeros */
            signer_token(&token, table[i].key, table[i].alg, bytes_text(&header), claims_with(NULL, NULL));
            CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
        }
        bytes_clear(&token);
        bytes_clear(&header);
    }
}

static void principal_fields(void)
{
    struct principal who = { .group_count = 99 };

    for (unsigned i = 0; i < 2; i++) { /* checked, then remembered */
        CU_ASSERT_EQUAL(verifier_check(v, good_token(claims_with(NULL, NULL)), &who), ST_OK);
        CU_ASSERT_EQUAL(who.kind, PRINCIPAL_APPLICATION);
        CU_ASSERT_STRING_EQUAL(who.tenant_id.text, TENANT);
        CU_ASSERT_STRING_EQUAL(who.object_id.text, OBJECT);
        CU_ASSERT_STRING_EQUAL(who.application_id.text, CLIENT);
        CU_ASSERT_STRING_EQUAL(who.issuer, ISSUER);
        CU_ASSERT_EQUAL(who.group_count, 0);
        CU_ASSERT_EQUAL(who.expires_at, NOW + 3600);
        memset(&who, 0x55, sizeof who);
    }
}

/* ---- the header ---- */

static const char *const refused_headers[] = {
    "{\"kid\":\"rsa\"}",
    "{\"alg\":null,\"kid\":\"rsa\"}",
    "{\"alg\":5,\"kid\":\"rsa\"}",
    "{\"alg\":[\"RS256\"],\"kid\":\"rsa\"}",
    "{\"alg\":\"\",\"kid\":\"rsa\"}",
    "{\"alg\":\"rs256\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS256 \",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS1\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS384\",\"kid\":\"rsa\"}", /* known, but not set for this key */
    "{\"alg\":\"RS512\",\"kid\":\"rsa\"}",
    "{\"alg\":\"ES256\",\"kid\":\"rsa\"}",
    "{\"alg\":\"EdDSA\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RSA-OAEP\",\"kid\":\"rsa\"}",
    "{\"alg\":\"none\",\"kid\":\"rsa\"}",
    "{\"alg\":\"None\",\"kid\":\"rsa\"}",
    "{\"alg\":\"NONE\",\"kid\":\"rsa\"}",
    "{\"alg\":\"nOnE\",\"kid\":\"rsa\"}",
    "{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"rsa\"}",
    "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS256\",\"\\u0061lg\":\"none\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS256\"}", /* no kid */
    "{\"alg\":\"RS256\",\"kid\":null}",
    "{\"alg\":\"RS256\",\"kid\":\"\"}",
    "{\"alg\":\"RS256\",\"kid\":7}",
    "{\"alg\":\"RS256\",\"kid\":[\"rsa\"]}",
    "{\"alg\":\"RS256\",\"kid\":\"RSA\"}",
    "{\"alg\":\"RS256\",\"kid\":\"unknown\"}",
    "{\"alg\":\"RS256\",\"kid\":\"p256\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"kid\":\"rsa\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"kid\":\"p256\"}",
    "{\"alg\":\"RS256\",\"kid\":\"../rsa\"}",
    "{\"alg\":\"RS256\",\"kid\":\"/rsa\"}",
    "{\"alg\":\"RS256\",\"kid\":\"keys/rsa\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa..\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\\u0000\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa'\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\\\"\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa' OR '1'='1\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa \"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":{}}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":null}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://vault.localhost/keys\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5u\":\"https://vault.localhost/cert\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5c\":[\"MIIB\"]}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"],\"exp\":1}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":null}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false,\"crit\":[\"b64\"]}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":true}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"enc\":\"A256GCM\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"cty\":\"JWT\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWE\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"client-authentication+jwt\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"secevent+jwt\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":null}",
    "[{\"alg\":\"RS256\",\"kid\":\"rsa\"}]",
    "\"RS256\"",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\"",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\"}}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\"} x",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":\"\xff\"}",
    "\xef\xbb\xbf{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
    "{'alg':'RS256','kid':'rsa'}",
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
};

static void header_refusals(void)
{
    struct bytes token = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(refused_headers); i++) {
        signer_token(&token, RSA_A, "RS256", refused_headers[i], claims_with(NULL, NULL));
        refused_named(refused_headers[i], bytes_span(&token));
    }
    bytes_clear(&token);
}

static void header_accepted(void)
{
    static const char *const headers[] = {
        "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
        " { \"kid\" : \"rsa\" ,\n \"alg\" : \"RS256\" } ",
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+JWT\"}",
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"application/at+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5t\":\"abc\",\"nonce\":\"n\"}", /* unknown ones are passed over */
        "{\"alg\":\"\\u0052S256\",\"kid\":\"r\\u0073a\"}",
    };
    struct bytes token = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        signer_token(&token, RSA_A, "RS256", headers[i], claims_with(NULL, NULL));
        if (check(bytes_span(&token)) != ST_OK) {
            printf("\n%s", headers[i]);
            CU_FAIL("a good header was refused");
        }
    }
    bytes_clear(&token);
}

static void long_kid(void)
{
    struct bytes header = { 0 }, token = { 0 }, jwks = { 0 };
    char kid[130];

    for (size_t len = 128; len <= 129; len++) {
        memset(kid, 'k', len);
        kid[len] = '\0';
        bytes_reset(&jwks);
        bytes_append_text(&jwks, "{\"keys\":[");
        signer_jwk(&jwks, RSA_A, kid, NULL);
        bytes_append_text(&jwks, "]}");
        CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&jwks)), len == 128 ? ST_OK : ST_BAD_REQUEST);
        bytes_reset(&header);
        bytes_printf(&header, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
        signer_token(&token, RSA_A, "RS256", bytes_text(&header), claims_with(NULL, NULL));
        CU_ASSERT_EQUAL(check(bytes_span(&token)), len == 128 ? ST_OK : ST_UNAUTHENTICATED);
    }
    signer_jwks(&jwks);
    CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&jwks)), ST_OK);
    bytes_clear(&header);
    bytes_clear(&token);
    bytes_clear(&jwks);
}

/* ---- shape ---- */

static void shape(void)
{
    struct bytes t = { 0 }, part[3] = { { 0 }, { 0 }, { 0 } };
    struct span good = good_token(claims_with(NULL, NULL));
    const char *at = (const char *)good.p;

    for (size_t i = 0; i < 3; i++) {
        size_t len = i < 2 ? (size_t)(strchr(at, '.') - at) : strlen(at);

        CU_ASSERT_EQUAL(bytes_set(&part[i], span_of(at, len)), ST_OK);
        at += len + 1;
    }
#define H bytes_text(&part[0])
#define P bytes_text(&part[1])
#define S bytes_text(&part[2])
#define SHAPED(...)                                                                                                    \
    do {                                                                                                               \
        bytes_reset(&t);                                                                                               \
        bytes_printf(&t, __VA_ARGS__);                                                                                 \
        refused_named(#__VA_ARGS__, bytes_span(&t));                                                                   \
    } while (0)
    SHAPED("%s", "");
    SHAPED(".");
    SHAPED("..");
    SHAPED("...");
    SHAPED("%s", H);
    SHAPED("%s.%s", H, P);
    SHAPED("%s.%s.", H, P);
    SHAPED(".%s.%s", P, S);
    SHAPED("%s..%s", H, S);
    SHAPED("%s.%s.%s.", H, P, S);
    SHAPED("%s.%s.%s.%s", H, P, S, S);
    SHAPED(".%s.%s.%s", H, P, S);
    SHAPED("%s.%s.%s.%s.%s", H, P, S, H, P); /* a JWE's */
    SHAPED("%s.%s.%s ", H, P, S);
    SHAPED(" %s.%s.%s", H, P, S);
    SHAPED("%s.%s.%s\n", H, P, S);
    SHAPED("%s.%s.%s=", H, P, S);
    SHAPED("%s=.%s.%s", H, P, S);
    SHAPED("%s.%s=.%s", H, P, S);
    SHAPED("%s.%s.%sA", H, P, S);
    SHAPED("%s.%s.%sAA", H, P, S);
    SHAPED("Bearer %s.%s.%s", H, P, S);
    SHAPED("{\"payload\":\"%s\",\"signatures\":[{\"protected\":\"%s\",\"signature\":\"%s\"}]}", P, H, S);
    SHAPED("{\"payload\":\"%s\",\"protected\":\"%s\",\"signature\":\"%s\"}", P, H, S);
#undef SHAPED
    for (size_t i = 0; i < 3; i++)
        bytes_clear(&part[i]);
    bytes_clear(&t);
#undef H
#undef P
#undef S
}

static void bytes_that_mean_nothing(void)
{
    struct span good = good_token(claims_with(NULL, NULL));
    struct bytes t = { 0 };

    /* A NUL inside and behind. */
    CU_ASSERT_EQUAL(bytes_set(&t, good), ST_OK);
    bytes_append_char(&t, '\0');
    refused(bytes_span(&t));
    t.len--;
    CU_ASSERT_EQUAL(check(bytes_span(&t)), ST_OK);
    t.p[5] = '\0';
    refused(bytes_span(&t));
    refused(((struct span){ 0 }));
    /* The signature's last character holds bits that mean nothing; only zeros there are canonical. */
    CU_ASSERT_EQUAL(bytes_set(&t, good), ST_OK);
    CU_ASSERT_EQUAL((good.len - 1 - (size_t)(strrchr((const char *)good.p, '.') - (const char *)good.p)) % 4, 2);
    t.p[t.len - 1]++;
    refused(bytes_span(&t));
    bytes_clear(&t);
}

static void too_long(void)
{
    struct bytes padding = { 0 };
    struct span token;

    bytes_append_char(&padding, '"');
    while (padding.len < 11000)
        bytes_append_char(&padding, 'x');
    bytes_append_char(&padding, '"');
    token = good_token(claims_with("padding", bytes_text(&padding)));
    CU_ASSERT(token.len < ACCESS_TOKEN_MAX);
    CU_ASSERT_EQUAL(check(token), ST_OK);
    padding.len--;
    while (padding.len < 12500)
        bytes_append_char(&padding, 'x');
    bytes_append_char(&padding, '"');
    token = good_token(claims_with("padding", bytes_text(&padding)));
    CU_ASSERT(token.len > ACCESS_TOKEN_MAX);
    refused(token);
    bytes_clear(&padding);
}

/* ---- signatures ---- */

static void append_signature(struct bytes *token, struct span signature)
{
    bytes_append_char(token, '.');
    base64url_append(token, signature);
}

static void wrong_signatures(void)
{
    struct bytes t = { 0 }, sig = { 0 };
    struct span good = good_token(claims_with(NULL, NULL));

    CU_ASSERT_EQUAL(check(good), ST_OK);
    CU_ASSERT_EQUAL(bytes_set(&t, good), ST_OK);
    for (size_t i = 0; i < t.len; i += 7) { /* a letter for another, anywhere */
        uint8_t was = t.p[i];

        if (was == '.')
            continue;
        t.p[i] = was == 'A' ? 'B' : 'A';
        refused(bytes_span(&t));
        t.p[i] = was;
    }
    CU_ASSERT_EQUAL(check(bytes_span(&t)), ST_OK);
    /* Another key of the same type, under the name of ours. */
    signer_token(&t, RSA_B, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    signer_token(&t, P256_B, "ES256", "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    /* Signed by one scheme, called the other. */
    signer_token(&t, RSA_A, "PS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    signer_token(&t, RSA_A, "RS256", "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    signer_token(&t, RSA_A, "RS512", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    signer_token(&t, P384_A, "ES384", "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    signer_token(&t, P384_A, "ES256", "{\"alg\":\"ES256\",\"kid\":\"p384\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    /* All zeros, all ones, nothing but one byte. */
    for (unsigned fill = 0; fill < 2; fill++) {
        uint8_t flat[256];

        memset(flat, fill == 0 ? 0 : 0xff, sizeof flat);
        for (size_t len = 1; len <= 256; len += 51) {
            signer_input(&t, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
            append_signature(&t, span_of(flat, len));
            refused(bytes_span(&t));
        }
    }
    bytes_clear(&t);
    bytes_clear(&sig);
}

static void unsigned_tokens(void)
{
    static const char *const headers[] = { "{\"alg\":\"none\"}",
                                           "{\"alg\":\"none\",\"kid\":\"rsa\"}",
                                           "{\"alg\":\"None\"}",
                                           "{\"alg\":\"NONE\"}",
                                           "{\"alg\":\"nonE\"}",
                                           "{\"alg\":\"\"}",
                                           "{}" };
    struct bytes t = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        signer_input(&t, headers[i], claims_with(NULL, NULL));
        refused_named(headers[i], bytes_span(&t));
        bytes_append_char(&t, '.');
        refused_named(headers[i], bytes_span(&t));
        bytes_append_text(&t, "AA");
        refused_named(headers[i], bytes_span(&t));
    }
    bytes_clear(&t);
}

/* The public key, in any form in which a library might hold it, as the secret of an HMAC. */
static void hmac_with_public_key(void)
{
    struct bytes t = { 0 };
    uint8_t *der = NULL;
    int der_len = i2d_PUBKEY(signer_key(RSA_A), &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    long pem_len;
    uint8_t mac[32];
    BIGNUM *n = NULL;
    uint8_t modulus[256];
    struct span secrets[5];

    CU_ASSERT_EQUAL(PEM_write_bio_PUBKEY(bio, signer_key(RSA_A)), 1);
    pem_len = BIO_get_mem_data(bio, &pem);
    CU_ASSERT_EQUAL(EVP_PKEY_get_bn_param(signer_key(RSA_A), OSSL_PKEY_PARAM_RSA_N, &n), 1);
    CU_ASSERT_EQUAL(BN_bn2binpad(n, modulus, sizeof modulus), sizeof modulus);
    secrets[0] = span_of(pem, (size_t)pem_len);
    secrets[1] = span_of(pem, (size_t)pem_len - 1);
    secrets[2] = span_of(der, (size_t)der_len);
    secrets[3] = span_of(modulus, sizeof modulus);
    secrets[4] = span_of("", 0);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        signer_input(&t, "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
        CU_ASSERT_PTR_NOT_NULL(HMAC(EVP_sha256(), secrets[i].p, (int)secrets[i].len, t.p, t.len, mac, NULL));
        append_signature(&t, span_of(mac, sizeof mac));
        refused(bytes_span(&t));
    }
    BN_free(n);
    BIO_free(bio);
    OPENSSL_free(der);
    bytes_clear(&t);
}

static void pss_salts(void)
{
    static const int salts[] = { 0, 1, 20, 31, 33, 222 /* the longest that fits 2048 bits */ };
    struct bytes t = { 0 }, sig = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(salts); i++) {
        signer_input(&t, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
        bytes_reset(&sig);
        signer_sign(&sig, RSA_A, "PS256", salts[i], bytes_span(&t));
        append_signature(&t, bytes_span(&sig));
        refused(bytes_span(&t));
    }
    signer_input(&t, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    bytes_reset(&sig);
    signer_sign(&sig, RSA_A, "PS256", 32, bytes_span(&t));
    append_signature(&t, bytes_span(&sig));
    CU_ASSERT_EQUAL(check(bytes_span(&t)), ST_OK);
    bytes_clear(&t);
    bytes_clear(&sig);
}

/* A token by the P-256 key, all but its signature, and that signature as it is to be. */
static void begin_ecdsa(struct bytes *input, struct bytes *good)
{
    signer_input(input, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claims_with(NULL, NULL));
    signer_sign(good, P256_A, "ES256", -1, bytes_span(input));
    CU_ASSERT_EQUAL_FATAL(good->len, 64);
}

static enum status check_signed_by(const struct bytes *input, const uint8_t *signature, size_t len)
{
    struct bytes t = { 0 };
    enum status st;

    CU_ASSERT_EQUAL(bytes_set(&t, bytes_span(input)), ST_OK);
    append_signature(&t, span_of(signature, len));
    if ((st = check(bytes_span(&t))) != ST_OK)
        refused(bytes_span(&t));
    bytes_clear(&t);
    return st;
}

static void ecdsa_values(void)
{
    /* 0, 1, n of P-256, n - 1, and more than any */
    static const uint8_t n[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                   0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    uint8_t values[5][32] = { { 0 }, { [31] = 1 }, { 0 }, { 0 }, { 0 } }, raw[64];
    struct bytes input = { 0 }, good = { 0 };

    memcpy(values[2], n, 32);
    memcpy(values[3], n, 32);
    values[3][31]--;
    memset(values[4], 0xff, 32);
    begin_ecdsa(&input, &good);
    CU_ASSERT_EQUAL(check_signed_by(&input, good.p, good.len), ST_OK);
    for (size_t r = 0; r < 5; r++)
        for (size_t s = 0; s < 5; s++) {
            memcpy(raw, values[r], 32);
            memcpy(raw + 32, values[s], 32);
            CU_ASSERT_NOT_EQUAL(check_signed_by(&input, raw, 64), ST_OK);
        }
    for (size_t i = 0; i < 5; i++) { /* one half right */
        memcpy(raw, good.p, 64);
        memcpy(raw + 32, values[i], 32);
        CU_ASSERT_NOT_EQUAL(check_signed_by(&input, raw, 64), ST_OK);
        memcpy(raw, good.p, 64);
        memcpy(raw, values[i], 32);
        CU_ASSERT_NOT_EQUAL(check_signed_by(&input, raw, 64), ST_OK);
    }
    bytes_clear(&input);
    bytes_clear(&good);
}

/* Each half a zero longer, the whole a zero longer at either end, cut; and DER, which most libraries make of it (RFC
 * 7518, 3.4 asks for the raw form). */
static void ecdsa_encodings(void)
{
    static const size_t lengths[] = { 66, 65, 63, 62, 32 };
    struct bytes input = { 0 }, good = { 0 };
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[80], raw[66] = { 0 };
    size_t der_len = sizeof der;

    begin_ecdsa(&input, &good);
    memcpy(raw + 1, good.p, 32);
    memcpy(raw + 34, good.p + 32, 32);
    CU_ASSERT_NOT_EQUAL(check_signed_by(&input, raw, 66), ST_OK);
    memset(raw, 0, sizeof raw);
    memcpy(raw, good.p, 64);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        CU_ASSERT_NOT_EQUAL(check_signed_by(&input, raw, lengths[i]), ST_OK);
    CU_ASSERT_EQUAL(check_signed_by(&input, raw, 64), ST_OK);
    CU_ASSERT_EQUAL(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, signer_key(P256_A), NULL), 1);
    CU_ASSERT_EQUAL(EVP_DigestSign(context, der, &der_len, input.p, input.len), 1);
    CU_ASSERT_NOT_EQUAL(check_signed_by(&input, der, der_len), ST_OK);
    EVP_MD_CTX_free(context);
    bytes_clear(&input);
    bytes_clear(&good);
}

/* ---- claims ---- */

struct claim_case {
    const char *name, *value;
    bool good;
};

static void claims_table(const struct claim_case *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span token = good_token(claims_with(table[i].name, table[i].value));

        if ((check(token) == ST_OK) != table[i].good) {
            printf("\n%s: %s", table[i].name, table[i].value != NULL ? table[i].value : "(none)");
            CU_FAIL("a verdict differs");
        }
    }
}

static void issuers_and_audiences(void)
{
    static const struct claim_case table[] = {
        { "iss", NULL, false },
        { "iss", "null", false },
        { "iss", "\"\"", false },
        { "iss", "1", false },
        { "iss", "[\"" ISSUER "\"]", false },
        { "iss", "\"" ISSUER "/\"", false },
        { "iss", "\"" ISSUER "x\"", false },
        { "iss", "\"https://login.localhost:8444/" TENANT "\"", false },
        { "iss", "\"HTTPS://login.localhost:8444/" TENANT "/v2.0\"", false },
        { "iss", "\"https://LOGIN.localhost:8444/" TENANT "/v2.0\"", false },
        { "iss", "\"http://login.localhost:8444/" TENANT "/v2.0\"", false },
        { "iss", "\"https://login.localhost:8444/AAAAAAAA-0000-4000-8000-000000000001/v2.0\"", false },
        { "iss", "\"https://login.localhost:8444/aaaaaaaa-0000-4000-8000-000000000002/v2.0\"", false },
        { "iss", "\"" ISSUER "\\u0000\"", false },
        { "aud", NULL, false },
        { "aud", "null", false },
        { "aud", "\"\"", false },
        { "aud", "1", false },
        { "aud", "[]", false },
        { "aud", "{}", false },
        { "aud", "\"" AUDIENCE "\"", true },
        { "aud", "\"" AUDIENCE "/\"", true },
        { "aud", "[\"" AUDIENCE "\"]", true },
        { "aud", "[\"https://other.localhost\",\"" AUDIENCE "/\"]", true },
        { "aud", "[\"https://other.localhost\"]", false },
        { "aud", "[\"" AUDIENCE "\",1]", false },
        { "aud", "[[\"" AUDIENCE "\"]]", false },
        { "aud", "\"" AUDIENCE "//\"", false },
        { "aud", "\"" AUDIENCE "x\"", false },
        { "aud", "\"" AUDIENCE ".example.org\"", false },
        { "aud", "\"x" AUDIENCE "\"", false },
        { "aud", "\"https://other.localhost," AUDIENCE "\"", false },
        { "aud", "\"https://other.localhost " AUDIENCE "\"", false },
        { "aud", "\"https://vault.localhost\"", false },
        { "aud", "\"https://vault.localhost:844\"", false },
        { "aud", "\"https://VAULT.localhost:8443\"", false },
        { "aud", "\"/\"", false },
        { "aud", "\"https://management.localhost:8444\"", false },
        { "aud",
          "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"" AUDIENCE
          "\"]",
          true },
        { "aud",
          "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"" AUDIENCE
          "\"]",
          false },
    };

    claims_table(table, ARRAY_LEN(table));
}

static void times(void)
{
    static const struct claim_case table[] = {
        { "exp", NULL, false },
        { "exp", "null", false },
        { "exp", "1700000001", true },
        { "exp", "1700000000", false },
        { "exp", "1699999999", false },
        { "exp", "0", false },
        { "exp", "-1", false },
        { "exp", "1700108000", true }, /* 30 hours */
        { "exp", "1700108001", false },
        { "exp", "9223372036854775807", false },
        { "exp", "9223372036854775808", false },
        { "exp", "\"1700003600\"", false },
        { "exp", "1700003600.0", false },
        { "exp", "1700003600.5", false },
        { "exp", "17000036e2", false },
        { "exp", "1.7e9", false },
        { "exp", "[1700003600]", false },
        { "exp", "true", false },
        { "nbf", NULL, true },
        { "nbf", "1700000060", true },
        { "nbf", "1700000061", false },
        { "nbf", "1700000000.0", false },
        { "nbf", "\"1700000000\"", false },
        { "nbf", "null", false },
        { "nbf", "-5", false },
        { "iat", NULL, true },
        { "iat", "1700000060", true },
        { "iat", "1700000061", false },
        { "iat", "1600000000", true },
        { "iat", "1700000000.25", false },
        { "iat", "\"now\"", false },
    };

    claims_table(table, ARRAY_LEN(table));
}

static void identities(void)
{
    static const struct claim_case table[] = {
        { "tid", NULL, false },
        { "tid", "\"aaaaaaaa-0000-4000-8000-000000000002\"", false },
        { "tid", "\"AAAAAAAA-0000-4000-8000-000000000001\"", true },
        { "tid", "\"common\"", false },
        { "tid", "[\"" TENANT "\"]", false },
        { "tid", "\"" TENANT " \"", false },
        { "oid", NULL, false },
        { "oid", "\"\"", false },
        { "oid", "\"someone\"", false },
        { "oid", "1", false },
        { "appid", NULL, false },
        { "appid", "\"strongroom\"", false },
        { "appid", "null", false },
        { "azp", "\"" CLIENT "\"", true },
        { "azp", "\"dddddddd-0000-4000-8000-000000000002\"", false }, /* unlike appid */
        { "azp", "7", false },
        { "roles", "[\"anything\"]", true },
        { "scp", "\"user_impersonation\"", false }, /* idtyp says app */
        { "scp", "7", false },
        { "idtyp", "\"device\"", false },
        { "idtyp", "\"APP\"", false },
        { "idtyp", "7", false },
        { "idtyp", NULL, true },
        { "idtyp", "null", true },
        { "cnf", "{\"jkt\":\"x\"}", false },
        { "cnf", "null", false },
        { "unknown", "{\"a\":[1,2,3]}", true },
        { "groups", "[]", true },
        { "groups", "null", true },
        { "groups", "\"" OBJECT "\"", false },
        { "groups", "[\"admins\"]", false },
        { "groups", "[1]", false },
        { "groups", "[\"" OBJECT "\"]", true },
    };
    struct principal who;

    claims_table(table, ARRAY_LEN(table));
    CU_ASSERT_EQUAL(
        verifier_check(v, good_token(claims_with_two("appid", NULL, "azp", "\"DDDDDDDD-0000-4000-8000-000000000001\"")),
                       &who),
        ST_OK);
    CU_ASSERT_STRING_EQUAL(who.application_id.text, CLIENT);
}

static void kinds(void)
{
    static const struct {
        const char *idtyp, *scp, *acr;
        enum principal_kind kind;
    } table[] = {
        { "\"app\"", NULL, "\"1\"", PRINCIPAL_APPLICATION },
        { "\"app\"", NULL, "\"2\"", PRINCIPAL_APPLICATION },
        { NULL, NULL, "\"1\"", PRINCIPAL_APPLICATION },
        { "\"user\"", "\"user_impersonation\"", "\"0\"", PRINCIPAL_USER },
        { "\"user\"", NULL, "\"0\"", PRINCIPAL_USER },
        { NULL, "\"user_impersonation\"", "\"0\"", PRINCIPAL_USER },
        { "\"user\"", "\"user_impersonation\"", "\"1\"", PRINCIPAL_APPLICATION_USER },
        { NULL, "\"user_impersonation\"", "\"2\"", PRINCIPAL_APPLICATION_USER },
        { NULL, "\"user_impersonation\"", NULL, PRINCIPAL_APPLICATION_USER },
    };
    struct bytes claims = { 0 };
    struct principal who;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CU_ASSERT_EQUAL(
            bytes_set(&claims, span_text(claims_with_two("idtyp", table[i].idtyp, "appidacr", table[i].acr))), ST_OK);
        if (table[i].scp != NULL) {
            claims.len--;
            bytes_printf(&claims, ",\"scp\":%s}", table[i].scp);
        }
        CU_ASSERT_EQUAL(verifier_check(v, good_token(bytes_text(&claims)), &who), ST_OK);
        CU_ASSERT_EQUAL(who.kind, table[i].kind);
    }
    /* How the client proved itself, said in a way that is none. */
    refused(good_token("{\"aud\":\"" AUDIENCE "\",\"iss\":\"" ISSUER "\",\"exp\":1700003600,\"tid\":\"" TENANT
                       "\",\"oid\":\"" OBJECT "\",\"appid\":\"" CLIENT "\",\"scp\":\"s\",\"appidacr\":0}"));
    bytes_clear(&claims);
}

static void groups(void)
{
    struct bytes list = { 0 };
    struct principal who;

    for (unsigned count = 16; count <= 17; count++) {
        bytes_reset(&list);
        for (unsigned i = 0; i < count; i++)
            bytes_printf(&list, "%s\"CCCCCCCC-0000-4000-8000-0000000000%02x\"", i > 0 ? "," : "[", i);
        bytes_append_char(&list, ']');
        CU_ASSERT_EQUAL(verifier_check(v, good_token(claims_with("groups", bytes_text(&list))), &who),
                        count == 16 ? ST_OK : ST_UNAUTHENTICATED);
    }
    bytes_reset(&list);
    bytes_append_text(&list, "[\"CCCCCCCC-0000-4000-8000-000000000001\",\"cccccccc-0000-4000-8000-000000000002\"]");
    for (unsigned i = 0; i < 2; i++) {
        memset(&who, 0, sizeof who);
        CU_ASSERT_EQUAL(verifier_check(v, good_token(claims_with("groups", bytes_text(&list))), &who), ST_OK);
        CU_ASSERT_EQUAL(who.group_count, 2);
        CU_ASSERT_STRING_EQUAL(who.groups[0].text, "cccccccc-0000-4000-8000-000000000001");
        CU_ASSERT_STRING_EQUAL(who.groups[1].text, "cccccccc-0000-4000-8000-000000000002");
    }
    bytes_clear(&list);
}

/* Each claim twice, the second time with the same value: which of two counts is where verifiers and issuers differ. */
static void doubled_claims(void)
{
    static const char *const claims[] = { "aud",      "iss",   "iat", "nbf", "exp", "appid",
                                          "appidacr", "idtyp", "oid", "tid", "ver" };
    struct bytes doubled = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        const char *text = claims_with(NULL, NULL), *at, *end;
        char name[32];

        snprintf(name, sizeof name, "\"%s\":", claims[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at = strstr(text, name));
        end = at + strcspn(at, ",}");
        CU_ASSERT_EQUAL(bytes_set(&doubled, span_text(text)), ST_OK);
        doubled.len--;
        bytes_append_char(&doubled, ',');
        bytes_append(&doubled, at, (size_t)(end - at));
        bytes_append_char(&doubled, '}');
        refused_named(claims[i], good_token(bytes_text(&doubled)));
    }
    bytes_clear(&doubled);
}

static void payloads(void)
{
    static const char *const payloads[] = { "", "{}", "[]", "null", "\"x\"", "1", "{\"aud\":", "\xff\xfe", "eyJ" };

    for (size_t i = 0; i < ARRAY_LEN(payloads); i++)
        refused_named(payloads[i], good_token(payloads[i]));
}

/* ---- keys ---- */

__attribute__((format(printf, 1, 2))) static enum status set_keys(const char *format, ...)
{
    char text[8192];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return verifier_set_keys(v, span_text(text));
}

/* A set of one key as the tests' issuer publishes it. */
static const char *set_of_one(enum signing_key key, const char *kid, const char *extra)
{
    static struct bytes jwks;

    bytes_reset(&jwks);
    bytes_append_text(&jwks, "{\"keys\":[");
    signer_jwk(&jwks, key, kid, extra);
    bytes_append_text(&jwks, "]}");
    return bytes_text(&jwks);
}

static void unfit_keys(void)
{
    struct bytes jwk = { 0 };
    const char *e;

    CU_ASSERT_EQUAL(check(good_token(claims_with(NULL, NULL))), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", ""), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("[]"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":{}}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[1]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[{}]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[],\"keys\":[]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\"}]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\"}]}"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_1024, "a", NULL)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, NULL, NULL)), ST_BAD_REQUEST); /* no kid */
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "../a", NULL)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"alg\":\"ES256\"")), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"alg\":\"HS256\"")), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"alg\":\"none\"")), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(P256_B, "a", "\"alg\":\"ES384\"")), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"d\":\"AAAA\"")), ST_BAD_REQUEST); /* it leaks */
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"kid\":\"a\"")), ST_BAD_REQUEST);  /* doubled member */
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "a", "\"use\":7")), ST_BAD_REQUEST);
    /* The same name twice. */
    signer_jwk(&jwk, RSA_A, "a", NULL);
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[%s,%s]}", bytes_text(&jwk), bytes_text(&jwk)), ST_BAD_REQUEST);
    /* Exponents: "AQAB" is 65537. */
    CU_ASSERT_PTR_NOT_NULL_FATAL(e = strstr(bytes_text(&jwk), "AQAB"));
    for (unsigned i = 0; i < 5; i++) {
        static const char *const exponents[] = { "AQAA", "AQ", "Ag", "AAEAAQ",
                                                 "" }; /* 65536, 1, 2, a leading zero, none */

        CU_ASSERT_EQUAL(
            set_keys("{\"keys\":[%.*s%s%s]}", (int)(e - bytes_text(&jwk)), bytes_text(&jwk), exponents[i], e + 4),
            ST_BAD_REQUEST);
    }
    /* A point off the curve. */
    bytes_reset(&jwk);
    signer_jwk(&jwk, P256_B, "a", NULL);
    {
        char *y = strstr((char *)jwk.p, "\"y\":\"") + 5;

        y[3] = y[3] == 'A' ? 'B' : 'A';
        CU_ASSERT_EQUAL(set_keys("{\"keys\":[%s]}", bytes_text(&jwk)), ST_BAD_REQUEST);
    }
    /* The old keys are still there. */
    CU_ASSERT_EQUAL(check(good_token(claims_with("ver", "\"old\""))), ST_OK);
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
    bytes_clear(&jwk);
}

static void passed_over_keys(void)
{
    struct bytes rsa = { 0 }, t = { 0 };

    /* For encryption, of unknown type, of unknown curve: ignored, and no token is good by them. */
    signer_jwk(&rsa, RSA_A, "rsa", NULL);
    CU_ASSERT_EQUAL(
        set_keys("{\"keys\":[%s,{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"kid\":\"o\"},"
                 "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\",\"kid\":\"k\"}],\"more\":1}",
                 bytes_text(&rsa)),
        ST_OK);
    CU_ASSERT_EQUAL(check(good_token(claims_with("ver", "\"a\""))), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", "\"use\":\"enc\"")), ST_OK);
    refused(good_token(claims_with("ver", "\"a\"")));
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", "\"key_ops\":[\"encrypt\"]")), ST_OK);
    refused(good_token(claims_with("ver", "\"a\"")));
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", "\"key_ops\":[\"verify\"]")), ST_OK);
    CU_ASSERT_EQUAL(check(good_token(claims_with("ver", "\"a\""))), ST_OK);
    /* A key with `alg` is good for that one alone. */
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", "\"alg\":\"PS512\"")), ST_OK);
    refused(good_token(claims_with("ver", "\"a\"")));
    signer_token(&t, RSA_A, "PS512", "{\"alg\":\"PS512\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    CU_ASSERT_EQUAL(check(bytes_span(&t)), ST_OK);
    signer_token(&t, RSA_A, "PS256", "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", claims_with(NULL, NULL));
    refused(bytes_span(&t));
    CU_ASSERT_EQUAL(set_keys("{\"keys\":[]}"), ST_OK);
    refused(good_token(claims_with("ver", "\"a\"")));
    bytes_clear(&rsa);
    bytes_clear(&t);
}

static void gone_keys(void)
{
    struct bytes token = { 0 };

    CU_ASSERT_EQUAL(bytes_set(&token, good_token(claims_with("uti", "\"gone\""))), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", NULL)), ST_OK);
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", NULL)), ST_OK); /* the same key again: still good */
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "renamed", NULL)), ST_OK);
    refused(bytes_span(&token));
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_A, "rsa", NULL)), ST_OK);
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    CU_ASSERT_EQUAL(set_keys("%s", set_of_one(RSA_B, "rsa", NULL)), ST_OK); /* another key of the same name */
    refused(bytes_span(&token));
    bytes_clear(&token);
}

/* ---- the cache ---- */

static void cached_tokens_end(void)
{
    struct bytes token = { 0 };

    CU_ASSERT_EQUAL(bytes_set(&token, good_token(claims_with(NULL, NULL))), ST_OK);
    test_now = NOW + 3599;
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    test_now = NOW + 3600;
    refused(bytes_span(&token));
    test_now = NOW;
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK); /* and the clock set back makes it good again */
    bytes_clear(&token);
}

static void refusals_are_not_remembered(void)
{
    struct bytes token = { 0 };

    CU_ASSERT_EQUAL(bytes_set(&token, good_token(claims_with("nbf", "1700000100"))), ST_OK);
    refused(bytes_span(&token));
    test_now = NOW + 40;
    CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
    test_now = NOW;
    bytes_clear(&token);
}

static void small_cache(void)
{
    struct verifier *kept = v;
    struct bytes token = { 0 };
    char uti[32];

    v = verifier_with(4);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 20; i++) {
            snprintf(uti, sizeof uti, "\"%u\"", i);
            CU_ASSERT_EQUAL(bytes_set(&token, good_token(claims_with("uti", uti))), ST_OK);
            CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
            CU_ASSERT_EQUAL(check(bytes_span(&token)), ST_OK);
        }
    verifier_free(v);
    v = kept;
    bytes_clear(&token);
}

/* Many threads check while the keys change to and fro: each answer is one that some set of keys gives. */
static struct {
    struct bytes tokens[8];
    struct bytes with, without;
    bool stop;
    unsigned good, bad, other;
} race;

static void *check_on(void *arg)
{
    unsigned good = 0, bad = 0, other = 0;

    for (unsigned i = 0; !__atomic_load_n(&race.stop, __ATOMIC_ACQUIRE); i++) {
        struct principal who;
        enum status st = verifier_check(v, bytes_span(&race.tokens[(i + (uintptr_t)arg) % 8]), &who);

        good += st == ST_OK && strcmp(who.object_id.text, OBJECT) == 0 && strcmp(who.issuer, ISSUER) == 0;
        bad += st == ST_UNAUTHENTICATED;
        other += st != ST_OK && st != ST_UNAUTHENTICATED;
    }
    __atomic_fetch_add(&race.good, good, __ATOMIC_RELAXED);
    __atomic_fetch_add(&race.bad, bad, __ATOMIC_RELAXED);
    __atomic_fetch_add(&race.other, other, __ATOMIC_RELAXED);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[4];
    char uti[16];

    memset(&race, 0, sizeof race);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(uti, sizeof uti, "\"t%u\"", i);
        CU_ASSERT_EQUAL(bytes_set(&race.tokens[i], good_token(claims_with("uti", uti))), ST_OK);
    }
    CU_ASSERT_EQUAL(bytes_set(&race.with, span_text(set_of_one(RSA_A, "rsa", NULL))), ST_OK);
    CU_ASSERT_EQUAL(bytes_set(&race.without, span_text(set_of_one(RSA_B, "rsa", NULL))), ST_OK);
    for (uintptr_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, check_on, (void *)i), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct principal who;

        CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&race.with)), ST_OK);
        CU_ASSERT_EQUAL(verifier_check(v, bytes_span(&race.tokens[i % 8]), &who), ST_OK);
        CU_ASSERT_EQUAL(verifier_set_keys(v, bytes_span(&race.without)), ST_OK);
        /* None of the others can have put it back. */
        CU_ASSERT_EQUAL(verifier_check(v, bytes_span(&race.tokens[i % 8]), &who), ST_UNAUTHENTICATED);
    }
    __atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    CU_ASSERT(race.good > 0);
    CU_ASSERT(race.bad > 0);
    CU_ASSERT_EQUAL(race.other, 0);
    for (unsigned i = 0; i < 8; i++)
        bytes_clear(&race.tokens[i]);
    bytes_clear(&race.with);
    bytes_clear(&race.without);
}

/* ---- configuration ---- */

static void configuration(void)
{
    struct verifier_config config = { .issuer = "", .audience = AUDIENCE };
    struct verifier *none = NULL;
    char issuer[PRINCIPAL_ISSUER_MAX + 2];

    CU_ASSERT_EQUAL(verifier_new(&config, &none), ST_BAD_REQUEST);
    config.issuer = ISSUER;
    config.audience = "";
    CU_ASSERT_EQUAL(verifier_new(&config, &none), ST_BAD_REQUEST);
    config.audience = "/";
    CU_ASSERT_EQUAL(verifier_new(&config, &none), ST_BAD_REQUEST);
    config.audience = AUDIENCE "/";
    memset(issuer, 'i', sizeof issuer - 1);
    issuer[sizeof issuer - 1] = '\0';
    config.issuer = issuer;
    CU_ASSERT_EQUAL(verifier_new(&config, &none), ST_BAD_REQUEST);
    CU_ASSERT_PTR_NULL(none);
    config.issuer = ISSUER;
    CU_ASSERT_EQUAL(guid_parse(&config.tenant_id, span_text(TENANT)), ST_OK);
    config.now = test_clock;
    CU_ASSERT_EQUAL_FATAL(verifier_new(&config, &none), ST_OK);
    {
        struct principal who;
        struct bytes jwks = { 0 };

        /* Before there are keys, nobody is known. */
        CU_ASSERT_EQUAL(verifier_check(none, good_token(claims_with(NULL, NULL)), &who), ST_UNAUTHENTICATED);
        signer_jwks(&jwks);
        CU_ASSERT_EQUAL(verifier_set_keys(none, bytes_span(&jwks)), ST_OK);
        CU_ASSERT_EQUAL(verifier_check(none, good_token(claims_with(NULL, NULL)), &who), ST_OK);
        bytes_clear(&jwks);
    }
    verifier_free(none);
    verifier_free(NULL);
}

static CU_TestInfo shape_cases[] = {
    { "each algorithm of a key verifies", algorithms },
    { "the principal is what the token says, when checked and when remembered", principal_fields },
    { "headers that are not ours to accept are refused", header_refusals },
    { "harmless headers are accepted", header_accepted },
    { "a kid has at most 128 bytes", long_kid },
    { "anything but three parts of strict base64url is refused", shape },
    { "neither a NUL nor bits that mean nothing", bytes_that_mean_nothing },
    { "more than 16 KiB is refused", too_long },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo signature_cases[] = {
    { "changed tokens, other keys, other schemes", wrong_signatures },
    { "alg none in any spelling, with and without a signature", unsigned_tokens },
    { "HMAC with the public key as secret", hmac_with_public_key },
    { "PSS salts of another length than the digest", pss_salts },
    { "ECDSA: r or s of 0 or not below n", ecdsa_values },
    { "ECDSA: DER, wrong lengths", ecdsa_encodings },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo claim_cases[] = {
    { "issuer exactly, audience but for one slash", issuers_and_audiences },
    { "exp, nbf and iat are whole seconds within their limits", times },
    { "tenant, object, application, and what else is told", identities },
    { "applications, users and compound identities are told apart", kinds },
    { "at most 16 groups", groups },
    { "a claim that comes twice", doubled_claims },
    { "payloads that are no claims", payloads },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo key_cases[] = {
    { "unfit keys change nothing", unfit_keys },
    { "keys for other purposes are passed over, alg narrows", passed_over_keys },
    { "a token is forgotten with its key", gone_keys },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo cache_cases[] = {
    { "a remembered token ends when it ends", cached_tokens_end },
    { "a refusal is not remembered", refusals_are_not_remembered },
    { "a cache of 4 serves 20 tokens", small_cache },
    { "checks while the keys change", threads },
    CU_TEST_INFO_NULL,
};
static CU_TestInfo other_cases[] = {
    { "configurations that would take anybody's tokens", configuration },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "shape and header", open_verifier, close_verifier, NULL, NULL, shape_cases },
                              { "signature", open_verifier, close_verifier, NULL, NULL, signature_cases },
                              { "claims", open_verifier, close_verifier, NULL, NULL, claim_cases },
                              { "keys", open_verifier, close_verifier, NULL, NULL, key_cases },
                              { "cache", open_verifier, close_verifier, NULL, NULL, cache_cases },
                              { "the rest", open_verifier, close_verifier, NULL, NULL, other_cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

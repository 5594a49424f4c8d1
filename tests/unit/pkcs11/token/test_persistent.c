/* The token's own key pairs: made once, found by label, used by jobs and by libcrypto's TLS. */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/pkcs11/token/fixture.h"

static struct token *token;

static const uint8_t digest[32] = { 5 };

static int start(void)
{
    struct token_config config = fixture_config();
    struct key_spec p256 = ec_spec(KEY_CURVE_P256), rsa = rsa_spec(2048);

    token = fixture_open(&config);
    INVARIANT(token_provision_key_pair(token, TOKEN_LABEL_TLS, &p256) == ST_OK);
    INVARIANT(token_provision_key_pair(token, TOKEN_LABEL_AUDIT, &p256) == ST_OK);
    INVARIANT(token_provision_key_pair(token, TOKEN_LABEL_AUTHORITY, &rsa) == ST_OK);
    return 0;
}

static int stop(void)
{
    token_close(token);
    return 0;
}

static EVP_PKEY *public_key(const char *label)
{
    EVP_PKEY *key = NULL;

    CU_ASSERT_EQUAL_FATAL(token_public_key(token, label, &key), ST_OK);
    return key;
}

static EVP_PKEY *private_key(const char *label)
{
    EVP_PKEY *key = NULL;

    CU_ASSERT_EQUAL_FATAL(token_private_key(token, label, &key), ST_OK);
    return key;
}

static void made_once(void)
{
    struct key_spec p256 = ec_spec(KEY_CURVE_P256);
    EVP_PKEY *before = public_key(TOKEN_LABEL_TLS), *audit = public_key(TOKEN_LABEL_AUDIT), *after;

    CU_ASSERT_EQUAL(token_provision_key_pair(token, TOKEN_LABEL_TLS, &p256), ST_OK);
    after = public_key(TOKEN_LABEL_TLS);
    CU_ASSERT_EQUAL(EVP_PKEY_eq(before, after), 1);
    CU_ASSERT_EQUAL(EVP_PKEY_eq(before, audit), 0);
    EVP_PKEY_free(before);
    EVP_PKEY_free(after);
    EVP_PKEY_free(audit);
}

static void not_there(void)
{
    struct token_job job = { .op = TOKEN_SIGN, .alg = TOKEN_ES256, .label = "nobody", .input = span_of(digest, 32) };
    struct key_spec oct = oct_spec(256), small = rsa_spec(1024), p256 = ec_spec(KEY_CURVE_P256);
    static const char long_label[] = "a label that is far too long for the table of persistent keys, is it not?";
    EVP_PKEY *key;

    CU_ASSERT_EQUAL(token_private_key(token, "nobody", &key), ST_NOT_FOUND);
    CU_ASSERT_PTR_NULL(key);
    CU_ASSERT_EQUAL(token_public_key(token, "nobody", &key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(token_private_key(token, TOKEN_LABEL_DOMAIN, &key), ST_NOT_FOUND); /* a secret key */
    CU_ASSERT_EQUAL(token_private_key(token, long_label, &key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(token_public_key(token, long_label, &key), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(token_run(token, &job), ST_NOT_FOUND);
    job.label = "";
    CU_ASSERT_EQUAL(token_run(token, &job), ST_NOT_FOUND);
    job.label = long_label;
    CU_ASSERT_EQUAL(token_run(token, &job), ST_NOT_FOUND);
    job.label = TOKEN_LABEL_BINDING; /* MACs of our own choice would forge blobs */
    job.alg = TOKEN_HS256;
    CU_ASSERT_EQUAL(token_run(token, &job), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(token_provision_key_pair(token, "x", &oct), ST_INTERNAL);
    CU_ASSERT_EQUAL(token_provision_key_pair(token, "x", &small), ST_INTERNAL);
    CU_ASSERT_EQUAL(token_provision_key_pair(token, "", &p256), ST_INTERNAL);
    CU_ASSERT_EQUAL(token_provision_key_pair(token, long_label, &p256), ST_INTERNAL);
}

static void signs_by_label(void)
{
    struct token_job job = { .op = TOKEN_SIGN, .alg = TOKEN_RS256, .label = TOKEN_LABEL_AUTHORITY };
    EVP_PKEY *key = public_key(TOKEN_LABEL_AUTHORITY);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    job.input = span_of(digest, 32);
    CU_ASSERT_EQUAL(token_run(token, &job), ST_OK);
    CU_ASSERT_TRUE(EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
    CU_ASSERT_EQUAL(EVP_PKEY_verify(ctx, job.output.p, job.output.len, digest, 32), 1);
    job.alg = TOKEN_ES256;
    CU_ASSERT_EQUAL(token_run(token, &job), ST_UNSUPPORTED);
    job.op = TOKEN_DECRYPT;
    job.alg = TOKEN_RSA_OAEP;
    CU_ASSERT_EQUAL(token_run(token, &job), ST_BAD_REQUEST);
    token_job_clear(&job);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static bool digest_sign(EVP_PKEY *key, EVP_PKEY *verifier, int padding)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    uint8_t signature[512];
    size_t len = sizeof signature;
    bool ok = EVP_DigestSignInit(ctx, &pkey_ctx, EVP_sha256(), NULL, key) == 1 &&
              (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, padding) == 1) &&
              EVP_DigestSign(ctx, signature, &len, (const uint8_t *)"text", 4) == 1;

    EVP_MD_CTX_reset(ctx);
    ok = ok && EVP_DigestVerifyInit(ctx, &pkey_ctx, EVP_sha256(), NULL, verifier) == 1 &&
         (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, padding) == 1) &&
         EVP_DigestVerify(ctx, signature, len, (const uint8_t *)"text", 4) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static void keys_of_libcrypto(void)
{
    EVP_PKEY *ec = private_key(TOKEN_LABEL_TLS), *ec_public = public_key(TOKEN_LABEL_TLS),
             *rsa = private_key(TOKEN_LABEL_AUTHORITY), *rsa_public = public_key(TOKEN_LABEL_AUTHORITY);

    CU_ASSERT_EQUAL(EVP_PKEY_eq(ec, ec_public), 1);
    CU_ASSERT_EQUAL(EVP_PKEY_eq(rsa, rsa_public), 1);
    CU_ASSERT_TRUE(digest_sign(ec, ec_public, 0));
    CU_ASSERT_TRUE(digest_sign(rsa, rsa_public, RSA_PKCS1_PADDING));
    CU_ASSERT_TRUE(digest_sign(rsa, rsa_public, RSA_PKCS1_PSS_PADDING));
    CU_ASSERT_FALSE(digest_sign(ec_public, ec_public, 0)); /* a public key signs nothing */
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ec_public);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa_public);
}

/* libp11 keeps its keys in an array that grows and moves with each look-up. */
static void many_lookups(void)
{
    EVP_PKEY *verifier = public_key(TOKEN_LABEL_TLS), *keys[8];
    struct test_key sealed[10];
    struct token_job job = { 0 };

    for (unsigned i = 0; i < 10; i++) { /* session objects, which libp11 sees too */
        test_key_make(&sealed[i], token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "k");
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &sealed[i], span_of(digest, 32)), ST_OK);
        if (i < 8)
            keys[i] = private_key(TOKEN_LABEL_TLS);
    }
    for (unsigned i = 0; i < 8; i += 2)
        EVP_PKEY_free(keys[i]);
    for (unsigned i = 1; i < 8; i += 2) {
        CU_ASSERT_TRUE(digest_sign(keys[i], verifier, 0));
        EVP_PKEY_free(keys[i]);
    }
    for (unsigned i = 0; i < 10; i++)
        test_key_clear(&sealed[i]);
    token_job_clear(&job);
    EVP_PKEY_free(verifier);
}

static X509 *self_signed(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    CU_ASSERT_EQUAL(X509_set_pubkey(cert, key), 1);
    CU_ASSERT_TRUE(X509_sign(cert, key, EVP_sha256()) > 0);
    CU_ASSERT_EQUAL(X509_verify(cert, key), 1);
    return cert;
}

static SSL_CTX *server_ctx, *client_ctx;
static atomic_uint handshakes, failed;

static void *shake_hands(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 10; i++) {
        SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
        BIO *a = NULL, *b = NULL;
        int done = 0;

        BIO_new_bio_pair(&a, 0, &b, 0);
        SSL_set_bio(server, a, a);
        SSL_set_bio(client, b, b);
        SSL_set_accept_state(server);
        SSL_set_connect_state(client);
        for (unsigned step = 0; step < 20 && done != 3; step++) {
            done |= SSL_do_handshake(client) == 1 ? 1 : 0;
            done |= SSL_do_handshake(server) == 1 ? 2 : 0;
        }
        atomic_fetch_add(&handshakes, 1);
        if (done != 3 || SSL_version(client) != TLS1_3_VERSION)
            atomic_fetch_add(&failed, 1);
        SSL_free(server);
        SSL_free(client);
        ERR_clear_error();
    }
    return NULL;
}

static void serve_tls(const char *label)
{
    EVP_PKEY *key = private_key(label);
    X509 *cert = self_signed(key);
    pthread_t threads[4];

    atomic_store(&handshakes, 0);
    server_ctx = SSL_CTX_new(TLS_server_method());
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(server_ctx, TLS1_3_VERSION);
    CU_ASSERT_EQUAL(SSL_CTX_use_certificate(server_ctx, cert), 1);
    CU_ASSERT_EQUAL(SSL_CTX_use_PrivateKey(server_ctx, key), 1);
    CU_ASSERT_EQUAL(SSL_CTX_check_private_key(server_ctx), 1);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_ctx), cert);
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, shake_hands, NULL);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&handshakes), 40);
    CU_ASSERT_EQUAL(atomic_load(&failed), 0);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void tls_handshakes(void)
{
    serve_tls(TOKEN_LABEL_TLS);
    serve_tls(TOKEN_LABEL_AUTHORITY);
}

static void certificate_request(void)
{
    EVP_PKEY *key = private_key(TOKEN_LABEL_TLS);
    X509_REQ *request = X509_REQ_new();

    CU_ASSERT_EQUAL(X509_REQ_set_pubkey(request, key), 1);
    CU_ASSERT_TRUE(X509_REQ_sign(request, key, EVP_sha256()) > 0);
    CU_ASSERT_EQUAL(X509_REQ_verify(request, key), 1);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
}

/* A key that is freed after its token, as happens when a program ends in disorder. */
static void outlives_its_token(void)
{
    struct token_config config = fixture_config();
    EVP_PKEY *key = private_key(TOKEN_LABEL_TLS), *verifier = public_key(TOKEN_LABEL_TLS);

    CU_ASSERT_TRUE(digest_sign(key, verifier, 0));
    token_close(token);
    CU_ASSERT_FALSE(digest_sign(key, verifier, 0));
    token = fixture_open(&config);
    CU_ASSERT_FALSE(digest_sign(key, verifier, 0));
    EVP_PKEY_free(key);
    key = private_key(TOKEN_LABEL_TLS);
    CU_ASSERT_TRUE(digest_sign(key, verifier, 0)); /* and freeing the old one harmed nothing */
    EVP_PKEY_free(key);
    EVP_PKEY_free(verifier);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "a key pair is made once", made_once },
        { "labels that are not there, and keys that are not made", not_there },
        { "a job signs by label", signs_by_label },
        { "keys for libcrypto: EC and RSA, PKCS #1 and PSS", keys_of_libcrypto },
        { "many look-ups beside open sealed keys", many_lookups },
        { "a certificate request", certificate_request },
        { "TLS 1.3 handshakes from four threads, EC and RSA", tls_handshakes },
        { "a key that outlives its token fails, and does no harm", outlives_its_token },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "persistent", start, stop, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

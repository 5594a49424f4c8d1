#include "service/identity/application.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>

#include "service/identity/application_record.h"
#include "tests/unit/service/identity/certificate.h"

static struct store *s;

static int open_store(void)
{
    return store_open_memory(&s) == ST_OK ? 0 : 1;
}

static int close_store(void)
{
    store_close(s);
    s = NULL;
    return 0;
}

static struct application make(const char *name)
{
    struct application app = { .enabled = true };

    snprintf(app.display_name, sizeof app.display_name, "%s", name);
    CU_ASSERT_EQUAL_FATAL(application_create(s, &app), ST_OK);
    return app;
}

static enum status login(const struct guid *id, struct span secret, int64_t now)
{
    struct application who;

    return application_check_secret(s, id, secret, now, &who);
}

/* ---- life ---- */

static void create_and_find(void)
{
    struct application app = make("signer"), found, given = { .enabled = true };

    CU_ASSERT_EQUAL(strlen(app.client_id.text), GUID_LEN);
    CU_ASSERT_EQUAL(strlen(app.object_id.text), GUID_LEN);
    CU_ASSERT_FALSE(guid_equal(&app.client_id, &app.object_id));
    CU_ASSERT_EQUAL(application_find(s, &app.client_id, &found), ST_OK);
    CU_ASSERT_STRING_EQUAL(found.display_name, "signer");
    CU_ASSERT_TRUE(guid_equal(&found.object_id, &app.object_id));
    CU_ASSERT_TRUE(found.enabled);
    CU_ASSERT_EQUAL(application_create(s, &app), ST_EXISTS);
    memcpy(given.client_id.text, "ABCDEFAB-0000-4000-8000-000000000001", GUID_LEN);
    CU_ASSERT_EQUAL(application_create(s, &given), ST_OK);
    CU_ASSERT_STRING_EQUAL(given.client_id.text, "abcdefab-0000-4000-8000-000000000001");
    CU_ASSERT_EQUAL(application_find(s, &given.client_id, &found), ST_OK);
    memcpy(given.client_id.text, "nonsense", 9);
    CU_ASSERT_EQUAL(application_create(s, &given), ST_BAD_REQUEST);
    given.client_id = guid_random();
    CU_ASSERT_EQUAL(application_find(s, &given.client_id, &found), ST_NOT_FOUND);
}

static bool count_one(const struct application *app, void *arg)
{
    unsigned *left = arg;

    CU_ASSERT_EQUAL(strlen(app->client_id.text), GUID_LEN);
    return --*left > 0;
}

static void list_and_delete(void)
{
    unsigned left = 100000, before;
    struct application app, found;

    CU_ASSERT_EQUAL(application_list(s, count_one, &left), ST_OK);
    before = 100000 - left;
    for (unsigned i = 0; i < 130; i++) /* more than two pages */
        app = make("listed");
    left = 100000;
    CU_ASSERT_EQUAL(application_list(s, count_one, &left), ST_OK);
    CU_ASSERT_EQUAL(100000 - left, before + 130);
    left = 70;
    CU_ASSERT_EQUAL(application_list(s, count_one, &left), ST_OK); /* stops where the visitor says so */
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(application_delete(s, &app.client_id), ST_OK);
    CU_ASSERT_EQUAL(application_find(s, &app.client_id, &found), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(application_delete(s, &app.client_id), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(application_set_enabled(s, &app.client_id, true), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(application_remove_credentials(s, &app.client_id), ST_NOT_FOUND);
}

/* ---- secrets ---- */

static void secrets(void)
{
    struct application app = make("secrets"), other = make("other"), who;
    struct guid nobody = guid_random();
    struct secret first = { 0 }, second = { 0 };
    char wrong[64];

    CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, 0, &first), ST_OK);
    CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, NOW + 10, &second), ST_OK);
    CU_ASSERT_EQUAL(first.len, 43);
    CU_ASSERT_FALSE(span_equal(secret_span(&first), secret_span(&second)));
    CU_ASSERT_EQUAL(application_check_secret(s, &app.client_id, secret_span(&first), NOW, &who), ST_OK);
    CU_ASSERT_TRUE(guid_equal(&who.object_id, &app.object_id));
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&second), NOW), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&second), NOW + 9), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&second), NOW + 10), ST_UNAUTHENTICATED); /* ended */
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&first), NOW + 100000000), ST_OK);
    CU_ASSERT_EQUAL(login(&other.client_id, secret_span(&first), NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(login(&nobody, secret_span(&first), NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(login(&app.client_id, (struct span){ 0 }, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(login(&app.client_id, span_of(first.p, first.len - 1), NOW), ST_UNAUTHENTICATED);
    memcpy(wrong, first.p, first.len);
    wrong[first.len] = 'A';
    CU_ASSERT_EQUAL(login(&app.client_id, span_of(wrong, first.len + 1), NOW), ST_UNAUTHENTICATED);
    wrong[0] ^= 1;
    CU_ASSERT_EQUAL(login(&app.client_id, span_of(wrong, first.len), NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_set_enabled(s, &app.client_id, false), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&first), NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_set_enabled(s, &app.client_id, true), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&first), NOW), ST_OK);
    CU_ASSERT_EQUAL(application_remove_credentials(s, &app.client_id), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&first), NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_add_secret(s, &nobody, 0, &first), ST_NOT_FOUND);
    CU_ASSERT_PTR_NULL(first.p);
    secret_clear(&first);
    secret_clear(&second);
}

static void sixteen(void)
{
    struct application app = make("sixteen");
    struct test_certificate c;
    struct secret all[APPLICATION_CREDENTIALS_MAX] = { { 0 } }, more = { 0 };

    for (unsigned i = 0; i < APPLICATION_CREDENTIALS_MAX; i++)
        CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, 0, &all[i]), ST_OK);
    CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, 0, &more), ST_TOO_LARGE);
    CU_ASSERT_PTR_NULL(more.p);
    certificate_make(&c, signer_key(RSA_A), NOW, NOW + 1000);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&c.der)), ST_TOO_LARGE);
    for (unsigned i = 0; i < APPLICATION_CREDENTIALS_MAX; i++) {
        CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&all[i]), NOW), ST_OK);
        secret_clear(&all[i]);
    }
    certificate_clear(&c);
}

static bool holds(const struct bytes *value, struct span part)
{
    return memmem(value->p, value->len, part.p, part.len) != NULL;
}

static void not_in_the_store(void)
{
    struct application app = make("stored");
    struct application_key key = application_key_of(&app.client_id);
    struct secret secret = { 0 };
    struct bytes value = { 0 };

    CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, 0, &secret), ST_OK);
    CU_ASSERT_EQUAL(store_get(s, span_text(key.text), &value, NULL), ST_OK);
    CU_ASSERT_TRUE(holds(&value, span_text("stored")));
    CU_ASSERT_FALSE(holds(&value, secret_span(&secret)));
    CU_ASSERT_FALSE(holds(&value, span_of(secret.p, 8)));
    secret_clear(&secret);
    bytes_clear(&value);
}

/* ---- certificates ---- */

static enum status find_key(const struct guid *id, const uint8_t *thumbprint, size_t len, int64_t now)
{
    struct application app;
    struct jwk key;
    enum status st = application_find_key(s, id, span_of(thumbprint, len), now, &app, &key);

    CU_ASSERT_EQUAL(st == ST_OK, key.key != NULL);
    jwk_clear(&key);
    return st;
}

static void certificates(void)
{
    struct application app = make("certificates"), other = make("other");
    struct guid nobody = guid_random();
    struct test_certificate c, ec;

    certificate_make(&c, signer_key(RSA_A), NOW, NOW + 1000);
    certificate_make(&ec, signer_key(P256_A), NOW, NOW + 1000);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&c.der)), ST_OK);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&c.pem)), ST_OK); /* the same: once */
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&ec.pem)), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha1, 20, NOW), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 32, NOW), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, ec.sha256, 32, NOW + 1000), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, ec.sha256, 32, NOW + 1001), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(find_key(&app.client_id, ec.sha256, 32, NOW - 1), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 20, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 0, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(find_key(&other.client_id, c.sha256, 32, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(find_key(&nobody, c.sha256, 32, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_set_enabled(s, &app.client_id, false), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 32, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_set_enabled(s, &app.client_id, true), ST_OK);
    CU_ASSERT_EQUAL(application_remove_credentials(s, &app.client_id), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 32, NOW), ST_UNAUTHENTICATED);
    CU_ASSERT_EQUAL(application_add_certificate(s, &nobody, bytes_span(&c.der)), ST_NOT_FOUND);
    certificate_clear(&c);
    certificate_clear(&ec);
}

static void certificate_files(void)
{
    struct application app = make("files");
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct test_certificate c, weak, other;
    struct bytes text = { 0 };
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    size_t len;

    certificate_make(&c, signer_key(RSA_A), NOW, NOW + 1000);
    certificate_make(&weak, signer_key(RSA_1024), NOW, NOW + 1000);
    certificate_make(&other, ed, NOW, NOW + 1000);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&weak.der)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&other.pem)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, (struct span){ 0 }), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, span_text("hello")), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, span_of(c.der.p, c.der.len - 1)), ST_BAD_REQUEST);
    bytes_append_span(&text, bytes_span(&c.der));
    bytes_append_char(&text, '\0');
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&text)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 32, NOW), ST_UNAUTHENTICATED);
    /* A client's own file: the key, then the certificate. */
    CU_ASSERT_EQUAL(PEM_write_bio_PrivateKey(bio, signer_key(RSA_A), NULL, NULL, 0, NULL, NULL), 1);
    len = (size_t)BIO_get_mem_data(bio, &pem);
    CU_ASSERT_EQUAL(bytes_set(&text, span_of(pem, len)), ST_OK);
    bytes_append_span(&text, bytes_span(&c.pem));
    CU_ASSERT_EQUAL(application_add_certificate(s, &app.client_id, bytes_span(&text)), ST_OK);
    CU_ASSERT_EQUAL(find_key(&app.client_id, c.sha256, 32, NOW), ST_OK);
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
    BIO_free(bio);
    EVP_PKEY_free(ed);
    bytes_clear(&text);
    certificate_clear(&c);
    certificate_clear(&weak);
    certificate_clear(&other);
}

/* ---- records ---- */

static enum status put(const char *key, const void *value, size_t len)
{
    struct store_write write = { .key = span_text(key), .value = span_of(value, len), .expected = STORE_ANY };
    struct store_commit commit = { .writes = &write, .count = 1 };

    return store_commit(s, &commit);
}

static void corrupt_records(void)
{
    struct application app = make("whole"), other = make("other"), found;
    struct application_key key = application_key_of(&app.client_id), other_key = application_key_of(&other.client_id);
    struct bytes value = { 0 };
    struct secret secret = { 0 };
    unsigned taken = 0;

    CU_ASSERT_EQUAL(application_add_secret(s, &app.client_id, 0, &secret), ST_OK);
    CU_ASSERT_EQUAL(store_get(s, span_text(key.text), &value, NULL), ST_OK);
    /* Under another's name. */
    CU_ASSERT_EQUAL(put(other_key.text, value.p, value.len), ST_OK);
    CU_ASSERT_EQUAL(application_find(s, &other.client_id, &found), ST_CORRUPT);
    CU_ASSERT_EQUAL(login(&other.client_id, secret_span(&secret), NOW), ST_CORRUPT);
    /* Cut at every place: it is corrupt, or at least nobody gets in who should not. */
    for (size_t len = 0; len < value.len; len++) {
        CU_ASSERT_EQUAL(put(key.text, value.p, len), ST_OK);
        taken += login(&app.client_id, secret_span(&secret), NOW) == ST_OK;
    }
    CU_ASSERT_EQUAL(taken, 0);
    CU_ASSERT_EQUAL(value.p[1], 1); /* the version, field 1 */
    value.p[1] = 2;
    CU_ASSERT_EQUAL(put(key.text, value.p, value.len), ST_OK);
    CU_ASSERT_EQUAL(application_find(s, &app.client_id, &found), ST_CORRUPT);
    value.p[1] = 1;
    CU_ASSERT_EQUAL(put(key.text, value.p, value.len), ST_OK);
    CU_ASSERT_EQUAL(login(&app.client_id, secret_span(&secret), NOW), ST_OK);
    CU_ASSERT_EQUAL(application_delete(s, &other.client_id), ST_OK);
    bytes_clear(&value);
    secret_clear(&secret);
}

static struct guid shared_id;

static void *add_two(void *arg)
{
    unsigned *added = arg;

    for (unsigned i = 0; i < 2; i++) {
        struct secret secret = { 0 };
        enum status st;

        while ((st = application_add_secret(s, &shared_id, 0, &secret)) == ST_CONFLICT)
            ;
        *added += st == ST_OK;
        secret_clear(&secret);
    }
    return NULL;
}

static void threads(void)
{
    struct application app = make("shared");
    unsigned added[4] = { 0 };
    ApplicationRecord *r = NULL;
    pthread_t thread[4];

    shared_id = app.client_id;
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, add_two, &added[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(added[0] + added[1] + added[2] + added[3], 8);
    CU_ASSERT_EQUAL(application_load(s, &shared_id, &r, NULL), ST_OK);
    CU_ASSERT_EQUAL(r->n_secrets, 8); /* none got lost */
    application_free(r);
}

static CU_TestInfo cases[] = {
    { "an application is made once and found again", create_and_find },
    { "lists page, deletes delete", list_and_delete },
    { "a secret logs in its own application, until it ends", secrets },
    { "there are at most 16 credentials, and each of them works", sixteen },
    { "the secret itself is not in the store", not_in_the_store },
    { "a certificate's key is found by either thumbprint, while it is valid", certificates },
    { "files of certificates: PEM, DER, weak, cut", certificate_files },
    { "a record that was cut, renamed or is of another version lets nobody in", corrupt_records },
    { "changes from four threads all count", threads },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "applications", open_store, close_store, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

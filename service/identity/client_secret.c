#include "service/identity/application.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>

#include "firmware/base/base64url.h"
#include "service/identity/application_record.h"

#define SECRET_BYTES    32
#define SECRET_TEXT_MAX 256 /* longer ones are nobody's */

static enum status digest_secret(const uint8_t salt[APPLICATION_SALT_LEN], struct span secret,
                                 uint8_t out[APPLICATION_DIGEST_LEN])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, salt, APPLICATION_SALT_LEN) == 1 &&
              EVP_DigestUpdate(context, secret.p, secret.len) == 1 && EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context); /* wipes its state */
    return ok ? ST_OK : ST_NO_MEMORY;
}

/* 256 random bits as base64url: 43 characters that pass through every form and shell unchanged. */
static enum status make_secret(struct secret *out)
{
    uint8_t random[SECRET_BYTES];
    struct bytes text = { 0 };
    enum status st;

    if (RAND_priv_bytes(random, sizeof random) != 1)
        return ST_INTERNAL;
    if ((st = bytes_reserve(&text, base64url_encoded_len(sizeof random))) == ST_OK) { /* so that it does not move */
        base64url_append(&text, span_of(random, sizeof random));
        st = secret_set(out, bytes_span(&text));
        secret_wipe(text.p, text.cap);
    }
    bytes_clear(&text);
    secret_wipe(random, sizeof random);
    return st;
}

static void *copy(const void *p, size_t len)
{
    void *to = malloc(len);

    if (to != NULL)
        memcpy(to, p, len);
    return to;
}

struct new_secret {
    uint8_t salt[APPLICATION_SALT_LEN];
    uint8_t digest[APPLICATION_DIGEST_LEN];
    int64_t expires_at;
};

static ClientSecretRecord *secret_record(const struct new_secret *from)
{
    ClientSecretRecord *r = malloc(sizeof *r);

    if (r == NULL)
        return NULL;
    strongroom__identity__client_secret_record__init(r);
    r->expires_at = from->expires_at;
    r->salt.data = copy(from->salt, sizeof from->salt);
    r->salt.len = sizeof from->salt;
    r->digest.data = copy(from->digest, sizeof from->digest);
    r->digest.len = sizeof from->digest;
    if (r->salt.data == NULL || r->digest.data == NULL) {
        strongroom__identity__client_secret_record__free_unpacked(r, NULL);
        return NULL;
    }
    return r;
}

static enum status add_secret(ApplicationRecord *r, void *arg)
{
    ClientSecretRecord *added, **grown;

    if (r->n_secrets + r->n_certificates >= APPLICATION_CREDENTIALS_MAX)
        return ST_TOO_LARGE;
    if ((grown = realloc(r->secrets, (r->n_secrets + 1) * sizeof r->secrets[0])) == NULL)
        return ST_NO_MEMORY;
    r->secrets = grown;
    if ((added = secret_record(arg)) == NULL)
        return ST_NO_MEMORY;
    r->secrets[r->n_secrets++] = added;
    return ST_OK;
}

enum status application_add_secret(struct store *s, const struct guid *client_id, int64_t expires_at,
                                   struct secret *out)
{
    struct new_secret made = { .expires_at = expires_at };
    enum status st;

    if ((st = make_secret(out)) != ST_OK)
        return st;
    st = RAND_bytes(made.salt, sizeof made.salt) == 1 ? ST_OK : ST_INTERNAL;
    if (st == ST_OK && (st = digest_secret(made.salt, secret_span(out), made.digest)) == ST_OK)
        st = application_update(s, client_id, add_secret, &made);
    if (st != ST_OK)
        secret_clear(out);
    return st;
}

/* ---- checking ---- */

/* What is checked in place of an application that does not exist, so that the answer takes as long: a record as it is
 * stored, with a secret that nobody has. */
static struct bytes decoy;
static pthread_once_t decoy_once = PTHREAD_ONCE_INIT;

static void make_decoy(void)
{
    uint8_t salt[APPLICATION_SALT_LEN] = { 0 }, digest[APPLICATION_DIGEST_LEN];
    char nobody[] = "00000000-0000-4000-8000-000000000000", name[] = "decoy";
    ClientSecretRecord secret = STRONGROOM__IDENTITY__CLIENT_SECRET_RECORD__INIT, *secrets[] = { &secret };
    ApplicationRecord r = STRONGROOM__IDENTITY__APPLICATION_RECORD__INIT;

    if (RAND_bytes(digest, sizeof digest) != 1)
        return;
    secret.salt = (ProtobufCBinaryData){ sizeof salt, salt };
    secret.digest = (ProtobufCBinaryData){ sizeof digest, digest };
    r.version = 1;
    r.client_id = nobody;
    r.object_id = nobody;
    r.display_name = name;
    r.secrets = secrets;
    r.n_secrets = 1;
    if (bytes_reserve(&decoy, strongroom__identity__application_record__get_packed_size(&r)) == ST_OK)
        decoy.len = strongroom__identity__application_record__pack(&r, decoy.p);
}

static enum status load_or_decoy(struct store *s, const struct guid *client_id, ApplicationRecord **out)
{
    enum status st = application_load(s, client_id, out, NULL);

    if (st != ST_NOT_FOUND)
        return st;
    if (pthread_once(&decoy_once, make_decoy) != 0 || decoy.len == 0)
        return ST_NO_MEMORY;
    return application_unpack(bytes_span(&decoy), out); /* it is disabled */
}

/* All 16 places are hashed and compared, used or not: how many secrets there are does not show in the time. */
static enum status compare_all(const ApplicationRecord *r, struct span secret, int64_t now, bool *matches)
{
    static const uint8_t none[APPLICATION_DIGEST_LEN];

    *matches = false;
    for (size_t i = 0; i < APPLICATION_CREDENTIALS_MAX; i++) {
        const ClientSecretRecord *c = i < r->n_secrets ? r->secrets[i] : NULL;
        uint8_t digest[APPLICATION_DIGEST_LEN];
        bool equal, unexpired = c != NULL && (c->expires_at == 0 || c->expires_at > now);

        if (digest_secret(c != NULL ? c->salt.data : none, secret, digest) != ST_OK)
            return ST_NO_MEMORY;
        equal = secret_equal(span_of(digest, sizeof digest), span_of(c != NULL ? c->digest.data : none, sizeof none));
        *matches = *matches | (equal & unexpired);
    }
    return ST_OK;
}

enum status application_check_secret(struct store *s, const struct guid *client_id, struct span secret, int64_t now,
                                     struct application *out)
{
    ApplicationRecord *r = NULL;
    bool matches = false;
    enum status st;

    if (secret.len == 0 || secret.len > SECRET_TEXT_MAX)
        return ST_UNAUTHENTICATED;
    if ((st = load_or_decoy(s, client_id, &r)) == ST_OK && (st = compare_all(r, secret, now, &matches)) == ST_OK) {
        if (matches && r->enabled)
            application_describe(r, out);
        else
            st = ST_UNAUTHENTICATED;
    }
    application_free(r);
    return st;
}

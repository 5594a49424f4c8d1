#include "service/identity/application.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include "service/identity/application_record.h"

#define CERTIFICATE_MAX (64u * 1024)

/* PEM: the first certificate in it, because files as they are handed to clients hold a key too. DER: all of the bytes.
 */
static enum status read_certificate(struct span text, X509 **out)
{
    const unsigned char *p = text.p;
    BIO *bio = NULL;

    *out = NULL;
    if (text.len == 0 || text.len > CERTIFICATE_MAX)
        return ST_BAD_REQUEST;
    if (text.p[0] == 0x30) { /* a DER SEQUENCE */
        *out = d2i_X509(NULL, &p, (long)text.len);
        if (*out != NULL && p != text.p + text.len) {
            X509_free(*out);
            *out = NULL;
        }
    } else if ((bio = BIO_new_mem_buf(text.p, (int)text.len)) != NULL) {
        *out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    ERR_clear_error();
    return *out != NULL ? ST_OK : ST_BAD_REQUEST;
}

static bool unix_time(const ASN1_TIME *at, int64_t *out)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(at, &tm) != 1)
        return false;
    *out = timegm(&tm);
    return true;
}

struct new_certificate {
    uint8_t sha1[APPLICATION_SHA1_LEN];
    uint8_t sha256[APPLICATION_DIGEST_LEN];
    struct bytes jwk;
    int64_t not_before, not_after;
};

/* Is the key one that jws_verify can use, and strong enough? */
static enum status check_key(const struct bytes *canonical)
{
    json_t *object = NULL;
    struct jwk key = { 0 };
    enum status st = json_read_object(bytes_span(canonical), JWK_SET_TEXT_MAX, &object);

    if (st == ST_OK)
        st = jwk_from_json(object, false, &key);
    jwk_clear(&key);
    json_decref(object);
    return st;
}

static enum status describe_certificate(X509 *x, struct new_certificate *out)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    unsigned len = 0;
    enum status st;

    if (key == NULL || X509_digest(x, EVP_sha1(), out->sha1, &len) != 1 || len != sizeof out->sha1 ||
        X509_digest(x, EVP_sha256(), out->sha256, &len) != 1 || len != sizeof out->sha256 ||
        !unix_time(X509_get0_notBefore(x), &out->not_before) || !unix_time(X509_get0_notAfter(x), &out->not_after)) {
        ERR_clear_error();
        return ST_BAD_REQUEST;
    }
    if ((st = jwk_canonical(key, &out->jwk)) == ST_OK)
        st = check_key(&out->jwk);
    return st == ST_UNSUPPORTED ? ST_BAD_REQUEST : st;
}

static bool set_bytes(ProtobufCBinaryData *to, const uint8_t *from, size_t len)
{
    if ((to->data = malloc(len)) == NULL)
        return false;
    memcpy(to->data, from, len);
    to->len = len;
    return true;
}

static ClientCertificateRecord *certificate_record(const struct new_certificate *from)
{
    ClientCertificateRecord *r = malloc(sizeof *r);

    if (r == NULL)
        return NULL;
    strongroom__identity__client_certificate_record__init(r);
    r->not_before = from->not_before;
    r->not_after = from->not_after;
    if (!set_bytes(&r->sha1, from->sha1, sizeof from->sha1) ||
        !set_bytes(&r->sha256, from->sha256, sizeof from->sha256) ||
        (r->jwk = span_dup_text(bytes_span(&from->jwk))) == NULL) {
        r->jwk = (char *)protobuf_c_empty_string; /* which free_unpacked knows not to free */
        strongroom__identity__client_certificate_record__free_unpacked(r, NULL);
        return NULL;
    }
    return r;
}

static bool is_registered(const ApplicationRecord *r, const struct new_certificate *c)
{
    for (size_t i = 0; i < r->n_certificates; i++)
        if (memcmp(r->certificates[i]->sha256.data, c->sha256, sizeof c->sha256) == 0)
            return true;
    return false;
}

static enum status add_certificate(ApplicationRecord *r, void *arg)
{
    ClientCertificateRecord *added, **grown;

    if (is_registered(r, arg))
        return ST_OK;
    if (r->n_secrets + r->n_certificates >= APPLICATION_CREDENTIALS_MAX)
        return ST_TOO_LARGE;
    if ((grown = realloc(r->certificates, (r->n_certificates + 1) * sizeof r->certificates[0])) == NULL)
        return ST_NO_MEMORY;
    r->certificates = grown;
    if ((added = certificate_record(arg)) == NULL)
        return ST_NO_MEMORY;
    r->certificates[r->n_certificates++] = added;
    return ST_OK;
}

enum status application_add_certificate(struct store *s, const struct guid *client_id, struct span certificate)
{
    struct new_certificate made = { 0 };
    X509 *x = NULL;
    enum status st;

    if ((st = read_certificate(certificate, &x)) == ST_OK && (st = describe_certificate(x, &made)) == ST_OK)
        st = application_update(s, client_id, add_certificate, &made);
    X509_free(x);
    bytes_clear(&made.jwk);
    return st;
}

static const ClientCertificateRecord *by_thumbprint(const ApplicationRecord *r, struct span thumbprint)
{
    for (size_t i = 0; i < r->n_certificates; i++) {
        const ClientCertificateRecord *c = r->certificates[i];

        if (span_equal(thumbprint, span_of(c->sha256.data, c->sha256.len)) ||
            span_equal(thumbprint, span_of(c->sha1.data, c->sha1.len)))
            return c;
    }
    return NULL;
}

enum status application_find_key(struct store *s, const struct guid *client_id, struct span thumbprint, int64_t now,
                                 struct application *app, struct jwk *out)
{
    const ClientCertificateRecord *c;
    ApplicationRecord *r = NULL;
    json_t *object = NULL;
    enum status st = application_load(s, client_id, &r, NULL);

    *out = (struct jwk){ 0 };
    if (st != ST_OK) {
        application_free(r);
        return st == ST_NOT_FOUND ? ST_UNAUTHENTICATED : st;
    }
    c = by_thumbprint(r, thumbprint);
    if (!r->enabled || c == NULL || now < c->not_before || now > c->not_after) {
        st = ST_UNAUTHENTICATED;
    } else if ((st = json_read_object(span_text(c->jwk), JWK_SET_TEXT_MAX, &object)) != ST_OK ||
               (st = jwk_from_json(object, false, out)) != ST_OK) {
        st = st == ST_NO_MEMORY ? st : ST_CORRUPT;
    } else {
        application_describe(r, app);
    }
    json_decref(object);
    application_free(r);
    return st;
}

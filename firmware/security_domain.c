#include "firmware/security_domain.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"

/* Never renumbered. */
enum field {
    FIELD_NAME = 1,
    FIELD_ID,
    FIELD_KEY, /* absent when the start is attended */
    FIELD_DIGEST,
    FIELD_CHECK,
    FIELD_CURRENT = 100, /* and on: HOLDER_FIELDS */
    FIELD_PENDING = 200,
    FIELD_START = 300,
};

CK_RV security_domain_set_key(struct security_domain *d, const uint8_t key[DOMAIN_KEY_LEN])
{
    static const char title[] = "strongroom domain check v1";

    if (HMAC(EVP_sha256(), key, DOMAIN_KEY_LEN, (const uint8_t *)title, strlen(title), d->check, NULL) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(d->key, key, sizeof d->key);
    d->open = true;
    return CKR_OK;
}

CK_RV security_domain_make(struct security_domain *d, const char *name)
{
    uint8_t key[DOMAIN_KEY_LEN];
    CK_RV rv = CKR_DEVICE_ERROR;

    security_domain_clear(d);
    if (entropy_draw(key, sizeof key) == ST_OK && entropy_draw(d->id, sizeof d->id) == ST_OK)
        rv = security_domain_set_key(d, key);
    secret_wipe(key, sizeof key);
    memcpy(d->name, name, strlen(name) + 1);
    d->exists = rv == CKR_OK;
    return rv;
}

bool security_domain_same(const struct security_domain *a, const struct security_domain *b)
{
    return memcmp(a->id, b->id, sizeof a->id) == 0 && CRYPTO_memcmp(a->check, b->check, sizeof a->check) == 0 &&
           holder_set_same(&a->current, &b->current);
}

static CK_RV unpack(struct security_domain *d, const struct attributes *a)
{
    struct span name = attributes_get(a, FIELD_NAME);
    CK_RV rv;

    if (name.len == 0 || name.len > PARTITION_NAME_MAX || !attributes_take(a, FIELD_ID, d->id, sizeof d->id) ||
        !attributes_take(a, FIELD_CHECK, d->check, sizeof d->check))
        return CKR_DATA_INVALID;
    memcpy(d->name, name.p, name.len);
    d->open = attributes_take(a, FIELD_KEY, d->key, sizeof d->key);
    d->exported = attributes_take(a, FIELD_DIGEST, d->digest, sizeof d->digest);
    if ((rv = holder_set_unpack(&d->current, a, FIELD_CURRENT)) != CKR_OK ||
        (rv = holder_set_unpack(&d->pending, a, FIELD_PENDING)) != CKR_OK ||
        (rv = start_mode_unpack(&d->start, a, FIELD_START)) != CKR_OK)
        return rv;
    d->exists = true;
    return d->open == (d->start.required == 0) ? CKR_OK : CKR_DATA_INVALID;
}

enum status security_domain_unpack(struct security_domain *d, struct span record)
{
    struct attributes a;
    CK_RV rv;

    security_domain_clear(d);
    if ((rv = attributes_unpack(&a, record)) == CKR_OK) {
        rv = unpack(d, &a);
        attributes_clear(&a);
    }
    if (rv != CKR_OK)
        security_domain_clear(d);
    return rv == CKR_OK ? ST_OK : rv == CKR_HOST_MEMORY ? ST_NO_MEMORY : ST_CORRUPT;
}

static CK_RV pack(const struct security_domain *d, struct attributes *a)
{
    CK_RV rv;

    if ((rv = attributes_set(a, FIELD_NAME, span_text(d->name))) != CKR_OK ||
        (rv = attributes_set(a, FIELD_ID, span_of(d->id, sizeof d->id))) != CKR_OK ||
        (rv = attributes_set(a, FIELD_CHECK, span_of(d->check, sizeof d->check))) != CKR_OK ||
        (d->exported && (rv = attributes_set(a, FIELD_DIGEST, span_of(d->digest, sizeof d->digest))) != CKR_OK) ||
        (d->start.required == 0 && (rv = attributes_set(a, FIELD_KEY, span_of(d->key, sizeof d->key))) != CKR_OK) ||
        (rv = holder_set_pack(&d->current, a, FIELD_CURRENT)) != CKR_OK ||
        (rv = holder_set_pack(&d->pending, a, FIELD_PENDING)) != CKR_OK)
        return rv;
    return start_mode_pack(&d->start, a, FIELD_START);
}

CK_RV security_domain_change(const struct security_domain *d, struct flash_change *change, struct bytes *buffer)
{
    struct attributes a = { 0 };
    CK_RV rv = pack(d, &a);

    if (rv == CKR_OK)
        rv = storage_pack(&a, &(struct flash_key){ .kind = RECORD_DOMAIN }, change, buffer);
    attributes_clear(&a);
    return rv;
}

void security_domain_clear(struct security_domain *d)
{
    holder_set_clear(&d->current);
    holder_set_clear(&d->pending);
    secret_wipe(d, sizeof *d);
}

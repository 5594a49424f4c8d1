#include "firmware/start_mode.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "firmware/base/secret.h"
#include "firmware/box.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/pin.h"
#include "firmware/domain/shamir.h"
#include "firmware/wire/name.h"

#define TITLE         "strongroom attended start v1"
#define SCRYPT_MEMORY (128u << 20)
#define COST_OF_PINS  4 /* times that of a PIN: it is asked once for each start, and the domain key is behind it */

_Static_assert(START_SHARE_LEN == 2 * START_SECRET_LEN && START_OVERHEAD == BOX_OVERHEAD, "lengths of start_mode.h");

/* Never renumbered; from the `first` of the record on. */
enum field { FIELD_REQUIRED, FIELD_DOMAIN_KEY, FIELD_TRIES, FIELD_OPERATOR /* and on: one each */ };

/* As a PIN's hash (crypto/pin.c): without the pepper no guess can be tried. */
static enum status share_key(const struct operator_record *o, struct span passphrase, const uint8_t *pepper,
                             uint8_t out[BOX_KEY_LEN])
{
    uint8_t peppered[32];
    bool ok = HMAC(EVP_sha256(), pepper, START_PEPPER_LEN, passphrase.p, passphrase.len, peppered, NULL) != NULL &&
              EVP_PBE_scrypt((const char *)peppered, sizeof peppered, o->salt, sizeof o->salt, o->cost, 8, 1,
                             SCRYPT_MEMORY, out, BOX_KEY_LEN) == 1;

    secret_wipe(peppered, sizeof peppered);
    return ok ? ST_OK : ST_NO_MEMORY;
}

static enum status secret_key(const uint8_t secret[START_SECRET_LEN], uint8_t out[BOX_KEY_LEN])
{
    return HMAC(EVP_sha256(), secret, START_SECRET_LEN, (const uint8_t *)TITLE, strlen(TITLE), out, NULL) != NULL
               ? ST_OK
               : ST_NO_MEMORY;
}

/* One of one is no case for the scheme: everybody's share is then the secret itself, in the form of a share. */
static enum status split(const uint8_t secret[START_SECRET_LEN], unsigned required, unsigned count, uint8_t *shares)
{
    if (required > 1)
        return shamir_split(span_of(secret, START_SECRET_LEN), required, count, entropy_draw, shares);
    for (unsigned i = 0; i < count * START_SECRET_LEN; i++) {
        shares[2 * i] = secret[i % START_SECRET_LEN];
        shares[2 * i + 1] = 1 << 1;
    }
    return ST_OK;
}

static enum status combine(const struct start_mode *s, const struct unlocking *u, uint8_t secret[START_SECRET_LEN])
{
    struct span shares[OPERATORS_MAX];
    unsigned count = 0, distinct;

    for (unsigned i = 0; i < s->count; i++)
        if (u->has[i])
            shares[count++] = span_of(u->shares[i], START_SHARE_LEN);
    if (s->required > 1)
        return shamir_combine(shares, count, s->required, START_SECRET_LEN, secret, &distinct);
    for (unsigned i = 0; i < START_SECRET_LEN; i++)
        secret[i] = shares[0].p[2 * i];
    return ST_OK;
}

static CK_RV check(const Ks__StartModeSet *m)
{
    if (m->required == 0 || m->required > m->n_operators || m->n_operators > OPERATORS_MAX)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < m->n_operators; i++) {
        const Ks__Operator *o = m->operators[i];

        if (!name_is_good(o->name) || o->passphrase.len < PASSPHRASE_MIN || o->passphrase.len > PASSPHRASE_MAX)
            return CKR_ARGUMENTS_BAD;
        for (size_t j = 0; j < i; j++)
            if (strcmp(o->name, m->operators[j]->name) == 0)
                return CKR_ARGUMENTS_BAD;
    }
    return CKR_OK;
}

static enum status enrol(struct operator_record *o, const Ks__Operator *m, const uint8_t *share, const uint8_t *pepper)
{
    uint8_t key[BOX_KEY_LEN];
    enum status st;

    *o = (struct operator_record){ .cost = COST_OF_PINS * pin_cost };
    memcpy(o->name, m->name, strlen(m->name));
    if ((st = entropy_draw(o->salt, sizeof o->salt)) == ST_OK &&
        (st = share_key(o, span_of(m->passphrase.data, m->passphrase.len), pepper, key)) == ST_OK)
        st = box_close(key, span_of(share, START_SHARE_LEN), span_text(o->name), o->share);
    secret_wipe(key, sizeof key);
    return st;
}

static CK_RV verdict(enum status st)
{
    return st == ST_OK ? CKR_OK : st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_DEVICE_ERROR;
}

CK_RV start_mode_make(struct start_mode *s, const Ks__StartModeSet *m, const uint8_t domain_key[32],
                      const uint8_t pepper[START_PEPPER_LEN])
{
    uint8_t secret[START_SECRET_LEN], key[BOX_KEY_LEN], shares[OPERATORS_MAX * START_SHARE_LEN];
    enum status st;
    CK_RV rv;

    *s = (struct start_mode){ 0 };
    if ((rv = check(m)) != CKR_OK)
        return rv;
    s->required = m->required;
    s->count = (unsigned)m->n_operators;
    if ((st = entropy_draw(secret, sizeof secret)) == ST_OK &&
        (st = split(secret, s->required, s->count, shares)) == ST_OK && (st = secret_key(secret, key)) == ST_OK)
        st = box_close(key, span_of(domain_key, 32), span_text(TITLE), s->domain_key);
    for (unsigned i = 0; i < s->count && st == ST_OK; i++)
        st = enrol(&s->operators[i], m->operators[i], shares + i * START_SHARE_LEN, pepper);
    secret_wipe(secret, sizeof secret);
    secret_wipe(key, sizeof key);
    secret_wipe(shares, sizeof shares);
    return verdict(st);
}

CK_RV start_mode_open_share(const struct start_mode *s, const char *name, struct span passphrase,
                            const uint8_t pepper[START_PEPPER_LEN], struct unlocking *u)
{
    static const struct operator_record nobody = { .cost = COST_OF_PINS * PIN_COST };
    const struct operator_record *o = &nobody;
    uint8_t key[BOX_KEY_LEN], share[START_SHARE_LEN];
    unsigned at = 0;
    enum status st;

    while (at < s->count && strcmp(s->operators[at].name, name) != 0)
        at++;
    if (at < s->count)
        o = &s->operators[at];
    /* For an unknown name the same work is done: who the operators are is not to be found out by the time it takes. */
    if ((st = share_key(o, passphrase, pepper, key)) == ST_OK)
        st = box_open(key, span_of(o->share, sizeof o->share), span_text(o->name), share);
    if (st == ST_OK && at < s->count) {
        u->given += !u->has[at];
        u->has[at] = true;
        memcpy(u->shares[at], share, sizeof share);
    }
    secret_wipe(key, sizeof key);
    secret_wipe(share, sizeof share);
    return st == ST_OK && at < s->count ? CKR_OK : st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_PASSPHRASE_INCORRECT;
}

CK_RV start_mode_open(const struct start_mode *s, const struct unlocking *u, uint8_t domain_key[32])
{
    uint8_t secret[START_SECRET_LEN], key[BOX_KEY_LEN];
    enum status st;

    INVARIANT(u->given >= s->required && s->required > 0);
    if ((st = combine(s, u, secret)) == ST_OK && (st = secret_key(secret, key)) == ST_OK)
        st = box_open(key, span_of(s->domain_key, sizeof s->domain_key), span_text(TITLE), domain_key);
    secret_wipe(secret, sizeof secret);
    secret_wipe(key, sizeof key);
    return verdict(st);
}

CK_RV start_mode_pack(const struct start_mode *s, struct attributes *a, CK_ATTRIBUTE_TYPE first)
{
    CK_RV rv;

    if (s->required == 0)
        return CKR_OK;
    if ((rv = attributes_set_ulong(a, first + FIELD_REQUIRED, s->required)) != CKR_OK ||
        (rv = attributes_set(a, first + FIELD_DOMAIN_KEY, span_of(s->domain_key, sizeof s->domain_key))) != CKR_OK ||
        (rv = attributes_set_ulong(a, first + FIELD_TRIES, s->tries)) != CKR_OK)
        return rv;
    for (unsigned i = 0; i < s->count && rv == CKR_OK; i++)
        rv = attributes_set(a, first + FIELD_OPERATOR + i, span_of(&s->operators[i], sizeof s->operators[i]));
    return rv;
}

static bool operator_is_whole(const struct operator_record *o)
{
    return o->name[PARTITION_NAME_MAX] == '\0' && name_is_good(o->name) && o->cost >= 2 && o->cost <= 1u << 16;
}

CK_RV start_mode_unpack(struct start_mode *s, const struct attributes *a, CK_ATTRIBUTE_TYPE first)
{
    *s = (struct start_mode){ 0 };
    if (!attributes_has(a, first + FIELD_REQUIRED))
        return CKR_OK;
    s->required = (uint32_t)attributes_ulong(a, first + FIELD_REQUIRED, 0);
    s->tries = (uint32_t)attributes_ulong(a, first + FIELD_TRIES, UNLOCK_TRIES_MAX);
    if (!attributes_take(a, first + FIELD_DOMAIN_KEY, s->domain_key, sizeof s->domain_key))
        return CKR_DATA_INVALID;
    while (s->count < OPERATORS_MAX && attributes_has(a, first + FIELD_OPERATOR + s->count)) {
        if (!attributes_take(a, first + FIELD_OPERATOR + s->count, &s->operators[s->count], sizeof s->operators[0]) ||
            !operator_is_whole(&s->operators[s->count]))
            return CKR_DATA_INVALID;
        s->count++;
    }
    return s->required >= 1 && s->required <= s->count ? CKR_OK : CKR_DATA_INVALID;
}

#include "firmware/crypto/self_test.h"

#include <openssl/crypto.h>

#include "firmware/base/hex.h"
#include "firmware/base/secret.h"
#include "firmware/crypto/hash.h"
#include "firmware/crypto/key_inside.h"
#include "firmware/crypto/known_answer.h"
#include "firmware/crypto/transport.h"

/* FIPS 140-3, IG 10.3.A. The tests go the way that requests go: attributes, key_load(), operation_compute(). */

#define HEX_MAX    2048
#define RESULT_MAX (20u * 1024) /* a signature of SLH-DSA-128f */
#define TESTS_MAX  80

static const struct known_answer *const answers[] = { symmetric_answers, asymmetric_answers, pqc_answers };
static const struct known_derivation *const derivations[] = { classic_derivations, pqc_derivations };

struct bytes_of_hex {
    uint8_t p[HEX_MAX];
    size_t len;
};

static struct span from_hex(struct bytes_of_hex *b, const char *hex)
{
    b->len = hex != NULL ? strlen(hex) / 2 : 0;
    if (b->len == 0)
        return span_of(NULL, 0);
    INVARIANT(b->len <= sizeof b->p && hex_decode(b->p, b->len, span_text(hex)) == ST_OK);
    return span_of(b->p, b->len);
}

static CK_RV set_known(struct attributes *a, const struct known_attribute *known)
{
    struct bytes_of_hex value;
    CK_RV rv = CKR_OK;

    for (; known->hex != NULL && rv == CKR_OK; known++)
        rv = attributes_set(a, known->type, from_hex(&value, known->hex));
    secret_wipe(&value, sizeof value);
    return rv;
}

static CK_RV describe(struct attributes *a, const struct known_key *k, CK_OBJECT_CLASS class)
{
    CK_RV rv;

    if ((rv = attributes_set_ulong(a, CKA_CLASS, class)) == CKR_OK &&
        (rv = attributes_set_ulong(a, CKA_KEY_TYPE, k->type)) == CKR_OK && k->parameters != 0)
        rv = attributes_set_ulong(a, CKA_PARAMETER_SET, k->parameters);
    return rv;
}

/* The private half, whole; a seed alone is expanded. */
static CK_RV load_private(struct attributes *a, const struct known_key *k)
{
    CK_RV rv;

    if ((rv = describe(a, k, CKO_PRIVATE_KEY)) == CKR_OK && (rv = set_known(a, k->private)) == CKR_OK &&
        k->parameters != 0)
        rv = key_complete(a);
    return rv;
}

static CK_RV load_public(struct attributes *a, const struct known_key *k)
{
    struct attributes private = { 0 };
    CK_RV rv;

    if ((rv = describe(a, k, CKO_PUBLIC_KEY)) != CKR_OK)
        return rv;
    if (k->public[0].hex != NULL)
        return set_known(a, k->public);
    if ((rv = load_private(&private, k)) == CKR_OK) {
        struct span info = attributes_get(&private, CKA_PUBLIC_KEY_INFO); /* the key is its end (RFC 9881, 4) */
        size_t len = pqc_set(k->type, k->parameters)->public_len;

        rv = info.len > len ? attributes_set(a, CKA_VALUE, span_of(info.p + info.len - len, len)) : CKR_DEVICE_ERROR;
    }
    attributes_clear(&private);
    return rv;
}

static CK_RV load_secret(struct attributes *a, const struct known_key *k)
{
    CK_RV rv = describe(a, k, CKO_SECRET_KEY);

    return rv == CKR_OK ? set_known(a, k->private) : rv;
}

static CK_RV load(const struct known_key *k, enum operation_kind kind, struct key **out)
{
    struct attributes a = { 0 };
    CK_RV rv;

    *out = NULL;
    if (k == NULL)
        return CKR_OK;
    if (key_type_is_secret(k->type))
        rv = load_secret(&a, k);
    else if (kind == OPERATION_SIGN || kind == OPERATION_DECRYPT)
        rv = load_private(&a, k);
    else
        rv = load_public(&a, k);
    if (rv == CKR_OK)
        rv = key_load(&a, out);
    attributes_clear(&a);
    return rv;
}

static bool compute(const struct known_answer *t, enum operation_kind kind, const struct mechanism *m, struct span in,
                    struct span signature, struct output *out)
{
    struct key *key = NULL;
    bool ok = load(t->key, kind, &key) == CKR_OK && operation_compute(kind, m, key, in, signature, out) == CKR_OK;

    key_unref(key);
    return ok;
}

static bool same(struct span a, struct span b)
{
    return a.len == b.len && CRYPTO_memcmp(a.p, b.p, a.len) == 0;
}

static bool is_expected(const struct known_answer *t, struct span got, struct span want)
{
    uint8_t digest[HASH_LEN_MAX];

    if (want.len == 0)
        return t->out == NULL;
    if (!t->hashed)
        return same(got, want);
    return hash_once(hash_by_type(CKM_SHA256), got, digest) == CKR_OK && same(span_of(digest, want.len), want);
}

/* The other way: verify what has been signed, decrypt what has been encrypted. */
static bool returns(const struct known_answer *t, const struct mechanism *m, struct span in, struct span result)
{
    uint8_t back[HEX_MAX];
    struct output out = { .p = back, .room = sizeof back };

    if (t->kind == OPERATION_SIGN)
        return compute(t, OPERATION_VERIFY, m, in, result, NULL);
    if (t->kind != OPERATION_ENCRYPT)
        return true;
    return compute(t, OPERATION_DECRYPT, m, result, span_of(NULL, 0), &out) && same(span_of(back, out.len), in);
}

/* `room` holds RESULT_MAX bytes. */
static bool answers_as_known(const struct known_answer *t, bool spoil, uint8_t *room)
{
    struct bytes_of_hex in_hex, out_hex, iv_hex, aad_hex;
    struct span in = from_hex(&in_hex, t->in), want = from_hex(&out_hex, t->out);
    struct mechanism m = { .type = t->type,
                           .has_parameter = t->iv != NULL || t->number != 0 || t->hash != 0,
                           .hash = t->hash,
                           .mgf = t->mgf,
                           .number = t->number,
                           .iv = from_hex(&iv_hex, t->iv),
                           .aad = from_hex(&aad_hex, t->aad) };
    struct output out = { .p = room, .room = RESULT_MAX };

    if (spoil && want.len > 0)
        out_hex.p[0] ^= 1;
    if (t->kind == OPERATION_VERIFY)
        return compute(t, t->kind, &m, in, want, NULL);
    if (!compute(t, t->kind, &m, in, span_of(NULL, 0), &out) || !is_expected(t, span_of(room, out.len), want))
        return false;
    if (spoil)
        room[out.len - 1] ^= 1;
    return returns(t, &m, in, span_of(room, out.len));
}

static bool derives_as_known(const struct known_derivation *t, bool spoil)
{
    struct bytes_of_hex data, aad, out_hex;
    struct span want = from_hex(&out_hex, t->out);
    struct mechanism m = { .type = t->type,
                           .has_parameter = t->type != CKM_ML_KEM,
                           .hash = t->hash,
                           .number = t->number,
                           .flags = t->flags,
                           .data = from_hex(&data, t->data),
                           .aad = from_hex(&aad, t->aad) };
    struct attributes target = { 0 };
    struct key *key = NULL;
    bool ok;

    out_hex.p[0] ^= spoil;
    ok = attributes_set_ulong(&target, CKA_CLASS, CKO_SECRET_KEY) == CKR_OK &&
         attributes_set_ulong(&target, CKA_KEY_TYPE, CKK_GENERIC_SECRET) == CKR_OK &&
         attributes_set_ulong(&target, CKA_VALUE_LEN, want.len) == CKR_OK &&
         load(t->key, OPERATION_SIGN, &key) == CKR_OK &&
         (t->type == CKM_ML_KEM ? decapsulate_key(&m, key, m.data, &target) : derive_key(&m, key, NULL, &target)) ==
             CKR_OK &&
         same(attributes_get(&target, CKA_VALUE), want);
    attributes_clear(&target);
    key_unref(key);
    return ok;
}

static bool is_spoilt(const char *corrupt, const char *name)
{
#ifdef STRONGROOM_FAULT_INJECTION
    return corrupt != NULL && strcmp(corrupt, name) == 0;
#else
    (void)corrupt;
    (void)name;
    return false;
#endif
}

static const char *run_answers(const char *corrupt, uint8_t *room)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        for (const struct known_answer *t = answers[i]; t->name != NULL; t++)
            if (!answers_as_known(t, is_spoilt(corrupt, t->name), room))
                return t->name;
    return NULL;
}

static const char *run_derivations(const char *corrupt)
{
    for (size_t i = 0; i < ARRAY_LEN(derivations); i++)
        for (const struct known_derivation *t = derivations[i]; t->name != NULL; t++)
            if (!derives_as_known(t, is_spoilt(corrupt, t->name)))
                return t->name;
    return NULL;
}

enum status self_test_run(const char *corrupt, const char **failed)
{
    uint8_t *room = malloc(RESULT_MAX);

    *failed = room != NULL ? run_answers(corrupt, room) : "memory";
    if (*failed == NULL)
        *failed = run_derivations(corrupt);
    free(room);
    return *failed == NULL ? ST_OK : ST_CORRUPT;
}

const char *const *self_test_names(void)
{
    static const char *names[TESTS_MAX];
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        for (const struct known_answer *t = answers[i]; t->name != NULL && n < TESTS_MAX - 1; t++)
            names[n++] = t->name;
    for (size_t i = 0; i < ARRAY_LEN(derivations); i++)
        for (const struct known_derivation *t = derivations[i]; t->name != NULL && n < TESTS_MAX - 1; t++)
            names[n++] = t->name;
    return names;
}

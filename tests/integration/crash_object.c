#include "tests/integration/crash_object.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

#define ATTRIBUTES_MAX 20
#define NAME_ROOM      48
#define DATA_ROOM      (60u * 1024)
#define AES_LEN        32
#define POINT_LEN      65
#define P256_LEN       32

static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static CK_BYTE object_id[] = { 0x06, 0x03, 0x2a, 0x03, 0x04 };
static CK_BYTE subject[] = { 0x30, 0x00 };
static CK_DATE start_date = { { '2', '0', '2', '4' }, { '0', '2' }, { '2', '9' } };
static CK_OBJECT_CLASS class_data = CKO_DATA, class_secret = CKO_SECRET_KEY, class_private = CKO_PRIVATE_KEY,
                       class_public = CKO_PUBLIC_KEY;
static CK_KEY_TYPE type_aes = CKK_AES, type_ec = CKK_EC;
static CK_ULONG aes_len = AES_LEN;
static uint8_t block_of_proof[16] = "crash and proof";

/* The attributes of one object in one revision. `made`: given when it is made; the others are only looked at. */
struct description {
    CK_ATTRIBUTE all[ATTRIBUTES_MAX];
    CK_ULONG made, count;
    char label[NAME_ROOM], mark[NAME_ROOM];
    uint8_t value[DATA_ROOM];
};

static uint64_t next_random(uint64_t *state) /* SplitMix64: the same bytes in every process */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t seed_of(const struct crash_object *o)
{
    return ((uint64_t)o->worker << 32) | o->number;
}

static void fill(uint64_t seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)next_random(&seed);
}

/* One in eight is large, so that the flash is full and compacted every now and then. */
static size_t data_len(const struct crash_object *o)
{
    uint64_t seed = seed_of(o);

    return 1 + next_random(&seed) % (o->number % 8 == 0 ? DATA_ROOM : 800);
}

static void add(struct description *d, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG len)
{
    d->all[d->count++] = (CK_ATTRIBUTE){ type, value, len };
}

static void add_flag(struct description *d, CK_ATTRIBUTE_TYPE type, bool on)
{
    add(d, type, on ? &p11_yes : &p11_no, sizeof(CK_BBOOL));
}

static void describe_names(struct description *d, const struct crash_object *o, unsigned revision)
{
    snprintf(d->label, sizeof d->label, "crash-%u-%u-%u", o->worker, o->number, revision);
    snprintf(d->mark, sizeof d->mark, "mark-%u-%u-%u", revision, o->number, o->worker);
    add(d, CKA_LABEL, d->label, strlen(d->label));
    add(d, o->kind == CRASH_DATA ? CKA_APPLICATION : CKA_ID, d->mark, strlen(d->mark));
}

static void describe_data(struct description *d, const struct crash_object *o)
{
    add(d, CKA_CLASS, &class_data, sizeof class_data);
    add(d, CKA_OBJECT_ID, object_id, sizeof object_id);
    fill(seed_of(o), d->value, data_len(o));
    add(d, CKA_VALUE, d->value, data_len(o));
    d->made = d->count;
}

static void describe_aes(struct description *d, const struct crash_object *o)
{
    bool imported = o->kind == CRASH_AES_IMPORTED;

    add(d, CKA_CLASS, &class_secret, sizeof class_secret);
    add(d, CKA_KEY_TYPE, &type_aes, sizeof type_aes);
    add(d, CKA_START_DATE, &start_date, sizeof start_date);
    add_flag(d, CKA_SENSITIVE, true);
    add_flag(d, CKA_EXTRACTABLE, false);
    add_flag(d, CKA_ENCRYPT, true);
    add_flag(d, CKA_DECRYPT, true);
    if (!imported)
        add(d, CKA_VALUE_LEN, &aes_len, sizeof aes_len);
    d->made = d->count;
    if (imported)
        add(d, CKA_VALUE_LEN, &aes_len, sizeof aes_len);
    add_flag(d, CKA_LOCAL, !imported);
    add_flag(d, CKA_NEVER_EXTRACTABLE, !imported);
    add_flag(d, CKA_SIGN, false);
}

static void describe_private(struct description *d)
{
    add(d, CKA_SUBJECT, subject, sizeof subject);
    add_flag(d, CKA_SENSITIVE, true);
    add_flag(d, CKA_EXTRACTABLE, false);
    add_flag(d, CKA_SIGN, true);
    d->made = d->count;
    add(d, CKA_CLASS, &class_private, sizeof class_private);
    add(d, CKA_KEY_TYPE, &type_ec, sizeof type_ec);
    add(d, CKA_EC_PARAMS, p256, sizeof p256);
    add_flag(d, CKA_LOCAL, true);
    add_flag(d, CKA_ALWAYS_SENSITIVE, true);
}

static void describe_public(struct description *d, const struct crash_object *o)
{
    add(d, CKA_EC_PARAMS, p256, sizeof p256);
    add(d, CKA_START_DATE, &start_date, sizeof start_date);
    add_flag(d, CKA_VERIFY, true);
    d->made = d->count;
    add(d, CKA_CLASS, &class_public, sizeof class_public);
    add(d, CKA_KEY_TYPE, &type_ec, sizeof type_ec);
    add_flag(d, CKA_LOCAL, true);
    if (o->proof_known)
        add(d, CKA_EC_POINT, (void *)(uintptr_t)o->proof, CRASH_PROOF_LEN);
}

static void describe(struct description *d, const struct crash_object *o, unsigned part, unsigned revision)
{
    d->count = 0;
    describe_names(d, o, revision);
    add_flag(d, CKA_TOKEN, true);
    add_flag(d, CKA_PRIVATE, true);
    if (o->kind == CRASH_DATA)
        describe_data(d, o);
    else if (o->kind != CRASH_EC)
        describe_aes(d, o);
    else if (part == 0)
        describe_private(d);
    else
        describe_public(d, o);
}

unsigned crash_object_parts(const struct crash_object *o)
{
    return o->kind == CRASH_EC ? 2 : 1;
}

CK_RV crash_object_create(CK_SESSION_HANDLE s, const struct crash_object *o)
{
    struct description d, e;
    CK_OBJECT_HANDLE made, other;
    CK_ATTRIBUTE value = { CKA_VALUE, d.value, AES_LEN };

    describe(&d, o, 0, 0);
    switch (o->kind) {
    case CRASH_EC:
        describe(&e, o, 1, 0);
        return p11->C_GenerateKeyPair(s, &(CK_MECHANISM){ CKM_EC_KEY_PAIR_GEN, NULL, 0 }, e.all, e.made, d.all, d.made,
                                      &other, &made);
    case CRASH_AES_GENERATED:
        return p11->C_GenerateKey(s, &(CK_MECHANISM){ CKM_AES_KEY_GEN, NULL, 0 }, d.all, d.made, &made);
    case CRASH_AES_IMPORTED:
        fill(seed_of(o), d.value, AES_LEN);
        d.all[d.made] = value; /* in the place of what is only looked at */
        return p11->C_CreateObject(s, d.all, d.made + 1, &made);
    default:
        return p11->C_CreateObject(s, d.all, d.made, &made);
    }
}

static CK_RV find_part(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part, CK_OBJECT_HANDLE *out)
{
    struct description d;
    CK_OBJECT_CLASS class = part == 1 ? CKO_PUBLIC_KEY : o->kind == CRASH_EC ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;

    if (o->kind == CRASH_DATA)
        class = CKO_DATA;
    d.count = 0;
    describe_names(&d, o, o->part[part].revision);
    add(&d, CKA_CLASS, &class, sizeof class);
    return p11_find(s, d.all, d.count, out);
}

static CK_RV encrypt_block(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, uint8_t out[16])
{
    CK_ULONG len = 16;
    CK_RV rv = p11->C_EncryptInit(s, &(CK_MECHANISM){ CKM_AES_ECB, NULL, 0 }, key);

    return rv == CKR_OK ? p11->C_Encrypt(s, block_of_proof, sizeof block_of_proof, out, &len) : rv;
}

CK_RV crash_object_prove(CK_SESSION_HANDLE s, struct crash_object *o)
{
    CK_ATTRIBUTE point = { CKA_EC_POINT, o->proof, CRASH_PROOF_LEN };
    CK_OBJECT_HANDLE handle;
    CK_RV rv;

    if (o->kind != CRASH_EC && o->kind != CRASH_AES_GENERATED)
        return CKR_OK;
    if ((rv = find_part(s, o, o->kind == CRASH_EC ? 1 : 0, &handle)) != CKR_OK)
        return rv;
    rv = o->kind == CRASH_EC ? p11->C_GetAttributeValue(s, handle, &point, 1) : encrypt_block(s, handle, o->proof);
    o->proof_known = rv == CKR_OK && (o->kind != CRASH_EC || point.ulValueLen == CRASH_PROOF_LEN);
    return rv;
}

CK_RV crash_object_change(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part)
{
    struct description d;
    CK_OBJECT_HANDLE handle;
    CK_RV rv = find_part(s, o, part, &handle);

    if (rv != CKR_OK)
        return rv;
    d.count = 0;
    describe_names(&d, o, o->part[part].revision + 1);
    return p11->C_SetAttributeValue(s, handle, d.all, d.count);
}

CK_RV crash_object_destroy(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part)
{
    CK_OBJECT_HANDLE handle;
    CK_RV rv = find_part(s, o, part, &handle);

    return rv == CKR_OK ? p11->C_DestroyObject(s, handle) : rv;
}

bool crash_object_identify(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE handle, unsigned *worker, unsigned *number,
                           unsigned *part, unsigned *revision)
{
    char label[NAME_ROOM + 1] = "";
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE a[] = { { CKA_LABEL, label, NAME_ROOM }, { CKA_CLASS, &class, sizeof class } };

    if (p11->C_GetAttributeValue(s, handle, a, 2) != CKR_OK)
        return false;
    label[a[0].ulValueLen] = '\0';
    *part = class == CKO_PUBLIC_KEY;
    return sscanf(label, "crash-%u-%u-%u", worker, number, revision) == 3;
}

/* ---- what a key does ---- */

static bool aes_does(CK_SESSION_HANDLE s, const struct crash_object *o, CK_OBJECT_HANDLE key)
{
    uint8_t out[16], value[AES_LEN], want[32];
    EVP_CIPHER_CTX *ctx;
    int len = 0;
    bool ok;

    if (encrypt_block(s, key, out) != CKR_OK)
        return false;
    if (o->kind == CRASH_AES_GENERATED)
        return !o->proof_known || memcmp(out, o->proof, sizeof out) == 0;
    fill(seed_of(o), value, sizeof value);
    ctx = EVP_CIPHER_CTX_new();
    ok = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_ecb(), NULL, value, NULL) == 1 &&
         EVP_EncryptUpdate(ctx, want, &len, block_of_proof, sizeof block_of_proof) == 1 && len == sizeof out &&
         memcmp(out, want, sizeof out) == 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static EVP_PKEY *key_of_point(const uint8_t point[POINT_LEN])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, POINT_LEN),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* PKCS#11's signature, r and s in 32 bytes each, as DER. Returns its length. */
static size_t der_signature(const uint8_t raw[2 * P256_LEN], uint8_t out[80])
{
    size_t at = 2;

    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *n = raw + i * P256_LEN;
        size_t len = P256_LEN;

        while (len > 1 && *n == 0) {
            n++;
            len--;
        }
        out[at++] = 0x02;
        out[at++] = (uint8_t)(len + (*n >> 7));
        if ((*n & 0x80) != 0)
            out[at++] = 0;
        memcpy(out + at, n, len);
        at += len;
    }
    out[0] = 0x30;
    out[1] = (uint8_t)(at - 2);
    return at;
}

static bool verifies(const uint8_t point[POINT_LEN], const uint8_t digest[32], const uint8_t raw[2 * P256_LEN])
{
    EVP_PKEY *key = key_of_point(point);
    EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    uint8_t der[80];
    size_t len = der_signature(raw, der);
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, len, digest, 32) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* The private key signs, and what it signs is good under the public key that was given out with it. When the answer
 * with the public key was cut off by the kill, under the one that lies beside it, if that is still there. */
static bool ec_signs(CK_SESSION_HANDLE s, const struct crash_object *o, CK_OBJECT_HANDLE key)
{
    uint8_t digest[32], raw[2 * P256_LEN], point[CRASH_PROOF_LEN];
    CK_ULONG len = sizeof raw;
    CK_ATTRIBUTE a = { CKA_EC_POINT, point, sizeof point };
    CK_OBJECT_HANDLE other;

    fill(seed_of(o) ^ 0x5161, digest, sizeof digest);
    if (p11->C_SignInit(s, &(CK_MECHANISM){ CKM_ECDSA, NULL, 0 }, key) != CKR_OK ||
        p11->C_Sign(s, digest, sizeof digest, raw, &len) != CKR_OK || len != sizeof raw)
        return false;
    if (o->proof_known)
        return verifies(o->proof + 2, digest, raw);
    for (unsigned next = 0; next < 2; next++) {
        struct crash_object at = *o;

        at.part[1].revision += next; /* its change may have been under way, too */
        if (find_part(s, &at, 1, &other) == CKR_OK)
            return p11->C_GetAttributeValue(s, other, &a, 1) == CKR_OK && verifies(point + 2, digest, raw);
    }
    return o->part[1].life != LIFE_THERE;
}

static const char *key_works(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part, CK_OBJECT_HANDLE handle)
{
    if (o->kind == CRASH_DATA || part == 1)
        return NULL;
    if (o->kind == CRASH_EC)
        return ec_signs(s, o, handle) ? NULL : "its signature is not good";
    return aes_does(s, o, handle) ? NULL : "it encrypts to something else";
}

const char *crash_object_check(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part, unsigned revision,
                               CK_OBJECT_HANDLE handle)
{
    static uint8_t room[ATTRIBUTES_MAX][256], large[DATA_ROOM + 1];
    static char wrong[64];
    struct description d;
    CK_ATTRIBUTE got[ATTRIBUTES_MAX];
    CK_RV rv;

    describe(&d, o, part, revision);
    for (CK_ULONG i = 0; i < d.count; i++)
        got[i] = d.all[i].ulValueLen < sizeof room[0] ? (CK_ATTRIBUTE){ d.all[i].type, room[i], sizeof room[i] }
                                                      : (CK_ATTRIBUTE){ d.all[i].type, large, sizeof large };
    if ((rv = p11->C_GetAttributeValue(s, handle, got, d.count)) != CKR_OK) {
        snprintf(wrong, sizeof wrong, "its attributes cannot be read: 0x%lx", rv);
        return wrong;
    }
    for (CK_ULONG i = 0; i < d.count; i++)
        if (got[i].ulValueLen != d.all[i].ulValueLen ||
            memcmp(got[i].pValue, d.all[i].pValue, got[i].ulValueLen) != 0) {
            snprintf(wrong, sizeof wrong, "its attribute 0x%lx is another", got[i].type);
            return wrong;
        }
    return key_works(s, o, part, handle);
}

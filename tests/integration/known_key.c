#include "tests/integration/known_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define ATTRIBUTES_MAX 24
#define AES_LEN        32
#define P256_LEN       32
#define POINT_LEN      65

static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

struct template
{
    CK_ATTRIBUTE a[ATTRIBUTES_MAX];
    CK_ULONG count;
};

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG len)
{
    t->a[t->count++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)value, len };
}

static void add_flag(struct template *t, CK_ATTRIBUTE_TYPE type, bool on)
{
    add(t, type, on ? &p11_yes : &p11_no, sizeof(CK_BBOOL));
}

bool known_kind_parse(const char *name, enum known_kind *out)
{
    static const char *const names[KNOWN_KIND_COUNT_] = { "ec", "rsa", "aes" };

    for (unsigned i = 0; i < KNOWN_KIND_COUNT_; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum known_kind)i;
            return true;
        }
    return false;
}

/* ---- making ---- */

static struct known_part *next_part(struct known_key *k, CK_ATTRIBUTE_TYPE type, const char *name, bool secret)
{
    struct known_part *p = &k->part[k->parts++];

    p->type = type;
    p->name = name;
    p->secret = secret;
    return p;
}

/* `len` 0: as long as the number is. */
static bool take_number(struct known_key *k, const EVP_PKEY *key, const char *name, CK_ATTRIBUTE_TYPE type, bool secret,
                        CK_ULONG len)
{
    struct known_part *p = next_part(k, type, name, secret);
    BIGNUM *n = NULL;
    int got = -1;

    if (EVP_PKEY_get_bn_param(key, name, &n) == 1) {
        p->len = len != 0 ? len : (CK_ULONG)BN_num_bytes(n);
        got = p->len <= sizeof p->value ? BN_bn2binpad(n, p->value, (int)p->len) : -1;
    }
    BN_clear_free(n);
    return got > 0;
}

static bool make_ec(struct known_key *k)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    size_t len = 0;
    bool ok = key != NULL && take_number(k, key, OSSL_PKEY_PARAM_PRIV_KEY, CKA_VALUE, true, P256_LEN) &&
              EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, k->point + 2, POINT_LEN, &len) == 1 &&
              len == POINT_LEN;

    k->point[0] = 0x04; /* an OCTET STRING (PKCS#11 2.40 mechanisms, 2.3.3) */
    k->point[1] = POINT_LEN;
    EVP_PKEY_free(key);
    return ok;
}

static bool make_rsa(struct known_key *k)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    bool ok = key != NULL && take_number(k, key, OSSL_PKEY_PARAM_RSA_N, CKA_MODULUS, false, 256) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_E, CKA_PUBLIC_EXPONENT, false, 0) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_D, CKA_PRIVATE_EXPONENT, true, 256) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_FACTOR1, CKA_PRIME_1, true, 128) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_FACTOR2, CKA_PRIME_2, true, 128) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_EXPONENT1, CKA_EXPONENT_1, true, 128) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_EXPONENT2, CKA_EXPONENT_2, true, 128) &&
              take_number(k, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, CKA_COEFFICIENT, true, 128);

    EVP_PKEY_free(key);
    return ok;
}

bool known_key_make(enum known_kind kind, struct known_key *out)
{
    struct known_part *p;

    *out = (struct known_key){ .kind = kind };
    if (kind == KNOWN_EC)
        return make_ec(out);
    if (kind == KNOWN_RSA)
        return make_rsa(out);
    p = next_part(out, CKA_VALUE, "value", true);
    p->len = AES_LEN;
    return RAND_bytes(p->value, AES_LEN) == 1;
}

bool known_key_write(const struct known_key *k, const char *name, FILE *out)
{
    for (unsigned i = 0; i < k->parts; i++) {
        if (!k->part[i].secret)
            continue;
        fprintf(out, "bytes %s/%s ", name, k->part[i].name);
        for (CK_ULONG at = 0; at < k->part[i].len; at++)
            fprintf(out, "%02x", k->part[i].value[at]);
        fputc('\n', out);
    }
    return ferror(out) == 0;
}

void known_key_wipe(struct known_key *k)
{
    OPENSSL_cleanse(k, sizeof *k);
}

/* ---- importing ---- */

static void begin(struct template *t, const CK_OBJECT_CLASS *class, const CK_KEY_TYPE *type, const char *label,
                  bool token, bool private)
{
    t->count = 0;
    add(t, CKA_CLASS, class, sizeof *class);
    add(t, CKA_KEY_TYPE, type, sizeof *type);
    add(t, CKA_LABEL, label, strlen(label));
    add(t, CKA_ID, label, strlen(label)); /* both halves under one: libp11 finds an EC key's point by it */
    add_flag(t, CKA_TOKEN, token);
    add_flag(t, CKA_PRIVATE, private);
    if (!private)
        return;
    add_flag(t, CKA_SENSITIVE, true);
    add_flag(t, CKA_EXTRACTABLE, false);
}

static CK_RV import_public(CK_SESSION_HANDLE s, const struct known_key *k, const char *label)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = k->kind == KNOWN_EC ? CKK_EC : CKK_RSA;
    CK_OBJECT_HANDLE handle;
    struct template t;

    begin(&t, &class, &type, label, true, false);
    add_flag(&t, CKA_VERIFY, true);
    if (k->kind == KNOWN_EC) {
        add(&t, CKA_EC_PARAMS, p256, sizeof p256);
        add(&t, CKA_EC_POINT, k->point, sizeof k->point);
    }
    for (unsigned i = 0; i < k->parts; i++)
        if (!k->part[i].secret)
            add(&t, k->part[i].type, k->part[i].value, k->part[i].len);
    return p11->C_CreateObject(s, t.a, t.count, &handle);
}

CK_RV known_key_import(CK_SESSION_HANDLE s, const struct known_key *k, const char *label, bool token,
                       CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = k->kind == KNOWN_AES ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = k->kind == KNOWN_AES ? CKK_AES : k->kind == KNOWN_EC ? CKK_EC : CKK_RSA;
    struct template t;
    CK_RV rv;

    begin(&t, &class, &type, label, token, true);
    if (k->kind == KNOWN_EC)
        add(&t, CKA_EC_PARAMS, p256, sizeof p256);
    if (k->kind == KNOWN_AES) {
        add_flag(&t, CKA_ENCRYPT, true);
        add_flag(&t, CKA_DECRYPT, true);
    } else {
        add_flag(&t, CKA_SIGN, true);
    }
    for (unsigned i = 0; i < k->parts; i++)
        add(&t, k->part[i].type, k->part[i].value, k->part[i].len);
    rv = p11->C_CreateObject(s, t.a, t.count, out);
    return rv == CKR_OK && token && k->kind != KNOWN_AES ? import_public(s, k, label) : rv;
}

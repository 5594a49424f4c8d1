#include "tests/probes/target.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <string.h>

static CK_RV make_secret(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE right, bool leaves, CK_OBJECT_HANDLE *out)
{
    return F->C_GenerateKey(S, MECHANISM(type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN),
                            TEMPLATE(NUMBER(CKA_VALUE_LEN, TARGET_LEN), NO(CKA_TOKEN), YES(CKA_PRIVATE),
                                     YES(CKA_SENSITIVE), FLAG(CKA_EXTRACTABLE, leaves), YES(right)),
                            out);
}

CK_RV target_make(enum target_kind kind, bool leaves, struct target *out)
{
    static const CK_BYTE f4[] = { 1, 0, 1 };
    CK_ATTRIBUTE private[] = { NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), FLAG(CKA_EXTRACTABLE, leaves),
                               YES(CKA_SIGN) };
    CK_ATTRIBUTE rsa[] = { NUMBER(CKA_MODULUS_BITS, 2048), BYTES(CKA_PUBLIC_EXPONENT, f4, 3), NO(CKA_TOKEN),
                           YES(CKA_VERIFY) };
    CK_ATTRIBUTE ec[] = { CURVE("P-256"), NO(CKA_TOKEN), YES(CKA_VERIFY) };

    *out = (struct target){ .kind = kind };
    switch (kind) {
    case TARGET_MAC:
        return make_secret(CKK_GENERIC_SECRET, CKA_SIGN, leaves, &out->handle);
    case TARGET_AES:
        return make_secret(CKK_AES, CKA_ENCRYPT, leaves, &out->handle);
    case TARGET_BASE:
        return make_secret(CKK_GENERIC_SECRET, CKA_DERIVE, leaves, &out->handle);
    case TARGET_EC:
        return F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), ec, COUNT_OF(ec), private, COUNT_OF(private),
                                    &out->public_key, &out->handle);
    case TARGET_RSA:
        return F->C_GenerateKeyPair(S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), rsa, COUNT_OF(rsa), private,
                                    COUNT_OF(private), &out->public_key, &out->handle);
    }
    return CKR_FUNCTION_FAILED;
}

static bool is_aes(const struct target *t, const CK_BYTE *bytes, size_t len)
{
    CK_BYTE iv[16] = { 0 }, in[16] = { 7 }, ours[32], theirs[32];
    CK_ULONG n = sizeof theirs;

    return len == TARGET_LEN &&
           keys_encrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), t->handle, in, 16, theirs, &n) == CKR_OK && n == 16 &&
           oracle_cipher("AES-256-CBC", true, false, bytes, iv, 16, NULL, 0, in, 16, ours) == 16 &&
           memcmp(ours, theirs, 16) == 0;
}

static bool is_pkcs8(const struct target *t, const CK_BYTE *bytes, size_t len)
{
    const unsigned char *p = bytes;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len);
    EVP_PKEY *ours = info != NULL ? EVP_PKCS82PKEY(info) : NULL, *theirs = oracle_public(S, t->public_key);
    bool same = ours != NULL && theirs != NULL && EVP_PKEY_eq(ours, theirs) == 1;

    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return same;
}

static bool is_scalar(const struct target *t, const CK_BYTE *bytes, size_t len)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *d = BN_bin2bn(bytes, (int)len, NULL);
    CK_BYTE value[128], ours[80];
    const uint8_t *theirs;
    size_t n = client_attribute(S, t->public_key, CKA_EC_POINT, value, sizeof value);
    bool same = false;

    if (n != (size_t)-1 && EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1) {
        n = oracle_point(value, n, &theirs);
        same = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ours, sizeof ours, NULL) == n &&
               memcmp(ours, theirs, n) == 0;
    }
    BN_free(d);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return same;
}

bool target_is(const struct target *t, const CK_BYTE *bytes, size_t len)
{
    switch (t->kind) {
    case TARGET_MAC:
        return keys_has_value(S, t->handle, bytes, len);
    case TARGET_AES:
        return is_aes(t, bytes, len);
    case TARGET_EC:
        return (len <= 33 && is_scalar(t, bytes, len)) || is_pkcs8(t, bytes, len);
    case TARGET_RSA:
        return is_pkcs8(t, bytes, len);
    default:
        return false;
    }
}

static const CK_MECHANISM_TYPE wrap_types[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP,
                                                CKM_AES_CBC_PAD,  CKM_AES_CBC,          CKM_AES_ECB,
                                                CKM_AES_CTR,      CKM_AES_GCM };

static void set_parameter(struct blob *b, CK_MECHANISM *m, CK_AES_CTR_PARAMS *ctr, CK_GCM_PARAMS *gcm)
{
    *m = (CK_MECHANISM){ b->type, NULL, 0 };
    if (b->type == CKM_AES_CBC || b->type == CKM_AES_CBC_PAD) {
        m->pParameter = b->iv;
        m->ulParameterLen = 16;
    } else if (b->type == CKM_AES_CTR) {
        ctr->ulCounterBits = 128;
        memcpy(ctr->cb, b->iv, 16);
        m->pParameter = ctr;
        m->ulParameterLen = sizeof *ctr;
    } else if (b->type == CKM_AES_GCM) {
        *gcm = (CK_GCM_PARAMS){ .pIv = b->iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128 };
        m->pParameter = gcm;
        m->ulParameterLen = sizeof *gcm;
    }
}

CK_RV blob_wrap(CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE only, struct blob *out)
{
    CK_RV rv = CKR_MECHANISM_INVALID, told = CKR_MECHANISM_INVALID;
    CK_AES_CTR_PARAMS ctr;
    CK_GCM_PARAMS gcm;
    CK_MECHANISM m;

    for (size_t i = 0; i < COUNT_OF(wrap_types); i++) {
        if (only != 0 && wrap_types[i] != only)
            continue;
        memset(out, 0, sizeof *out);
        out->type = wrap_types[i];
        out->len = sizeof out->bytes;
        set_parameter(out, &m, &ctr, &gcm);
        if ((rv = F->C_WrapKey(S, &m, kek, key, out->bytes, &out->len)) == CKR_OK)
            return CKR_OK;
        if (rv != CKR_MECHANISM_INVALID)
            told = rv; /* says more than that the mechanism is not there */
    }
    return told;
}

size_t blob_open(const struct blob *b, const CK_BYTE *kek, size_t kek_len, CK_BYTE *out, size_t room)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *name128, *name256;
    } names[] = { { CKM_AES_KEY_WRAP, "AES-128-WRAP", "AES-256-WRAP" },
                  { CKM_AES_KEY_WRAP_PAD, "AES-128-WRAP-PAD", "AES-256-WRAP-PAD" },
                  { CKM_AES_KEY_WRAP_KWP, "AES-128-WRAP-PAD", "AES-256-WRAP-PAD" },
                  { CKM_AES_CBC_PAD, "AES-128-CBC", "AES-256-CBC" },
                  { CKM_AES_CBC, "AES-128-CBC", "AES-256-CBC" },
                  { CKM_AES_ECB, "AES-128-ECB", "AES-256-ECB" },
                  { CKM_AES_CTR, "AES-128-CTR", "AES-256-CTR" },
                  { CKM_AES_GCM, "AES-128-GCM", "AES-256-GCM" } };
    bool wraps = b->type == CKM_AES_KEY_WRAP || b->type == CKM_AES_KEY_WRAP_PAD || b->type == CKM_AES_KEY_WRAP_KWP;

    if (b->len > room)
        return 0;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].type == b->type) {
            size_t n = oracle_cipher(kek_len == 16 ? names[i].name128 : names[i].name256, false,
                                     b->type == CKM_AES_CBC_PAD, kek, wraps || b->type == CKM_AES_ECB ? NULL : b->iv,
                                     b->type == CKM_AES_GCM ? 12 : 16, NULL, 0, b->bytes, b->len, out);

            return n == (size_t)-1 ? 0 : n;
        }
    return 0;
}

static CK_RV decrypt_block(CK_OBJECT_HANDLE kek, CK_BYTE *block)
{
    CK_BYTE iv[16] = { 0 }, out[48];
    CK_ULONG n = sizeof out;
    CK_RV rv = keys_decrypt(S, MECHANISM(CKM_AES_ECB), kek, block, 16, out, &n);

    if (rv != CKR_OK) { /* CBC with an IV of 0 is the same for one block */
        n = sizeof out;
        rv = keys_decrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), kek, block, 16, out, &n);
    }
    if (rv == CKR_OK)
        memcpy(block, out, 16);
    return rv;
}

/* RFC 3394, 2.2.2, with the token as the block cipher. */
static CK_RV undo_key_wrap(const struct blob *b, CK_OBJECT_HANDLE kek, CK_BYTE *out, size_t *len)
{
    size_t n = b->len / 8 - 1;
    CK_BYTE block[16];
    CK_RV rv;

    memcpy(block, b->bytes, 8);
    memcpy(out, b->bytes + 8, n * 8);
    for (size_t t = 6 * n; t > 0; t--) {
        size_t i = (t - 1) % n;

        block[7] ^= (CK_BYTE)t;
        block[6] ^= (CK_BYTE)(t >> 8);
        memcpy(block + 8, out + 8 * i, 8);
        if ((rv = decrypt_block(kek, block)) != CKR_OK)
            return rv;
        memcpy(out + 8 * i, block + 8, 8);
    }
    *len = n * 8;
    if (b->type != CKM_AES_KEY_WRAP) /* RFC 5649: the length stands in the integrity value */
        *len = (size_t)block[6] << 8 | block[7];
    return CKR_OK;
}

CK_RV blob_decrypt(const struct blob *b, CK_OBJECT_HANDLE kek, CK_BYTE *out, size_t *len)
{
    struct blob copy = *b;
    CK_AES_CTR_PARAMS ctr;
    CK_GCM_PARAMS gcm;
    CK_ULONG n = sizeof copy.bytes;
    CK_MECHANISM m;
    CK_RV rv;

    if (b->type == CKM_AES_KEY_WRAP || b->type == CKM_AES_KEY_WRAP_PAD || b->type == CKM_AES_KEY_WRAP_KWP)
        return undo_key_wrap(b, kek, out, len);
    set_parameter(&copy, &m, &ctr, &gcm);
    rv = keys_decrypt(S, &m, kek, b->bytes, b->len, out, &n);
    *len = n;
    return rv;
}

struct outcome leave_under_known(const struct target *t, CK_OBJECT_HANDLE kek, const CK_BYTE *value, size_t len)
{
    CK_BYTE out[4096];
    struct blob b;
    size_t n;

    TRY(blob_wrap(kek, t->handle, 0, &b));
    n = blob_open(&b, value, len, out, sizeof out);
    return n > 0 && target_is(t, out, t->kind == TARGET_EC || t->kind == TARGET_RSA ? n : TARGET_LEN)
               ? succeeded()
               : in_vain("what was wrapped does not open");
}

struct outcome leave_and_decrypt(const struct target *t, CK_OBJECT_HANDLE wraps, CK_OBJECT_HANDLE decrypts)
{
    CK_BYTE out[4096];
    struct blob b;
    size_t n = 0;

    TRY(blob_wrap(wraps, t->handle, 0, &b));
    TRY(blob_decrypt(&b, decrypts, out, &n));
    return target_is(t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

struct outcome bytewise(const struct target *t, CK_RV (*piece)(CK_ULONG n, CK_OBJECT_HANDLE *out), bool from_the_end)
{
    CK_BYTE known[TARGET_LEN], mac[64], ours[64];
    CK_OBJECT_HANDLE key;

    for (CK_ULONG n = 1; n <= TARGET_LEN; n++) {
        CK_BYTE *from = from_the_end ? known + TARGET_LEN - n : known;
        CK_BYTE *unknown = from_the_end ? from : known + n - 1;
        CK_ULONG len = sizeof mac;
        unsigned guess;

        TRY(piece(n, &key));
        TRY(keys_sign(S, MECHANISM(CKM_SHA256_HMAC), key, "?", 1, mac, &len));
        for (guess = 0; guess < 256; guess++) {
            *unknown = (CK_BYTE)guess;
            if (oracle_mac("SHA256", from, n, "?", 1, ours) == len && memcmp(ours, mac, len) == 0)
                break;
        }
        if (guess == 256)
            return in_vain("the piece has no byte that fits");
        F->C_DestroyObject(S, key);
    }
    return target_is(t, known, TARGET_LEN) ? succeeded() : in_vain("the pieces are not the key");
}

struct outcome read_value(const struct target *t, CK_OBJECT_HANDLE from)
{
    CK_BYTE value[4096];
    CK_ATTRIBUTE a = { CKA_VALUE, value, sizeof value };

    TRY(F->C_GetAttributeValue(S, from, &a, 1));
    return target_is(t, value, a.ulValueLen) ? succeeded() : in_vain("what was read is not the key");
}

CK_RV make_kek(CK_ATTRIBUTE *more, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE t[16] = { NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE) };

    memcpy(t + 4, more, count * sizeof *t);
    return F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN), t, 4 + count, out);
}

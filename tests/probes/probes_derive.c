/* Deriving from a sensitive key until nothing of it is unknown. */
#include <string.h>

#include "tests/probes/target.h"

/* Derivation rights and signing on one key: its MAC tells when its bytes have been found. */
static CK_OBJECT_HANDLE base;
static struct target target;

static CK_RV make_base(void)
{
    CK_RV rv = F->C_GenerateKey(S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, TARGET_LEN), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                         NO(CKA_EXTRACTABLE), YES(CKA_DERIVE), YES(CKA_SIGN)),
                                &base);

    target = (struct target){ .kind = TARGET_MAC, .handle = base };
    return rv;
}

#define SECRET(n, ...)                                                                                                 \
    TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET), NUMBER(CKA_VALUE_LEN, (n)),  \
             NO(CKA_TOKEN), __VA_ARGS__)

static struct outcome read_derived(CK_MECHANISM *m, size_t skip, CK_BYTE mask, CK_ULONG len)
{
    CK_BYTE value[256] = { 0 };
    CK_ATTRIBUTE a = { CKA_VALUE, value, sizeof value };
    CK_OBJECT_HANDLE o = 0;

    TRY(F->C_DeriveKey(S, m, base, SECRET(len, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &o));
    TRY(F->C_GetAttributeValue(S, o, &a, 1));
    for (size_t i = 0; i < sizeof value; i++)
        value[i] ^= mask;
    return target_is(&target, value + skip, TARGET_LEN) ? succeeded() : in_vain("what was read is not the key");
}

static struct outcome xor_and_read(void)
{
    CK_BYTE data[TARGET_LEN];
    CK_KEY_DERIVATION_STRING_DATA p = { data, sizeof data };

    memset(data, 0xa5, sizeof data);
    TRY(make_base());
    return read_derived(MECHANISM_WITH(CKM_XOR_BASE_AND_DATA, &p, sizeof p), 0, 0xa5, TARGET_LEN);
}

static struct outcome concatenate_and_read(CK_MECHANISM_TYPE type, size_t skip)
{
    CK_BYTE data[4] = { 1, 2, 3, 4 };
    CK_KEY_DERIVATION_STRING_DATA p = { data, sizeof data };

    TRY(make_base());
    return read_derived(MECHANISM_WITH(type, &p, sizeof p), skip, 0, TARGET_LEN + 4);
}

static struct outcome base_and_data(void)
{
    return concatenate_and_read(CKM_CONCATENATE_BASE_AND_DATA, 0);
}

static struct outcome data_and_base(void)
{
    return concatenate_and_read(CKM_CONCATENATE_DATA_AND_BASE, 4);
}

static struct outcome base_and_key(void)
{
    static const CK_BYTE mine[16] = { 3 };
    CK_OBJECT_HANDLE other = 0;

    TRY(make_base());
    TRY(keys_import(S, CKK_GENERIC_SECRET, mine, sizeof mine, RIGHTS_DERIVE, &other));
    return read_derived(MECHANISM_WITH(CKM_CONCATENATE_BASE_AND_KEY, &other, sizeof other), 0, 0, TARGET_LEN + 16);
}

static struct outcome extract_and_read(void)
{
    CK_ULONG from = 0;

    TRY(make_base());
    return read_derived(MECHANISM_WITH(CKM_EXTRACT_KEY_FROM_KEY, &from, sizeof from), 0, 0, TARGET_LEN);
}

static CK_RV extract_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    CK_ULONG from = 0;

    return F->C_DeriveKey(S, MECHANISM_WITH(CKM_EXTRACT_KEY_FROM_KEY, &from, sizeof from), base,
                          SECRET(n, YES(CKA_SENSITIVE), YES(CKA_SIGN)), out);
}

static struct outcome extract_bytewise(void)
{
    TRY(make_base());
    return bytewise(&target, extract_piece, false);
}

static CK_RV concatenate_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    CK_BYTE data[1] = { 0 };
    CK_KEY_DERIVATION_STRING_DATA p = { data, 1 };

    return F->C_DeriveKey(S, MECHANISM_WITH(CKM_CONCATENATE_BASE_AND_DATA, &p, sizeof p), base,
                          SECRET(n, YES(CKA_SENSITIVE), YES(CKA_SIGN)), out);
}

static struct outcome concatenate_bytewise(void)
{
    TRY(make_base());
    return bytewise(&target, concatenate_piece, false);
}

static CK_RV xor_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    CK_BYTE data[TARGET_LEN] = { 0 };
    CK_KEY_DERIVATION_STRING_DATA p = { data, n };

    return F->C_DeriveKey(S, MECHANISM_WITH(CKM_XOR_BASE_AND_DATA, &p, sizeof p), base,
                          SECRET(n, YES(CKA_SENSITIVE), YES(CKA_SIGN)), out);
}

static struct outcome xor_bytewise(void)
{
    TRY(make_base());
    return bytewise(&target, xor_piece, false);
}

/* A key agreed with somebody by ECDH; the attacker may use the pair, and has the peer's public point. */
static struct {
    struct pair pair;
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS p;
    CK_MECHANISM m;
} ecdh;

static CK_RV agree(CK_OBJECT_HANDLE *key)
{
    struct pair peer = { 0 };
    CK_RV rv = keys_ec(S, "P-256", JOB_DERIVE, &ecdh.pair);

    if (rv == CKR_OK)
        rv = keys_ec(S, "P-256", JOB_DERIVE, &peer);
    if (rv != CKR_OK)
        return rv;
    ecdh.p = (CK_ECDH1_DERIVE_PARAMS){ .kdf = CKD_NULL, .pPublicData = ecdh.point };
    ecdh.p.ulPublicDataLen = client_attribute(S, peer.public_key, CKA_EC_POINT, ecdh.point, sizeof ecdh.point);
    ecdh.m = (CK_MECHANISM){ CKM_ECDH1_DERIVE, &ecdh.p, sizeof ecdh.p };
    rv = F->C_DeriveKey(S, &ecdh.m, ecdh.pair.private_key,
                        SECRET(32, YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(CKA_SIGN)), key);
    target = (struct target){ .kind = TARGET_MAC, .handle = *key };
    return rv;
}

static CK_RV ecdh_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    return F->C_DeriveKey(S, &ecdh.m, ecdh.pair.private_key, SECRET(n, YES(CKA_SENSITIVE), YES(CKA_SIGN)), out);
}

static struct outcome ecdh_bytewise(void)
{
    CK_OBJECT_HANDLE key = 0;

    TRY(agree(&key));
    return bytewise(&target, ecdh_piece, true); /* PKCS#11 takes bytes away from the leading end */
}

static struct outcome ecdh_bytewise_leading(void)
{
    CK_OBJECT_HANDLE key = 0;

    TRY(agree(&key));
    return bytewise(&target, ecdh_piece, false); /* some tokens do it the other way round */
}

static struct outcome ecdh_again_readable(void)
{
    CK_OBJECT_HANDLE key = 0, again = 0;

    TRY(agree(&key));
    TRY(F->C_DeriveKey(S, &ecdh.m, ecdh.pair.private_key, SECRET(32, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &again));
    return read_value(&target, again);
}

/* Points of small order or off the curve give the private scalar away, a remainder at a time. */
static struct outcome ecdh_off_the_curve(void)
{
    CK_BYTE point[65] = { 4 };
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point, .ulPublicDataLen = sizeof point };
    CK_OBJECT_HANDLE o = 0;
    struct pair pair = { 0 };
    CK_RV rv = CKR_OK;

    TRY(keys_ec(S, "P-256", JOB_DERIVE, &pair));
    for (CK_BYTE y = 0; y < 8; y++) {
        memset(point + 1, 0, 64);
        point[32] = 1;
        point[64] = y;
        rv = F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), pair.private_key,
                            SECRET(32, YES(CKA_SENSITIVE), YES(CKA_SIGN)), &o);
        if (rv == CKR_OK)
            return succeeded();
    }
    return refused(rv, "C_DeriveKey with points off the curve");
}

/* What was derived as sensitive by HKDF, derived again as readable. */
static struct outcome hkdf_again_readable(void)
{
    struct hkdf_params p = {
        .extract = CK_TRUE, .expand = CK_TRUE, .hash = CKM_SHA256, .salt_type = CKF_HKDF_SALT_NULL
    };
    CK_MECHANISM m = { CKM_HKDF_DERIVE, &p, sizeof p };
    CK_OBJECT_HANDLE key = 0, again = 0;
    struct target b;

    TRY(target_make(TARGET_BASE, false, &b));
    TRY(F->C_DeriveKey(S, &m, b.handle, SECRET(32, YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(CKA_SIGN)), &key));
    target = (struct target){ .kind = TARGET_MAC, .handle = key };
    TRY(F->C_DeriveKey(S, &m, b.handle, SECRET(32, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &again));
    return read_value(&target, again);
}

static CK_OBJECT_HANDLE hkdf_base;

static CK_RV hkdf_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    struct hkdf_params p = {
        .extract = CK_TRUE, .expand = CK_TRUE, .hash = CKM_SHA256, .salt_type = CKF_HKDF_SALT_NULL
    };

    return F->C_DeriveKey(S, MECHANISM_WITH(CKM_HKDF_DERIVE, &p, sizeof p), hkdf_base,
                          SECRET(n, YES(CKA_SENSITIVE), YES(CKA_SIGN)), out);
}

static struct outcome hkdf_bytewise(void)
{
    CK_OBJECT_HANDLE key = 0;
    struct target b;

    TRY(target_make(TARGET_BASE, false, &b));
    hkdf_base = b.handle;
    TRY(hkdf_piece(TARGET_LEN, &key));
    target = (struct target){ .kind = TARGET_MAC, .handle = key };
    return bytewise(&target, hkdf_piece, false); /* the output of a given length begins the longer ones */
}

/* DERIVE by encryption is an encryption without CKA_ENCRYPT: its result, read, is a block under the sensitive key. */
static struct outcome encrypts_by_deriving(void)
{
    CK_BYTE data[16] = { 0 }, value[64];
    CK_KEY_DERIVATION_STRING_DATA p = { data, sizeof data };
    CK_ATTRIBUTE a = { CKA_VALUE, value, sizeof value };
    CK_OBJECT_HANDLE key = 0, o = 0;

    TRY(make_kek(TEMPLATE(YES(CKA_DERIVE)), &key));
    TRY(F->C_DeriveKey(S, MECHANISM_WITH(CKM_AES_ECB_ENCRYPT_DATA, &p, sizeof p), key,
                       SECRET(16, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &o));
    TRY(F->C_GetAttributeValue(S, o, &a, 1));
    return a.ulValueLen == 16 ? succeeded() : in_vain("no block came out");
}

/* C_DigestKey of a key cut to a byte. */
static struct outcome digest_of_a_piece(void)
{
    CK_BYTE digest[64], ours[64];
    CK_OBJECT_HANDLE key = 0, piece = 0;
    CK_ULONG len = sizeof digest;

    TRY(agree(&key));
    TRY(ecdh_piece(1, &piece));
    TRY(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    TRY(F->C_DigestKey(S, piece));
    TRY(F->C_DigestFinal(S, digest, &len));
    for (unsigned guess = 0; guess < 256; guess++) {
        CK_BYTE byte = (CK_BYTE)guess;

        if (oracle_digest("SHA256", &byte, 1, ours) == len && memcmp(ours, digest, len) == 0)
            return succeeded();
    }
    return in_vain("the digest is of something else");
}

static struct outcome digest_of_private(void)
{
    CK_BYTE digest[64];
    CK_ULONG len = sizeof digest;
    struct target t;

    TRY(target_make(TARGET_EC, false, &t));
    TRY(F->C_DigestInit(S, MECHANISM(CKM_SHA256)));
    TRY(F->C_DigestKey(S, t.handle));
    TRY(F->C_DigestFinal(S, digest, &len));
    return succeeded(); /* a value that confirms every guess of the scalar */
}

const struct probe probes_derive[] = {
    { "derive by XOR, read", xor_and_read },
    { "derive by concatenating data, read", base_and_data },
    { "derive by concatenating to data, read", data_and_base },
    { "derive by concatenating a key, read", base_and_key },
    { "derive by extracting, read", extract_and_read },
    { "derive by extracting, byte by byte", extract_bytewise },
    { "derive by concatenating, byte by byte", concatenate_bytewise },
    { "derive by XOR, byte by byte", xor_bytewise },
    { "ECDH cut to its last bytes, byte by byte", ecdh_bytewise },
    { "ECDH cut to its first bytes, byte by byte", ecdh_bytewise_leading },
    { "ECDH again, this time readable", ecdh_again_readable },
    { "ECDH with points off the curve", ecdh_off_the_curve },
    { "HKDF again, this time readable", hkdf_again_readable },
    { "HKDF cut short, byte by byte", hkdf_bytewise },
    { "encrypt with a key that may only derive", encrypts_by_deriving },
    { "digest a key cut to one byte", digest_of_a_piece },
    { "digest a private key", digest_of_private },
};
const size_t probes_derive_count = COUNT_OF(probes_derive);

#include "tests/conformance/keys.h"

#include <openssl/core_names.h>
#include <string.h>

#include "tests/conformance/oracle.h"

static const CK_BYTE f4[] = { 1, 0, 1 };

CK_RV keys_rsa(CK_SESSION_HANDLE s, CK_ULONG bits, enum job job, struct pair *out)
{
    CK_ATTRIBUTE public[] = { NO(CKA_TOKEN),
                              NUMBER(CKA_MODULUS_BITS, bits),
                              BYTES(CKA_PUBLIC_EXPONENT, f4, sizeof f4),
                              FLAG(CKA_VERIFY, job == JOB_SIGN),
                              FLAG(CKA_ENCRYPT, job == JOB_DECRYPT),
                              FLAG(CKA_WRAP, job == JOB_WRAP),
                              FLAG(CKA_VERIFY_RECOVER, job == JOB_RECOVER) };
    CK_ATTRIBUTE private[] = { NO(CKA_TOKEN),
                               YES(CKA_PRIVATE),
                               YES(CKA_SENSITIVE),
                               NO(CKA_EXTRACTABLE),
                               FLAG(CKA_SIGN, job == JOB_SIGN),
                               FLAG(CKA_DECRYPT, job == JOB_DECRYPT),
                               FLAG(CKA_UNWRAP, job == JOB_WRAP),
                               FLAG(CKA_SIGN_RECOVER, job == JOB_RECOVER) };

    return F->C_GenerateKeyPair(s, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), public, COUNT_OF(public), private,
                                COUNT_OF(private), &out->public_key, &out->private_key);
}

CK_RV keys_ec(CK_SESSION_HANDLE s, const char *curve, enum job job, struct pair *out)
{
    CK_MECHANISM_TYPE type = strcmp(curve, "Ed25519") == 0  ? CKM_EC_EDWARDS_KEY_PAIR_GEN
                             : strcmp(curve, "X25519") == 0 ? CKM_EC_MONTGOMERY_KEY_PAIR_GEN
                                                            : CKM_EC_KEY_PAIR_GEN;
    CK_ATTRIBUTE public[] = { CURVE(curve), NO(CKA_TOKEN), FLAG(CKA_VERIFY, job == JOB_SIGN) };
    CK_ATTRIBUTE private[] = { NO(CKA_TOKEN),
                               YES(CKA_PRIVATE),
                               YES(CKA_SENSITIVE),
                               NO(CKA_EXTRACTABLE),
                               FLAG(CKA_SIGN, job == JOB_SIGN),
                               FLAG(CKA_DERIVE, job == JOB_DERIVE) };

    return F->C_GenerateKeyPair(s, MECHANISM(type), public, COUNT_OF(public), private, COUNT_OF(private),
                                &out->public_key, &out->private_key);
}

/* Keys of the keeper's session live as long as that session, so the cache is told by it. */
static bool still_there(CK_OBJECT_HANDLE o)
{
    return o != CK_INVALID_HANDLE && client_number(client.keeper, o, CKA_CLASS) != CK_UNAVAILABLE_INFORMATION;
}

struct pair keys_shared_rsa(enum job job)
{
    static struct pair cache[JOB_RECOVER + 1];

    if (!still_there(cache[job].private_key) || !still_there(cache[job].public_key))
        REQUIRE_OK(keys_rsa(client.keeper, 2048, job, &cache[job]));
    return cache[job];
}

struct pair keys_shared_ec(const char *curve, enum job job)
{
    static struct {
        const char *curve;
        enum job job;
        struct pair pair;
    } cache[16];
    size_t i = 0;

    while (i < COUNT_OF(cache) - 1 && cache[i].curve != NULL &&
           (strcmp(cache[i].curve, curve) != 0 || cache[i].job != job))
        i++;
    if (cache[i].curve == NULL || !still_there(cache[i].pair.private_key)) {
        cache[i].curve = curve;
        cache[i].job = job;
        REQUIRE_OK(keys_ec(client.keeper, curve, job, &cache[i].pair));
    }
    return cache[i].pair;
}

CK_RV keys_import(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len, enum secret_rights rights,
                  CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_SECRET_KEY),
                         NUMBER(CKA_KEY_TYPE, type),
                         BYTES(CKA_VALUE, value, len),
                         NO(CKA_TOKEN),
                         YES(CKA_SENSITIVE),
                         NO(CKA_EXTRACTABLE),
                         FLAG(CKA_SIGN, rights == RIGHTS_SIGN),
                         FLAG(CKA_VERIFY, rights == RIGHTS_SIGN),
                         FLAG(CKA_ENCRYPT, rights == RIGHTS_ENCRYPT),
                         FLAG(CKA_DECRYPT, rights == RIGHTS_ENCRYPT),
                         FLAG(CKA_WRAP, rights == RIGHTS_WRAP),
                         FLAG(CKA_UNWRAP, rights == RIGHTS_WRAP),
                         FLAG(CKA_DERIVE, rights == RIGHTS_DERIVE) };

    return F->C_CreateObject(s, t, COUNT_OF(t), out);
}

CK_RV keys_aes(CK_SESSION_HANDLE s, CK_ULONG len, enum secret_rights rights, bool extractable, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE t[] = { NUMBER(CKA_VALUE_LEN, len),
                         NO(CKA_TOKEN),
                         YES(CKA_SENSITIVE),
                         FLAG(CKA_EXTRACTABLE, extractable),
                         FLAG(CKA_SIGN, rights == RIGHTS_SIGN),
                         FLAG(CKA_VERIFY, rights == RIGHTS_SIGN),
                         FLAG(CKA_ENCRYPT, rights == RIGHTS_ENCRYPT),
                         FLAG(CKA_DECRYPT, rights == RIGHTS_ENCRYPT),
                         FLAG(CKA_WRAP, rights == RIGHTS_WRAP),
                         FLAG(CKA_UNWRAP, rights == RIGHTS_WRAP),
                         FLAG(CKA_DERIVE, rights == RIGHTS_DERIVE) };

    return F->C_GenerateKey(s, MECHANISM(CKM_AES_KEY_GEN), t, COUNT_OF(t), out);
}

CK_RV keys_import_rsa(CK_SESSION_HANDLE s, EVP_PKEY *key, enum job job, bool extractable, CK_OBJECT_HANDLE *out)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } numbers[] = { { CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
                    { CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
                    { CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
                    { CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
                    { CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
                    { CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
                    { CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
                    { CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 } };
    CK_ATTRIBUTE t[20] = { NUMBER(CKA_CLASS, CKO_PRIVATE_KEY),
                           NUMBER(CKA_KEY_TYPE, CKK_RSA),
                           NO(CKA_TOKEN),
                           YES(CKA_PRIVATE),
                           YES(CKA_SENSITIVE),
                           FLAG(CKA_EXTRACTABLE, extractable),
                           FLAG(CKA_SIGN, job == JOB_SIGN),
                           FLAG(CKA_DECRYPT, job == JOB_DECRYPT),
                           FLAG(CKA_UNWRAP, job == JOB_WRAP) };
    uint8_t room[COUNT_OF(numbers)][1024];
    CK_ULONG n = 9;

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        t[n].ulValueLen = oracle_number(key, numbers[i].name, room[i], sizeof room[i]);
        t[n].pValue = room[i];
        t[n++].type = numbers[i].type;
    }
    return F->C_CreateObject(s, t, n, out);
}

CK_RV keys_import_ec(CK_SESSION_HANDLE s, EVP_PKEY *key, const char *curve, enum job job, bool extractable,
                     CK_OBJECT_HANDLE *out)
{
    uint8_t d[80];
    size_t len = oracle_number(key, OSSL_PKEY_PARAM_PRIV_KEY, d, sizeof d);
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_PRIVATE_KEY),
                         NUMBER(CKA_KEY_TYPE, CKK_EC),
                         CURVE(curve),
                         BYTES(CKA_VALUE, d, len),
                         NO(CKA_TOKEN),
                         YES(CKA_PRIVATE),
                         YES(CKA_SENSITIVE),
                         FLAG(CKA_EXTRACTABLE, extractable),
                         FLAG(CKA_SIGN, job == JOB_SIGN),
                         FLAG(CKA_DERIVE, job == JOB_DERIVE) };

    return F->C_CreateObject(s, t, COUNT_OF(t), out);
}

CK_RV keys_import_rsa_public(CK_SESSION_HANDLE s, EVP_PKEY *key, enum job job, CK_OBJECT_HANDLE *out)
{
    uint8_t n[1024], e[16];
    size_t n_len = oracle_number(key, OSSL_PKEY_PARAM_RSA_N, n, sizeof n);
    size_t e_len = oracle_number(key, OSSL_PKEY_PARAM_RSA_E, e, sizeof e);
    CK_ATTRIBUTE t[] = { NUMBER(CKA_CLASS, CKO_PUBLIC_KEY),
                         NUMBER(CKA_KEY_TYPE, CKK_RSA),
                         BYTES(CKA_MODULUS, n, n_len),
                         BYTES(CKA_PUBLIC_EXPONENT, e, e_len),
                         NO(CKA_TOKEN),
                         FLAG(CKA_VERIFY, job == JOB_SIGN),
                         FLAG(CKA_ENCRYPT, job == JOB_DECRYPT),
                         FLAG(CKA_WRAP, job == JOB_WRAP) };

    return F->C_CreateObject(s, t, COUNT_OF(t), out);
}

#define UNCONST(p) ((CK_BYTE *)(uintptr_t)(p))

CK_RV keys_sign(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *data, CK_ULONG len, void *out,
                CK_ULONG *out_len)
{
    CK_RV rv = F->C_SignInit(s, m, key);

    return rv == CKR_OK ? F->C_Sign(s, UNCONST(data), len, out, out_len) : rv;
}

CK_RV keys_verify(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *data, CK_ULONG len,
                  const void *sig, CK_ULONG sig_len)
{
    CK_RV rv = F->C_VerifyInit(s, m, key);

    return rv == CKR_OK ? F->C_Verify(s, UNCONST(data), len, UNCONST(sig), sig_len) : rv;
}

CK_RV keys_encrypt(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *in, CK_ULONG len, void *out,
                   CK_ULONG *out_len)
{
    CK_RV rv = F->C_EncryptInit(s, m, key);

    return rv == CKR_OK ? F->C_Encrypt(s, UNCONST(in), len, out, out_len) : rv;
}

CK_RV keys_decrypt(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *in, CK_ULONG len, void *out,
                   CK_ULONG *out_len)
{
    CK_RV rv = F->C_DecryptInit(s, m, key);

    return rv == CKR_OK ? F->C_Decrypt(s, UNCONST(in), len, out, out_len) : rv;
}

bool keys_has_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *value, size_t len)
{
    static const char text[] = "which bytes is this key?";
    uint8_t ours[64], theirs[64];
    CK_ULONG n = sizeof theirs;

    return keys_sign(s, MECHANISM(CKM_SHA256_HMAC), key, text, sizeof text, theirs, &n) == CKR_OK &&
           oracle_mac("SHA256", value, len, text, sizeof text, ours) == n && memcmp(ours, theirs, n) == 0;
}

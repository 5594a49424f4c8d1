/* Wrapping a key that may leave only under the token's own wrapping keys, so that it can be opened outside or decrypted
 * inside. */
#include <string.h>

#include "tests/probes/target.h"

static const CK_BYTE known[32] = { 0x77, 0x78, 0x79 };

/* One wrapping key with two rights at once. */
static struct outcome wraps_and_decrypts(CK_ATTRIBUTE_TYPE wrap, CK_ATTRIBUTE_TYPE decrypt)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(wrap), YES(decrypt)), &kek));
    return leave_and_decrypt(&t, kek, kek);
}

static struct outcome generated_with_both(void)
{
    return wraps_and_decrypts(CKA_WRAP, CKA_DECRYPT);
}

static struct outcome created_with_both(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_AES, true, &t));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, known, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_WRAP),
                                   YES(CKA_DECRYPT)),
                          &kek));
    return leave_and_decrypt(&t, kek, kek);
}

static struct outcome decrypt_set_later(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), NO(CKA_DECRYPT)), &kek));
    TRY(F->C_SetAttributeValue(S, kek, TEMPLATE(YES(CKA_DECRYPT))));
    return leave_and_decrypt(&t, kek, kek);
}

static struct outcome right_exchanged(void)
{
    CK_BYTE out[4096];
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    struct blob b;
    size_t n = 0;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(blob_wrap(kek, t.handle, 0, &b));
    TRY(F->C_SetAttributeValue(S, kek, TEMPLATE(NO(CKA_WRAP))));
    TRY(F->C_SetAttributeValue(S, kek, TEMPLATE(YES(CKA_DECRYPT))));
    TRY(blob_decrypt(&b, kek, out, &n));
    return target_is(&t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

static struct outcome decrypts_first(void)
{
    CK_OBJECT_HANDLE kek = 0, copy = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_DECRYPT)), &kek));
    TRY(F->C_CopyObject(S, kek, TEMPLATE(NO(CKA_DECRYPT), YES(CKA_WRAP)), &copy));
    return leave_and_decrypt(&t, copy, kek);
}

static struct outcome copy_decrypts(void)
{
    CK_OBJECT_HANDLE kek = 0, copy = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(F->C_CopyObject(S, kek, TEMPLATE(NO(CKA_WRAP), YES(CKA_DECRYPT)), &copy));
    return leave_and_decrypt(&t, kek, copy);
}

/* The same key twice, with different rights, from one blob. */
static CK_RV unwrap_with(CK_OBJECT_HANDLE kek, const struct blob *b, CK_ATTRIBUTE_TYPE right, CK_OBJECT_HANDLE *out)
{
    return F->C_UnwrapKey(S, MECHANISM(b->type), kek, (CK_BYTE *)(uintptr_t)b->bytes, b->len,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                                   YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE), YES(right)),
                          out);
}

static struct outcome unwrapped_twice(void)
{
    CK_OBJECT_HANDLE outer = 0, middle = 0, wraps = 0, decrypts = 0;
    struct target t;
    struct blob b;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_UNWRAP)), &outer));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_EXTRACTABLE)), &middle));
    TRY(blob_wrap(outer, middle, CKM_AES_KEY_WRAP, &b));
    TRY(unwrap_with(outer, &b, CKA_WRAP, &wraps));
    TRY(unwrap_with(outer, &b, CKA_DECRYPT, &decrypts));
    return leave_and_decrypt(&t, wraps, decrypts);
}

/* The generated key wraps by itself, and its twin that came back decrypts. */
static struct outcome twin_decrypts(void)
{
    CK_OBJECT_HANDLE outer = 0, kek = 0, decrypts = 0;
    struct target t;
    struct blob b;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_UNWRAP)), &outer));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_EXTRACTABLE)), &kek));
    TRY(blob_wrap(outer, kek, CKM_AES_KEY_WRAP, &b));
    TRY(F->C_SetAttributeValue(S, kek, TEMPLATE(NO(CKA_EXTRACTABLE))));
    TRY(unwrap_with(outer, &b, CKA_DECRYPT, &decrypts));
    return leave_and_decrypt(&t, kek, decrypts);
}

static struct outcome derived_twice(void)
{
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point };
    CK_MECHANISM m = { CKM_ECDH1_DERIVE, &p, sizeof p };
    CK_OBJECT_HANDLE keys[2] = { 0 };
    const CK_ATTRIBUTE_TYPE rights[2] = { CKA_WRAP, CKA_DECRYPT };
    struct pair mine = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_ec(S, "P-256", JOB_DERIVE, &mine));
    p.ulPublicDataLen = client_attribute(S, mine.public_key, CKA_EC_POINT, point, sizeof point);
    for (int i = 0; i < 2; i++)
        TRY(F->C_DeriveKey(S, &m, mine.private_key,
                           TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                    NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(rights[i])),
                           &keys[i]));
    return leave_and_decrypt(&t, keys[0], keys[1]);
}

/* Wrapping keys of bytes that the attacker knows. */
static struct outcome imported_key(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    return leave_under_known(&t, kek, known, sizeof known);
}

static struct outcome imported_key_takes_private(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_EC, true, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    return leave_under_known(&t, kek, known, sizeof known);
}

static struct outcome readable_key(void)
{
    CK_BYTE value[32];
    CK_ATTRIBUTE a = { CKA_VALUE, value, sizeof value };
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_GenerateKey(
        S, MECHANISM(CKM_AES_KEY_GEN),
        TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE), YES(CKA_WRAP)),
        &kek));
    TRY(F->C_GetAttributeValue(S, kek, &a, 1));
    TRY(F->C_SetAttributeValue(S, kek, TEMPLATE(YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE))));
    return leave_under_known(&t, kek, value, sizeof value);
}

static struct outcome injected_by_unwrap(void)
{
    CK_OBJECT_HANDLE outer = 0, kek = 0;
    CK_BYTE value[32], bytes[64];
    struct blob b = { .type = CKM_AES_KEY_WRAP };
    struct target t;

    memset(value, 0x1f, sizeof value);
    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &outer));
    b.len = oracle_cipher("AES-256-WRAP", true, false, known, NULL, 0, NULL, 0, value, sizeof value, bytes);
    memcpy(b.bytes, bytes, b.len);
    TRY(unwrap_with(outer, &b, CKA_WRAP, &kek));
    return leave_under_known(&t, kek, value, sizeof value);
}

/* A key that unwraps and encrypts makes blobs of chosen keys: C_Encrypt by ECB is what AES key wrap is made of. */
static struct outcome injected_by_encrypt(void)
{
    CK_BYTE value[16], iv[16] = { 0 }, blob[48];
    CK_OBJECT_HANDLE outer = 0, kek = 0;
    CK_ULONG n = sizeof blob;
    struct target t;

    memset(value, 0x2f, sizeof value);
    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_ENCRYPT), YES(CKA_UNWRAP)), &outer));
    TRY(keys_encrypt(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), outer, value, 16, blob, &n));
    TRY(F->C_UnwrapKey(S, MECHANISM_WITH(CKM_AES_CBC, iv, 16), outer, blob, n,
                       TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                                YES(CKA_SENSITIVE), YES(CKA_WRAP)),
                       &kek));
    return leave_under_known(&t, kek, value, sizeof value);
}

static struct outcome injected_by_oaep(void)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0 };
    CK_OBJECT_HANDLE kek = 0;
    CK_BYTE value[32], blob[512];
    struct pair p = { 0 };
    EVP_PKEY *public_key;
    struct target t;
    size_t n;

    memset(value, 0x3f, sizeof value);
    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_rsa(S, 2048, JOB_WRAP, &p));
    public_key = oracle_public(S, p.public_key);
    n = oracle_rsa_encrypt(public_key, "SHA1", "SHA1", NULL, value, sizeof value, blob, sizeof blob);
    EVP_PKEY_free(public_key);
    TRY(F->C_UnwrapKey(S, MECHANISM_WITH(CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep), p.private_key, blob, n,
                       TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                                YES(CKA_SENSITIVE), YES(CKA_WRAP)),
                       &kek));
    return leave_under_known(&t, kek, value, sizeof value);
}

/* A wrapping key out of ECDH with a key pair whose private half the attacker has at home. */
static struct outcome derived_with_own_peer(void)
{
    EVP_PKEY *mine = oracle_generate_ec("P-256"), *theirs;
    CK_BYTE point[128], secret[80];
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE kek = 0;
    struct pair pair = { 0 };
    struct target t;
    size_t n;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_ec(S, "P-256", JOB_DERIVE, &pair));
    theirs = oracle_public(S, pair.public_key);
    p.ulPublicDataLen = oracle_public_point(mine, point, sizeof point);
    n = oracle_ecdh(mine, theirs, secret, sizeof secret);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    TRY(F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), pair.private_key,
                       TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_WRAP)),
                       &kek));
    return leave_under_known(&t, kek, secret, n);
}

static struct outcome derived_by_encryption(void)
{
    CK_BYTE data[32] = { 5 }, value[32];
    CK_KEY_DERIVATION_STRING_DATA p = { data, sizeof data };
    CK_OBJECT_HANDLE base = 0, kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_DERIVE, &base));
    oracle_cipher("AES-256-ECB", true, false, known, NULL, 0, NULL, 0, data, sizeof data, value);
    TRY(F->C_DeriveKey(S, MECHANISM_WITH(CKM_AES_ECB_ENCRYPT_DATA, &p, sizeof p), base,
                       TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_WRAP)),
                       &kek));
    return leave_under_known(&t, kek, value, sizeof value);
}

static struct outcome trusted_by_user(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(YES(CKA_WRAP_WITH_TRUSTED))));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, known, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_WRAP),
                                   YES(CKA_TRUSTED)),
                          &kek));
    return leave_under_known(&t, kek, known, sizeof known);
}

static struct outcome trusted_later(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    CK_RV rv;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(YES(CKA_WRAP_WITH_TRUSTED))));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    rv = F->C_SetAttributeValue(S, kek, TEMPLATE(YES(CKA_TRUSTED)));
    if (rv != CKR_OK)
        rv = F->C_CopyObject(S, kek, TEMPLATE(YES(CKA_TRUSTED)), &kek);
    TRY(rv);
    return leave_under_known(&t, kek, known, sizeof known);
}

static struct outcome trust_not_asked(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    CK_RV rv;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(YES(CKA_WRAP_WITH_TRUSTED))));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    rv = F->C_SetAttributeValue(S, t.handle, TEMPLATE(NO(CKA_WRAP_WITH_TRUSTED)));
    if (rv != CKR_OK)
        rv = F->C_CopyObject(S, t.handle, TEMPLATE(NO(CKA_WRAP_WITH_TRUSTED)), &t.handle);
    TRY(rv);
    return leave_under_known(&t, kek, known, sizeof known);
}

/* A key stream used twice: a key of known bytes and the target, wrapped under one nonce, give each other away. */
static struct outcome key_stream_twice(CK_MECHANISM_TYPE type)
{
    CK_OBJECT_HANDLE kek = 0, mine = 0;
    CK_BYTE out[TARGET_LEN];
    struct target t;
    struct blob a, b;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                   BYTES(CKA_VALUE, known, 32), NO(CKA_TOKEN), YES(CKA_EXTRACTABLE), YES(CKA_SIGN)),
                          &mine));
    TRY(blob_wrap(kek, mine, type, &a));
    TRY(blob_wrap(kek, t.handle, type, &b));
    for (int i = 0; i < TARGET_LEN; i++)
        out[i] = a.bytes[i] ^ b.bytes[i] ^ known[i];
    return target_is(&t, out, TARGET_LEN) ? succeeded() : in_vain("the key streams differ");
}

static struct outcome gcm_nonce_twice(void)
{
    return key_stream_twice(CKM_AES_GCM);
}

static struct outcome ctr_block_twice(void)
{
    return key_stream_twice(CKM_AES_CTR);
}

/* Under a wrapping template: only keys that have CKA_LABEL "x" may be wrapped, so give it that label. */
static struct outcome wrap_template_dropped(void)
{
    CK_ATTRIBUTE demands[] = { NO(CKA_SENSITIVE) }; /* none that is sensitive */
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    CK_RV rv;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, known, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_WRAP),
                                   BYTES(CKA_WRAP_TEMPLATE, demands, sizeof demands)),
                          &kek));
    rv = F->C_SetAttributeValue(S, kek, TEMPLATE(BYTES(CKA_WRAP_TEMPLATE, demands, 0)));
    if (rv != CKR_OK)
        rv = F->C_CopyObject(S, kek, TEMPLATE(BYTES(CKA_WRAP_TEMPLATE, demands, 0)), &kek);
    (void)rv; /* without it the template is simply tried */
    return leave_under_known(&t, kek, known, sizeof known);
}

/* ECB tells equal blocks: keys of 16 chosen bytes are compared with halves of the target. Shown with a target of two
 * equal halves, which the wrapped key then betrays. */
static struct outcome ecb_shows_blocks(void)
{
    CK_OBJECT_HANDLE kek = 0, twins = 0;
    CK_BYTE value[32];
    struct blob b;

    memset(value, 0x6e, sizeof value);
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, value, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_EXTRACTABLE),
                                   YES(CKA_ENCRYPT)),
                          &twins));
    TRY(blob_wrap(kek, twins, CKM_AES_ECB, &b));
    return memcmp(b.bytes, b.bytes + 16, 16) == 0 ? succeeded() : in_vain("equal blocks are not seen");
}

/* CBC hides nothing of a chosen IV: with an IV equal to a guess of the first block, the guess is confirmed. */
static struct outcome cbc_confirms_blocks(void)
{
    CK_OBJECT_HANDLE kek = 0, key = 0, zero = 0;
    CK_BYTE value[16], zeros[16] = { 0 };
    CK_BYTE out[2][64];
    CK_ULONG n[2] = { 64, 64 };

    memset(value, 0x6f, sizeof value);
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, value, 16), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                   YES(CKA_EXTRACTABLE)),
                          &key));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, zeros, 16), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                   YES(CKA_EXTRACTABLE)),
                          &zero));
    TRY(F->C_WrapKey(S, MECHANISM_WITH(CKM_AES_CBC, value, 16), kek, key, out[0], &n[0]));  /* E(value ^ value) */
    TRY(F->C_WrapKey(S, MECHANISM_WITH(CKM_AES_CBC, zeros, 16), kek, zero, out[1], &n[1])); /* E(0) */
    return n[0] == n[1] && memcmp(out[0], out[1], n[0]) == 0 ? succeeded() : in_vain("the guess is not confirmed");
}

/* 32 bytes of target under a wrapping key of 16: the weaker key is what has to be found. */
static struct outcome weaker_key(void)
{
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    struct blob b;

    TRY(target_make(TARGET_AES, true, &t));
    TRY(keys_aes(S, 16, RIGHTS_WRAP, false, &kek));
    TRY(blob_wrap(kek, t.handle, 0, &b));
    return succeeded();
}

const struct probe probes_wrap[] = {
    { "wrap, then decrypt: a key generated with both rights", generated_with_both },
    { "wrap, then decrypt: a key created with both rights", created_with_both },
    { "wrap, then decrypt: DECRYPT set later", decrypt_set_later },
    { "wrap, then decrypt: WRAP exchanged for DECRYPT", right_exchanged },
    { "wrap, then decrypt: a decrypting key's copy wraps", decrypts_first },
    { "wrap, then decrypt: a wrapping key's copy decrypts", copy_decrypts },
    { "wrap, then decrypt: one key unwrapped twice", unwrapped_twice },
    { "wrap, then decrypt: a wrapping key's twin unwrapped", twin_decrypts },
    { "wrap, then decrypt: one key derived twice", derived_twice },
    { "wrap under an imported key", imported_key },
    { "wrap an EC private key under an imported key", imported_key_takes_private },
    { "wrap under a key that was readable once", readable_key },
    { "wrap under a key injected by unwrapping", injected_by_unwrap },
    { "wrap under a key injected by encrypting and unwrapping", injected_by_encrypt },
    { "wrap under a key injected by OAEP", injected_by_oaep },
    { "wrap under a key derived with the attacker's own peer", derived_with_own_peer },
    { "wrap under a key derived from an imported one by encryption", derived_by_encryption },
    { "wrap under a key that the user made TRUSTED", trusted_by_user },
    { "wrap under a key that the user made TRUSTED later", trusted_later },
    { "take WRAP_WITH_TRUSTED off, wrap", trust_not_asked },
    { "wrap two keys by GCM under one nonce", gcm_nonce_twice },
    { "wrap two keys by CTR from one counter block", ctr_block_twice },
    { "get round CKA_WRAP_TEMPLATE", wrap_template_dropped },
    { "see equal blocks in a key wrapped by ECB", ecb_shows_blocks },
    { "confirm a guess of a key by CBC wrapping with a chosen IV", cbc_confirms_blocks },
    { "wrap under a weaker key", weaker_key },
};
const size_t probes_wrap_count = COUNT_OF(probes_wrap);

/* RSA: the attacker's public keys, small exponents, one private key with two rights, and oracles of padding. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/probes/target.h"

#define N_LEN 256

#define LENGTH_TOLD CKR_VENDOR_DEFINED /* an answer that is a length, not a code */

static CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0 };

static CK_MECHANISM *oaep_mechanism(void)
{
    static CK_MECHANISM m;

    m = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
    return &m;
}

static size_t open_with(EVP_PKEY *key, int padding, const CK_BYTE *in, size_t len, CK_BYTE *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t n = N_LEN * 2;
    bool good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) > 0 &&
                EVP_PKEY_decrypt(ctx, out, &n, in, len) > 0;

    EVP_PKEY_CTX_free(ctx);
    return good ? n : 0;
}

static struct outcome under_own_public(CK_MECHANISM *m, int padding)
{
    EVP_PKEY *mine = oracle_generate_rsa(2048, 65537);
    CK_BYTE blob[512], out[512];
    CK_ULONG len = sizeof blob;
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    size_t n;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_import_rsa_public(S, mine, JOB_WRAP, &kek));
    TRY(F->C_WrapKey(S, m, kek, t.handle, blob, &len));
    n = open_with(mine, padding, blob, len, out);
    EVP_PKEY_free(mine);
    return n >= TARGET_LEN && target_is(&t, out + n - TARGET_LEN, TARGET_LEN) ? succeeded()
                                                                              : in_vain("it does not open");
}

static struct outcome own_public_oaep(void)
{
    return under_own_public(oaep_mechanism(), RSA_PKCS1_OAEP_PADDING);
}

static struct outcome own_public_pkcs1(void)
{
    return under_own_public(MECHANISM(CKM_RSA_PKCS), RSA_PKCS1_PADDING);
}

static struct outcome own_public_raw(void)
{
    return under_own_public(MECHANISM(CKM_RSA_X_509), RSA_NO_PADDING);
}

static struct outcome own_public_rsa_aes(void)
{
    struct rsa_aes_wrap_params p = { 256, &oaep };
    EVP_PKEY *mine = oracle_generate_rsa(2048, 65537);
    CK_BYTE blob[4096], aes[512], out[4096];
    CK_ULONG len = sizeof blob;
    CK_OBJECT_HANDLE kek = 0;
    struct target t;
    size_t n;

    TRY(target_make(TARGET_EC, true, &t));
    TRY(keys_import_rsa_public(S, mine, JOB_WRAP, &kek));
    TRY(F->C_WrapKey(S, MECHANISM_WITH(CKM_RSA_AES_KEY_WRAP, &p, sizeof p), kek, t.handle, blob, &len));
    n = open_with(mine, RSA_PKCS1_OAEP_PADDING, blob, N_LEN, aes) == 32
            ? oracle_cipher("AES-256-WRAP-PAD", false, false, aes, NULL, 0, NULL, 0, blob + N_LEN, len - N_LEN, out)
            : 0;
    EVP_PKEY_free(mine);
    return n > 0 && target_is(&t, out, n) ? succeeded() : in_vain("it does not open");
}

/* A public key with exponent 1: what is wrapped stands there in clear. */
static struct outcome exponent_one(void)
{
    static const CK_BYTE one[] = { 1 };
    EVP_PKEY *mine = oracle_generate_rsa(2048, 65537);
    CK_BYTE n[N_LEN], blob[512];
    CK_ULONG len = sizeof blob;
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    oracle_number(mine, OSSL_PKEY_PARAM_RSA_N, n, sizeof n);
    EVP_PKEY_free(mine);
    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_PUBLIC_KEY), NUMBER(CKA_KEY_TYPE, CKK_RSA),
                                   BYTES(CKA_MODULUS, n, N_LEN), BYTES(CKA_PUBLIC_EXPONENT, one, 1), NO(CKA_TOKEN),
                                   YES(CKA_WRAP)),
                          &kek));
    TRY(F->C_WrapKey(S, MECHANISM(CKM_RSA_PKCS), kek, t.handle, blob, &len));
    return target_is(&t, blob + len - TARGET_LEN, TARGET_LEN) ? succeeded() : in_vain("it does not stand there");
}

/* Exponent 3 under raw RSA: 32 bytes cubed do not reach the modulus, so the cube root is the key. */
static bool cube_root(const CK_BYTE *cube, size_t len, CK_BYTE *root)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *want = BN_bin2bn(cube, (int)len, NULL), *x = BN_new(), *y = BN_new(), *three = BN_new();
    bool found;

    BN_set_word(three, 3);
    BN_zero(x);
    for (int bit = TARGET_LEN * 8 - 1; bit >= 0; bit--) {
        BN_set_bit(x, bit);
        BN_exp(y, x, three, ctx);
        if (BN_cmp(y, want) > 0)
            BN_clear_bit(x, bit);
    }
    BN_exp(y, x, three, ctx);
    found = BN_cmp(y, want) == 0 && BN_bn2binpad(x, root, TARGET_LEN) == TARGET_LEN;
    BN_free(want);
    BN_free(x);
    BN_free(y);
    BN_free(three);
    BN_CTX_free(ctx);
    return found;
}

static struct outcome exponent_three(void)
{
    static const CK_BYTE three[] = { 3 };
    CK_BYTE blob[512], root[TARGET_LEN];
    CK_ULONG len = sizeof blob;
    struct pair p = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_GenerateKeyPair(
        S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN),
        TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), BYTES(CKA_PUBLIC_EXPONENT, three, 1), NO(CKA_TOKEN), YES(CKA_WRAP)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_UNWRAP)), &p.public_key, &p.private_key));
    TRY(F->C_WrapKey(S, MECHANISM(CKM_RSA_X_509), p.public_key, t.handle, blob, &len));
    return cube_root(blob, len, root) && target_is(&t, root, TARGET_LEN) ? succeeded() : in_vain("no root");
}

/* The token's own pair wraps; its private half has a second right. */
static CK_RV pair_with(CK_ATTRIBUTE_TYPE second, struct pair *p)
{
    return F->C_GenerateKeyPair(
        S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), NO(CKA_TOKEN), YES(CKA_WRAP)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_UNWRAP), YES(second)), &p->public_key, &p->private_key);
}

static struct outcome decrypts_its_blobs(void)
{
    CK_BYTE blob[512], out[512];
    CK_ULONG len = sizeof blob, n = sizeof out;
    struct pair p = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(pair_with(CKA_DECRYPT, &p));
    TRY(F->C_WrapKey(S, oaep_mechanism(), p.public_key, t.handle, blob, &len));
    TRY(keys_decrypt(S, oaep_mechanism(), p.private_key, blob, len, out, &n));
    return target_is(&t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

/* The public half wraps, the private half only decrypts: no single key has two jobs, the pair has. */
static struct outcome pair_wraps_and_decrypts(void)
{
    CK_BYTE blob[512], out[512];
    CK_ULONG len = sizeof blob, n = sizeof out;
    struct pair p = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_GenerateKeyPair(
        S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), NO(CKA_TOKEN), YES(CKA_WRAP)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_DECRYPT)), &p.public_key, &p.private_key));
    TRY(F->C_WrapKey(S, oaep_mechanism(), p.public_key, t.handle, blob, &len));
    TRY(keys_decrypt(S, oaep_mechanism(), p.private_key, blob, len, out, &n));
    return target_is(&t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

/* A raw signature is a decryption: sign the blob. */
static struct outcome signs_its_blobs(void)
{
    CK_BYTE blob[512], padded[512];
    CK_ULONG len = sizeof blob, n = sizeof padded;
    struct pair p = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(pair_with(CKA_SIGN, &p));
    TRY(F->C_WrapKey(S, MECHANISM(CKM_RSA_PKCS), p.public_key, t.handle, blob, &len));
    TRY(keys_sign(S, MECHANISM(CKM_RSA_X_509), p.private_key, blob, len, padded, &n));
    return target_is(&t, padded + n - TARGET_LEN, TARGET_LEN) ? succeeded() : in_vain("what was signed is not the key");
}

static struct outcome private_copy_decrypts(void)
{
    CK_BYTE blob[512], out[512];
    CK_ULONG len = sizeof blob, n = sizeof out;
    CK_OBJECT_HANDLE copy = 0;
    struct pair p = { 0 };
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(keys_rsa(S, 2048, JOB_WRAP, &p));
    TRY(F->C_WrapKey(S, oaep_mechanism(), p.public_key, t.handle, blob, &len));
    TRY(F->C_CopyObject(S, p.private_key, TEMPLATE(NO(CKA_UNWRAP), YES(CKA_DECRYPT)), &copy));
    TRY(keys_decrypt(S, oaep_mechanism(), copy, blob, len, out, &n));
    return target_is(&t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

/* Raw RSA makes related plaintexts, so an OAEP key that may decrypt raw gives its padding up. */
static struct outcome mechanism_list_widened(void)
{
    CK_MECHANISM_TYPE one[] = { CKM_RSA_PKCS_OAEP }, two[] = { CKM_RSA_PKCS_OAEP, CKM_RSA_X_509 };
    CK_BYTE in[N_LEN] = { 0, 2, 3 }, out[N_LEN];
    CK_ULONG n = sizeof out;
    CK_OBJECT_HANDLE key;
    struct pair p = { 0 };
    CK_RV rv;

    TRY(F->C_GenerateKeyPair(
        S, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), TEMPLATE(NUMBER(CKA_MODULUS_BITS, 2048), NO(CKA_TOKEN)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_SENSITIVE), YES(CKA_DECRYPT), BYTES(CKA_ALLOWED_MECHANISMS, one, sizeof one)),
        &p.public_key, &p.private_key));
    key = p.private_key;
    rv = F->C_SetAttributeValue(S, key, TEMPLATE(BYTES(CKA_ALLOWED_MECHANISMS, two, sizeof two)));
    if (rv != CKR_OK)
        rv = F->C_CopyObject(S, key, TEMPLATE(BYTES(CKA_ALLOWED_MECHANISMS, two, sizeof two)), &key);
    (void)rv; /* without it the mechanism is simply tried */
    TRY(keys_decrypt(S, MECHANISM(CKM_RSA_X_509), key, in, sizeof in, out, &n));
    return succeeded();
}

/* Bleichenbacher: do good and bad padding differ in their answer? 20 of each kind must fall apart cleanly. What is
 * behind the good padding is as long as the attack's would be: by chance, so not what the call wants. */
static struct outcome falls_apart(CK_RV (*ask)(CK_OBJECT_HANDLE key, const CK_BYTE *in), enum job job)
{
    EVP_PKEY *public_key;
    CK_BYTE in[N_LEN], message[100];
    struct pair p = { 0 };
    CK_RV good = 0, bad = 0;

    memset(message, 0x2e, sizeof message);

    TRY(keys_rsa(S, 2048, job, &p));
    public_key = oracle_public(S, p.public_key);
    for (int i = 0; i < 20; i++) {
        CK_RV now;

        oracle_rsa_encrypt(public_key, NULL, NULL, NULL, message, sizeof message, in, sizeof in);
        now = ask(p.private_key, in);
        if (i > 0 && now != good)
            return in_vain("good paddings differ among themselves");
        good = now;
        memset(in, 0x10 + i, sizeof in);
        now = ask(p.private_key, in);
        if (i > 0 && now != bad)
            return in_vain("bad paddings differ among themselves");
        bad = now;
    }
    EVP_PKEY_free(public_key);
    if (good != CKR_OK && good == bad && (good & LENGTH_TOLD) == 0)
        return refused(good, "good and bad paddings alike");
    return good != bad ? succeeded() : in_vain("good and bad paddings get the same answer");
}

static CK_RV ask_decrypt(CK_OBJECT_HANDLE key, const CK_BYTE *in)
{
    CK_BYTE out[N_LEN];
    CK_ULONG n = sizeof out;

    return keys_decrypt(S, MECHANISM(CKM_RSA_PKCS), key, in, N_LEN, out, &n);
}

static CK_RV ask_unwrap(CK_OBJECT_HANDLE key, const CK_BYTE *in)
{
    CK_OBJECT_HANDLE o = 0;

    return F->C_UnwrapKey(S, MECHANISM(CKM_RSA_PKCS), key, (CK_BYTE *)(uintptr_t)in, N_LEN,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                   NO(CKA_TOKEN), YES(CKA_SENSITIVE)),
                          &o);
}

/* The length of the answer is an oracle, too: a length query that says 32 for the good and something else for the bad.
 */
static CK_RV ask_length(CK_OBJECT_HANDLE key, const CK_BYTE *in)
{
    CK_ULONG n = 0;
    CK_RV rv = F->C_DecryptInit(S, MECHANISM(CKM_RSA_PKCS), key);

    if (rv == CKR_OK)
        rv = F->C_Decrypt(S, (CK_BYTE *)(uintptr_t)in, N_LEN, NULL, &n);
    if (rv == CKR_OK) {
        CK_BYTE out[N_LEN];
        CK_ULONG room = sizeof out;

        F->C_Decrypt(S, (CK_BYTE *)(uintptr_t)in, N_LEN, out, &room); /* ends the operation */
    }
    return rv == CKR_OK ? LENGTH_TOLD | n : rv;
}

static CK_RV ask_unwrap_type(CK_OBJECT_HANDLE key, const CK_BYTE *in)
{
    CK_OBJECT_HANDLE o = 0;

    return F->C_UnwrapKey(
        S, MECHANISM(CKM_RSA_PKCS), key, (CK_BYTE *)(uintptr_t)in, N_LEN,
        TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN), YES(CKA_SENSITIVE)),
        &o);
}

static struct outcome pkcs1_decrypt_oracle(void)
{
    return falls_apart(ask_decrypt, JOB_DECRYPT);
}

static struct outcome pkcs1_length_oracle(void)
{
    return falls_apart(ask_length, JOB_DECRYPT);
}

static struct outcome pkcs1_unwrap_oracle(void)
{
    return falls_apart(ask_unwrap, JOB_WRAP);
}

static struct outcome pkcs1_unwrap_aes_oracle(void)
{
    return falls_apart(ask_unwrap_type, JOB_WRAP);
}

/* Manger: OAEP must not tell a leading byte that is not 0 from a wrong hash. */
static struct outcome oaep_oracle(void)
{
    CK_BYTE in[N_LEN], out[N_LEN];
    EVP_PKEY *public_key;
    struct pair p = { 0 };
    CK_RV first = CKR_OK, rv;

    TRY(keys_rsa(S, 2048, JOB_DECRYPT, &p));
    public_key = oracle_public(S, p.public_key);
    for (int i = 0; i < 40; i++) {
        CK_ULONG n = sizeof out;

        memset(in, 0x10 + i, sizeof in); /* leading byte almost surely not 0 */
        if (i % 2 == 1) {                /* a leading 0, but no OAEP behind it */
            CK_BYTE m[N_LEN] = { 0, 1 };
            EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public_key, NULL);
            size_t len = sizeof in;

            m[100] = (CK_BYTE)i;
            EVP_PKEY_encrypt_init(ctx);
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING);
            EVP_PKEY_encrypt(ctx, in, &len, m, sizeof m);
            EVP_PKEY_CTX_free(ctx);
        }
        rv = keys_decrypt(S, oaep_mechanism(), p.private_key, in, N_LEN, out, &n);
        if (i == 0)
            first = rv;
        else if (rv != first)
            return succeeded();
    }
    EVP_PKEY_free(public_key);
    return refused(first, "all wrong OAEP alike");
}

const struct probe probes_rsa[] = {
    { "wrap under the attacker's public key by OAEP", own_public_oaep },
    { "wrap under the attacker's public key by PKCS#1", own_public_pkcs1 },
    { "wrap under the attacker's public key by raw RSA", own_public_raw },
    { "wrap under the attacker's public key by RSA_AES_KEY_WRAP", own_public_rsa_aes },
    { "wrap under a public key with exponent 1", exponent_one },
    { "wrap by raw RSA with exponent 3, take the cube root", exponent_three },
    { "RSA: a key that unwraps decrypts its blobs", decrypts_its_blobs },
    { "RSA: the pair of a wrapping public key decrypts", pair_wraps_and_decrypts },
    { "RSA: a key that unwraps signs its blobs raw", signs_its_blobs },
    { "RSA: an unwrapping key's copy decrypts", private_copy_decrypts },
    { "RSA: get round CKA_ALLOWED_MECHANISMS", mechanism_list_widened },
    { "padding oracle: PKCS#1 decryption", pkcs1_decrypt_oracle },
    { "padding oracle: the length PKCS#1 decryption tells", pkcs1_length_oracle },
    { "padding oracle: PKCS#1 unwrapping of a secret", pkcs1_unwrap_oracle },
    { "padding oracle: PKCS#1 unwrapping of an AES key", pkcs1_unwrap_aes_oracle },
    { "padding oracle: OAEP", oaep_oracle },
};
const size_t probes_rsa_count = COUNT_OF(probes_rsa);

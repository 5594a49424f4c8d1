/* Unwrapping a legitimate blob of a sensitive key so that it comes back looser than it left. */
#include <string.h>

#include "tests/probes/target.h"

/* A sensitive key and its blob, under a wrapping key that can do nothing else. */
struct scene {
    struct target t;
    CK_OBJECT_HANDLE kek;
    struct blob b;
};

static struct scene scene; /* of the probe's process; bytewise() wants a function without arguments of ours */

static CK_RV set_scene(enum target_kind kind, CK_MECHANISM_TYPE type)
{
    CK_RV rv = target_make(kind, true, &scene.t);

    if (rv == CKR_OK)
        rv = make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_UNWRAP)), &scene.kek);
    if (rv == CKR_OK)
        rv = blob_wrap(scene.kek, scene.t.handle, type, &scene.b);
    return rv;
}

static CK_RV unwrap(CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    bool iv = scene.b.type == CKM_AES_CBC || scene.b.type == CKM_AES_CBC_PAD;

    return F->C_UnwrapKey(S, MECHANISM_WITH(scene.b.type, iv ? scene.b.iv : NULL, iv ? 16 : 0), scene.kek,
                          scene.b.bytes, scene.b.len, t, n, out);
}

#define SECRET NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET), NO(CKA_TOKEN)

static struct outcome without_sensitive(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(unwrap(TEMPLATE(SECRET, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE), YES(CKA_SIGN)), &back));
    return read_value(&scene.t, back);
}

static struct outcome without_saying(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(unwrap(TEMPLATE(SECRET, YES(CKA_SIGN)), &back));
    return read_value(&scene.t, back);
}

static struct outcome extractable_again(void)
{
    static const CK_BYTE known[32] = { 0x51 };
    CK_OBJECT_HANDLE kek = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    TRY(unwrap(TEMPLATE(SECRET, YES(CKA_SENSITIVE), YES(CKA_EXTRACTABLE), YES(CKA_SIGN)), &scene.t.handle));
    return leave_under_known(&scene.t, kek, known, sizeof known);
}

static struct outcome as_data(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(unwrap(TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_TOKEN)), &back));
    return read_value(&scene.t, back);
}

static struct outcome as_certificate(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(unwrap(TEMPLATE(NUMBER(CKA_CLASS, CKO_CERTIFICATE), NUMBER(CKA_CERTIFICATE_TYPE, CKC_X_509), NO(CKA_TOKEN),
                        TEXT(CKA_SUBJECT, "x")),
               &back));
    return read_value(&scene.t, back);
}

static struct outcome aes_as_secret(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_AES, CKM_AES_KEY_WRAP));
    TRY(unwrap(TEMPLATE(SECRET, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &back));
    return read_value(&scene.t, back);
}

static struct outcome private_as_secret(enum target_kind kind)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(kind, 0));
    TRY(unwrap(TEMPLATE(SECRET, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE)), &back));
    return read_value(&scene.t, back);
}

static struct outcome ec_as_secret(void)
{
    return private_as_secret(TARGET_EC);
}

static struct outcome rsa_as_secret(void)
{
    return private_as_secret(TARGET_RSA);
}

static struct outcome private_without_sensitive(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_EC, 0));
    TRY(unwrap(TEMPLATE(NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), NUMBER(CKA_KEY_TYPE, CKK_EC), NO(CKA_TOKEN),
                        NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE), YES(CKA_SIGN)),
               &back));
    return read_value(&scene.t, back);
}

/* A length in the template that cuts the key to a byte, then to two ... */
static CK_RV cut_piece(CK_ULONG n, CK_OBJECT_HANDLE *out)
{
    return unwrap(TEMPLATE(SECRET, YES(CKA_SENSITIVE), YES(CKA_SIGN), NUMBER(CKA_VALUE_LEN, n)), out);
}

static struct outcome cut_by_length(void)
{
    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    return bytewise(&scene.t, cut_piece, false);
}

/* ... and one that pads it, or a blob with blocks taken away. */
static struct outcome cut_by_blocks(void)
{
    CK_OBJECT_HANDLE back = 0;
    CK_BYTE mac[64];
    CK_ULONG n = sizeof mac;

    TRY(set_scene(TARGET_MAC, CKM_AES_ECB));
    scene.b.len = 16;
    TRY(unwrap(TEMPLATE(SECRET, YES(CKA_SENSITIVE), YES(CKA_SIGN)), &back));
    TRY(keys_sign(S, MECHANISM(CKM_SHA256_HMAC), back, "x", 1, mac, &n));
    return succeeded(); /* half the key by itself: half the work squared */
}

static struct outcome blocks_shuffled(void)
{
    CK_OBJECT_HANDLE back = 0;
    CK_BYTE first[16];

    TRY(set_scene(TARGET_AES, CKM_AES_ECB));
    memcpy(first, scene.b.bytes, 16);
    memcpy(scene.b.bytes, scene.b.bytes + 16, 16);
    memcpy(scene.b.bytes + 16, first, 16);
    TRY(unwrap(TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                        YES(CKA_SENSITIVE), YES(CKA_ENCRYPT)),
               &back));
    return succeeded(); /* a related key that nobody made */
}

static struct outcome edited_blob(void)
{
    CK_OBJECT_HANDLE back = 0;

    TRY(set_scene(TARGET_AES, CKM_AES_CBC));
    scene.b.iv[0] ^= 1; /* flips one known bit of the key */
    TRY(unwrap(TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                        YES(CKA_SENSITIVE), YES(CKA_ENCRYPT)),
               &back));
    return succeeded();
}

/* Whether unwrapping by CBC_PAD fails tells of the padding: Vaudenay's attack, on the last byte. */
static struct outcome cbc_pad_oracle(void)
{
    CK_OBJECT_HANDLE back = 0;
    unsigned accepted = 0;
    CK_RV rv = CKR_OK;

    TRY(set_scene(TARGET_MAC, CKM_AES_CBC_PAD));
    for (unsigned guess = 0; guess < 256; guess++) {
        scene.b.bytes[scene.b.len - 17] ^= (CK_BYTE)guess;
        rv = unwrap(TEMPLATE(SECRET, YES(CKA_SENSITIVE), YES(CKA_SIGN)), &back);
        accepted += rv == CKR_OK;
        scene.b.bytes[scene.b.len - 17] ^= (CK_BYTE)guess;
    }
    if (accepted == 0)
        return refused(rv, "C_UnwrapKey by CBC_PAD");
    return accepted < 256 ? succeeded() : in_vain("all paddings are alike");
}

static struct outcome unwrap_template_dropped(void)
{
    CK_ATTRIBUTE demands[] = { YES(CKA_SENSITIVE), NO(CKA_EXTRACTABLE) }, none[] = { NO(CKA_TOKEN) };
    CK_OBJECT_HANDLE back = 0;
    CK_RV rv;

    TRY(target_make(TARGET_MAC, true, &scene.t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), YES(CKA_UNWRAP), BYTES(CKA_UNWRAP_TEMPLATE, demands, sizeof demands)),
                 &scene.kek));
    TRY(blob_wrap(scene.kek, scene.t.handle, CKM_AES_KEY_WRAP, &scene.b));
    rv = F->C_SetAttributeValue(S, scene.kek, TEMPLATE(BYTES(CKA_UNWRAP_TEMPLATE, none, sizeof none)));
    if (rv != CKR_OK)
        rv = F->C_CopyObject(S, scene.kek, TEMPLATE(BYTES(CKA_UNWRAP_TEMPLATE, none, sizeof none)), &scene.kek);
    (void)rv; /* without it the unwrapping is simply tried */
    TRY(unwrap(TEMPLATE(SECRET, NO(CKA_SENSITIVE), YES(CKA_EXTRACTABLE), YES(CKA_SIGN)), &back));
    return read_value(&scene.t, back);
}

/* A wrapping key that was made not to be changed, changed through its copy. */
static struct outcome unmodifiable_kek_copied(void)
{
    CK_OBJECT_HANDLE copy = 0;
    CK_BYTE out[64];
    size_t n = 0;

    TRY(target_make(TARGET_MAC, true, &scene.t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP), NO(CKA_MODIFIABLE)), &scene.kek));
    TRY(blob_wrap(scene.kek, scene.t.handle, 0, &scene.b));
    TRY(F->C_CopyObject(S, scene.kek, TEMPLATE(YES(CKA_MODIFIABLE), NO(CKA_WRAP), YES(CKA_DECRYPT)), &copy));
    TRY(blob_decrypt(&scene.b, copy, out, &n));
    return target_is(&scene.t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

static struct outcome modifiable_kek(void)
{
    CK_BYTE out[64];
    size_t n = 0;

    TRY(set_scene(TARGET_MAC, CKM_AES_KEY_WRAP));
    TRY(F->C_SetAttributeValue(S, scene.kek, TEMPLATE(NO(CKA_WRAP), NO(CKA_UNWRAP), YES(CKA_DECRYPT))));
    TRY(blob_decrypt(&scene.b, scene.kek, out, &n));
    return target_is(&scene.t, out, n) ? succeeded() : in_vain("what was decrypted is not the key");
}

/* Sealed blobs (CKM_STRONGROOM_SEAL): all rights are inside and may not be loosened. */
static struct outcome seal_loosened(void)
{
    struct {
        CK_BYTE *context;
        CK_ULONG len;
    } p = { NULL, 0 };
    CK_MECHANISM m = { CKM_STRONGROOM_SEAL, &p, sizeof p };
    CK_OBJECT_HANDLE back = 0;
    CK_RV rv;

    scene.b.len = sizeof scene.b.bytes;
    TRY(target_make(TARGET_MAC, false, &scene.t));
    TRY(F->C_WrapKey(S, &m, CK_INVALID_HANDLE, scene.t.handle, scene.b.bytes, &scene.b.len));
    rv = F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, scene.b.bytes, scene.b.len, TEMPLATE(NO(CKA_SENSITIVE)), &back);
    if (rv != CKR_OK)
        rv =
            F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, scene.b.bytes, scene.b.len, TEMPLATE(YES(CKA_EXTRACTABLE)), &back);
    if (rv != CKR_OK)
        rv = F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, scene.b.bytes, scene.b.len, TEMPLATE(YES(CKA_DERIVE)), &back);
    TRY(rv);
    return read_value(&scene.t, back);
}

/* A sealed wrapping key opened as one that decrypts. */
static struct outcome seal_rights_exchanged(void)
{
    struct {
        CK_BYTE *context;
        CK_ULONG len;
    } p = { NULL, 0 };
    CK_MECHANISM m = { CKM_STRONGROOM_SEAL, &p, sizeof p };
    CK_OBJECT_HANDLE kek = 0, decrypts = 0;
    CK_BYTE sealed[4096];
    CK_ULONG len = sizeof sealed;

    TRY(target_make(TARGET_MAC, true, &scene.t));
    TRY(make_kek(TEMPLATE(YES(CKA_WRAP)), &kek));
    TRY(F->C_WrapKey(S, &m, CK_INVALID_HANDLE, kek, sealed, &len));
    TRY(F->C_UnwrapKey(S, &m, CK_INVALID_HANDLE, sealed, len, TEMPLATE(NO(CKA_WRAP), YES(CKA_DECRYPT)), &decrypts));
    return leave_and_decrypt(&scene.t, kek, decrypts);
}

const struct probe probes_unwrap[] = {
    { "unwrap with SENSITIVE false, read", without_sensitive },
    { "unwrap without a word on SENSITIVE, read", without_saying },
    { "unwrap as extractable, wrap under a known key", extractable_again },
    { "unwrap as a data object, read", as_data },
    { "unwrap as a certificate, read", as_certificate },
    { "unwrap an AES key as a generic secret, read", aes_as_secret },
    { "unwrap an EC private key as a generic secret, read", ec_as_secret },
    { "unwrap an RSA private key as a generic secret, read", rsa_as_secret },
    { "unwrap an EC private key with SENSITIVE false, read", private_without_sensitive },
    { "unwrap with ever longer CKA_VALUE_LEN, byte by byte", cut_by_length },
    { "unwrap half a key, from an ECB blob", cut_by_blocks },
    { "unwrap an ECB blob with its blocks exchanged", blocks_shuffled },
    { "unwrap a CBC blob with a bit flipped", edited_blob },
    { "padding oracle: unwrap by CBC_PAD", cbc_pad_oracle },
    { "get round CKA_UNWRAP_TEMPLATE", unwrap_template_dropped },
    { "change an unmodifiable wrapping key through a copy", unmodifiable_kek_copied },
    { "change a wrapping key into a decrypting one", modifiable_kek },
    { "open a sealed key with looser rights", seal_loosened },
    { "open a sealed wrapping key as a decrypting one", seal_rights_exchanged },
};
const size_t probes_unwrap_count = COUNT_OF(probes_unwrap);

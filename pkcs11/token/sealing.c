#include "pkcs11/token/sealing.h"

#include <openssl/crypto.h>

#include "pkcs11/token/public_key.h"
#include "pkcs11/token/seal_native.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define BOOL(type, value)                                                                                              \
    {                                                                                                                  \
        type, &(value), sizeof(CK_BBOOL)                                                                               \
    }
#define VALUE(type, value)                                                                                             \
    {                                                                                                                  \
        type, &(value), sizeof(value)                                                                                  \
    }

static void destroy(struct worker *w, CK_OBJECT_HANDLE object)
{
    if (object != CK_INVALID_HANDLE)
        (void)call_result(w->token, w->token->f->C_DestroyObject(w->session, object));
}

/* On a token that only wraps, a key lives just long enough to be wrapped: extractable, and good for nothing else. One
 * that seals by itself seals the rights too, so there it is what it will be, and never extractable. */
struct first_rights {
    CK_BBOOL extractable, sign, decrypt;
};

static struct first_rights first_rights(const struct token *t, unsigned uses)
{
    if (!t->native)
        return (struct first_rights){ .extractable = CK_TRUE };
    return (struct first_rights){ .sign = (uses & KEY_USE_SIGN) != 0,
                                  .decrypt = (uses & (KEY_USE_DECRYPT | KEY_USE_WRAP)) != 0 };
}

static enum status make_rsa(struct worker *w, unsigned bits, struct first_rights r, CK_OBJECT_HANDLE *public,
                            CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
    CK_ULONG modulus_bits = bits;
    CK_BYTE f4[] = { 1, 0, 1 };
    CK_ATTRIBUTE public_template[] = { BOOL(CKA_TOKEN, no), BOOL(CKA_PRIVATE, no),
                                       VALUE(CKA_MODULUS_BITS, modulus_bits), VALUE(CKA_PUBLIC_EXPONENT, f4) };
    CK_ATTRIBUTE private_template[] = { BOOL(CKA_TOKEN, no),      BOOL(CKA_PRIVATE, yes),
                                        BOOL(CKA_SENSITIVE, yes), BOOL(CKA_EXTRACTABLE, r.extractable),
                                        BOOL(CKA_SIGN, r.sign),   BOOL(CKA_DECRYPT, r.decrypt),
                                        BOOL(CKA_UNWRAP, no) };

    return call_result(w->token, w->token->f->C_GenerateKeyPair(w->session, &mechanism, public_template,
                                                                ARRAY_LEN(public_template), private_template,
                                                                ARRAY_LEN(private_template), public, private));
}

static enum status make_ec(struct worker *w, enum key_curve curve, struct first_rights r, CK_OBJECT_HANDLE *public,
                           CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    struct span params = public_key_ec_params(curve);
    CK_ATTRIBUTE public_template[] = { BOOL(CKA_TOKEN, no),
                                       BOOL(CKA_PRIVATE, no),
                                       { CKA_EC_PARAMS, (void *)(uintptr_t)params.p, params.len } };
    CK_ATTRIBUTE private_template[] = { BOOL(CKA_TOKEN, no),      BOOL(CKA_PRIVATE, yes),
                                        BOOL(CKA_SENSITIVE, yes), BOOL(CKA_EXTRACTABLE, r.extractable),
                                        BOOL(CKA_SIGN, r.sign),   BOOL(CKA_DERIVE, no) };

    return call_result(w->token, w->token->f->C_GenerateKeyPair(w->session, &mechanism, public_template,
                                                                ARRAY_LEN(public_template), private_template,
                                                                ARRAY_LEN(private_template), public, private));
}

static enum status make_oct(struct worker *w, const struct key_spec *spec, unsigned uses, struct first_rights r,
                            CK_OBJECT_HANDLE *secret)
{
    bool mac = (uses & KEY_USE_SIGN) != 0;
    CK_MECHANISM mechanism = { .mechanism = mac ? CKM_GENERIC_SECRET_KEY_GEN : CKM_AES_KEY_GEN };
    CK_ULONG len = spec->bits / 8;
    CK_ATTRIBUTE template[] = { BOOL(CKA_TOKEN, no),          BOOL(CKA_PRIVATE, yes),
                                BOOL(CKA_SENSITIVE, yes),     BOOL(CKA_EXTRACTABLE, r.extractable),
                                BOOL(CKA_ENCRYPT, r.decrypt), BOOL(CKA_DECRYPT, r.decrypt),
                                BOOL(CKA_SIGN, r.sign),       BOOL(CKA_VERIFY, r.sign),
                                BOOL(CKA_WRAP, no),           BOOL(CKA_UNWRAP, no),
                                VALUE(CKA_VALUE_LEN, len) };

    return call_result(w->token,
                       w->token->f->C_GenerateKey(w->session, &mechanism, template, ARRAY_LEN(template), secret));
}

static enum status read_public(struct worker *w, CK_OBJECT_HANDLE object, const struct key_spec *spec,
                               struct bytes *der)
{
    EVP_PKEY *key = NULL;
    enum status st = public_key_read(w, object, spec, &key);

    if (st == ST_OK)
        st = public_key_der(key, der);
    EVP_PKEY_free(key);
    return st;
}

static enum status wrap(struct worker *w, CK_OBJECT_HANDLE key, uint8_t *out, size_t room, size_t *len)
{
    const struct kek *kek = &w->token->keks[w->token->kek_count - 1];
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP_PAD };
    CK_ULONG n = room;
    enum status st = call_result(w->token, w->token->f->C_WrapKey(w->session, &mechanism, kek->handle, key, out, &n));

    *len = n;
    return st;
}

static enum status compute_mac(struct worker *w, struct span body, const struct seal_binding *binding,
                               uint8_t mac[BLOB_MAC_LEN])
{
    struct bytes input = { 0 };
    enum status st;

    seal_blob_mac_input(&input, body, binding);
    if ((st = bytes_status(&input)) == ST_OK)
        st = call_binding_mac(w, bytes_span(&input), mac);
    bytes_clear(&input);
    return st;
}

static enum status finish_blob(struct worker *w, const struct seal_binding *binding, struct bytes *blob)
{
    uint8_t mac[BLOB_MAC_LEN];
    enum status st;

    if ((st = bytes_status(blob)) != ST_OK || (st = compute_mac(w, bytes_span(blob), binding, mac)) != ST_OK)
        return st;
    bytes_append(blob, mac, sizeof mac);
    return bytes_status(blob);
}

static bool provisioned(const struct token *t)
{
    return t->native || (t->kek_count > 0 && t->binding != CK_INVALID_HANDLE);
}

static enum status make_key(struct worker *w, const struct token_job *job, CK_OBJECT_HANDLE *public,
                            CK_OBJECT_HANDLE *private)
{
    struct first_rights rights = first_rights(w->token, job->uses);

    if (job->spec.type == KEY_TYPE_RSA)
        return make_rsa(w, job->spec.bits, rights, public, private);
    if (job->spec.type == KEY_TYPE_EC)
        return make_ec(w, job->spec.curve, rights, public, private);
    return make_oct(w, &job->spec, job->uses, rights, private);
}

/* Wrap and MAC; a token that seals by itself does both at once. */
static enum status seal_key(struct worker *w, CK_OBJECT_HANDLE key, struct token_job *job)
{
    struct seal_binding binding = { job->spec, job->uses, bytes_span(&job->public_key), job->context };
    const struct token *t = w->token;
    uint8_t wrapped[TOKEN_SEALED_MAX];
    size_t len = 0;
    enum status st;

    if (t->native)
        return seal_native_close(w, key, &binding, &job->sealed);
    if ((st = wrap(w, key, wrapped, sizeof wrapped - SEAL_HEADER_LEN - BLOB_MAC_LEN, &len)) != ST_OK)
        return st;
    seal_blob_start(&job->sealed, span_of(t->keks[t->kek_count - 1].id, KEK_ID_LEN), span_of(wrapped, len));
    return finish_blob(w, &binding, &job->sealed);
}

enum status sealing_generate(struct worker *w, struct token_job *job)
{
    CK_OBJECT_HANDLE public = CK_INVALID_HANDLE, private = CK_INVALID_HANDLE;
    enum status st;

    if (!key_uses_valid(&job->spec, job->uses) || job->context.len > TOKEN_CONTEXT_MAX)
        return ST_BAD_REQUEST;
    if (!provisioned(w->token))
        return ST_UNSUPPORTED;
    if ((st = make_key(w, job, &public, &private)) == ST_OK &&
        (public == CK_INVALID_HANDLE || (st = read_public(w, public, &job->spec, &job->public_key)) == ST_OK))
        st = seal_key(w, private, job);
    destroy(w, private);
    destroy(w, public);
    return st;
}

static enum status check_mac(struct worker *w, const struct sealed_key *sealed, struct seal_blob *blob)
{
    struct seal_binding binding = { sealed->spec, sealed->uses, sealed->public_der, sealed->context };
    uint8_t mac[BLOB_MAC_LEN];
    enum status st;

    if (sealed->context.len > TOKEN_CONTEXT_MAX || sealed->public_der.len > TOKEN_SEALED_MAX ||
        (st = seal_blob_parse(sealed->blob, blob)) != ST_OK || !key_uses_valid(&sealed->spec, sealed->uses))
        return ST_CORRUPT;
    st = compute_mac(w, span_of(sealed->blob.p, sealed->blob.len - BLOB_MAC_LEN), &binding, mac);
    if (st == ST_OK && CRYPTO_memcmp(mac, blob->mac.p, BLOB_MAC_LEN) != 0)
        st = ST_CORRUPT;
    OPENSSL_cleanse(mac, sizeof mac);
    return st;
}

enum status sealing_reseal(struct worker *w, struct token_job *job)
{
    const struct sealed_key *old = job->key;
    unsigned uses = job->uses != 0 ? job->uses : old->uses;
    struct seal_binding binding = { old->spec, uses, old->public_der, job->context };
    struct seal_blob blob;
    enum status st;

    if (w->token->native)
        return seal_native_reseal(w, job);
    if (!provisioned(w->token))
        return ST_UNSUPPORTED;
    if (job->context.len > TOKEN_CONTEXT_MAX || !key_uses_valid(&old->spec, uses))
        return ST_BAD_REQUEST;
    if ((st = check_mac(w, old, &blob)) != ST_OK)
        return st;
    /* A MAC key stays one, and so does a cipher key. */
    if (old->spec.type == KEY_TYPE_OCT && (uses & KEY_USE_SIGN) != (old->uses & KEY_USE_SIGN))
        return ST_BAD_REQUEST;
    seal_blob_start(&job->sealed, blob.kek_id, blob.wrapped);
    return finish_blob(w, &binding, &job->sealed);
}

static CK_OBJECT_HANDLE kek_handle(const struct token *t, struct span id)
{
    for (unsigned i = 0; i < t->kek_count; i++)
        if (span_equal(id, span_of(t->keks[i].id, KEK_ID_LEN)))
            return t->keks[i].handle;
    return CK_INVALID_HANDLE;
}

/* Rights follow the uses that the MAC has vouched for. No key gets WRAP, UNWRAP or DERIVE: none can touch another. */
static enum status unwrap(struct worker *w, CK_OBJECT_HANDLE kek, struct span wrapped, struct token_key *key)
{
    bool asymmetric = key->spec.type != KEY_TYPE_OCT, mac = (key->uses & KEY_USE_SIGN) != 0;
    CK_OBJECT_CLASS class = asymmetric ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
    CK_KEY_TYPE type = key->spec.type == KEY_TYPE_RSA  ? CKK_RSA
                       : key->spec.type == KEY_TYPE_EC ? CKK_EC
                       : mac                           ? CKK_GENERIC_SECRET
                                                       : CKK_AES;
    CK_BBOOL sign = (key->uses & KEY_USE_SIGN) != 0;
    CK_BBOOL decrypt = (key->uses & (KEY_USE_DECRYPT | KEY_USE_WRAP)) != 0;
    CK_ATTRIBUTE template[] = {
        VALUE(CKA_CLASS, class),
        VALUE(CKA_KEY_TYPE, type),
        BOOL(CKA_TOKEN, no),
        BOOL(CKA_PRIVATE, yes),
        BOOL(CKA_SENSITIVE, yes),
        BOOL(CKA_EXTRACTABLE, no),
        BOOL(CKA_SIGN, sign),
        BOOL(CKA_DECRYPT, decrypt),
        BOOL(CKA_UNWRAP, no),
        BOOL(CKA_DERIVE, no),
        /* of secret keys only */
        BOOL(CKA_ENCRYPT, decrypt),
        BOOL(CKA_VERIFY, sign),
        BOOL(CKA_WRAP, no),
    };
    CK_ULONG attributes = asymmetric ? ARRAY_LEN(template) - 3 : ARRAY_LEN(template);
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP_PAD };

    return call_result(w->token, w->token->f->C_UnwrapKey(w->owner, &mechanism, kek, (CK_BYTE_PTR)(uintptr_t)wrapped.p,
                                                          wrapped.len, template, attributes, &key->handle));
}

/* RSA decryption compares with the modulus first; reading it once saves parsing the public key for each. */
static enum status read_modulus(struct worker *w, struct cached_key *k)
{
    size_t len = 0;
    enum status st;

    if (k->key.spec.type != KEY_TYPE_RSA)
        return ST_OK;
    st = call_attribute(w, k->key.handle, CKA_MODULUS, k->modulus, sizeof k->modulus, &len);
    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_INTERNAL : st;
    if (len != k->key.spec.bits / 8)
        return ST_CORRUPT;
    k->key.modulus = span_of(k->modulus, len);
    return ST_OK;
}

static enum status open_wrapped(struct worker *w, const struct sealed_key *sealed, struct token_key *key)
{
    CK_OBJECT_HANDLE kek;
    struct seal_blob blob;
    enum status st;

    if ((st = check_mac(w, sealed, &blob)) != ST_OK)
        return st;
    if ((kek = kek_handle(w->token, blob.kek_id)) == CK_INVALID_HANDLE)
        return ST_CORRUPT;
    /* The MAC was right, so a key that does not unwrap was wrapped by another domain key of the same id. */
    st = unwrap(w, kek, blob.wrapped, key);
    return st == ST_INTERNAL ? ST_CORRUPT : st;
}

enum status sealing_open(struct worker *w, const struct sealed_key *sealed, struct cached_key *k)
{
    enum status st;

    if (!provisioned(w->token))
        return ST_UNSUPPORTED;
    k->key = (struct token_key){ .spec = sealed->spec, .uses = sealed->uses };
    st = w->token->native ? seal_native_open(w, w->owner, sealed, &k->key.handle) : open_wrapped(w, sealed, &k->key);
    if (st != ST_OK)
        return st;
    if ((st = read_modulus(w, k)) != ST_OK) {
        sealing_close(w, k->key.handle);
        return st;
    }
    /* The end of the blob: its MAC, or the end of what is sealed and its tag. */
    memcpy(k->mac, sealed->blob.p + sealed->blob.len - BLOB_MAC_LEN, BLOB_MAC_LEN);
    return ST_OK;
}

void sealing_close(struct worker *w, CK_OBJECT_HANDLE object)
{
    (void)call_result(w->token, w->token->f->C_DestroyObject(w->owner, object));
}

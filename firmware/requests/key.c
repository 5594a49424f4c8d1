/* Requests that make keys, or move them: generate, wrap, unwrap, derive, encapsulate. */
#include "firmware/base/hex.h"
#include "firmware/call.h"
#include "firmware/crypto/transport.h"
#include "firmware/transfer.h"

static CK_RV set_missing_ulong(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return attributes_has(a, type) ? CKR_OK : attributes_set_ulong(a, type, value);
}

/* What a generation mechanism makes. Errors: CKR_MECHANISM_INVALID; CKR_TEMPLATE_INCONSISTENT. */
static CK_RV set_kind(struct attributes *a, CK_OBJECT_CLASS class, CK_MECHANISM_TYPE mechanism)
{
    static const struct {
        CK_MECHANISM_TYPE mechanism;
        CK_KEY_TYPE type;
    } makes[] = {
        { CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA },
        { CKM_EC_KEY_PAIR_GEN, CKK_EC },
        { CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS },
        { CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKK_EC_MONTGOMERY },
        { CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA },
        { CKM_ML_KEM_KEY_PAIR_GEN, CKK_ML_KEM },
        { CKM_SLH_DSA_KEY_PAIR_GEN, CKK_SLH_DSA },
        { CKM_AES_KEY_GEN, CKK_AES },
        { CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET },
        { CKM_HKDF_KEY_GEN, CKK_HKDF },
    };
    CK_RV rv;

    for (size_t i = 0; i < ARRAY_LEN(makes); i++) {
        if (makes[i].mechanism != mechanism)
            continue;
        if ((rv = set_missing_ulong(a, CKA_CLASS, class)) != CKR_OK ||
            (rv = set_missing_ulong(a, CKA_KEY_TYPE, makes[i].type)) != CKR_OK)
            return rv;
        return attributes_ulong(a, CKA_CLASS, 0) == class && attributes_ulong(a, CKA_KEY_TYPE, 0) == makes[i].type
                   ? CKR_OK
                   : CKR_TEMPLATE_INCONSISTENT;
    }
    return CKR_MECHANISM_INVALID;
}

static CK_RV prepare_generate(struct call *c, const struct session *s, CK_OBJECT_CLASS class, CK_FLAGS flag,
                              const struct mechanism *m, const Ks__Template *template, struct attributes *a)
{
    const struct mechanism_facts *facts = mechanism_facts(m->type);
    struct actor who = call_actor(c);
    CK_RV rv;

    if (facts == NULL || (facts->flags & flag) == 0)
        return CKR_MECHANISM_INVALID;
    if ((rv = template_read(template, c->budget, a)) != CKR_OK || (rv = set_kind(a, class, m->type)) != CKR_OK ||
        (rv = template_check_new(a, TEMPLATE_GENERATE, &who)) != CKR_OK ||
        (rv = template_complete(a, TEMPLATE_GENERATE, &who, NULL, m->type)) != CKR_OK)
        return rv;
    return call_may_make(s, a);
}

/* A pairwise test that fails is a fault of the machine, not of the request. */
static CK_RV judge_generation(struct call *c, CK_RV rv)
{
    if (rv == CKR_DEVICE_ERROR)
        keystore_fail(c->ks, "key generation");
    return rv;
}

CK_RV on_generate_key(struct call *c, const ProtobufCMessage *request)
{
    const Ks__GenerateKey *m = (const Ks__GenerateKey *)request;
    struct attributes a = { 0 };
    struct mechanism mechanism;
    struct session *s;
    uint64_t handle = 0;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) == CKR_OK &&
        (rv = prepare_generate(c, s, CKO_SECRET_KEY, CKF_GENERATE, &mechanism, m->template_, &a)) == CKR_OK &&
        (rv = judge_generation(c, key_generate_secret(&mechanism, &a))) == CKR_OK &&
        (rv = call_add_object(c, s, &a, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    attributes_clear(&a);
    return rv;
}

static CK_RV generate_unlocked(struct call *c, const struct mechanism *m, struct attributes *public,
                               struct attributes *private)
{
    CK_RV rv;

    call_unlock(c);
    if ((rv = judge_generation(c, key_generate_pair(m, public, private))) == CKR_OK)
        rv = key_add_public_info(private);
    call_lock(c);
    return rv;
}

enum { PUBLIC, PRIVATE, PAIR };

CK_RV on_generate_key_pair(struct call *c, const ProtobufCMessage *request)
{
    const Ks__GenerateKeyPair *m = (const Ks__GenerateKeyPair *)request;
    struct attributes pair[PAIR] = { 0 };
    Ks__KeyPair *reply = &c->answer.key_pair;
    struct mechanism mechanism;
    uint64_t handles[PAIR];
    struct session *s;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) == CKR_OK &&
        (rv = prepare_generate(c, s, CKO_PUBLIC_KEY, CKF_GENERATE_KEY_PAIR, &mechanism, m->public_template,
                               &pair[PUBLIC])) == CKR_OK &&
        (rv = prepare_generate(c, s, CKO_PRIVATE_KEY, CKF_GENERATE_KEY_PAIR, &mechanism, m->private_template,
                               &pair[PRIVATE])) == CKR_OK &&
        (rv = generate_unlocked(c, &mechanism, &pair[PUBLIC], &pair[PRIVATE])) == CKR_OK &&
        (rv = call_session(c, m->session, &s)) == CKR_OK && (rv = call_may_make(s, &pair[PUBLIC])) == CKR_OK &&
        (rv = call_may_make(s, &pair[PRIVATE])) == CKR_OK &&
        (rv = call_add_objects(c, s, pair, PAIR, handles)) == CKR_OK) {
        ks__key_pair__init(reply);
        reply->public_key = handles[PUBLIC];
        reply->private_key = handles[PRIVATE];
        c->reply = &reply->base;
    }
    attributes_clear(&pair[PUBLIC]);
    attributes_clear(&pair[PRIVATE]);
    return rv;
}

/* Sealing needs no wrapping key and no CKA_EXTRACTABLE: the blob opens in this partition alone, with the same rights.
 */
static CK_RV seal_key(struct call *c, const struct object *o, const struct mechanism *m)
{
    struct output out = { .room = attributes_packed_len(&o->attributes) + SEAL_OVERHEAD };
    CK_RV rv;

    if (o->class != CKO_PRIVATE_KEY && o->class != CKO_SECRET_KEY)
        return CKR_KEY_NOT_WRAPPABLE;
    if ((out.p = call_memory(c, out.room)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = seal_close(c->who->partition->seal, &o->attributes, m->aad, &out)) != CKR_OK)
        return rv;
    return call_reply_data(c, out.p, out.len);
}

static CK_RV wrap_object(struct call *c, struct object *kek, const struct object *target, const struct mechanism *m)
{
    struct output out = { 0 };
    struct key *key = NULL;
    CK_RV rv;

    if ((rv = transfer_check_wrap(c->who->partition->terms.policy, kek, target, m->type)) != CKR_OK ||
        (rv = object_key(kek, &key)) != CKR_OK)
        return rv;
    out.room = wrap_max(m, key, &target->attributes);
    if ((out.p = call_memory(c, out.room)) == NULL)
        rv = CKR_HOST_MEMORY;
    else if ((rv = wrap_key(m, key, &target->attributes, &out)) == CKR_OK)
        rv = call_reply_data(c, out.p, out.len);
    key_unref(key);
    return rv;
}

CK_RV on_wrap_key(struct call *c, const ProtobufCMessage *request)
{
    const Ks__WrapKey *m = (const Ks__WrapKey *)request;
    struct object *kek = NULL, *target;
    struct mechanism mechanism;
    struct session *s;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if ((target = application_object(s->application, m->key)) == NULL)
        return CKR_KEY_HANDLE_INVALID;
    call_note_object(c, target->unique);
    if (mechanism.type == CKM_STRONGROOM_SEAL)
        return s->application->login == LOGIN_USER ? seal_key(c, target, &mechanism) : CKR_USER_NOT_LOGGED_IN;
    if ((rv = call_key(c, s, m->wrapping_key, RIGHT_WRAP, mechanism.type, &kek)) != CKR_OK)
        return rv == CKR_KEY_HANDLE_INVALID ? CKR_WRAPPING_KEY_HANDLE_INVALID : rv;
    rv = wrap_object(c, kek, target, &mechanism);
    object_unref(kek);
    return rv;
}

/* What the caller's template says of a sealed key must be so, but for CKA_TOKEN, CKA_LABEL and CKA_ID, which are its
 * own. */
static CK_RV agree(struct attributes *sealed, const struct attributes *template)
{
    CK_RV rv;

    for (unsigned i = 0; i < template->count; i++) {
        const struct attribute *t = &template->items[i];
        struct span value = span_of(t->p, t->len);

        if (t->type == CKA_TOKEN || t->type == CKA_LABEL || t->type == CKA_ID) {
            if ((rv = attributes_set(sealed, t->type, value)) != CKR_OK)
                return rv;
        } else if (template_is_secret(t->type, attributes_ulong(sealed, CKA_CLASS, 0)) ||
                   !span_equal(attributes_get(sealed, t->type), value)) {
            return CKR_TEMPLATE_INCONSISTENT; /* a value is not compared: that would be an oracle for it */
        }
    }
    return CKR_OK;
}

static CK_RV unseal_key(struct call *c, struct session *s, const struct mechanism *m, struct span blob,
                        const struct attributes *template)
{
    uint8_t origin[OBJECT_UNIQUE_LEN];
    struct attributes a = { 0 };
    uint64_t handle = 0;
    CK_RV rv;

    if ((rv = seal_open(c->who->partition->seal, blob, m->aad, &a)) != CKR_OK)
        return rv;
    if (hex_decode(origin, sizeof origin, attributes_get(&a, CKA_UNIQUE_ID)) == ST_OK)
        call_note_object(c, origin);
    attributes_remove(&a, CKA_UNIQUE_ID);
    if ((rv = attributes_set_bool(&a, CKA_TOKEN, false)) == CKR_OK && (rv = agree(&a, template)) == CKR_OK &&
        (rv = call_may_make(s, &a)) == CKR_OK && (rv = call_add_object(c, s, &a, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    attributes_clear(&a);
    return rv;
}

/* Make the arrived key an object. `base` as in template_complete(). */
static CK_RV add_arrived(struct call *c, struct session *s, struct attributes *a, const struct attributes *base,
                         uint64_t *handle)
{
    struct actor who = call_actor(c);
    CK_RV rv;

    if ((rv = template_complete(a, TEMPLATE_ARRIVE, &who, base, CK_UNAVAILABLE_INFORMATION)) != CKR_OK ||
        (rv = call_may_make(s, a)) != CKR_OK)
        return rv;
    return call_add_object(c, s, a, handle);
}

/* Without the lock, as an import; the session may be gone afterwards. */
static CK_RV unwrap_unlocked(struct call *c, const struct mechanism *m, struct key *kek, struct span wrapped,
                             struct attributes *a)
{
    CK_RV rv;

    call_unlock(c);
    rv = unwrap_key(m, kek, wrapped, a);
    call_lock(c);
    return rv;
}

static CK_RV unwrap_object(struct call *c, uint64_t session, struct object *kek, const struct mechanism *m,
                           struct span wrapped, struct attributes *a)
{
    struct actor who = call_actor(c);
    struct key *key = NULL;
    struct session *s;
    uint64_t handle = 0;
    CK_RV rv;

    if ((rv = transfer_check_unwrap(who.policy, kek, m->type, a)) != CKR_OK ||
        (rv = template_check_new(a, TEMPLATE_ARRIVE, &who)) != CKR_OK || (rv = object_key(kek, &key)) != CKR_OK)
        return rv;
    if ((rv = unwrap_unlocked(c, m, key, wrapped, a)) == CKR_OK && (rv = call_session(c, session, &s)) == CKR_OK &&
        (rv = add_arrived(c, s, a, NULL, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    key_unref(key);
    return rv;
}

CK_RV on_unwrap_key(struct call *c, const ProtobufCMessage *request)
{
    const Ks__UnwrapKey *m = (const Ks__UnwrapKey *)request;
    struct span wrapped = span_of(m->wrapped.data, m->wrapped.len);
    struct attributes a = { 0 };
    struct mechanism mechanism;
    struct object *kek = NULL;
    struct session *s;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK || (rv = template_read(m->template_, c->budget, &a)) != CKR_OK)
        return rv;
    if (mechanism.type == CKM_STRONGROOM_SEAL) {
        rv = s->application->login == LOGIN_USER ? unseal_key(c, s, &mechanism, wrapped, &a) : CKR_USER_NOT_LOGGED_IN;
    } else if ((rv = call_key(c, s, m->unwrapping_key, RIGHT_UNWRAP, mechanism.type, &kek)) != CKR_OK) {
        rv = rv == CKR_KEY_HANDLE_INVALID ? CKR_UNWRAPPING_KEY_HANDLE_INVALID : rv;
    } else {
        rv = unwrap_object(c, m->session, kek, &mechanism, wrapped, &a);
        object_unref(kek);
    }
    attributes_clear(&a);
    return rv;
}

/* A template for a derived or decapsulated key: secret unless it says otherwise, generic unless it says. */
static CK_RV prepare_arrival(struct call *c, const struct object *base, CK_ATTRIBUTE_TYPE nested,
                             const Ks__Template *template, struct attributes *a)
{
    struct actor who = call_actor(c);
    CK_RV rv;

    if ((rv = template_read(template, c->budget, a)) != CKR_OK ||
        (rv = set_missing_ulong(a, CKA_CLASS, CKO_SECRET_KEY)) != CKR_OK ||
        (rv = set_missing_ulong(a, CKA_KEY_TYPE, CKK_GENERIC_SECRET)) != CKR_OK)
        return rv;
    if (attributes_ulong(a, CKA_CLASS, 0) != CKO_SECRET_KEY)
        return CKR_TEMPLATE_INCONSISTENT;
    if ((rv = transfer_apply_template(base, nested, a)) != CKR_OK ||
        (base->class != CKO_PUBLIC_KEY && (rv = transfer_check_derive(base, a)) != CKR_OK))
        return rv;
    return template_check_new(a, TEMPLATE_ARRIVE, &who);
}

static CK_RV derive(struct call *c, struct session *s, struct object *base, const struct mechanism *m,
                    const Ks__Template *template)
{
    struct attributes a = { 0 };
    struct object *salt = NULL;
    struct key *key = NULL, *salt_key = NULL;
    uint64_t handle = 0;
    CK_RV rv;

    if (m->key != 0 && (rv = call_key(c, s, m->key, RIGHT_DERIVE, m->type, &salt)) != CKR_OK)
        return rv;
    if ((rv = prepare_arrival(c, base, CKA_DERIVE_TEMPLATE, template, &a)) == CKR_OK &&
        (rv = object_key(base, &key)) == CKR_OK && (salt == NULL || (rv = object_key(salt, &salt_key)) == CKR_OK) &&
        (rv = derive_key(m, key, salt_key, &a)) == CKR_OK &&
        (rv = add_arrived(c, s, &a, &base->attributes, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    key_unref(key);
    key_unref(salt_key);
    object_unref(salt);
    attributes_clear(&a);
    return rv;
}

CK_RV on_derive_key(struct call *c, const ProtobufCMessage *request)
{
    const Ks__DeriveKey *m = (const Ks__DeriveKey *)request;
    struct mechanism mechanism;
    struct object *base;
    struct session *s;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    /* The byte-wise derivations are not offered at all: said before the key is looked at. */
    if (mechanism_facts(mechanism.type) == NULL || (mechanism_facts(mechanism.type)->flags & CKF_DERIVE) == 0)
        return CKR_MECHANISM_INVALID;
    if ((rv = call_key(c, s, m->base_key, RIGHT_DERIVE, mechanism.type, &base)) != CKR_OK)
        return rv;
    rv = derive(c, s, base, &mechanism, m->template_);
    object_unref(base);
    return rv;
}

static CK_RV encapsulate(struct call *c, struct session *s, struct object *public, const struct mechanism *m,
                         const Ks__Template *template)
{
    Ks__Encapsulated *e = &c->answer.encapsulated;
    struct attributes a = { 0 };
    struct output out = { 0 };
    struct key *key = NULL;
    CK_RV rv;

    ks__encapsulated__init(e);
    if ((rv = prepare_arrival(c, public, CKA_ENCAPSULATE_TEMPLATE, template, &a)) == CKR_OK &&
        (rv = object_key(public, &key)) == CKR_OK) {
        out.room = encapsulated_len(key);
        if ((out.p = call_memory(c, out.room)) == NULL)
            rv = CKR_HOST_MEMORY;
        else if ((rv = encapsulate_key(m, key, &out, &a)) == CKR_OK &&
                 (rv = add_arrived(c, s, &a, NULL, &e->handle)) == CKR_OK) {
            e->ciphertext = (ProtobufCBinaryData){ .len = out.len, .data = out.p };
            c->reply = &e->base;
        }
    }
    key_unref(key);
    attributes_clear(&a);
    return rv;
}

CK_RV on_encapsulate(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Encapsulate *m = (const Ks__Encapsulate *)request;
    struct mechanism mechanism;
    struct object *public;
    struct session *s;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK ||
        (rv = call_key(c, s, m->key, RIGHT_ENCAPSULATE, mechanism.type, &public)) != CKR_OK)
        return rv;
    rv = encapsulate(c, s, public, &mechanism, m->template_);
    object_unref(public);
    return rv;
}

CK_RV on_decapsulate(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Decapsulate *m = (const Ks__Decapsulate *)request;
    struct attributes a = { 0 };
    struct mechanism mechanism;
    struct object *private;
    struct key *key = NULL;
    struct session *s;
    uint64_t handle = 0;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    c->entry.mechanism = mechanism.type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK ||
        (rv = call_key(c, s, m->key, RIGHT_DECAPSULATE, mechanism.type, &private)) != CKR_OK)
        return rv;
    if ((rv = prepare_arrival(c, private, CKA_DECAPSULATE_TEMPLATE, m->template_, &a)) == CKR_OK &&
        (rv = object_key(private, &key)) == CKR_OK &&
        (rv = decapsulate_key(&mechanism, key, span_of(m->ciphertext.data, m->ciphertext.len), &a)) == CKR_OK &&
        (rv = add_arrived(c, s, &a, NULL, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    key_unref(key);
    object_unref(private);
    attributes_clear(&a);
    return rv;
}

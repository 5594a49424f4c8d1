/* Entry points: making, wrapping and deriving keys. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/key_facts.h"
#include "pkcs11/module/length.h"
#include "pkcs11/module/output.h"
#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/template.h"

/* A mechanism and a template, as most requests here carry them. */
struct recipe {
    struct mechanism mechanism;
    Ks__Mechanism wire;
    struct template template;
};

static CK_RV recipe_read(const CK_MECHANISM *m, const CK_ATTRIBUTE *attributes, CK_ULONG count, struct recipe *out)
{
    CK_RV rv;

    out->template = (struct template){ .message = KS__TEMPLATE__INIT };
    if ((rv = mechanism_convert(m, &out->mechanism)) != CKR_OK ||
        (rv = template_to_wire(attributes, count, &out->template)) != CKR_OK)
        return rv;
    mechanism_to_wire(&out->mechanism, &out->wire);
    return CKR_OK;
}

static CK_RV ask_for_key(struct session *s, uint16_t kind, const ProtobufCMessage *request, CK_OBJECT_HANDLE_PTR key)
{
    struct reply reply;
    CK_RV rv = session_call(s, kind, request, IMPORT_MS, &reply);

    if (rv == CKR_OK)
        *key = ((const Ks__Handle *)reply.message)->handle;
    reply_done(&reply);
    return rv;
}

static CK_RV generate_key(struct session *s, const CK_MECHANISM *m, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                          CK_OBJECT_HANDLE_PTR key)
{
    Ks__GenerateKey request = KS__GENERATE_KEY__INIT;
    struct recipe r;
    CK_RV rv;

    if (key == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.template_ = &r.template.message;
    if ((rv = recipe_read(m, attributes, count, &r)) == CKR_OK)
        rv = ask_for_key(s, MESSAGE_GENERATE_KEY, &request.base, key);
    template_clear(&r.template);
    return rv;
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                    CK_OBJECT_HANDLE_PTR key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = generate_key(call.session, mechanism, attributes, count, key);
    return call_leave(&call, rv);
}

static CK_RV ask_for_pair(struct session *s, const ProtobufCMessage *request, CK_OBJECT_HANDLE_PTR public_key,
                          CK_OBJECT_HANDLE_PTR private_key)
{
    struct reply reply;
    CK_RV rv = session_call(s, MESSAGE_GENERATE_KEY_PAIR, request, SLOW_MS, &reply);

    if (rv == CKR_OK) {
        *public_key = ((const Ks__KeyPair *)reply.message)->public_key;
        *private_key = ((const Ks__KeyPair *)reply.message)->private_key;
    }
    reply_done(&reply);
    return rv;
}

static CK_RV generate_pair(struct session *s, const CK_MECHANISM *m, const CK_ATTRIBUTE *public_attributes,
                           CK_ULONG public_count, const CK_ATTRIBUTE *private_attributes, CK_ULONG private_count,
                           CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key)
{
    Ks__GenerateKeyPair request = KS__GENERATE_KEY_PAIR__INIT;
    struct template private_template = { .message = KS__TEMPLATE__INIT };
    struct recipe r;
    CK_RV rv;

    if (public_key == NULL || private_key == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.public_template = &r.template.message;
    request.private_template = &private_template.message;
    if ((rv = recipe_read(m, public_attributes, public_count, &r)) == CKR_OK &&
        (rv = template_to_wire(private_attributes, private_count, &private_template)) == CKR_OK)
        rv = ask_for_pair(s, &request.base, public_key, private_key);
    template_clear(&private_template);
    template_clear(&r.template);
    return rv;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_attributes,
                        CK_ULONG public_count, CK_ATTRIBUTE_PTR private_attributes, CK_ULONG private_count,
                        CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = generate_pair(call.session, mechanism, public_attributes, public_count, private_attributes, private_count,
                           public_key, private_key);
    return call_leave(&call, rv);
}

/* Asked for a length it wraps too: no other way tells it, and nothing is used up. */
static CK_RV wrap_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
                      CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    Ks__WrapKey request = KS__WRAP_KEY__INIT;
    struct mechanism mechanism;
    Ks__Mechanism wire;
    struct reply reply;
    CK_RV rv;

    if (out_len == NULL)
        return CKR_ARGUMENTS_BAD;
    if ((rv = mechanism_convert(m, &mechanism)) != CKR_OK)
        return rv;
    mechanism_to_wire(&mechanism, &wire);
    request.session = s->number;
    request.mechanism = &wire;
    request.wrapping_key = wrapping_key;
    request.key = key;
    if ((rv = session_call(s, MESSAGE_WRAP_KEY, &request.base, CALL_MS, &reply)) == CKR_OK) {
        const Ks__Data *d = (const Ks__Data *)reply.message;

        rv = output_fill(span_of(d->data.data, d->data.len), out, out_len);
    }
    reply_done(&reply);
    return rv;
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = wrap_key(call.session, mechanism, wrapping_key, key, wrapped, wrapped_len);
    return call_leave(&call, rv);
}

static CK_RV unwrap_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping_key, struct span wrapped,
                        const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
    Ks__UnwrapKey request = KS__UNWRAP_KEY__INIT;
    struct recipe r;
    CK_RV rv;

    if (key == NULL || wrapped.p == NULL)
        return CKR_ARGUMENTS_BAD;
    if (wrapped.len == 0 || wrapped.len > WRAPPED_MAX)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.unwrapping_key = unwrapping_key;
    request.wrapped = wire_bytes(wrapped.p, wrapped.len);
    request.template_ = &r.template.message;
    if ((rv = recipe_read(m, attributes, count, &r)) == CKR_OK)
        rv = ask_for_key(s, MESSAGE_UNWRAP_KEY, &request.base, key);
    template_clear(&r.template);
    return rv;
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                  CK_OBJECT_HANDLE_PTR key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = unwrap_key(call.session, mechanism, unwrapping_key, span_of(wrapped, wrapped_len), attributes, count, key);
    return call_leave(&call, rv);
}

static CK_RV derive_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE base_key,
                        const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
    Ks__DeriveKey request = KS__DERIVE_KEY__INIT;
    struct recipe r;
    CK_RV rv;

    if (key == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.base_key = base_key;
    request.template_ = &r.template.message;
    if ((rv = recipe_read(m, attributes, count, &r)) == CKR_OK)
        rv = ask_for_key(s, MESSAGE_DERIVE_KEY, &request.base, key);
    template_clear(&r.template);
    return rv;
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = derive_key(call.session, mechanism, base_key, attributes, count, key);
    return call_leave(&call, rv);
}

static CK_RV ask_encapsulate(struct session *s, const ProtobufCMessage *request, CK_BYTE_PTR out, CK_ULONG_PTR out_len,
                             CK_OBJECT_HANDLE_PTR key)
{
    struct reply reply;
    CK_RV rv = session_call(s, MESSAGE_ENCAPSULATE, request, CALL_MS, &reply);

    if (rv == CKR_OK) {
        const Ks__Encapsulated *e = (const Ks__Encapsulated *)reply.message;

        rv = output_fill(span_of(e->ciphertext.data, e->ciphertext.len), out, out_len);
        *key = e->handle;
    }
    reply_done(&reply);
    return rv;
}

/* The length is checked before a key is made: there is no second try for that one. */
static CK_RV encapsulate(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE public_key,
                         const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE_PTR out, CK_ULONG_PTR out_len,
                         CK_OBJECT_HANDLE_PTR key)
{
    Ks__Encapsulate request = KS__ENCAPSULATE__INIT;
    struct key_summary facts;
    struct recipe r;
    size_t want;
    CK_RV rv;

    if (out_len == NULL || (out != NULL && key == NULL))
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.key = public_key;
    request.template_ = &r.template.message;
    if ((rv = recipe_read(m, attributes, count, &r)) != CKR_OK || (rv = key_facts_get(s, public_key, &facts)) != CKR_OK)
        goto done;
    want = facts.type == CKK_ML_KEM ? length_of_encapsulation(facts.bits) : 0;
    if (want == 0) {
        rv = CKR_KEY_TYPE_INCONSISTENT;
    } else if (out == NULL || *out_len < want) {
        *out_len = want;
        rv = out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    } else {
        rv = ask_encapsulate(s, &request.base, out, out_len, key);
    }
done:
    template_clear(&r.template);
    return rv;
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext, CK_ULONG_PTR ciphertext_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = encapsulate(call.session, mechanism, public_key, attributes, count, ciphertext, ciphertext_len, key);
    return call_leave(&call, rv);
}

static CK_RV decapsulate(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE private_key,
                         const CK_ATTRIBUTE *attributes, CK_ULONG count, struct span ciphertext,
                         CK_OBJECT_HANDLE_PTR key)
{
    Ks__Decapsulate request = KS__DECAPSULATE__INIT;
    struct recipe r;
    CK_RV rv;

    if (key == NULL || ciphertext.p == NULL)
        return CKR_ARGUMENTS_BAD;
    if (ciphertext.len > ATTRIBUTE_VALUE_MAX)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    request.session = s->number;
    request.mechanism = &r.wire;
    request.key = private_key;
    request.ciphertext = wire_bytes(ciphertext.p, ciphertext.len);
    request.template_ = &r.template.message;
    if ((rv = recipe_read(m, attributes, count, &r)) == CKR_OK)
        rv = ask_for_key(s, MESSAGE_DECAPSULATE, &request.base, key);
    template_clear(&r.template);
    return rv;
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_BYTE_PTR ciphertext, CK_ULONG ciphertext_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = decapsulate(call.session, mechanism, private_key, attributes, count, span_of(ciphertext, ciphertext_len),
                         key);
    return call_leave(&call, rv);
}

/* Requests that use keys: whole operations, operations in parts, random bytes. */
#include <openssl/rand.h>

#include "firmware/call.h"
#include "firmware/crypto/entropy.h"

static const enum key_right right_for[OPERATION_KIND_COUNT_] = {
    [OPERATION_ENCRYPT] = RIGHT_ENCRYPT,
    [OPERATION_DECRYPT] = RIGHT_DECRYPT,
    [OPERATION_SIGN] = RIGHT_SIGN,
    [OPERATION_VERIFY] = RIGHT_VERIFY,
    [OPERATION_SIGN_RECOVER] = RIGHT_SIGN_RECOVER,
    [OPERATION_VERIFY_RECOVER] = RIGHT_VERIFY_RECOVER,
};

/* The key of an operation; none for digests. The caller unrefs it. */
static CK_RV find_key(struct call *c, uint64_t session, uint32_t kind, uint64_t handle, CK_MECHANISM_TYPE mechanism,
                      struct key **out)
{
    struct object *o;
    struct session *s;
    CK_RV rv;

    *out = NULL;
    c->entry.detail = kind;
    c->entry.mechanism = mechanism;
    if ((rv = call_session(c, session, &s)) != CKR_OK || kind == OPERATION_DIGEST)
        return rv;
    if ((rv = call_key(c, s, handle, right_for[kind], mechanism, &o)) != CKR_OK)
        return rv;
    rv = object_key(o, out);
    object_unref(o);
    return rv;
}

static CK_RV compute(struct call *c, const Ks__Compute *m, const struct mechanism *mechanism, struct key *key)
{
    struct span in = span_of(m->data.data, m->data.len);
    struct span signature = span_of(m->signature.data, m->signature.len);
    struct output out = { .room = operation_compute_max(m->operation, mechanism, key, in.len) };
    CK_RV rv;

    if ((out.p = call_memory(c, out.room)) == NULL)
        return CKR_DEVICE_MEMORY;
    if ((rv = operation_compute(m->operation, mechanism, key, in, signature, &out)) != CKR_OK)
        return rv;
    return call_reply_data(c, out.p, out.len);
}

CK_RV on_compute(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Compute *m = (const Ks__Compute *)request;
    struct mechanism mechanism;
    struct key *key;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    if ((rv = find_key(c, m->session, m->operation, m->key, mechanism.type, &key)) != CKR_OK)
        return rv;
    call_unlock(c);
    rv = compute(c, m, &mechanism, key);
    key_unref(key);
    return rv;
}

CK_RV on_operation_begin(struct call *c, const ProtobufCMessage *request)
{
    const Ks__OperationBegin *m = (const Ks__OperationBegin *)request;
    struct operation *op = NULL;
    struct mechanism mechanism;
    struct session *s;
    struct key *key;
    CK_RV rv;

    mechanism_from_wire(m->mechanism, &mechanism);
    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if (s->operations[m->operation] != NULL || (s->busy & BIT(m->operation)) != 0)
        return CKR_OPERATION_ACTIVE;
    if ((rv = find_key(c, m->session, m->operation, m->key, mechanism.type, &key)) != CKR_OK)
        return rv;
    if ((rv = operation_begin(m->operation, &mechanism, key, &op)) == CKR_OK &&
        (rv = session_begin_operation(s, m->operation, op)) != CKR_OK)
        operation_free(op);
    key_unref(key);
    return rv;
}

/* The value of a key into a digest (C_DigestKey). */
static CK_RV digest_key(struct call *c, struct session *s, struct operation *op, uint64_t handle)
{
    struct object *o = application_object(s->application, handle);
    struct key *key;
    CK_RV rv;

    if (o == NULL)
        return CKR_KEY_HANDLE_INVALID;
    call_note_object(c, o->unique);
    c->key_used = true;
    /* The digest of a short key, or of a key behind known bytes, gives it away to a search. */
    if (o->class != CKO_SECRET_KEY || object_is_sealed_off(o))
        return CKR_KEY_INDIGESTIBLE;
    if ((rv = object_key(o, &key)) != CKR_OK)
        return rv;
    rv = operation_update_key(op, key);
    key_unref(key);
    return rv;
}

/* A part of an operation, or its end, without the lock. */
static CK_RV work(struct call *c, struct operation *op, bool last, struct span in)
{
    struct output out = { .room = operation_output_max(op, last ? 0 : in.len) };
    CK_RV rv;

    call_unlock(c);
    if ((out.p = call_memory(c, out.room)) == NULL)
        rv = CKR_DEVICE_MEMORY;
    else if ((rv = last ? operation_final(op, in, &out) : operation_update(op, in, &out)) == CKR_OK)
        rv = call_reply_data(c, out.p, out.len);
    call_lock(c);
    return rv;
}

/* An error ends the operation. `key`: whose value goes into a digest; else 0. */
static CK_RV go_on(struct call *c, uint64_t session, uint32_t kind, uint64_t key, bool last, struct span in)
{
    struct operation *op;
    struct session *s;
    CK_RV rv;

    if ((rv = call_session(c, session, &s)) != CKR_OK || (rv = session_take_operation(s, kind, &op)) != CKR_OK)
        return rv;
    rv = key != 0 && kind == OPERATION_DIGEST ? digest_key(c, s, op, key) : work(c, op, last, in);
    if (rv != CKR_OK || last) {
        operation_free(op);
        op = NULL;
    }
    session_put_operation(s, kind, op);
    return rv;
}

CK_RV on_operation_update(struct call *c, const ProtobufCMessage *request)
{
    const Ks__OperationUpdate *m = (const Ks__OperationUpdate *)request;

    return go_on(c, m->session, m->operation, m->key, false, span_of(m->data.data, m->data.len));
}

CK_RV on_operation_final(struct call *c, const ProtobufCMessage *request)
{
    const Ks__OperationFinal *m = (const Ks__OperationFinal *)request;

    return go_on(c, m->session, m->operation, 0, true, span_of(m->signature.data, m->signature.len));
}

CK_RV on_operation_cancel(struct call *c, const ProtobufCMessage *request)
{
    const Ks__OperationCancel *m = (const Ks__OperationCancel *)request;
    struct session *s;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if (m->operation == 0)
        session_end_operations(s);
    else
        session_end_operation(s, m->operation);
    return CKR_OK;
}

CK_RV on_random(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Random *m = (const Ks__Random *)request;
    uint8_t *p = call_memory(c, m->length);

    if (p == NULL)
        return CKR_HOST_MEMORY;
    if (entropy_draw(p, m->length) != ST_OK)
        return CKR_DEVICE_ERROR;
    return call_reply_data(c, p, m->length);
}

/* Mixed in; credited with nothing. */
CK_RV on_seed(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Seed *m = (const Ks__Seed *)request;

    (void)c;
    RAND_add(m->seed.data, (int)m->seed.len, 0.0);
    return CKR_OK;
}

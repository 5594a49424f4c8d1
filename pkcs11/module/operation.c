#include "pkcs11/module/operation.h"

#include <stdlib.h>

#include "pkcs11/module/key_facts.h"
#include "pkcs11/module/length.h"
#include "pkcs11/module/output.h"
#include "pkcs11/module/parameter.h"
#include "pkcs11/module/sink.h"

#define PART_MAX (128u * 1024) /* of one request in a longer row */
#define TAIL_MAX 64            /* what an operation adds to its input at most, beside signatures: padding, a tag */

/* --- the life of an operation --- */

void operation_clear(struct active *a)
{
    if (a->phase == PHASE_NONE)
        return;
    bytes_wipe(&a->pending);
    bytes_clear(&a->signature);
    if (a->parts != NULL && a->parts != a->small) {
        secret_wipe(a->parts, a->parts_len);
        free(a->parts);
    }
    secret_wipe(a, sizeof *a);
}

bool operation_is_active(const struct session *s, enum operation_kind kind)
{
    return s->active[kind].phase != PHASE_NONE;
}

void operation_cancel(struct session *s, enum operation_kind kind)
{
    Ks__OperationCancel request = KS__OPERATION_CANCEL__INIT;

    if (s->active[kind].phase == PHASE_PARTS) {
        request.session = s->number;
        request.operation = kind;
        /* When this fails the session is in no state to go on with anything. */
        if (session_order(s, MESSAGE_OPERATION_CANCEL, &request.base, CALL_MS) != CKR_OK)
            s->active[kind].phase = PHASE_ENDED;
    }
    operation_clear(&s->active[kind]);
}

static CK_RV end(struct session *s, enum operation_kind kind, CK_RV rv)
{
    if (rv == CKR_DEVICE_REMOVED)
        operation_clear(&s->active[kind]); /* there is nobody to tell */
    else
        operation_cancel(s, kind);
    return rv;
}

static CK_RV keep_mechanism(struct active *a, const struct mechanism *m)
{
    a->mechanism = *m;
    a->parts_len = mechanism_parts_len(m);
    a->parts = a->small;
    if (a->parts_len > sizeof a->small && (a->parts = malloc(a->parts_len)) == NULL)
        return CKR_HOST_MEMORY;
    mechanism_keep(&a->mechanism, a->parts);
    return CKR_OK;
}

static CK_RV check_key(struct session *s, struct active *a, enum operation_kind kind, CK_OBJECT_HANDLE key)
{
    struct key_summary facts;
    CK_RV rv;

    if ((rv = key_facts_get(s, key, &facts)) != CKR_OK ||
        (rv = key_facts_permit(&facts, kind, a->shape, a->mechanism.type)) != CKR_OK)
        return rv;
    a->key = key;
    a->key_type = facts.type;
    a->key_bits = facts.bits;
    return parameter_check(&a->mechanism, a->shape, facts.bits);
}

CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct active *a = &s->active[kind];
    CK_MECHANISM_INFO info;
    struct mechanism m;
    CK_RV rv;

    if (a->phase != PHASE_NONE) {
        if (mechanism != NULL)
            return CKR_OPERATION_ACTIVE;
        operation_cancel(s, kind);
        return CKR_OK;
    }
    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    if ((rv = slot_mechanism(s->slot, mechanism->mechanism, &info)) != CKR_OK)
        return rv;
    if ((info.flags & operation_flag(kind)) == 0)
        return CKR_MECHANISM_INVALID;
    if ((rv = mechanism_convert(mechanism, &m)) != CKR_OK)
        return rv;
    a->phase = PHASE_READY;
    a->shape = mechanism_shape(m.type);
    if ((rv = keep_mechanism(a, &m)) == CKR_OK && kind != OPERATION_DIGEST)
        rv = check_key(s, a, kind, key);
    if (rv != CKR_OK)
        operation_clear(a);
    return rv;
}

CK_RV operation_init_signature(struct session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                               CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    struct active *a = &s->active[OPERATION_VERIFY];
    CK_RV rv;

    if (mechanism != NULL && signature == NULL)
        return CKR_ARGUMENTS_BAD;
    if (mechanism != NULL && signature_len > SIGNATURE_MAX)
        return CKR_SIGNATURE_LEN_RANGE;
    if ((rv = operation_init(s, OPERATION_VERIFY, mechanism, key)) != CKR_OK || mechanism == NULL)
        return rv;
    a->signature_first = true;
    if (bytes_set(&a->signature, span_of(signature, signature_len)) == ST_OK)
        return CKR_OK;
    operation_clear(a);
    return CKR_HOST_MEMORY;
}

/* --- requests --- */

static unsigned patience(const struct active *a)
{
    return a->key_type == CKK_SLH_DSA && a->shape->key_type == CKK_SLH_DSA ? SLOW_MS : CALL_MS;
}

/* The keystore knows better: what we remember of the key is old. */
static CK_RV note_key(struct session *s, const struct active *a, CK_RV rv)
{
    if (rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_KEY_HANDLE_INVALID || rv == CKR_KEY_FUNCTION_NOT_PERMITTED ||
        rv == CKR_KEY_TYPE_INCONSISTENT)
        key_cache_drop(&s->slot->keys, a->key);
    return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
}

static struct span data_of(const struct reply *r)
{
    const Ks__Data *d = (const Ks__Data *)r->message;

    return span_of(d->data.data, d->data.len);
}

static CK_RV compute(struct session *s, enum operation_kind kind, struct span in, struct span signature,
                     CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    struct active *a = &s->active[kind];
    Ks__Compute request = KS__COMPUTE__INIT;
    Ks__Mechanism mechanism;
    struct reply reply;
    CK_RV rv;

    mechanism_to_wire(&a->mechanism, &mechanism);
    request.session = s->number;
    request.operation = kind;
    request.mechanism = &mechanism;
    request.key = a->key;
    request.data = wire_bytes(in.p, in.len);
    request.signature = wire_bytes(signature.p, signature.len);
    rv = session_call(s, MESSAGE_COMPUTE, &request.base, patience(a), &reply);
    if (rv == CKR_OK && out_len != NULL)
        rv = output_fill(data_of(&reply), out, out_len);
    reply_done(&reply);
    return note_key(s, a, rv);
}

/* Tell the keystore, if that has not been done. */
static CK_RV begin_parts(struct session *s, enum operation_kind kind)
{
    struct active *a = &s->active[kind];
    Ks__OperationBegin request = KS__OPERATION_BEGIN__INIT;
    Ks__Mechanism mechanism;
    CK_RV rv;

    if (a->phase == PHASE_PARTS)
        return CKR_OK;
    mechanism_to_wire(&a->mechanism, &mechanism);
    request.session = s->number;
    request.operation = kind;
    request.mechanism = &mechanism;
    request.key = a->key;
    if ((rv = session_order(s, MESSAGE_OPERATION_BEGIN, &request.base, CALL_MS)) == CKR_OK)
        a->phase = PHASE_PARTS;
    return note_key(s, a, rv);
}

static CK_RV put_parts(struct session *s, enum operation_kind kind, struct span in, struct sink *sink)
{
    struct active *a = &s->active[kind];
    Ks__OperationUpdate request = KS__OPERATION_UPDATE__INIT;
    struct reply reply;
    CK_RV rv = CKR_OK;

    request.session = s->number;
    request.operation = kind;
    while (in.len > 0 && rv == CKR_OK) {
        size_t n = in.len < PART_MAX ? in.len : PART_MAX;

        request.data = wire_bytes(in.p, n);
        if ((rv = session_call(s, MESSAGE_OPERATION_UPDATE, &request.base, CALL_MS, &reply)) == CKR_OK) {
            a->in_len += n;
            a->out_len += data_of(&reply).len;
            rv = sink_put(sink, data_of(&reply));
        }
        reply_done(&reply);
        in = span_of(in.p + n, in.len - n);
    }
    return rv;
}

static CK_RV put_final(struct session *s, enum operation_kind kind, struct span signature, struct sink *sink)
{
    struct active *a = &s->active[kind];
    Ks__OperationFinal request = KS__OPERATION_FINAL__INIT;
    struct reply reply;
    CK_RV rv;

    request.session = s->number;
    request.operation = kind;
    request.signature = wire_bytes(signature.p, signature.len);
    rv = session_call(s, MESSAGE_OPERATION_FINAL, &request.base, patience(a), &reply);
    a->phase = PHASE_ENDED;
    if (rv == CKR_OK)
        rv = sink_put(sink, data_of(&reply));
    reply_done(&reply);
    return rv;
}

/* A whole operation on more data than one request takes. Mechanisms that only know whole operations refuse. */
static CK_RV compute_in_parts(struct session *s, enum operation_kind kind, struct span in, struct span signature,
                              CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    struct active *a = &s->active[kind];
    struct bytes spill = { 0 };
    struct sink sink = { .out = out,
                         .room = out_len != NULL ? *out_len : 0,
                         .max = length_of_whole(a, kind, in.len).max + TAIL_MAX,
                         .spill = &spill };
    CK_RV rv;

    if ((rv = begin_parts(s, kind)) == CKR_OK && (rv = put_parts(s, kind, in, &sink)) == CKR_OK &&
        (rv = put_final(s, kind, signature, &sink)) == CKR_OK && out_len != NULL)
        rv = sink_end(&sink, out_len);
    bytes_wipe(&spill);
    a->in_len = a->out_len = 0;
    return rv == CKR_FUNCTION_NOT_SUPPORTED ? CKR_DATA_LEN_RANGE : rv;
}

/* --- whole operations --- */

static CK_RV check_whole(const struct active *a, const void *in, CK_ULONG in_len, bool signature_first)
{
    if (a->phase == PHASE_NONE || a->signature_first != signature_first)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (a->phase != PHASE_READY && a->phase != PHASE_ASKED)
        return CKR_OPERATION_ACTIVE;
    return in == NULL && in_len > 0 ? CKR_ARGUMENTS_BAD : CKR_OK;
}

CK_RV operation_whole(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
                      CK_ULONG_PTR out_len)
{
    struct active *a = &s->active[kind];
    CK_RV rv = check_whole(a, in, in_len, false);
    struct length want;

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && out_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK)
        return end(s, kind, rv);
    want = length_of_whole(a, kind, in_len);
    if (out == NULL || (want.exact && *out_len < want.max)) {
        *out_len = want.max;
        a->phase = PHASE_ASKED;
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    rv =
        (in_len <= DATA_MAX ? compute : compute_in_parts)(s, kind, span_of(in, in_len), span_of(NULL, 0), out, out_len);
    if (rv == CKR_BUFFER_TOO_SMALL) {
        a->phase = PHASE_ASKED; /* it will be done again: nothing of the operation has been used up */
        return rv;
    }
    return end(s, kind, rv);
}

/* The signature that came first, or the one given now. */
static CK_RV check_signature(const struct active *a, const struct span *given, struct span *out)
{
    *out = given != NULL ? *given : bytes_span(&a->signature);
    if (out->p == NULL)
        return CKR_ARGUMENTS_BAD;
    return out->len > SIGNATURE_MAX ? CKR_SIGNATURE_LEN_RANGE : CKR_OK;
}

CK_RV operation_verify(struct session *s, CK_BYTE_PTR data, CK_ULONG data_len, const struct span *signature)
{
    struct active *a = &s->active[OPERATION_VERIFY];
    CK_RV rv = check_whole(a, data, data_len, signature == NULL);
    struct span sig;

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && (rv = check_signature(a, signature, &sig)) == CKR_OK)
        rv = (data_len <= DATA_MAX ? compute : compute_in_parts)(s, OPERATION_VERIFY, span_of(data, data_len), sig,
                                                                 NULL, NULL);
    return end(s, OPERATION_VERIFY, rv);
}

/* --- operations in parts --- */

static CK_RV check_part(const struct active *a, const void *in, CK_ULONG in_len, bool signature_first)
{
    if (a->phase == PHASE_NONE || a->signature_first != signature_first)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (a->phase != PHASE_READY && a->phase != PHASE_PARTS)
        return CKR_OPERATION_ACTIVE; /* a whole operation has been asked for its length, or the end has begun */
    return in == NULL && in_len > 0 ? CKR_ARGUMENTS_BAD : CKR_OK;
}

static CK_RV give_pending(struct active *a, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    CK_RV rv = output_fill(bytes_span(&a->pending), out, out_len);

    if (rv == CKR_OK && out != NULL) {
        bytes_wipe(&a->pending);
        a->has_pending = false;
    }
    return rv;
}

CK_RV operation_part(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
                     CK_ULONG_PTR out_len)
{
    struct active *a = &s->active[kind];
    struct sink sink = { .out = out, .spill = &a->pending };
    CK_RV rv = check_part(a, in, in_len, false);

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && out_len == NULL)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK && a->has_pending && in_len != a->pending_for)
        rv = CKR_ARGUMENTS_BAD; /* PKCS#11 5.2: the same call again, with room */
    if (rv != CKR_OK)
        return end(s, kind, rv);
    if (a->has_pending)
        return give_pending(a, out, out_len);
    sink.max = length_of_part(a, in_len);
    if (out == NULL) {
        *out_len = sink.max;
        return CKR_OK;
    }
    sink.room = *out_len;
    if ((rv = begin_parts(s, kind)) != CKR_OK || (rv = put_parts(s, kind, span_of(in, in_len), &sink)) != CKR_OK)
        return end(s, kind, rv);
    rv = sink_end(&sink, out_len);
    a->has_pending = rv == CKR_BUFFER_TOO_SMALL;
    a->pending_for = in_len;
    return rv;
}

CK_RV operation_absorb(struct session *s, enum operation_kind kind, CK_BYTE_PTR in, CK_ULONG in_len,
                       bool signature_first)
{
    struct active *a = &s->active[kind];
    struct sink none = { .spill = &a->pending };
    CK_RV rv = check_part(a, in, in_len, signature_first);

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && (rv = begin_parts(s, kind)) == CKR_OK)
        rv = put_parts(s, kind, span_of(in, in_len), &none);
    return rv == CKR_OK ? rv : end(s, kind, rv);
}

CK_RV operation_absorb_key(struct session *s, CK_OBJECT_HANDLE key)
{
    struct active *a = &s->active[OPERATION_DIGEST];
    Ks__OperationUpdate request = KS__OPERATION_UPDATE__INIT;
    CK_RV rv = check_part(a, NULL, 0, false);

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    request.session = s->number;
    request.operation = OPERATION_DIGEST;
    request.key = key;
    if (rv == CKR_OK && key == CK_INVALID_HANDLE)
        rv = CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK && (rv = begin_parts(s, OPERATION_DIGEST)) == CKR_OK)
        rv = session_order(s, MESSAGE_OPERATION_UPDATE, &request.base, CALL_MS);
    return rv == CKR_OK ? rv : end(s, OPERATION_DIGEST, rv);
}

/* What the final part gives: signatures and digests are as long as those of whole operations. */
static struct length length_at_end(const struct active *a, enum operation_kind kind)
{
    if (kind == OPERATION_SIGN || kind == OPERATION_DIGEST)
        return length_of_whole(a, kind, 0);
    return (struct length){ .max = length_of_final(a, kind) };
}

CK_RV operation_finish(struct session *s, enum operation_kind kind, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
    struct active *a = &s->active[kind];
    bool again = a->phase == PHASE_ENDED && a->has_pending;
    struct sink sink = { .out = out, .spill = &a->pending };
    CK_RV rv = again ? CKR_OK : check_part(a, NULL, 0, false);
    struct length want;

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && (out_len == NULL || (a->has_pending && !again)))
        rv = CKR_ARGUMENTS_BAD;
    if (rv != CKR_OK)
        return end(s, kind, rv);
    if (again) {
        rv = give_pending(a, out, out_len);
        return rv == CKR_BUFFER_TOO_SMALL || out == NULL ? rv : end(s, kind, rv);
    }
    want = length_at_end(a, kind);
    if (out == NULL || (want.exact && *out_len < want.max)) {
        *out_len = want.max;
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    sink.room = *out_len;
    sink.max = want.max + TAIL_MAX;
    if ((rv = begin_parts(s, kind)) == CKR_OK && (rv = put_final(s, kind, span_of(NULL, 0), &sink)) == CKR_OK)
        rv = sink_end(&sink, out_len);
    a->has_pending = rv == CKR_BUFFER_TOO_SMALL;
    return a->has_pending ? rv : end(s, kind, rv);
}

CK_RV operation_verify_finish(struct session *s, const struct span *signature)
{
    struct active *a = &s->active[OPERATION_VERIFY];
    struct sink none = { .spill = &a->pending };
    CK_RV rv = check_part(a, NULL, 0, signature == NULL);
    struct span sig;

    if (rv == CKR_OPERATION_NOT_INITIALIZED)
        return rv;
    if (rv == CKR_OK && (rv = check_signature(a, signature, &sig)) == CKR_OK &&
        (rv = begin_parts(s, OPERATION_VERIFY)) == CKR_OK)
        rv = put_final(s, OPERATION_VERIFY, sig, &none);
    return end(s, OPERATION_VERIFY, rv);
}

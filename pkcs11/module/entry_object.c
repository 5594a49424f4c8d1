/* Entry points: objects. */
#include "pkcs11/module/call.h"
#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/search.h"
#include "pkcs11/module/template.h"

/* The answer to whatever makes one object. */
static CK_RV make_object(struct session *s, uint16_t kind, const ProtobufCMessage *request, CK_OBJECT_HANDLE_PTR out)
{
    struct reply reply;
    CK_RV rv = session_call(s, kind, request, IMPORT_MS, &reply);

    if (rv == CKR_OK)
        *out = ((const Ks__Handle *)reply.message)->handle;
    reply_done(&reply);
    return rv;
}

static CK_RV create_object(struct session *s, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR out)
{
    Ks__CreateObject request = KS__CREATE_OBJECT__INIT;
    struct template t;
    CK_RV rv;

    if (out == NULL || attributes == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.template_ = &t.message;
    if ((rv = template_to_wire(attributes, count, &t)) == CKR_OK)
        rv = make_object(s, MESSAGE_CREATE_OBJECT, &request.base, out);
    template_clear(&t);
    return rv;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                     CK_OBJECT_HANDLE_PTR object)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = create_object(call.session, attributes, count, object);
    return call_leave(&call, rv);
}

static CK_RV copy_object(struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                         CK_OBJECT_HANDLE_PTR out)
{
    Ks__CopyObject request = KS__COPY_OBJECT__INIT;
    struct template t;
    CK_RV rv;

    if (out == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.object = object;
    request.template_ = &t.message;
    if ((rv = template_to_wire(attributes, count, &t)) == CKR_OK)
        rv = make_object(s, MESSAGE_COPY_OBJECT, &request.base, out);
    template_clear(&t);
    return rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                   CK_OBJECT_HANDLE_PTR new_object)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = copy_object(call.session, object, attributes, count, new_object);
    return call_leave(&call, rv);
}

static CK_RV destroy_object(struct session *s, CK_OBJECT_HANDLE object)
{
    Ks__Object request = KS__OBJECT__INIT;
    CK_RV rv;

    request.session = s->number;
    request.object = object;
    rv = session_order(s, MESSAGE_DESTROY_OBJECT, &request.base, CALL_MS);
    key_cache_drop(&s->slot->keys, object);
    return rv;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = destroy_object(call.session, object);
    return call_leave(&call, rv);
}

static CK_RV object_size(struct session *s, CK_OBJECT_HANDLE object, CK_ULONG_PTR size)
{
    Ks__Object request = KS__OBJECT__INIT;
    struct reply reply;
    CK_RV rv;

    if (size == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.object = object;
    if ((rv = session_call(s, MESSAGE_OBJECT_SIZE, &request.base, CALL_MS, &reply)) == CKR_OK)
        *size = ((const Ks__ObjectSize *)reply.message)->size;
    reply_done(&reply);
    return rv;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG_PTR size)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = object_size(call.session, object, size);
    return call_leave(&call, rv);
}

static CK_RV get_attributes(struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
{
    Ks__GetAttributes request = KS__GET_ATTRIBUTES__INIT;
    uint64_t types[TEMPLATE_ATTRIBUTES_MAX];
    struct reply reply;
    CK_RV rv;

    if (attributes == NULL || count == 0 || count > TEMPLATE_ATTRIBUTES_MAX)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++)
        types[i] = attributes[i].type;
    request.session = s->number;
    request.object = object;
    request.types = types;
    request.n_types = count;
    if ((rv = session_call(s, MESSAGE_GET_ATTRIBUTES, &request.base, CALL_MS, &reply)) == CKR_OK)
        rv = template_from_wire((const Ks__Template *)reply.message, attributes, count, &reply.connection->budget);
    reply_done(&reply);
    return rv;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                          CK_ULONG count)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = get_attributes(call.session, object, attributes, count);
    return call_leave(&call, rv);
}

static CK_RV set_attributes(struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
{
    Ks__SetAttributes request = KS__SET_ATTRIBUTES__INIT;
    struct template t;
    CK_RV rv;

    if (attributes == NULL)
        return CKR_ARGUMENTS_BAD;
    request.session = s->number;
    request.object = object;
    request.template_ = &t.message;
    if ((rv = template_to_wire(attributes, count, &t)) == CKR_OK)
        rv = session_order(s, MESSAGE_SET_ATTRIBUTES, &request.base, CALL_MS);
    template_clear(&t);
    key_cache_drop(&s->slot->keys, object);
    return rv;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
                          CK_ULONG count)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = set_attributes(call.session, object, attributes, count);
    return call_leave(&call, rv);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = search_begin(call.session, attributes, count);
    return call_leave(&call, rv);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, CK_ULONG_PTR count)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = search_take(call.session, objects, max, count);
    return call_leave(&call, rv);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK)
        rv = search_end(call.session);
    return call_leave(&call, rv);
}

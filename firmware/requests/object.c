/* Requests about objects: create, copy, destroy, read, change, find. */
#include "firmware/call.h"

static CK_RV prepare_new(struct call *c, const struct session *s, struct attributes *a)
{
    struct actor who = call_actor(c);
    CK_RV rv;

    if ((rv = template_check_new(a, TEMPLATE_CREATE, &who)) != CKR_OK ||
        (rv = template_complete(a, TEMPLATE_CREATE, &who, NULL, CK_UNAVAILABLE_INFORMATION)) != CKR_OK)
        return rv;
    return call_may_make(s, a);
}

/* An imported key's values are checked and completed without the lock: an RSA key of 8192 bits takes half a second. */
static CK_RV complete_key(struct call *c, struct attributes *a)
{
    CK_OBJECT_CLASS class = attributes_ulong(a, CKA_CLASS, (CK_ULONG)-1);
    CK_RV rv;

    if (class == CKO_DATA || class == CKO_CERTIFICATE)
        return CKR_OK;
    call_unlock(c);
    rv = key_complete(a);
    call_lock(c);
    return rv;
}

CK_RV on_create_object(struct call *c, const ProtobufCMessage *request)
{
    const Ks__CreateObject *m = (const Ks__CreateObject *)request;
    struct attributes a = { 0 };
    struct session *s;
    uint64_t handle = 0;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) == CKR_OK &&
        (rv = template_read(m->template_, c->budget, &a)) == CKR_OK && (rv = prepare_new(c, s, &a)) == CKR_OK &&
        (rv = complete_key(c, &a)) == CKR_OK && (rv = call_session(c, m->session, &s)) == CKR_OK &&
        (rv = call_may_make(s, &a)) == CKR_OK && (rv = call_add_object(c, s, &a, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    attributes_clear(&a);
    return rv;
}

/* What the copy has that the original had not: its history never gets better. */
static CK_RV prepare_copy(struct call *c, const struct object *o, const struct attributes *changes,
                          struct attributes *copy)
{
    struct actor who = call_actor(c);
    CK_RV rv;

    if (attributes_has(&o->attributes, CKA_COPYABLE) && !attributes_bool(&o->attributes, CKA_COPYABLE))
        return CKR_ACTION_PROHIBITED;
    if ((rv = template_check_change(&o->attributes, changes, TEMPLATE_COPY, &who)) != CKR_OK ||
        (rv = attributes_merge(copy, &o->attributes)) != CKR_OK || (rv = attributes_merge(copy, changes)) != CKR_OK)
        return rv;
    attributes_remove(copy, CKA_UNIQUE_ID);
    return CKR_OK;
}

CK_RV on_copy_object(struct call *c, const ProtobufCMessage *request)
{
    const Ks__CopyObject *m = (const Ks__CopyObject *)request;
    struct attributes changes = { 0 }, copy = { 0 };
    struct object *o;
    struct session *s;
    uint64_t handle = 0;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if ((o = application_object(s->application, m->object)) == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    call_note_object(c, o->unique);
    if ((rv = template_read(m->template_, c->budget, &changes)) == CKR_OK &&
        (rv = prepare_copy(c, o, &changes, &copy)) == CKR_OK && (rv = call_may_make(s, &copy)) == CKR_OK &&
        (rv = call_add_object(c, s, &copy, &handle)) == CKR_OK)
        rv = call_reply_handle(c, handle);
    attributes_clear(&changes);
    attributes_clear(&copy);
    return rv;
}

/* An object that the session may change. */
static CK_RV writable(struct call *c, struct session *s, uint64_t handle, struct object **out)
{
    struct object *o = application_object(s->application, handle);

    if (o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    call_note_object(c, o->unique);
    if (o->session == NULL && !s->read_write)
        return CKR_SESSION_READ_ONLY;
    *out = o;
    return CKR_OK;
}

CK_RV on_destroy_object(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Object *m = (const Ks__Object *)request;
    struct session *s;
    struct object *o;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK || (rv = writable(c, s, m->object, &o)) != CKR_OK)
        return rv;
    if (attributes_has(&o->attributes, CKA_DESTROYABLE) && !attributes_bool(&o->attributes, CKA_DESTROYABLE))
        return CKR_ACTION_PROHIBITED;
    return application_remove_object(s->application, &c->ks->storage, o);
}

/* Packed attributes, as they are kept, to the packed Template that the wire carries. */
static CK_RV nested_value(struct call *c, struct span packed, ProtobufCBinaryData *out)
{
    Ks__Template t = KS__TEMPLATE__INIT;
    struct attributes a;
    Ks__Attribute *items;
    CK_RV rv = CKR_HOST_MEMORY;

    if (attributes_unpack(&a, packed) != CKR_OK)
        return CKR_DEVICE_ERROR;
    items = call_memory(c, a.count * sizeof *items);
    t.attributes = call_memory(c, a.count * sizeof *t.attributes);
    if (items != NULL && t.attributes != NULL) {
        for (t.n_attributes = 0; t.n_attributes < a.count; t.n_attributes++) {
            Ks__Attribute *item = &items[t.n_attributes];

            ks__attribute__init(item);
            item->type = a.items[t.n_attributes].type;
            item->value =
                (ProtobufCBinaryData){ .len = a.items[t.n_attributes].len, .data = a.items[t.n_attributes].p };
            t.attributes[t.n_attributes] = item;
        }
        out->len = ks__template__get_packed_size(&t);
        if ((out->data = call_memory(c, out->len)) != NULL) {
            ks__template__pack(&t, out->data);
            rv = CKR_OK;
        }
    }
    attributes_clear(&a);
    return rv;
}

enum { ATTRIBUTE_THERE = 0, ATTRIBUTE_SENSITIVE = 1, ATTRIBUTE_NONE = 2 };

CK_RV call_read_attribute(struct call *c, const struct object *o, CK_ATTRIBUTE_TYPE type, Ks__Attribute *out)
{
    struct span v = attributes_get(&o->attributes, type);
    uint8_t *copy;

    ks__attribute__init(out);
    out->type = type;
    if (!attributes_has(&o->attributes, type)) {
        /* A value that a closed key could have is closed, too, whether it is there or not. */
        out->state =
            template_is_secret(type, o->class) && object_is_sealed_off(o) ? ATTRIBUTE_SENSITIVE : ATTRIBUTE_NONE;
        return CKR_OK;
    }
    if (template_is_secret(type, o->class) && object_is_sealed_off(o)) {
        out->state = ATTRIBUTE_SENSITIVE;
        return CKR_OK;
    }
    if (template_is_nested(type) && v.len > 0)
        return nested_value(c, v, &out->value);
    if ((copy = call_memory(c, v.len)) == NULL) /* the lock will be gone when the answer is packed */
        return CKR_DEVICE_MEMORY;
    if (v.len > 0)
        memcpy(copy, v.p, v.len);
    out->value = (ProtobufCBinaryData){ .len = v.len, .data = copy };
    return CKR_OK;
}

CK_RV on_get_attributes(struct call *c, const ProtobufCMessage *request)
{
    const Ks__GetAttributes *m = (const Ks__GetAttributes *)request;
    Ks__Template *t = &c->answer.template;
    Ks__Attribute *items = call_memory(c, m->n_types * sizeof *items);
    struct session *s;
    struct object *o;
    CK_RV rv;

    ks__template__init(t);
    t->attributes = call_memory(c, m->n_types * sizeof *t->attributes);
    if (items == NULL || t->attributes == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if ((o = application_object(s->application, m->object)) == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    for (size_t i = 0; i < m->n_types; i++) {
        if ((rv = call_read_attribute(c, o, m->types[i], &items[i])) != CKR_OK)
            return rv;
        t->attributes[i] = &items[i];
    }
    t->n_attributes = m->n_types;
    c->reply = &t->base;
    return CKR_OK;
}

CK_RV on_set_attributes(struct call *c, const ProtobufCMessage *request)
{
    const Ks__SetAttributes *m = (const Ks__SetAttributes *)request;
    struct actor who = call_actor(c);
    struct attributes changes = { 0 };
    struct session *s;
    struct object *o;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK || (rv = writable(c, s, m->object, &o)) != CKR_OK)
        return rv;
    if (attributes_has(&o->attributes, CKA_MODIFIABLE) && !attributes_bool(&o->attributes, CKA_MODIFIABLE))
        return CKR_ACTION_PROHIBITED;
    if ((rv = template_read(m->template_, c->budget, &changes)) == CKR_OK &&
        (rv = template_check_change(&o->attributes, &changes, TEMPLATE_SET, &who)) == CKR_OK)
        rv = partition_change_object(c->who->partition, &c->ks->storage, o, &changes);
    attributes_clear(&changes);
    return rv;
}

/* In the order of the table, which does not change as long as nothing is added or removed; `after` counts visible ones.
 */
CK_RV on_find_objects(struct call *c, const ProtobufCMessage *request)
{
    const Ks__FindObjects *m = (const Ks__FindObjects *)request;
    Ks__Handles *found = &c->answer.handles;
    struct attributes wanted = { 0 };
    struct session *s;
    struct object *o;
    uint64_t seen = 0;
    size_t at = 0;
    CK_RV rv;

    ks__handles__init(found);
    if ((found->handles = call_memory(c, FIND_RESULT_MAX * sizeof *found->handles)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK ||
        (rv = template_read(m->template_, c->budget, &wanted)) != CKR_OK)
        return rv;
    while ((o = handle_table_next(&c->who->partition->objects, &at)) != NULL) {
        uint64_t handle = application_handle(s->application, o);

        if (application_object(s->application, handle) == NULL || !template_matches(&o->attributes, &wanted) ||
            seen++ < m->after)
            continue;
        if (found->n_handles == FIND_RESULT_MAX) {
            found->next = seen - 1;
            break;
        }
        found->handles[found->n_handles++] = handle;
    }
    attributes_clear(&wanted);
    c->reply = &found->base;
    return CKR_OK;
}

CK_RV on_object_size(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Object *m = (const Ks__Object *)request;
    struct session *s;
    struct object *o;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if ((o = application_object(s->application, m->object)) == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    ks__object_size__init(&c->answer.object_size);
    c->answer.object_size.size = attributes_packed_len(&o->attributes);
    c->reply = &c->answer.object_size.base;
    return CKR_OK;
}

#include "firmware/call.h"

#include "firmware/base/big_endian.h"

bool call_state_fits(const struct call *c)
{
    return (c->states & BIT(atomic_load(&c->ks->state))) != 0;
}

CK_RV call_enter(struct call *c)
{
    pthread_mutex_lock(&c->ks->lock);
    if (call_state_fits(c))
        return CKR_OK;
    pthread_mutex_unlock(&c->ks->lock);
    return CKR_DEVICE_ERROR;
}

void call_leave(struct call *c)
{
    pthread_mutex_unlock(&c->ks->lock);
}

void call_lock(struct call *c)
{
    pthread_mutex_lock(&c->who->partition->lock);
    c->locked = true;
}

void call_unlock(struct call *c)
{
    c->locked = false;
    pthread_mutex_unlock(&c->who->partition->lock);
}

CK_RV call_session(struct call *c, uint64_t id, struct session **out)
{
    *out = session_find(c->who->application, id);
    return *out != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

struct actor call_actor(const struct call *c)
{
    return (struct actor){ .policy = c->who->partition->terms.policy,
                           .user = c->who->application->login == LOGIN_USER,
                           .so = c->who->application->login == LOGIN_SO,
                           .origin = span_of(c->ks->origin, sizeof c->ks->origin) };
}

static bool mechanism_allowed(const struct object *o, CK_MECHANISM_TYPE mechanism)
{
    struct span list = attributes_get(&o->attributes, CKA_ALLOWED_MECHANISMS);
    CK_MECHANISM_TYPE one;

    if (list.len == 0)
        return true;
    for (size_t at = 0; at + sizeof one <= list.len; at += sizeof one) {
        memcpy(&one, list.p + at, sizeof one);
        if (one == mechanism)
            return true;
    }
    return false;
}

CK_RV call_key(struct call *c, struct session *s, uint64_t handle, enum key_right right, CK_MECHANISM_TYPE mechanism,
               struct object **out)
{
    struct object *o = application_object(s->application, handle);

    if (o == NULL || (o->class != CKO_PUBLIC_KEY && o->class != CKO_PRIVATE_KEY && o->class != CKO_SECRET_KEY))
        return CKR_KEY_HANDLE_INVALID;
    call_note_object(c, o->unique);
    c->entry.mechanism = mechanism;
    if ((o->rights & right) == 0)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (!mechanism_allowed(o, mechanism))
        return CKR_MECHANISM_INVALID;
    if (o->always_authenticate) {
        if (!s->context_login)
            return CKR_USER_NOT_LOGGED_IN;
        s->context_login = false; /* for one operation (PKCS#11 3.0, 4.9) */
    }
    *out = object_ref(o);
    return CKR_OK;
}

void call_note_object(struct call *c, const uint8_t unique[OBJECT_UNIQUE_LEN])
{
    static const uint8_t none[OBJECT_UNIQUE_LEN];

    if (memcmp(c->entry.object, none, sizeof none) == 0) {
        memcpy(c->entry.object, unique, sizeof c->entry.object);
        return;
    }
    c->entry.detail = be_get(unique, sizeof c->entry.detail);
}

CK_RV call_may_make(const struct session *s, const struct attributes *a)
{
    if (attributes_bool(a, CKA_TOKEN) && !s->read_write)
        return CKR_SESSION_READ_ONLY;
    if (attributes_bool(a, CKA_PRIVATE) && s->application->login != LOGIN_USER)
        return CKR_USER_NOT_LOGGED_IN;
    return CKR_OK;
}

CK_RV call_add_objects(struct call *c, struct session *s, struct attributes *a, unsigned count, uint64_t *handles)
{
    struct object *objects[PARTITION_ADD_MAX] = { 0 };
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; i < count && rv == CKR_OK; i++)
        rv = object_new(&a[i], &objects[i]);
    if (rv == CKR_OK) {
        call_note_object(c, objects[count - 1]->unique);
        rv = application_add_objects(s, &c->ks->storage, objects, count);
    }
    for (unsigned i = 0; i < count; i++) {
        if (rv == CKR_OK)
            handles[i] = application_handle(s->application, objects[i]);
        object_unref(objects[i]);
    }
    return rv;
}

CK_RV call_add_object(struct call *c, struct session *s, struct attributes *a, uint64_t *handle)
{
    return call_add_objects(c, s, a, 1, handle);
}

CK_RV call_reply_handle(struct call *c, uint64_t handle)
{
    ks__handle__init(&c->answer.handle);
    c->answer.handle.handle = handle;
    c->reply = &c->answer.handle.base;
    return CKR_OK;
}

CK_RV call_reply_data(struct call *c, const uint8_t *p, size_t len)
{
    ks__data__init(&c->answer.data);
    c->answer.data.data = (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)(uintptr_t)p };
    c->reply = &c->answer.data.base;
    return CKR_OK;
}

void *call_memory(struct call *c, size_t len)
{
    return budget_take(c->budget, len > 0 ? len : 1);
}

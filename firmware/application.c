#include "firmware/application.h"

#include <openssl/crypto.h>

#include "firmware/base/log.h"
#include "firmware/crypto/entropy.h"

static enum status draw_mask(struct application *a)
{
    uint64_t mask;

    if (entropy_draw(&mask, sizeof mask) != ST_OK)
        return ST_CORRUPT;
    a->mask = mask >> 2 & ~(uint64_t)1;
    return ST_OK;
}

/* Handles of private objects are not valid after a logout, not even after the next login (PKCS#11 3.0, 5.6.9): here
 * that holds for all handles. */
static void end_login(struct application *a)
{
    a->login = LOGIN_NONE;
    if (draw_mask(a) != ST_OK)
        log_error("no new handles: the generator is down, and no key can be used");
}

CK_RV application_new(struct partition *p, const uint8_t peer[LINK_FINGERPRINT_LEN], struct application **out)
{
    struct application *a = calloc(1, sizeof *a);

    if (a == NULL)
        return CKR_HOST_MEMORY;
    if (entropy_draw(a->id, sizeof a->id) != ST_OK || draw_mask(a) != ST_OK) {
        free(a);
        return CKR_DEVICE_ERROR;
    }
    memcpy(a->peer, peer, sizeof a->peer);
    a->partition = p;
    a->refs = 1;
    a->next = p->applications;
    p->applications = a;
    p->refs++;
    *out = a;
    return CKR_OK;
}

struct application *application_find(struct partition *p, const uint8_t peer[LINK_FINGERPRINT_LEN], struct span id)
{
    struct application *a = p->applications;

    if (id.len != APPLICATION_ID_LEN)
        return NULL;
    while (a != NULL && (CRYPTO_memcmp(a->id, id.p, APPLICATION_ID_LEN) != 0 ||
                         memcmp(a->peer, peer, LINK_FINGERPRINT_LEN) != 0 || a->links == 0))
        a = a->next;
    return a;
}

void application_leave(struct application *a, struct storage *s, bool link)
{
    struct application **at;

    a->links -= link;
    if (a->links == 0)
        session_close_all(a, s);
    if (--a->refs > 0)
        return;
    for (at = &a->partition->applications; *at != a; at = &(*at)->next)
        ;
    *at = a->next;
    a->partition->refs--;
    handle_table_clear(&a->sessions);
    secret_wipe(a, sizeof *a);
    free(a);
}

CK_RV session_open(struct application *a, bool read_write, struct session **out)
{
    struct session *s;

    if (!read_write && a->login == LOGIN_SO)
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    if (a->partition->sessions >= SESSIONS_MAX)
        return CKR_SESSION_COUNT;
    if ((s = calloc(1, sizeof *s)) == NULL)
        return CKR_HOST_MEMORY;
    if (entropy_draw(&s->id, sizeof s->id) != ST_OK) {
        free(s);
        return CKR_DEVICE_ERROR;
    }
    s->id = s->id >> 2 | 1; /* as object ids */
    s->application = a;
    s->read_write = read_write;
    if (handle_table_put(&a->sessions, s->id, s) != ST_OK) {
        free(s);
        return CKR_HOST_MEMORY;
    }
    a->partition->sessions++;
    a->partition->rw_sessions += read_write;
    a->read_only_sessions += !read_write;
    *out = s;
    return CKR_OK;
}

struct session *session_find(struct application *a, uint64_t id)
{
    return handle_table_get(&a->sessions, id);
}

void session_end_operation(struct session *s, enum operation_kind kind)
{
    if (s->operations[kind] != NULL)
        s->application->partition->operations--;
    operation_free(s->operations[kind]);
    s->operations[kind] = NULL;
    s->ended |= s->busy & BIT(kind);
}

void session_end_operations(struct session *s)
{
    for (unsigned i = 0; i < OPERATION_KIND_COUNT_; i++)
        session_end_operation(s, i);
}

static void link_object(struct session *s, struct object *o)
{
    o->next = s->objects;
    if (o->next != NULL)
        o->next->previous = o;
    s->objects = o;
}

static void unlink_object(struct session *s, struct object *o)
{
    if (o->previous != NULL)
        o->previous->next = o->next;
    else
        s->objects = o->next;
    if (o->next != NULL)
        o->next->previous = o->previous;
    o->next = o->previous = NULL;
}

CK_RV application_add_objects(struct session *s, struct storage *storage, struct object *const *objects, unsigned count)
{
    CK_RV rv;

    for (unsigned i = 0; i < count; i++)
        objects[i]->session = attributes_bool(&objects[i]->attributes, CKA_TOKEN) ? NULL : s;
    if ((rv = partition_add_objects(s->application->partition, storage, objects, count)) != CKR_OK)
        return rv;
    for (unsigned i = 0; i < count; i++)
        if (objects[i]->session != NULL)
            link_object(s, objects[i]);
    return CKR_OK;
}

CK_RV application_remove_object(struct application *a, struct storage *storage, struct object *o)
{
    if (o->session != NULL)
        unlink_object(o->session, o);
    return partition_remove_object(a->partition, storage, o);
}

static void remove_objects(struct session *s, bool private_only, struct storage *storage)
{
    struct object *o, *next;

    for (o = s->objects; o != NULL; o = next) {
        next = o->next;
        if (!private_only || o->private)
            INVARIANT(application_remove_object(s->application, storage, o) == CKR_OK); /* no flash is touched */
    }
}

static void end_session(struct session *s, struct storage *storage)
{
    struct application *a = s->application;

    remove_objects(s, false, storage);
    handle_table_take(&a->sessions, s->id);
    a->partition->sessions--;
    a->partition->rw_sessions -= s->read_write;
    a->read_only_sessions -= !s->read_write;
    session_end_operations(s);
    s->closed = true;
    if (s->busy == 0)
        free(s);
}

void session_close(struct session *s, struct storage *storage)
{
    struct application *a = s->application;

    end_session(s, storage);
    if (a->sessions.count == 0)
        end_login(a);
}

void session_close_all(struct application *a, struct storage *storage)
{
    struct session *s;
    size_t at = 0;

    while ((s = handle_table_next(&a->sessions, &at)) != NULL) {
        end_session(s, storage);
        at = 0;
    }
    end_login(a);
}

CK_STATE session_state(const struct session *s)
{
    switch (s->application->login) {
    case LOGIN_SO:
        return CKS_RW_SO_FUNCTIONS;
    case LOGIN_USER:
        return s->read_write ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    default:
        return s->read_write ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
    }
}

void application_logout(struct application *a, struct storage *s)
{
    struct session *session;
    size_t at = 0;

    while ((session = handle_table_next(&a->sessions, &at)) != NULL) {
        session_end_operations(session);
        session->context_login = false;
        remove_objects(session, true, s);
    }
    end_login(a);
}

uint64_t application_handle(const struct application *a, const struct object *o)
{
    return o->id ^ a->mask;
}

struct object *application_object(struct application *a, uint64_t handle)
{
    struct object *o = handle_table_get(&a->partition->objects, handle ^ a->mask);

    if (o == NULL || (o->session != NULL && o->session->application != a) || (o->private && a->login != LOGIN_USER))
        return NULL;
    return o;
}

CK_RV session_begin_operation(struct session *s, enum operation_kind kind, struct operation *op)
{
    if (s->application->partition->operations >= OPERATIONS_MAX)
        return CKR_DEVICE_MEMORY;
    s->application->partition->operations++;
    s->operations[kind] = op;
    return CKR_OK;
}

CK_RV session_take_operation(struct session *s, enum operation_kind kind, struct operation **out)
{
    if ((s->busy & BIT(kind)) != 0)
        return CKR_OPERATION_ACTIVE;
    if (s->operations[kind] == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    *out = s->operations[kind];
    s->operations[kind] = NULL;
    s->busy |= BIT(kind);
    return CKR_OK;
}

void session_put_operation(struct session *s, enum operation_kind kind, struct operation *op)
{
    if (s->closed || (s->ended & BIT(kind)) != 0) {
        operation_free(op);
        op = NULL;
    }
    if (op == NULL)
        s->application->partition->operations--;
    s->busy &= ~BIT(kind);
    s->ended &= ~BIT(kind);
    s->operations[kind] = op;
    if (s->closed && s->busy == 0)
        free(s);
}

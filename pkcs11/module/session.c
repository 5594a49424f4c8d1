#include "pkcs11/module/session.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "pkcs11/module/operation.h"
#include "pkcs11/module/search.h"

/* A handle is a place in the table and a serial number, so that an old handle does not find a new session. Sessions
 * stay allocated until C_Finalize and are used anew: to look one up takes no lock but its own. */
#define PLACE_BITS 17

static struct {
    pthread_mutex_t lock; /* of the free list, `used` and `serial` */
    _Atomic(struct session *) table[SESSION_TABLE];
    unsigned used;
    struct session *free;
    uint64_t serial;
} sessions = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct session *new_place(void)
{
    struct session *s;

    if (sessions.used == SESSION_TABLE || (s = calloc(1, sizeof *s)) == NULL)
        return NULL;
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return NULL;
    }
    atomic_store_explicit(&sessions.table[sessions.used++], s, memory_order_release);
    return s;
}

static CK_SESSION_HANDLE take_place(struct session **out)
{
    CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
    struct session *s;
    unsigned place;

    pthread_mutex_lock(&sessions.lock);
    if ((s = sessions.free) != NULL) {
        sessions.free = s->next_free;
        place = s->place;
    } else {
        place = sessions.used;
        if ((s = new_place()) != NULL)
            s->place = place;
    }
    if (s != NULL)
        handle = ++sessions.serial << PLACE_BITS | (place + 1);
    pthread_mutex_unlock(&sessions.lock);
    *out = s;
    return handle;
}

CK_RV session_open(struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *out)
{
    Ks__OpenSession request = KS__OPEN_SESSION__INIT;
    struct reply reply;
    struct session *s;
    CK_RV rv;

    request.read_write = (flags & CKF_RW_SESSION) != 0;
    if ((rv = client_call(slot, POOL_ANY, MESSAGE_OPEN_SESSION, &request.base, CALL_MS, &reply)) == CKR_OK) {
        CK_SESSION_HANDLE handle = take_place(&s);

        if (s == NULL) {
            rv = CKR_SESSION_COUNT; /* the keystore's is left to the end of the application: this is out of memory */
        } else {
            pthread_mutex_lock(&s->lock);
            s->slot = slot;
            s->number = ((const Ks__Session *)reply.message)->session;
            s->generation = reply.connection->generation;
            s->flags = flags;
            s->handle = *out = handle;
            pthread_mutex_unlock(&s->lock);
        }
    }
    reply_done(&reply);
    return rv;
}

CK_RV session_lock(CK_SESSION_HANDLE handle, struct session **out)
{
    CK_ULONG place = handle & (((CK_ULONG)1 << PLACE_BITS) - 1);
    struct session *s;

    *out = NULL;
    if (place == 0 || place > SESSION_TABLE ||
        (s = atomic_load_explicit(&sessions.table[place - 1], memory_order_acquire)) == NULL)
        return CKR_SESSION_HANDLE_INVALID;
    pthread_mutex_lock(&s->lock);
    if (s->handle != handle) {
        pthread_mutex_unlock(&s->lock);
        return CKR_SESSION_HANDLE_INVALID;
    }
    if (s->generation != s->slot->pool.generation) {
        session_forget(s);
        return CKR_DEVICE_REMOVED;
    }
    *out = s;
    return CKR_OK;
}

void session_unlock(struct session *s)
{
    pthread_mutex_unlock(&s->lock);
}

void session_forget(struct session *s)
{
    for (unsigned kind = 0; kind < OPERATION_KIND_COUNT_; kind++)
        operation_clear(&s->active[kind]);
    search_clear(s);
    s->handle = CK_INVALID_HANDLE;
    s->slot = NULL;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&sessions.lock);
    s->next_free = sessions.free;
    sessions.free = s;
    pthread_mutex_unlock(&sessions.lock);
}

void session_forget_all(const struct slot *slot)
{
    for (unsigned i = 0; i < SESSION_TABLE; i++) {
        struct session *s = atomic_load_explicit(&sessions.table[i], memory_order_acquire);

        if (s == NULL)
            return;
        pthread_mutex_lock(&s->lock);
        if (s->handle != CK_INVALID_HANDLE && (slot == NULL || s->slot == slot))
            session_forget(s);
        else
            pthread_mutex_unlock(&s->lock);
    }
}

bool session_exists(const struct slot *slot)
{
    for (unsigned i = 0; i < SESSION_TABLE; i++) {
        struct session *s = atomic_load_explicit(&sessions.table[i], memory_order_acquire);
        bool found;

        if (s == NULL)
            return false;
        pthread_mutex_lock(&s->lock);
        found = s->handle != CK_INVALID_HANDLE && s->slot == slot && s->generation == slot->pool.generation;
        pthread_mutex_unlock(&s->lock);
        if (found)
            return true;
    }
    return false;
}

void session_free_all(void)
{
    session_forget_all(NULL);
    for (unsigned i = 0; i < sessions.used; i++) {
        struct session *s = atomic_exchange(&sessions.table[i], NULL);

        pthread_mutex_destroy(&s->lock);
        free(s);
    }
    sessions.used = 0;
    sessions.free = NULL;
}

void session_abandon_all(void)
{
    /* The parent's threads may have held any of these locks when it forked: nothing of it is freed. */
    pthread_mutex_init(&sessions.lock, NULL);
    for (unsigned i = 0; i < SESSION_TABLE; i++)
        atomic_store_explicit(&sessions.table[i], NULL, memory_order_relaxed);
    sessions.used = 0;
    sessions.free = NULL;
}

CK_RV session_call(struct session *s, uint16_t kind, const ProtobufCMessage *request, unsigned timeout_ms,
                   struct reply *out)
{
    return client_call(s->slot, s->generation, kind, request, timeout_ms, out);
}

CK_RV session_order(struct session *s, uint16_t kind, const ProtobufCMessage *request, unsigned timeout_ms)
{
    return client_order(s->slot, s->generation, kind, request, timeout_ms);
}

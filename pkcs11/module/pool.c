#include "pkcs11/module/pool.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXTRAS_MAX (LINKS_PER_APPLICATION_MAX - POOL_CONNECTIONS_MAX)

CK_RV pool_init(struct pool *p, const struct link_identity *id, const char *path)
{
    pthread_condattr_t attributes;
    int bad;

    *p = (struct pool){ .identity = id, .path = path, .generation = 1 };
    if (pthread_condattr_init(&attributes) != 0)
        return CKR_HOST_MEMORY;
    bad = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 || pthread_mutex_init(&p->lock, NULL) != 0;
    if (!bad && pthread_cond_init(&p->change, &attributes) != 0) {
        pthread_mutex_destroy(&p->lock);
        bad = 1;
    }
    pthread_condattr_destroy(&attributes);
    return bad ? CKR_HOST_MEMORY : CKR_OK;
}

static void free_all(struct connection *c)
{
    while (c != NULL) {
        struct connection *next = c->next;

        connection_free(c);
        c = next;
    }
}

void pool_clear(struct pool *p)
{
    free_all(p->idle);
    p->idle = NULL;
    pthread_cond_destroy(&p->change);
    pthread_mutex_destroy(&p->lock);
}

void pool_abandon(struct pool *p)
{
    for (struct connection *c = p->idle; c != NULL; c = c->next)
        close(c->fd);
    for (unsigned i = 0; i < LINKS_PER_APPLICATION_MAX; i++)
        if (p->busy[i] != NULL)
            close(p->busy[i]->fd);
}

void pool_shutdown(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < LINKS_PER_APPLICATION_MAX; i++)
        if (p->busy[i] != NULL)
            shutdown(p->busy[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&p->lock);
}

static void end_generation(struct pool *p)
{
    atomic_fetch_add(&p->generation, 1);
    p->members = 0;
    p->application_len = 0;
}

/* Take `c` off the books. It is the caller's to free, without the lock. */
static void forget(struct pool *p, const struct connection *c)
{
    --*(c->extra ? &p->extras : &p->total);
    if (c->generation == p->generation && --p->members == 0)
        end_generation(p);
    pthread_cond_broadcast(&p->change);
}

static void note_busy(struct pool *p, struct connection *c, bool busy)
{
    for (unsigned i = 0; i < LINKS_PER_APPLICATION_MAX; i++)
        if (p->busy[i] == (busy ? NULL : c)) {
            p->busy[i] = busy ? c : NULL;
            return;
        }
}

/* Idle connections that the keystore has closed too: off the books, and out of the list. */
static struct connection *sweep(struct pool *p)
{
    struct connection *dead = NULL;

    for (struct connection **at = &p->idle; *at != NULL;) {
        struct connection *c = *at;

        if (c->generation == p->generation && !connection_is_dead(c)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        forget(p, c);
        c->next = dead;
        dead = c;
    }
    return dead;
}

/* ATTACH: make an application, or join the one whose id is given. */
static CK_RV attach(struct connection *c, const uint8_t *id, size_t len, uint8_t *made, size_t *made_len)
{
    Ks__Attach request = KS__ATTACH__INIT;
    ProtobufCMessage *answer;
    CK_RV rv, result;

    request.application = (ProtobufCBinaryData){ .data = (uint8_t *)id, .len = len };
    if ((rv = connection_exchange(c, MESSAGE_ATTACH, &request.base, CALL_MS, &result, &answer)) != CKR_OK)
        return rv;
    if (result == CKR_OK) {
        const Ks__Attach *a = (const Ks__Attach *)answer;

        if (a->application.len > POOL_APPLICATION_MAX || (len == 0 && a->application.len == 0))
            result = CKR_DEVICE_ERROR;
        else if (len == 0)
            memcpy(made, a->application.data, *made_len = a->application.len);
    }
    connection_forget(c);
    return result == CKR_OK || result == CKR_DEVICE_MEMORY ? result : CKR_DEVICE_ERROR;
}

/* Connect and attach, without the lock: `id` is the application as it was, and the boot it belonged to. *founded: an
 * application was made, since there was none or it is gone. */
static CK_RV make(struct pool *p, const uint8_t *id, size_t len, const uint8_t *boot_id, struct connection **out,
                  uint8_t *made, size_t *made_len, bool *founded)
{
    struct connection *c;
    CK_RV rv = connection_open(p->identity, p->path, &c);

    *founded = false;
    if (rv != CKR_OK)
        return rv;
    if (len > 0 && memcmp(link_boot_id(c->link), boot_id, LINK_BOOT_ID_LEN) != 0)
        len = 0;
    rv = attach(c, id, len, made, made_len);
    *founded = len == 0;
    *out = c;
    if (rv != CKR_OK) {
        connection_free(c);
        *out = NULL;
    }
    return rv;
}

/* With the lock, which is given up meanwhile. CKR_OK and *out == NULL: the generation ended while we connected. */
static CK_RV make_member(struct pool *p, bool extra, struct connection **out)
{
    uint8_t id[POOL_APPLICATION_MAX], made[POOL_APPLICATION_MAX], boot_id[LINK_BOOT_ID_LEN];
    size_t len = p->application_len, made_len = 0;
    uint64_t generation = p->generation;
    struct connection *c = NULL;
    bool founding = len == 0, founded;
    CK_RV rv;

    memcpy(id, p->application, len);
    memcpy(boot_id, p->boot_id, sizeof boot_id);
    p->founding = p->founding || founding;
    ++*(extra ? &p->extras : &p->total);
    pthread_mutex_unlock(&p->lock);
    rv = make(p, id, len, boot_id, &c, made, &made_len, &founded);
    pthread_mutex_lock(&p->lock);
    if (founding)
        p->founding = false;
    pthread_cond_broadcast(&p->change);
    if (rv != CKR_OK || p->generation != generation) {
        --*(extra ? &p->extras : &p->total);
        connection_free(c);
        return rv;
    }
    if (founded) {
        if (len > 0)
            end_generation(p); /* the keystore has started anew */
        memcpy(p->application, made, p->application_len = made_len);
        memcpy(p->boot_id, link_boot_id(c->link), sizeof p->boot_id);
    }
    c->extra = extra;
    c->generation = p->generation;
    p->members++;
    *out = c;
    return CKR_OK;
}

static void deadline_of(struct timespec *at)
{
    clock_gettime(CLOCK_MONOTONIC, at);
    at->tv_sec += CALL_MS / 1000;
    at->tv_nsec += CALL_MS % 1000 * 1000000L;
    if (at->tv_nsec >= 1000000000L) {
        at->tv_nsec -= 1000000000L;
        at->tv_sec++;
    }
}

static struct connection *pop_idle(struct pool *p)
{
    struct connection *c;

    while ((c = p->idle) != NULL) {
        p->idle = c->next;
        if (c->generation == p->generation)
            return c;
        forget(p, c);
        connection_free(c);
    }
    return NULL;
}

/* With the lock: an idle connection, or a new one while there is room; else wait. */
static CK_RV take_locked(struct pool *p, uint64_t generation, bool extra, struct connection **out)
{
    struct timespec until;
    CK_RV rv;

    deadline_of(&until);
    for (;;) {
        if (generation != POOL_ANY && generation != p->generation)
            return CKR_DEVICE_REMOVED;
        if (!extra && (*out = pop_idle(p)) != NULL)
            return CKR_OK;
        if ((extra ? p->extras < EXTRAS_MAX : p->total < POOL_CONNECTIONS_MAX) &&
            !(p->application_len == 0 && p->founding)) {
            if ((rv = make_member(p, extra, out)) != CKR_OK || *out != NULL)
                return rv;
        } else if (pthread_cond_timedwait(&p->change, &p->lock, &until) == ETIMEDOUT) {
            return CKR_DEVICE_ERROR;
        }
    }
}

static CK_RV take(struct pool *p, uint64_t generation, bool extra, struct connection **out)
{
    CK_RV rv;

    *out = NULL;
    pthread_mutex_lock(&p->lock);
    rv = take_locked(p, generation, extra, out);
    if (rv == CKR_OK)
        note_busy(p, *out, true);
    pthread_mutex_unlock(&p->lock);
    if (rv == CKR_OK && generation != POOL_ANY && (*out)->generation != generation) {
        pool_give(p, *out, true); /* the keystore has started anew, as we saw when we connected */
        *out = NULL;
        return CKR_DEVICE_REMOVED;
    }
    return rv;
}

CK_RV pool_take(struct pool *p, uint64_t generation, struct connection **out)
{
    return take(p, generation, false, out);
}

CK_RV pool_open_extra(struct pool *p, uint64_t generation, struct connection **out)
{
    return take(p, generation, true, out);
}

void pool_give(struct pool *p, struct connection *c, bool keep)
{
    struct connection *dead = NULL;
    bool close_it;

    pthread_mutex_lock(&p->lock);
    note_busy(p, c, false);
    close_it = c->broken || !keep || c->extra || c->generation != p->generation;
    if (close_it) {
        if (c->broken)
            dead = sweep(p);
        forget(p, c);
    } else {
        c->next = p->idle;
        p->idle = c;
        pthread_cond_signal(&p->change);
    }
    pthread_mutex_unlock(&p->lock);
    free_all(dead);
    if (close_it)
        connection_free(c);
}

#include "pkcs11/module/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "pkcs11/module/call.h"
#include "pkcs11/module/guard.h"
#include "pkcs11/module/template.h"

#define ENTRIES  LINK_OUTSTANDING_MAX /* a power of two: an entry's place is in the low bits of its id */
#define IN_BATCH (16u * 1024)

enum entry_state { ENTRY_FREE, ENTRY_UNDER_WAY, ENTRY_DONE };

struct entry {
    enum entry_state state;
    uint32_t id;
    uint16_t kind;
    CK_RV refusal; /* not CKR_OK: of our own; an empty request went out in its place, so that it is reported alike */
    CK_OBJECT_HANDLE key;
    CK_BYTE_PTR out;
    CK_STRONGROOM_RESULT result; /* out_len: the room until it is done */
};

struct CK_STRONGROOM_BATCH {
    struct slot *slot;
    struct connection *connection; /* NULL: given back */
    uint64_t session;
    unsigned instance; /* of the library: a batch does not outlive C_Finalize, nor reach a child */
    uint32_t serial;
    bool dead;
    unsigned free, done;
    struct entry entries[ENTRIES];
    struct CK_STRONGROOM_BATCH *next;
};

static struct {
    pthread_mutex_t lock;
    struct CK_STRONGROOM_BATCH *first;
} batches = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- the life of a batch --- */

static CK_RV open_batch(struct session *s, struct CK_STRONGROOM_BATCH *b)
{
    CK_RV rv = pool_open_extra(&s->slot->pool, s->generation, &b->connection);

    if (rv != CKR_OK)
        return rv;
    if (fcntl(b->connection->fd, F_SETFL, O_NONBLOCK) != 0) {
        pool_give(&s->slot->pool, b->connection, false);
        return CKR_FUNCTION_FAILED;
    }
    b->slot = s->slot;
    b->session = s->number;
    b->instance = library_instance();
    b->free = ENTRIES;
    pthread_mutex_lock(&batches.lock);
    b->next = batches.first;
    batches.first = b;
    pthread_mutex_unlock(&batches.lock);
    return CKR_OK;
}

CK_RV batch_open(CK_SESSION_HANDLE session, int *descriptor, CK_STRONGROOM_BATCH_PTR *batch)
{
    struct CK_STRONGROOM_BATCH *b = NULL;
    struct call call;
    CK_RV rv = call_enter(&call, session);

    if (rv == CKR_OK && (descriptor == NULL || batch == NULL))
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK && (b = calloc(1, sizeof *b)) == NULL)
        rv = CKR_HOST_MEMORY;
    if (rv == CKR_OK)
        rv = open_batch(call.session, b);
    if (rv == CKR_OK) {
        *descriptor = b->connection->fd;
        *batch = b;
    } else {
        free(b);
    }
    return call_leave(&call, rv);
}

static void give_back(struct CK_STRONGROOM_BATCH *b)
{
    if (b->connection != NULL)
        pool_give(&b->slot->pool, b->connection, false);
    b->connection = NULL;
    b->dead = true;
}

/* Off the list; false: it was not on it. */
static bool unlink_batch(struct CK_STRONGROOM_BATCH *b)
{
    bool found = false;

    pthread_mutex_lock(&batches.lock);
    for (struct CK_STRONGROOM_BATCH **at = &batches.first; *at != NULL && !found; at = &(*at)->next)
        if (*at == b) {
            *at = b->next;
            found = true;
            break;
        }
    pthread_mutex_unlock(&batches.lock);
    return found;
}

void batch_end_all(void)
{
    pthread_mutex_lock(&batches.lock);
    for (; batches.first != NULL; batches.first = batches.first->next)
        give_back(batches.first);
    pthread_mutex_unlock(&batches.lock);
}

void batch_abandon_all(void)
{
    pthread_mutex_init(&batches.lock, NULL);
    batches.first = NULL; /* their descriptors are among those of the pool */
}

CK_RV batch_close(CK_STRONGROOM_BATCH_PTR b)
{
    CK_RV rv = library_enter();

    if (b == NULL) {
        if (rv == CKR_OK)
            library_leave();
        return CKR_ARGUMENTS_BAD;
    }
    if (rv == CKR_OK) {
        if (b->instance == library_instance() && unlink_batch(b))
            give_back(b);
        library_leave();
    }
    free(b); /* also after C_Finalize, which has given its connection back */
    return CKR_OK;
}

/* --- what is under way --- */

static void finish(struct CK_STRONGROOM_BATCH *b, struct entry *e, CK_RV rv)
{
    e->state = ENTRY_DONE;
    e->result.rv = e->refusal != CKR_OK && rv == CKR_OK ? e->refusal : rv;
    b->done++;
    if (e->kind == MESSAGE_DESTROY_OBJECT)
        key_cache_drop(&b->slot->keys, e->key);
}

static void die(struct CK_STRONGROOM_BATCH *b)
{
    if (!b->dead)
        b->connection->broken = true;
    b->dead = true;
    for (unsigned i = 0; i < ENTRIES; i++)
        if (b->entries[i].state == ENTRY_UNDER_WAY) {
            b->entries[i].result.out_len = 0;
            finish(b, &b->entries[i], CKR_DEVICE_REMOVED);
        }
}

/* Bytes into the caller's memory. */
static CK_RV put_out(struct entry *e, const Ks__Data *d)
{
    CK_ULONG room = e->result.out_len;

    e->result.out_len = d->data.len;
    if (d->data.len > room || (e->out == NULL && d->data.len > 0))
        return CKR_BUFFER_TOO_SMALL;
    if (d->data.len > 0)
        memcpy(e->out, d->data.data, d->data.len);
    return CKR_OK;
}

static enum status take_answer(struct CK_STRONGROOM_BATCH *b, const struct message *m)
{
    struct entry *e = &b->entries[m->id % ENTRIES];
    struct budget *budget = &b->connection->budget;
    ProtobufCMessage *answer;
    CK_RV rv = m->word;
    enum status st;

    if (e->state != ENTRY_UNDER_WAY || e->id != m->id || e->kind != m->kind)
        return ST_BAD_REQUEST;
    if (rv != CKR_OK) {
        e->result.out_len = 0;
        finish(b, e, rv);
        return ST_OK;
    }
    if ((st = message_unpack(m->kind, true, m->body, budget, &answer)) != ST_OK)
        return st;
    if (m->kind == MESSAGE_COMPUTE)
        rv = put_out(e, (const Ks__Data *)answer);
    else
        e->result.out_len = 0;
    if (m->kind == MESSAGE_UNWRAP_KEY)
        e->result.handle = ((const Ks__Handle *)answer)->handle;
    finish(b, e, rv);
    budget_reset(budget);
    return ST_OK;
}

static void send_what_fits(struct CK_STRONGROOM_BATCH *b)
{
    struct span out;

    while (!b->dead && (out = link_output(b->connection->link)).len > 0) {
        ssize_t n = send(b->connection->fd, out.p, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            link_output_taken(b->connection->link, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        else if (n == 0 || errno != EINTR)
            die(b);
    }
}

/* One read, and every answer that is whole then. False: nothing more is there. */
static bool read_some(struct CK_STRONGROOM_BATCH *b)
{
    struct connection *c = b->connection;
    ssize_t n = recv(c->fd, c->in, IN_BATCH, MSG_DONTWAIT);
    struct message m;
    struct guard g;
    enum status st;

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n <= 0 || !guard_enter(&g)) {
        die(b);
        return false;
    }
    st = link_feed(c->link, span_of(c->in, (size_t)n));
    while (st == ST_OK && link_next(c->link, &m, &st))
        if (st == ST_OK)
            st = take_answer(b, &m);
    guard_leave(&g);
    if (st != ST_OK)
        die(b);
    return st == ST_OK && n == IN_BATCH;
}

/* --- requests --- */

static enum status send_compute(struct CK_STRONGROOM_BATCH *b, const CK_STRONGROOM_REQUEST *r, struct entry *e)
{
    Ks__Compute m = KS__COMPUTE__INIT;
    struct mechanism mechanism;
    Ks__Mechanism wire;

    if ((r->in == NULL && r->in_len > 0) || (r->operation == CK_STRONGROOM_VERIFY && r->signature == NULL))
        e->refusal = CKR_ARGUMENTS_BAD;
    else if (r->in_len > DATA_MAX)
        e->refusal = CKR_DATA_LEN_RANGE;
    else if (r->operation == CK_STRONGROOM_VERIFY && r->signature_len > SIGNATURE_MAX)
        e->refusal = CKR_SIGNATURE_LEN_RANGE;
    else
        e->refusal = mechanism_convert(r->mechanism, &mechanism);
    if (e->refusal != CKR_OK)
        return ST_OK;
    mechanism_to_wire(&mechanism, &wire);
    m.session = b->session;
    m.operation = (uint32_t)r->operation;
    m.mechanism = &wire;
    m.key = r->key;
    m.data = wire_bytes(r->in, r->in_len);
    if (r->operation == CK_STRONGROOM_VERIFY)
        m.signature = wire_bytes(r->signature, r->signature_len);
    e->kind = MESSAGE_COMPUTE;
    return message_send(b->connection->link, e->id, e->kind, false, SLOW_MS, &m.base);
}

static enum status send_unwrap(struct CK_STRONGROOM_BATCH *b, const CK_STRONGROOM_REQUEST *r, struct entry *e)
{
    Ks__UnwrapKey m = KS__UNWRAP_KEY__INIT;
    struct mechanism mechanism;
    Ks__Mechanism wire;
    struct template t;
    enum status st = ST_OK;

    e->refusal = template_to_wire(r->attributes, r->attribute_count, &t);
    if (e->refusal == CKR_OK && r->in == NULL)
        e->refusal = CKR_ARGUMENTS_BAD;
    if (e->refusal == CKR_OK && (r->in_len == 0 || r->in_len > WRAPPED_MAX))
        e->refusal = CKR_WRAPPED_KEY_LEN_RANGE;
    if (e->refusal == CKR_OK)
        e->refusal = mechanism_convert(r->mechanism, &mechanism);
    if (e->refusal == CKR_OK) {
        mechanism_to_wire(&mechanism, &wire);
        m.session = b->session;
        m.mechanism = &wire;
        m.unwrapping_key = r->key;
        m.wrapped = wire_bytes(r->in, r->in_len);
        m.template_ = &t.message;
        e->kind = MESSAGE_UNWRAP_KEY;
        st = message_send(b->connection->link, e->id, e->kind, false, SLOW_MS, &m.base);
    }
    template_clear(&t);
    return st;
}

static enum status send_destroy(struct CK_STRONGROOM_BATCH *b, const CK_STRONGROOM_REQUEST *r, struct entry *e)
{
    Ks__Object m = KS__OBJECT__INIT;

    m.session = b->session;
    m.object = r->key;
    e->kind = MESSAGE_DESTROY_OBJECT;
    return message_send(b->connection->link, e->id, e->kind, false, SLOW_MS, &m.base);
}

static struct entry *free_entry(struct CK_STRONGROOM_BATCH *b)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *e = &b->entries[b->serial++ % ENTRIES];

        if (e->state != ENTRY_FREE)
            continue;
        *e = (struct entry){ .id = b->serial - 1 };
        if (e->id == 0) /* no id is 0; its place comes round again */
            e->id = ENTRIES;
        return e;
    }
    return NULL;
}

/* Into the link's queue. Errors: ST_BUSY no room now. */
static enum status queue_request(struct CK_STRONGROOM_BATCH *b, const CK_STRONGROOM_REQUEST *r)
{
    struct entry *e = b->free > 0 ? free_entry(b) : NULL;
    enum status st;

    if (e == NULL)
        return ST_BUSY;
    e->key = r->key;
    e->out = r->out;
    e->result = (CK_STRONGROOM_RESULT){ .tag = r->tag, .out_len = r->out_room };
    if (r->operation >= CK_STRONGROOM_ENCRYPT && r->operation <= CK_STRONGROOM_VERIFY)
        st = send_compute(b, r, e);
    else if (r->operation == CK_STRONGROOM_UNWRAP)
        st = send_unwrap(b, r, e);
    else if (r->operation == CK_STRONGROOM_DESTROY)
        st = send_destroy(b, r, e);
    else {
        e->refusal = CKR_ARGUMENTS_BAD;
        st = ST_OK;
    }
    if (st == ST_TOO_LARGE)
        e->refusal = CKR_DATA_LEN_RANGE;
    if (e->refusal != CKR_OK) {
        e->kind = MESSAGE_STATUS;
        st = message_send(b->connection->link, e->id, e->kind, false, SLOW_MS, NULL);
    }
    if (st == ST_OK) {
        e->state = ENTRY_UNDER_WAY;
        b->free--;
    }
    return st;
}

static bool is_usable(const struct CK_STRONGROOM_BATCH *b)
{
    return b->instance == library_instance() && !b->dead;
}

static CK_RV submit(struct CK_STRONGROOM_BATCH *b, const CK_STRONGROOM_REQUEST *requests, CK_ULONG *count)
{
    CK_ULONG given = *count;
    enum status st = ST_OK;
    struct guard g;

    *count = 0;
    if (!is_usable(b) || !guard_enter(&g))
        return CKR_DEVICE_REMOVED;
    while (*count < given && (st = queue_request(b, &requests[*count])) == ST_OK)
        ++*count;
    if (st == ST_OK || st == ST_BUSY)
        st = link_flush(b->connection->link);
    guard_leave(&g);
    if (st == ST_NO_MEMORY && *count == 0)
        return CKR_HOST_MEMORY;
    if (st != ST_OK)
        die(b);
    send_what_fits(b);
    return b->dead ? CKR_DEVICE_REMOVED : CKR_OK;
}

CK_RV batch_submit(CK_STRONGROOM_BATCH_PTR b, const CK_STRONGROOM_REQUEST *requests, CK_ULONG *count)
{
    CK_RV rv = library_enter();

    if (rv != CKR_OK)
        return rv;
    rv =
        b == NULL || count == NULL || (requests == NULL && *count > 0) ? CKR_ARGUMENTS_BAD : submit(b, requests, count);
    library_leave();
    return rv;
}

static CK_RV reap(struct CK_STRONGROOM_BATCH *b, CK_STRONGROOM_RESULT *results, CK_ULONG *count)
{
    CK_ULONG room = *count, n = 0;

    if (is_usable(b)) {
        send_what_fits(b);
        while (!b->dead && read_some(b))
            ;
    }
    for (unsigned i = 0; i < ENTRIES && n < room && b->done > 0; i++)
        if (b->entries[i].state == ENTRY_DONE) {
            results[n++] = b->entries[i].result;
            b->entries[i].state = ENTRY_FREE;
            b->done--;
            b->free++;
        }
    *count = n;
    return n == 0 && room > 0 && b->dead ? CKR_DEVICE_REMOVED : CKR_OK;
}

CK_RV batch_reap(CK_STRONGROOM_BATCH_PTR b, CK_STRONGROOM_RESULT *results, CK_ULONG *count)
{
    CK_RV rv = library_enter();

    if (rv != CKR_OK)
        return rv;
    rv = b == NULL || count == NULL || (results == NULL && *count > 0) ? CKR_ARGUMENTS_BAD : reap(b, results, count);
    library_leave();
    return rv;
}

CK_BBOOL batch_wants_write(CK_STRONGROOM_BATCH_PTR b)
{
    bool wants;

    if (b == NULL || library_enter() != CKR_OK)
        return CK_FALSE;
    wants = is_usable(b) && link_output(b->connection->link).len > 0;
    library_leave();
    return wants ? CK_TRUE : CK_FALSE;
}

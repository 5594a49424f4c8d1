/* Requests about the token, its PINs and sessions. */
#include <stdio.h>

#include "firmware/base/hex.h"
#include "firmware/call.h"

CK_RV on_attach(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Attach *m = (const Ks__Attach *)request;
    struct caller *who = c->who;
    struct application *a = NULL;
    CK_RV rv = CKR_OK;

    if (who->application != NULL)
        return CKR_FUNCTION_FAILED; /* a link belongs to one application */
    call_lock(c);
    if (m->application.len == 0)
        rv = application_new(who->partition, who->fingerprint, &a);
    else if ((a = application_find(who->partition, who->fingerprint,
                                   span_of(m->application.data, m->application.len))) == NULL)
        rv = CKR_DEVICE_REMOVED;
    else if (a->links >= LINKS_PER_APPLICATION_MAX)
        rv = CKR_SESSION_COUNT;
    else
        a->refs++;
    if (rv != CKR_OK)
        return rv;
    a->links++;
    who->application = a;
    ks__attach__init(&c->answer.attach);
    c->answer.attach.application = (ProtobufCBinaryData){ .len = APPLICATION_ID_LEN, .data = a->id };
    c->reply = &c->answer.attach.base;
    return CKR_OK;
}

CK_RV on_status(struct call *c, const ProtobufCMessage *request)
{
    const struct hal_facts *facts = &c->ks->hal->facts;
    const char *fault = atomic_load(&c->ks->fault);
    Ks__Status *s = &c->answer.status;
    uint8_t *head = call_memory(c, AUDIT_HASH_LEN);

    (void)request;
    if (head == NULL)
        return CKR_HOST_MEMORY;
    ks__status__init(s);
    s->state = atomic_load(&c->ks->state);
    s->boot_id = (ProtobufCBinaryData){ .len = LINK_BOOT_ID_LEN, .data = c->ks->boot_id };
    s->firmware_hash =
        (ProtobufCBinaryData){ .len = sizeof facts->firmware_hash, .data = (uint8_t *)(uintptr_t)facts->firmware_hash };
    s->firmware_version = (char *)(uintptr_t)c->ks->version;
    s->board = (char *)(uintptr_t)facts->board;
    s->hardware = facts->hardware;
    s->root = (char *)(uintptr_t)facts->root;
    s->isolation = (char *)(uintptr_t)facts->isolation;
    if (c->ks->hal->counter_read(c->ks->hal->self, &s->counter) != ST_OK)
        s->counter = 0;
    audit_head(c->ks->audit, &s->audit_sequence, head);
    s->audit_head = (ProtobufCBinaryData){ .len = AUDIT_HASH_LEN, .data = head };
    if (fault != NULL)
        s->fault = (char *)(uintptr_t)fault;
    s->time_ms = keystore_time_ms(c->ks);
    s->role = c->who->role;
    pthread_mutex_lock(&c->ks->lock);
    s->locked = c->ks->domain.exists && !c->ks->domain.open;
    s->attended = c->ks->domain.start.required > 0;
    s->passphrases_locked = s->attended && c->ks->domain.start.tries >= UNLOCK_TRIES_MAX;
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        s->partitions += c->ks->partitions[i] != NULL;
    pthread_mutex_unlock(&c->ks->lock);
    c->reply = &s->base;
    return CKR_OK;
}

static CK_FLAGS pin_flags(const struct pin *pin, CK_FLAGS low, CK_FLAGS final, CK_FLAGS locked)
{
    if (pin->tries >= PIN_TRIES_MAX)
        return locked;
    return (pin->tries > 0 ? low : 0) | (pin->tries == PIN_TRIES_MAX - 1 ? final : 0);
}

static CK_FLAGS token_flags(const struct partition *p)
{
    CK_FLAGS flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_DUAL_CRYPTO_OPERATIONS;

    if (p->initialised)
        flags |= CKF_TOKEN_INITIALIZED;
    if (p->user_pin.set)
        flags |= CKF_USER_PIN_INITIALIZED;
    return flags | pin_flags(&p->user_pin, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED) |
           pin_flags(&p->so_pin, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED);
}

CK_RV on_token_info(struct call *c, const ProtobufCMessage *request)
{
    struct partition *p = c->who->partition;
    Ks__TokenInfo *t = &c->answer.token_info;
    char *label = call_memory(c, LABEL_LEN + 1), *serial = call_memory(c, 2 * sizeof p->serial + 1);
    size_t free_bytes;

    (void)request;
    if (label == NULL || serial == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_lock(&c->ks->storage.lock);
    free_bytes = flash_free_bytes(c->ks->storage.flash);
    pthread_mutex_unlock(&c->ks->storage.lock);
    call_lock(c);
    ks__token_info__init(t);
    memcpy(label, p->label, LABEL_LEN);
    label[LABEL_LEN] = '\0';
    for (size_t i = 0; i < sizeof p->serial; i++)
        snprintf(serial + 2 * i, 3, "%02x", p->serial[i]);
    t->label = label;
    t->serial = serial;
    t->flags = token_flags(p);
    t->sessions = p->sessions;
    t->rw_sessions = p->rw_sessions;
    t->objects = p->token_objects;
    t->objects_max = p->terms.objects_max;
    t->session_objects = p->session_objects;
    t->session_objects_max = p->terms.session_objects_max;
    t->model = (char *)(uintptr_t)c->ks->hal->facts.board;
    t->firmware_version = (char *)(uintptr_t)c->ks->version;
    t->policy = (char *)(uintptr_t)(p->terms.policy == POLICY_STRICT ? "strict" : "compatible");
    t->flash_free = free_bytes;
    t->link_keys = p->terms.identity_count;
    c->reply = &t->base;
    return CKR_OK;
}

CK_RV on_mechanism_list(struct call *c, const ProtobufCMessage *request)
{
    Ks__MechanismList *list = &c->answer.mechanism_list;
    unsigned count = mechanism_count();
    Ks__MechanismInfo *infos = call_memory(c, count * sizeof *infos);

    (void)request;
    ks__mechanism_list__init(list);
    list->mechanisms = call_memory(c, count * sizeof *list->mechanisms);
    if (infos == NULL || list->mechanisms == NULL)
        return CKR_HOST_MEMORY;
    for (unsigned i = 0; i < count; i++) {
        const struct mechanism_facts *f = mechanism_at(i);

        ks__mechanism_info__init(&infos[i]);
        infos[i].type = f->type;
        infos[i].min = f->min;
        infos[i].max = f->max;
        infos[i].flags = f->flags;
        list->mechanisms[i] = &infos[i];
    }
    list->n_mechanisms = count;
    c->reply = &list->base;
    return CKR_OK;
}

static struct span pin_of(const ProtobufCBinaryData *d)
{
    return span_of(d->data, d->len);
}

static bool pin_len_is_good(struct span pin)
{
    return pin.len >= PIN_MIN && pin.len <= PIN_MAX;
}

/* A compare takes 50 ms, so it is made without the lock; the try has been counted before, durably. No other request can
 * replace the PIN meanwhile: one thread does all that hashes one (PACE_PINS). */
static CK_RV check_pin(struct call *c, struct pin *pin, struct span given)
{
    struct partition *p = c->who->partition;
    struct pin copy;
    enum status st;
    CK_RV rv;

    if ((rv = partition_try_pin(p, &c->ks->storage, pin)) != CKR_OK)
        return rv;
    copy = *pin;
    call_unlock(c);
    st = pin_check(&copy, given, c->ks->pepper);
    call_lock(c);
    secret_wipe(&copy, sizeof copy);
    if (st != ST_OK && st != ST_NOT_PERMITTED) { /* not compared: no memory for the hash */
        pin->tries--;
        return partition_store(p, &c->ks->storage, false) == CKR_OK ? CKR_HOST_MEMORY : CKR_DEVICE_ERROR;
    }
    return partition_pin_result(p, &c->ks->storage, pin, st == ST_OK);
}

/* Hashed without the lock. */
static CK_RV make_pin(struct call *c, struct span given, struct pin *out)
{
    enum status st;

    call_unlock(c);
    st = pin_make(out, given, c->ks->pepper);
    call_lock(c);
    return st == ST_OK ? CKR_OK : CKR_DEVICE_ERROR;
}

/* Replace a PIN. */
static CK_RV set_pin(struct call *c, struct pin *pin, struct span given)
{
    struct pin made = { 0 }, before;
    CK_RV rv;

    if ((rv = make_pin(c, given, &made)) != CKR_OK)
        return rv;
    before = *pin;
    *pin = made;
    rv = partition_store(c->who->partition, &c->ks->storage, true);
    if (rv != CKR_OK)
        *pin = before;
    secret_wipe(&made, sizeof made);
    secret_wipe(&before, sizeof before);
    return rv;
}

/* Tombstones, and what an unfinished backup holds of the objects that go, are under the keystore's lock, which comes
 * before the partition's. */
static CK_RV initialise(struct call *c, const uint8_t *label, const struct pin *so_pin)
{
    struct partition *p = c->who->partition;
    struct partition_start start = {
        .label = label, .so_pin = so_pin, .domain = &c->ks->domain, .tombstones = &c->ks->tombstones
    };
    CK_RV rv;

    call_unlock(c);
    if ((rv = call_enter(c)) != CKR_OK) {
        call_lock(c);
        return rv;
    }
    backup_end_of(c->ks, p->id);
    call_lock(c);
    rv = p->sessions > 0 ? CKR_SESSION_EXISTS : partition_initialise(p, &c->ks->storage, &start);
    call_leave(c);
    return rv;
}

CK_RV on_init_token(struct call *c, const ProtobufCMessage *request)
{
    const Ks__InitToken *m = (const Ks__InitToken *)request;
    struct partition *p = c->who->partition;
    struct span so_pin = pin_of(&m->so_pin);
    struct pin made;
    CK_RV rv;

    if (!pin_len_is_good(so_pin))
        return p->initialised ? CKR_PIN_INCORRECT : CKR_PIN_LEN_RANGE;
    if (p->sessions > 0)
        return CKR_SESSION_EXISTS;
    if ((rv = p->so_pin.set ? check_pin(c, &p->so_pin, so_pin) : make_pin(c, so_pin, &made)) != CKR_OK)
        return rv;
    if (p->so_pin.set)
        made = p->so_pin;
    rv = initialise(c, m->label.data, &made);
    secret_wipe(&made, sizeof made);
    return rv;
}

CK_RV on_init_pin(struct call *c, const ProtobufCMessage *request)
{
    const Ks__InitPin *m = (const Ks__InitPin *)request;
    struct session *s;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if (s->application->login != LOGIN_SO)
        return CKR_USER_NOT_LOGGED_IN;
    if (!pin_len_is_good(pin_of(&m->pin)))
        return CKR_PIN_LEN_RANGE;
    return set_pin(c, &c->who->partition->user_pin, pin_of(&m->pin));
}

CK_RV on_set_pin(struct call *c, const ProtobufCMessage *request)
{
    const Ks__SetPin *m = (const Ks__SetPin *)request;
    struct partition *p = c->who->partition;
    struct session *s;
    struct pin *pin;
    CK_RV rv;

    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    if (!s->read_write)
        return CKR_SESSION_READ_ONLY;
    pin = s->application->login == LOGIN_SO ? &p->so_pin : &p->user_pin;
    if (!pin->set)
        return CKR_USER_PIN_NOT_INITIALIZED;
    if (!pin_len_is_good(pin_of(&m->new_pin)))
        return CKR_PIN_LEN_RANGE;
    c->entry.detail = pin == &p->so_pin ? CKU_SO : CKU_USER;
    if ((rv = check_pin(c, pin, pin_of(&m->old_pin))) != CKR_OK)
        return rv;
    return set_pin(c, pin, pin_of(&m->new_pin));
}

static CK_RV check_login(const struct application *a, uint64_t user_type)
{
    enum login wanted = user_type == CKU_SO ? LOGIN_SO : LOGIN_USER;

    if (user_type == CKU_CONTEXT_SPECIFIC)
        return a->login == LOGIN_NONE ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
    if (user_type != CKU_SO && user_type != CKU_USER)
        return CKR_USER_TYPE_INVALID;
    if (a->login == wanted)
        return CKR_USER_ALREADY_LOGGED_IN;
    if (a->login != LOGIN_NONE)
        return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    return user_type == CKU_SO && a->read_only_sessions > 0 ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

CK_RV on_login(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Login *m = (const Ks__Login *)request;
    struct application *a = c->who->application;
    struct partition *p = c->who->partition;
    bool so = m->user_type == CKU_SO || (m->user_type == CKU_CONTEXT_SPECIFIC && a->login == LOGIN_SO);
    struct session *s;
    CK_RV rv;

    c->entry.detail = m->user_type;
    if ((rv = call_session(c, m->session, &s)) != CKR_OK || (rv = check_login(a, m->user_type)) != CKR_OK)
        return rv;
    if (!(so ? &p->so_pin : &p->user_pin)->set)
        return CKR_USER_PIN_NOT_INITIALIZED;
    if ((rv = check_pin(c, so ? &p->so_pin : &p->user_pin, pin_of(&m->pin))) != CKR_OK)
        return rv;
    /* The lock was let go: the session may be closed, somebody else logged in. */
    if ((rv = call_session(c, m->session, &s)) != CKR_OK || (rv = check_login(a, m->user_type)) != CKR_OK)
        return rv;
    if (m->user_type == CKU_CONTEXT_SPECIFIC)
        s->context_login = true;
    else
        a->login = so ? LOGIN_SO : LOGIN_USER;
    return CKR_OK;
}

CK_RV on_logout(struct call *c, const ProtobufCMessage *request)
{
    struct session *s;
    CK_RV rv;

    if ((rv = call_session(c, ((const Ks__Session *)request)->session, &s)) != CKR_OK)
        return rv;
    if (s->application->login == LOGIN_NONE)
        return CKR_USER_NOT_LOGGED_IN;
    application_logout(s->application, &c->ks->storage);
    return CKR_OK;
}

CK_RV on_open_session(struct call *c, const ProtobufCMessage *request)
{
    struct session *s;
    CK_RV rv;

    if (!c->who->partition->initialised)
        return CKR_TOKEN_NOT_RECOGNIZED;
    if ((rv = session_open(c->who->application, ((const Ks__OpenSession *)request)->read_write, &s)) != CKR_OK)
        return rv;
    ks__session__init(&c->answer.session);
    c->answer.session.session = s->id;
    c->reply = &c->answer.session.base;
    return CKR_OK;
}

CK_RV on_close_session(struct call *c, const ProtobufCMessage *request)
{
    uint64_t id = ((const Ks__Session *)request)->session;
    struct session *s;
    CK_RV rv;

    if (id == 0) {
        session_close_all(c->who->application, &c->ks->storage);
        return CKR_OK;
    }
    if ((rv = call_session(c, id, &s)) == CKR_OK)
        session_close(s, &c->ks->storage);
    return rv;
}

CK_RV on_session_info(struct call *c, const ProtobufCMessage *request)
{
    struct session *s;
    CK_RV rv;

    if ((rv = call_session(c, ((const Ks__Session *)request)->session, &s)) != CKR_OK)
        return rv;
    ks__session_info__init(&c->answer.session_info);
    c->answer.session_info.state = session_state(s);
    c->reply = &c->answer.session_info.base;
    return CKR_OK;
}

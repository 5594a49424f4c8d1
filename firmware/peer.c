/* A link and the requests on it. */
#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "firmware/dispatch.h"
#include "firmware/mailbox.h"

struct peer {
    struct keystore *ks;
    struct link *link;
    struct caller who;
    struct mailbox *mailbox;
    unsigned outstanding; /* with slow workers */
    size_t slow_bytes;    /* of those: requests, and room for their answers */
    unsigned faults;
    uint64_t faults_since_ms;
    bool attesting; /* one at a time: a quote takes the board's TPM for a while */
    bool known;     /* its certificate has been looked up */
    bool sync;      /* a record of this pass must be durable before its answer leaves */
};

struct slow_request {
    struct slow_job job;
    struct keystore *ks;
    struct caller who; /* holds the application and the partition */
    struct mailbox *mailbox;
    struct late_answer *refusal; /* for when there is no memory for another one */
    struct message message;
    uint64_t give_up_ms; /* 0: never */
    uint8_t body[];
};

enum status peer_new(struct keystore *ks, enum link_framing framing, void (*wake)(void *arg), void *arg,
                     struct peer **out)
{
    struct peer *p;
    enum status st;

    if (ks->identity == NULL || atomic_load(&ks->peers) >= PEERS_MAX)
        return ST_BUSY;
    if ((p = calloc(1, sizeof *p)) == NULL)
        return ST_NO_MEMORY;
    p->ks = ks;
    p->who.link = atomic_fetch_add(&ks->links, 1) + 1;
    if ((st = mailbox_new(wake, arg, &p->mailbox)) != ST_OK ||
        (st = link_new_board(ks->identity, framing, ks->boot_id, &p->link)) != ST_OK) {
        if (p->mailbox != NULL)
            mailbox_unref(p->mailbox);
        free(p);
        return st;
    }
    atomic_fetch_add(&ks->peers, 1);
    *out = p;
    return ST_OK;
}

static void release_caller(struct keystore *ks, const struct caller *who, bool link)
{
    struct partition *p = who->partition;
    bool unused;

    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    if (who->application != NULL)
        application_leave(who->application, &ks->storage, link);
    p->links -= link;
    unused = --p->refs == 0 && p->deleted;
    pthread_mutex_unlock(&p->lock);
    if (unused)
        partition_free(p);
}

void peer_free(struct peer *p)
{
    if (p == NULL)
        return;
    mailbox_close(p->mailbox);
    mailbox_unref(p->mailbox);
    backup_link_gone(p->ks, p->who.link);
    release_caller(p->ks, &p->who, true);
    link_free(p->link);
    atomic_fetch_sub(&p->ks->peers, 1);
    secret_wipe(p, sizeof *p);
    free(p);
}

static void record_event(struct peer *p, enum audit_event event, uint64_t detail)
{
    struct audit_entry e = { .kind = (uint16_t)event, .role = (uint8_t)p->who.role, .detail = detail };

    memcpy(e.peer, p->who.fingerprint, sizeof e.peer);
    if (audit_append(p->ks->audit, &e) != ST_OK || audit_flush(p->ks->audit, true) != ST_OK)
        log_error("the audit cannot be written");
}

/* Anybody may come and be refused, so their records are few, or they would push all others out of the ring: the next
 * one tells how many were left out. */
static void record_stranger(struct peer *p)
{
    struct keystore *ks = p->ks;
    uint64_t now = clock_monotonic_ms(), left_out = 0;
    bool recorded;

    pthread_mutex_lock(&ks->lock);
    if (now - ks->strangers_since_ms > LINK_FAULTS_WINDOW_MS) {
        left_out = ks->strangers > LINK_FAULTS_MAX ? ks->strangers - LINK_FAULTS_MAX : 0;
        ks->strangers = 0;
        ks->strangers_since_ms = now;
    }
    recorded = ks->strangers++ < LINK_FAULTS_MAX;
    pthread_mutex_unlock(&ks->lock);
    if (recorded)
        record_event(p, AUDIT_EVENT_REFUSED_PEER, left_out);
}

static enum status meet(struct peer *p)
{
    if (p->known || !link_is_open(p->link))
        return ST_OK;
    memcpy(p->who.fingerprint, link_peer_fingerprint(p->link), LINK_FINGERPRINT_LEN);
    p->who.role = keystore_role_of(p->ks, p->who.fingerprint, &p->who.partition);
    p->known = true;
    if (p->who.role != PEER_STRANGER)
        return ST_OK;
    record_stranger(p);
    return ST_UNAUTHENTICATED;
}

/* Requests that the table does not allow: too many, and the link ends (THREATS.md 5.8). */
static enum status count_fault(struct peer *p)
{
    uint64_t now = clock_monotonic_ms();

    if (now - p->faults_since_ms > LINK_FAULTS_WINDOW_MS) {
        p->faults = 0;
        p->faults_since_ms = now;
    }
    return ++p->faults > LINK_FAULTS_MAX ? ST_NOT_PERMITTED : ST_OK;
}

static enum status answer(struct peer *p, const struct message *m, CK_RV rv, const ProtobufCMessage *reply)
{
    enum status st = message_send(p->link, m->id, m->kind, true, (uint32_t)rv, rv == CKR_OK ? reply : NULL);

    /* Whoever asks for one large attribute many times gets an answer, too. */
    return st == ST_TOO_LARGE ? message_send(p->link, m->id, m->kind, true, CKR_DEVICE_MEMORY, NULL) : st;
}

static void free_slow(struct slow_request *r)
{
    release_caller(r->ks, &r->who, false);
    mailbox_unref(r->mailbox);
    late_answer_free(r->refusal);
    secret_wipe(r->body, r->message.body.len);
    free(r);
}

/* What a peer with slow work costs until it has taken the answer, at the most. */
static size_t slow_cost(const struct message *m)
{
    switch (m->kind) {
    case MESSAGE_COMPUTE:
        return m->body.len + SIGNATURE_MAX;
    case MESSAGE_BACKUP_BEGIN:
    case MESSAGE_BACKUP_NEXT:
        return m->body.len + BACKUP_PART_MAX;
    case MESSAGE_ATTEST:
        return m->body.len + STATEMENT_MAX + CERTIFICATE_CHAIN_MAX * CERTIFICATE_MAX;
    default:
        return m->body.len;
    }
}

static void answer_late(struct slow_request *r, CK_RV rv, const ProtobufCMessage *reply)
{
    size_t len = rv == CKR_OK && reply != NULL ? protobuf_c_message_get_packed_size(reply) : 0;
    struct late_answer *a = late_answer_new(len);

    if (a == NULL) {
        a = r->refusal;
        r->refusal = NULL;
        rv = CKR_HOST_MEMORY;
        len = 0;
    }
    a->message.id = r->message.id;
    a->message.kind = r->message.kind;
    a->message.answer = true;
    a->message.word = (uint32_t)rv;
    a->cost = slow_cost(&r->message);
    if (len > 0)
        protobuf_c_message_pack(reply, a->body);
    mailbox_put(r->mailbox, a);
}

static void run_slow(struct slow_job *job)
{
    struct slow_request *r = (struct slow_request *)job;
    struct call c = { .ks = r->ks, .who = &r->who, .budget = dispatch_budget() };
    ProtobufCMessage *request = NULL;
    enum pace pace;
    bool sync = false;
    CK_RV rv = CKR_HOST_MEMORY, verdict;

    if (mailbox_is_closed(r->mailbox) || (r->give_up_ms != 0 && clock_monotonic_ms() > r->give_up_ms))
        rv = CKR_FUNCTION_CANCELED;
    else if (c.budget != NULL && dispatch_open(&c, &r->message, &request, &pace, &verdict) == ST_OK)
        rv = verdict != CKR_OK ? dispatch_refuse(&c, r->message.kind, verdict)
                               : dispatch_run(&c, r->message.kind, request, &sync);
    if (c.recorded && audit_flush(r->ks->audit, sync) != ST_OK) {
        keystore_fail(r->ks, "audit");
        rv = CKR_DEVICE_ERROR;
    }
    answer_late(r, rv, c.reply);
    if (c.budget != NULL)
        budget_reset(c.budget);
    if (mailbox_is_closed(r->mailbox)) /* the link has gone meanwhile, perhaps before this request began something */
        backup_link_gone(r->ks, r->who.link);
    free_slow(r);
}

/* Room for the largest answer in the link, and not too much in slow work: otherwise requests wait where they are. */
static bool has_room(const struct peer *p)
{
    return link_room(p->link) >= LINK_MESSAGE_MAX && p->slow_bytes <= SLOW_PEER_BYTES;
}

/* The request's bytes go with it: the link's buffer will be used again. */
static enum status hand_over(struct peer *p, struct slow *slow, const struct message *m)
{
    struct slow_request *r;

    if ((r = calloc(1, sizeof *r + m->body.len)) == NULL || (r->refusal = late_answer_new(0)) == NULL) {
        free(r);
        return ST_NO_MEMORY;
    }
    r->job.run = run_slow;
    r->ks = p->ks;
    r->who = p->who;
    if (p->who.partition != NULL) {
        pthread_mutex_lock(&p->who.partition->lock);
        p->who.partition->refs++;
        if (p->who.application != NULL)
            p->who.application->refs++;
        pthread_mutex_unlock(&p->who.partition->lock);
    }
    r->mailbox = mailbox_ref(p->mailbox);
    r->message = *m;
    if (m->body.len > 0)
        memcpy(r->body, m->body.p, m->body.len);
    r->message.body = span_of(r->body, m->body.len);
    r->give_up_ms = m->word != 0 ? clock_monotonic_ms() + m->word : 0;
    r->job.owner = p->who.partition;
    if (slow_submit(slow, &r->job) != ST_OK) {
        free_slow(r);
        return ST_BUSY;
    }
    p->outstanding++;
    p->attesting = p->attesting || m->kind == MESSAGE_ATTEST;
    p->slow_bytes += slow_cost(m);
    return ST_OK;
}

static enum status serve_one(struct peer *p, struct call *c, const struct message *m)
{
    ProtobufCMessage *request;
    enum pace pace;
    enum status st;
    CK_RV verdict;

    if ((st = dispatch_open(c, m, &request, &pace, &verdict)) != ST_OK)
        return st;
    if (verdict == CKR_OK && pace != PACE_NOW &&
        (p->outstanding >= LINK_OUTSTANDING_MAX || (p->attesting && m->kind == MESSAGE_ATTEST)))
        verdict = CKR_DEVICE_MEMORY;
    if (verdict != CKR_OK) {
        if ((st = count_fault(p)) != ST_OK)
            return st;
        return answer(p, m, dispatch_refuse(c, m->kind, verdict), NULL);
    }
    if (pace == PACE_NOW) {
        CK_RV rv = dispatch_run(c, m->kind, request, &p->sync);

        return answer(p, m, rv, c->reply);
    }
    st = hand_over(p, pace == PACE_PINS ? &p->ks->slow_pins : &p->ks->slow_keys, m);
    return st == ST_BUSY ? answer(p, m, CKR_DEVICE_MEMORY, NULL) : st;
}

/* As many requests as there are, while there is room for the largest answer. Then their records, then the answers. */
static enum status serve(struct peer *p)
{
    struct budget *budget = dispatch_budget();
    enum status st = ST_OK, link = ST_OK;
    bool recorded = false;
    struct message m;

    if (budget == NULL)
        return ST_NO_MEMORY;
    while (st == ST_OK && has_room(p) && link_next(p->link, &m, &link)) {
        struct call c = { .ks = p->ks, .who = &p->who, .budget = budget };

        st = serve_one(p, &c, &m);
        recorded = recorded || c.recorded;
        budget_reset(budget);
    }
    if (st == ST_OK)
        st = link;
    if (recorded && audit_flush(p->ks->audit, p->sync) != ST_OK) {
        keystore_fail(p->ks, "audit");
        return ST_IO; /* what cannot be recorded is not answered */
    }
    p->sync = false;
    if (st != ST_OK)
        record_event(p, AUDIT_EVENT_BROKEN_LINK, st);
    link = link_flush(p->link);
    return st != ST_OK ? st : link;
}

enum status peer_feed(struct peer *p, struct span in)
{
    enum status st;

    if ((st = link_feed(p->link, in)) != ST_OK) {
        if (p->known && st != ST_CLOSED)
            record_event(p, AUDIT_EVENT_BROKEN_LINK, st);
        return st;
    }
    if ((st = meet(p)) != ST_OK)
        return st;
    return p->known ? serve(p) : link_flush(p->link);
}

enum status peer_work(struct peer *p)
{
    struct late_answer *a;
    enum status st = ST_OK;

    while (st == ST_OK && link_room(p->link) >= LINK_MESSAGE_MAX && (a = mailbox_take(p->mailbox)) != NULL) {
        st = link_send(p->link, &a->message);
        p->outstanding--;
        p->attesting = p->attesting && a->message.kind != MESSAGE_ATTEST;
        p->slow_bytes -= a->cost;
        late_answer_free(a);
    }
    if (st == ST_OK)
        st = link_flush(p->link);
    return st == ST_OK && p->known ? serve(p) : st;
}

struct span peer_output(struct peer *p)
{
    return link_output(p->link);
}

void peer_output_taken(struct peer *p, size_t len)
{
    link_output_taken(p->link, len);
}

bool peer_wants_input(const struct peer *p)
{
    return has_room(p);
}

bool peer_is_mid_frame(const struct peer *p)
{
    return !p->known || link_is_mid_frame(p->link);
}

/* A link and its requests: what a client may do to it, and what it may not do to others. */
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static Ks__Empty empty = KS__EMPTY__INIT;

static void open_rig(void)
{
    pin_cost = 2;
    rig_open(&rig);
    rig_provision(&rig, "strict");
}

static void close_rig(void)
{
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->peers), 0);
    rig_close(&rig);
}

static void queue(struct rig_client *c, uint16_t kind, const ProtobufCMessage *m)
{
    CU_ASSERT_FATAL(message_send(c->link, c->next_id++, kind, false, 0, m) == ST_OK);
}

/* What the client has for the peer, and what that says to it. */
static enum status feed(struct rig_client *c)
{
    enum status st = ST_OK;

    CU_ASSERT_FATAL(link_flush(c->link) == ST_OK);
    while (st == ST_OK && link_output(c->link).len > 0) {
        struct span out = link_output(c->link);

        if (out.len > LINK_FRAME_MAX)
            out.len = LINK_FRAME_MAX;
        st = peer_feed(c->peer, out);
        link_output_taken(c->link, out.len);
    }
    return st;
}

/* Answers, as many as there are. The results are counted by whether they are `rv`. */
static unsigned answers(struct rig_client *c, CK_RV rv, unsigned *others)
{
    unsigned count = 0;
    enum status st;
    struct message m;

    while (peer_output(c->peer).len > 0) {
        struct span out = peer_output(c->peer);

        if (out.len > LINK_FRAME_MAX)
            out.len = LINK_FRAME_MAX;
        CU_ASSERT_FATAL(link_feed(c->link, out) == ST_OK);
        peer_output_taken(c->peer, out.len);
        while (link_next(c->link, &m, &st)) {
            if (m.word == rv)
                count++;
            else if (others != NULL)
                ++*others;
        }
    }
    return count;
}

static uint64_t audit_count(void)
{
    uint8_t hash[AUDIT_HASH_LEN];
    uint64_t sequence;

    audit_head(rig.ks->audit, &sequence, hash);
    return sequence;
}

/* --- faults --- */

static void a_hundred_faults_are_answered_the_next_ends_the_link(void)
{
    struct rig_client c;
    uint64_t before;

    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &c) == ST_OK);
    before = audit_count();
    for (unsigned i = 0; i < LINK_FAULTS_MAX; i++) {
        queue(&c, MESSAGE_PARTITION_LIST, &empty.base);
        CU_ASSERT_EQUAL_FATAL(feed(&c), ST_OK);
        CU_ASSERT_EQUAL(answers(&c, CKR_ACTION_PROHIBITED, NULL), 1);
    }
    CU_ASSERT_EQUAL(audit_count(), before + LINK_FAULTS_MAX);
    queue(&c, MESSAGE_PARTITION_LIST, &empty.base);
    CU_ASSERT_EQUAL(feed(&c), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(audit_count(), before + LINK_FAULTS_MAX + 1); /* the link's end */
    rig_disconnect(&c);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.user, &c), ST_OK); /* its key is not locked out */
    rig_disconnect(&c);
}

static void handles_of_nobody_are_recorded(void)
{
    Ks__Object object = KS__OBJECT__INIT;
    Ks__Session session = KS__SESSION__INIT;
    struct rig_client c;
    uint64_t before;

    rig_attach(&rig, &rig.user, &c);
    object.session = rig_ready_session(&c);
    object.object = 12345;
    session.session = 54321;
    before = audit_count();
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_OBJECT_SIZE, &object.base, NULL), CKR_OBJECT_HANDLE_INVALID);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_SESSION_INFO, &session.base, NULL), CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT_EQUAL(audit_count(), before + 2);
    rig_disconnect(&c);
}

static void strangers_do_not_fill_the_audit(void)
{
    struct rig_client c;
    uint64_t before = audit_count();

    for (unsigned i = 0; i < LINK_FAULTS_MAX + 20; i++) {
        CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &c), ST_UNAUTHENTICATED);
        rig_disconnect(&c);
    }
    CU_ASSERT_EQUAL(audit_count(), before + LINK_FAULTS_MAX);
    rig.ks->strangers_since_ms -= LINK_FAULTS_WINDOW_MS + 1; /* time goes by */
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
    CU_ASSERT_EQUAL(audit_count(), before + LINK_FAULTS_MAX + 1);
}

/* --- garbage --- */

static void garbage_ends_its_link_alone(void)
{
    static const uint8_t nothing[64];
    struct rig_client good, bad;
    uint64_t before;

    rig_attach(&rig, &rig.user, &good);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t junk[128];

        CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &bad) == ST_OK);
        for (size_t k = 0; k < sizeof junk; k++)
            junk[k] = (uint8_t)(i * 31 + k * k * 7 + (k >> 1));
        before = audit_count();
        if (peer_feed(bad.peer, span_of(junk, sizeof junk)) != ST_OK)
            CU_ASSERT_EQUAL(audit_count(), before + 1);
        rig_disconnect(&bad);
    }
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &bad) == ST_OK);
    CU_ASSERT_NOT_EQUAL(peer_feed(bad.peer, span_of(nothing, sizeof nothing)), ST_OK);
    rig_disconnect(&bad);
    CU_ASSERT_EQUAL(rig_call(&good, MESSAGE_STATUS, &empty.base, NULL), CKR_OK);
    rig_disconnect(&good);
}

static void a_frame_may_come_byte_by_byte(void)
{
    struct rig_client c;

    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &c) == ST_OK);
    queue(&c, MESSAGE_STATUS, &empty.base);
    CU_ASSERT_FATAL(link_flush(c.link) == ST_OK);
    while (link_output(c.link).len > 0) {
        CU_ASSERT_EQUAL_FATAL(peer_feed(c.peer, span_of(link_output(c.link).p, 1)), ST_OK);
        link_output_taken(c.link, 1);
        CU_ASSERT_EQUAL(peer_is_mid_frame(c.peer), link_output(c.link).len > 0);
    }
    CU_ASSERT_EQUAL(answers(&c, CKR_OK, NULL), 1);
    rig_disconnect(&c);
}

static CK_RV attach(struct rig_client *c, const uint8_t *id, size_t len)
{
    Ks__Attach m = KS__ATTACH__INIT;

    m.application = (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)id };
    return rig_call(c, MESSAGE_ATTACH, &m.base, NULL);
}

/* --- slow work --- */

static void queue_logins(struct rig_client *c, unsigned count)
{
    Ks__Login login = KS__LOGIN__INIT;

    login.session = 1; /* of nobody: refused at once, but by the slow worker */
    login.user_type = CKU_USER;
    for (unsigned i = 0; i < count; i++)
        queue(c, MESSAGE_LOGIN, &login.base);
}

/* The slow workers wait until the gate is opened. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static bool is_open;

static void wait_at_the_gate(struct slow_job *job)
{
    (void)job;
    pthread_mutex_lock(&gate);
    while (!is_open)
        pthread_cond_wait(&opened, &gate);
    pthread_mutex_unlock(&gate);
}

static void hold(void)
{
    static struct slow_job jobs[2];

    is_open = false;
    jobs[0] = jobs[1] = (struct slow_job){ .run = wait_at_the_gate };
    CU_ASSERT_FATAL(slow_submit(&rig.ks->slow_pins, &jobs[0]) == ST_OK);
    CU_ASSERT_FATAL(slow_submit(&rig.ks->slow_keys, &jobs[1]) == ST_OK);
}

static void let_go(void)
{
    pthread_mutex_lock(&gate);
    is_open = true;
    pthread_cond_broadcast(&opened);
    pthread_mutex_unlock(&gate);
}

static void collect(struct rig_client *c, CK_RV rv, unsigned wanted)
{
    unsigned got = 0;

    while (got < wanted) {
        pthread_mutex_lock(&c->lock);
        while (c->wakes == 0)
            pthread_cond_wait(&c->woken, &c->lock);
        c->wakes = 0;
        pthread_mutex_unlock(&c->lock);
        CU_ASSERT_FATAL(peer_work(c->peer) == ST_OK);
        got += answers(c, rv, NULL);
    }
    CU_ASSERT_EQUAL(got, wanted);
}

static void more_than_64_at_once_are_refused(void)
{
    struct rig_client c;
    uint64_t before;

    rig_attach(&rig, &rig.user, &c);
    hold();
    queue_logins(&c, LINK_OUTSTANDING_MAX + 10);
    before = audit_count();
    CU_ASSERT_EQUAL(feed(&c), ST_OK);
    CU_ASSERT_EQUAL(answers(&c, CKR_DEVICE_MEMORY, NULL), 10);
    CU_ASSERT_EQUAL(audit_count(), before + 10); /* faults: a hundred of them end the link */
    let_go();
    collect(&c, CKR_SESSION_HANDLE_INVALID, LINK_OUTSTANDING_MAX);
    rig_disconnect(&c);
}

/* A quote takes the board's TPM for a while: who wants another one waits for the first. */
static void one_attestation_at_a_time(void)
{
    static uint8_t nonce[NONCE_MIN];
    Ks__Attest m = KS__ATTEST__INIT;
    struct rig_client c;

    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &c) == ST_OK);
    m.nonce = (ProtobufCBinaryData){ sizeof nonce, nonce };
    hold();
    for (unsigned i = 0; i < 3; i++)
        queue(&c, MESSAGE_ATTEST, &m.base);
    CU_ASSERT_EQUAL(feed(&c), ST_OK);
    CU_ASSERT_EQUAL(answers(&c, CKR_DEVICE_MEMORY, NULL), 2);
    let_go();
    collect(&c, CKR_OK, 1);
    queue(&c, MESSAGE_ATTEST, &m.base);
    CU_ASSERT_EQUAL(feed(&c), ST_OK);
    collect(&c, CKR_OK, 1);
    rig_disconnect(&c);
}

/* What was let in and is not any more when its turn comes: refused as if it came now, and recorded. */
static void the_state_changes_while_work_waits(void)
{
    struct rig_client c;
    uint64_t before;

    rig_attach(&rig, &rig.user, &c);
    hold();
    queue_logins(&c, 3);
    CU_ASSERT_EQUAL(feed(&c), ST_OK);
    before = audit_count();
    atomic_store(&rig.ks->state, KEYSTORE_ZEROISED);
    let_go();
    collect(&c, CKR_DEVICE_ERROR, 3);
    CU_ASSERT_EQUAL(audit_count(), before + 3);
    atomic_store(&rig.ks->state, KEYSTORE_OPERATIONAL);
    rig_disconnect(&c);
}

/* A COMPUTE that is slow costs the room of its answer: the peer is not read from while it has too much of it. */
static void slow_work_holds_its_own_peer_back(void)
{
    static uint8_t data[64 * 1024];
    Ks__Compute m = KS__COMPUTE__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    struct rig_client c;
    unsigned sent = 0;

    rig_attach(&rig, &rig.user, &c);
    mechanism.type = CKM_SLH_DSA;
    m.session = 1;
    m.operation = OPERATION_SIGN;
    m.mechanism = &mechanism;
    m.data = (ProtobufCBinaryData){ sizeof data, data };
    CU_ASSERT_FATAL(peer_wants_input(c.peer));
    hold();
    while (peer_wants_input(c.peer) && sent < 20) {
        queue(&c, MESSAGE_COMPUTE, &m.base);
        CU_ASSERT_EQUAL_FATAL(feed(&c), ST_OK);
        sent++;
    }
    CU_ASSERT_EQUAL(sent, SLOW_PEER_BYTES / (sizeof data + SIGNATURE_MAX) + 1);
    let_go();
    collect(&c, CKR_SESSION_HANDLE_INVALID, sent);
    CU_ASSERT(peer_wants_input(c.peer));
    rig_disconnect(&c);
}

/* Work of who is gone is not done, and costs no PIN a try. */
static void answers_come_late_or_never(void)
{
    struct partition *p = rig.ks->partitions[0];
    Ks__Login login = KS__LOGIN__INIT;
    uint8_t id[APPLICATION_ID_LEN];
    struct rig_client c;
    uint64_t before;

    rig_attach(&rig, &rig.user, &c);
    login.session = rig_ready_session(&c);
    login.user_type = CKU_CONTEXT_SPECIFIC;
    hold();
    for (unsigned i = 0; i < 30; i++)
        queue(&c, MESSAGE_LOGIN, &login.base);
    CU_ASSERT_EQUAL(feed(&c), ST_OK);
    memcpy(id, p->applications->id, sizeof id);
    rig_disconnect(&c);
    CU_ASSERT_EQUAL(p->sessions, 0); /* the application has ended already, though work still holds it */
    CU_ASSERT_PTR_NOT_NULL(p->applications);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &c) == ST_OK);
    CU_ASSERT_EQUAL(attach(&c, id, sizeof id), CKR_DEVICE_REMOVED);
    rig_disconnect(&c);
    before = audit_count();
    let_go();
    slow_stop(&rig.ks->slow_pins);
    CU_ASSERT_EQUAL(audit_count(), before);
    CU_ASSERT_EQUAL(p->user_pin.tries, 0);
    CU_ASSERT_EQUAL(p->refs, 0);
    CU_ASSERT_PTR_NULL(p->applications);
    CU_ASSERT_FATAL(slow_start(&rig.ks->slow_pins, NULL, NULL) == ST_OK);
}

/* --- room --- */

static void who_does_not_read_is_not_read_from(void)
{
    Ks__Random m = KS__RANDOM__INIT;
    struct rig_client c;
    unsigned sent = 0, got = 0;

    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &c) == ST_OK);
    m.length = RANDOM_MAX;
    while (peer_wants_input(c.peer) && sent < 100) {
        queue(&c, MESSAGE_RANDOM, &m.base);
        CU_ASSERT_EQUAL_FATAL(feed(&c), ST_OK);
        sent++;
    }
    CU_ASSERT(sent < 20);
    CU_ASSERT(peer_output(c.peer).len <= LINK_PEER_MEMORY_MAX);
    while (got < sent) {
        got += answers(&c, CKR_OK, NULL);
        CU_ASSERT_EQUAL_FATAL(peer_work(c.peer), ST_OK);
    }
    CU_ASSERT_EQUAL(got, sent);
    rig_disconnect(&c);
}

static void an_answer_that_is_too_long_is_said_to_be(void)
{
    static uint8_t large[60 * 1024];
    Ks__CreateObject create = KS__CREATE_OBJECT__INIT;
    Ks__GetAttributes get = KS__GET_ATTRIBUTES__INIT;
    uint64_t types[6] = { CKA_VALUE, CKA_VALUE, CKA_VALUE, CKA_VALUE, CKA_VALUE, CKA_VALUE };
    struct rig_template t;
    struct rig_client c;
    Ks__Handle *handle;

    rig_attach(&rig, &rig.user, &c);
    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_DATA);
    rig_bytes(&t, CKA_VALUE, large, sizeof large);
    create.session = get.session = rig_ready_session(&c);
    create.template_ = &t.t;
    CU_ASSERT_FATAL(rig_call(&c, MESSAGE_CREATE_OBJECT, &create.base, &handle) == CKR_OK);
    get.object = handle->handle;
    get.types = types;
    for (get.n_types = 1; get.n_types <= 6; get.n_types++)
        CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_GET_ATTRIBUTES, &get.base, NULL),
                        get.n_types <= 4 ? CKR_OK : CKR_DEVICE_MEMORY);
    rig_disconnect(&c);
}

/* --- places --- */

static void one_partition_does_not_take_all_places(void)
{
    static struct rig_client links[LINKS_PER_PARTITION_MAX];
    struct rig_client one_more, owner;

    for (size_t i = 0; i < LINKS_PER_PARTITION_MAX; i++)
        CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &links[i]) == ST_OK);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.user, &one_more), ST_UNAUTHENTICATED);
    rig_disconnect(&one_more);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.owner, &owner), ST_OK);
    rig_disconnect(&owner);
    rig_disconnect(&links[0]);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.user, &links[0]), ST_OK);
    for (size_t i = 0; i < LINKS_PER_PARTITION_MAX; i++)
        rig_disconnect(&links[i]);
    CU_ASSERT_EQUAL(rig.ks->partitions[0]->links, 0);
    CU_ASSERT_EQUAL(rig.ks->partitions[0]->refs, 0);
}

static void applications_are_joined_by_their_own(void)
{
    static struct rig_client links[LINKS_PER_APPLICATION_MAX];
    uint8_t id[APPLICATION_ID_LEN];
    struct rig_client one_more;

    rig_attach(&rig, &rig.user, &links[0]);
    memcpy(id, rig.ks->partitions[0]->applications->id, sizeof id);
    for (size_t i = 1; i < LINKS_PER_APPLICATION_MAX; i++) {
        CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &links[i]) == ST_OK);
        CU_ASSERT_EQUAL(attach(&links[i], id, sizeof id), CKR_OK);
        CU_ASSERT_EQUAL(attach(&links[i], id, sizeof id), CKR_FUNCTION_FAILED); /* once */
    }
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &one_more) == ST_OK);
    CU_ASSERT_EQUAL(attach(&one_more, id, sizeof id), CKR_SESSION_COUNT);
    id[0] ^= 1;
    CU_ASSERT_EQUAL(attach(&one_more, id, sizeof id), CKR_DEVICE_REMOVED);
    CU_ASSERT_EQUAL(attach(&one_more, id, sizeof id - 1), CKR_DEVICE_REMOVED);
    id[0] ^= 1;
    for (size_t i = 0; i < LINKS_PER_APPLICATION_MAX; i++)
        rig_disconnect(&links[i]);
    CU_ASSERT_EQUAL(attach(&one_more, id, sizeof id), CKR_DEVICE_REMOVED); /* it ended with its last link */
    rig_disconnect(&one_more);
}

static CU_TestInfo cases[] = {
    { "a hundred faults are answered, the next ends the link", a_hundred_faults_are_answered_the_next_ends_the_link },
    { "handles of nobody are recorded", handles_of_nobody_are_recorded },
    { "strangers do not fill the audit", strangers_do_not_fill_the_audit },
    { "garbage ends its link alone", garbage_ends_its_link_alone },
    { "a frame may come byte by byte", a_frame_may_come_byte_by_byte },
    { "more than 64 at once are refused", more_than_64_at_once_are_refused },
    { "one attestation at a time", one_attestation_at_a_time },
    { "the state changes while work waits", the_state_changes_while_work_waits },
    { "slow work holds its own peer back", slow_work_holds_its_own_peer_back },
    { "answers come late or never", answers_come_late_or_never },
    { "who does not read is not read from", who_does_not_read_is_not_read_from },
    { "an answer that is too long is said to be", an_answer_that_is_too_long_is_said_to_be },
    { "one partition does not take all places", one_partition_does_not_take_all_places },
    { "applications are joined by their own", applications_are_joined_by_their_own },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "peer", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

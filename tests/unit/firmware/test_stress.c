/* Several clients on several threads that make, use and destroy keys, log in and out, come and go, while the owner
 * changes their partition: for the sanitizers, and for the counts that must be right at the end. */
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

#define THREADS 4
#define ROUNDS  40

static struct rig rig;
static uint8_t application[APPLICATION_ID_LEN];
static atomic_uint failures;

static void open_rig(void)
{
    pin_cost = 2;
    rig_open(&rig);
    rig_provision(&rig, "strict");
}

static void close_rig(void)
{
    rig_close(&rig);
}

/* CUnit is not for threads: what a thread finds is counted. */
static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    atomic_fetch_add(&failures, 1);
    printf("not so: %s\n", what);
}

static CK_RV request(struct rig_client *c, uint16_t kind, const ProtobufCMessage *m)
{
    return rig_call(c, kind, m, NULL);
}

static bool may_be(CK_RV rv, CK_RV other)
{
    return rv == CKR_OK || rv == other;
}

/* All in one application: logins, sessions and operations of one thread are ended by the others. */
static void *share(void *arg)
{
    static uint8_t data[64];
    unsigned self = *(unsigned *)arg;
    Ks__Attach attach = KS__ATTACH__INIT;
    struct rig_client c;

    for (unsigned round = 0; round < ROUNDS; round++) {
        Ks__OperationUpdate update = KS__OPERATION_UPDATE__INIT;
        Ks__OperationBegin begin = KS__OPERATION_BEGIN__INIT;
        Ks__FindObjects find = KS__FIND_OBJECTS__INIT;
        Ks__Mechanism mechanism = KS__MECHANISM__INIT;
        Ks__Object object = KS__OBJECT__INIT;
        Ks__Session s = KS__SESSION__INIT;
        struct rig_template t;
        uint64_t key = 0;

        expect(rig_connect(&rig, &rig.user, &c) == ST_OK, "a link opens");
        attach.application = (ProtobufCBinaryData){ sizeof application, application };
        expect(request(&c, MESSAGE_ATTACH, &attach.base) == CKR_OK, "the application is joined");
        s.session = rig_session(&c, true);
        (void)rig_login(&c, s.session, CKU_USER, RIG_PIN);
        rig_template_init(&t);
        rig_bool(&t, CKA_TOKEN, round % 4 == 0);
        rig_bool(&t, CKA_SIGN, true);
        rig_bool(&t, CKA_ENCRYPT, true);
        if (rig_generate_aes(&c, s.session, 32, &t, &key) == CKR_OK) {
            begin.session = update.session = object.session = find.session = s.session;
            begin.operation = update.operation = OPERATION_ENCRYPT;
            mechanism.type = CKM_AES_ECB;
            begin.mechanism = &mechanism;
            begin.key = object.object = key;
            update.data = (ProtobufCBinaryData){ sizeof data, data };
            if (request(&c, MESSAGE_OPERATION_BEGIN, &begin.base) == CKR_OK)
                for (unsigned i = 0; i < 3; i++)
                    (void)request(&c, MESSAGE_OPERATION_UPDATE, &update.base);
            (void)rig_compute(&c, s.session, OPERATION_SIGN, CKM_AES_CMAC, key, span_of(data, sizeof data),
                              span_of(NULL, 0), NULL);
            (void)request(&c, MESSAGE_FIND_OBJECTS, &find.base);
            expect(may_be(request(&c, MESSAGE_DESTROY_OBJECT, &object.base), CKR_OBJECT_HANDLE_INVALID),
                   "a key is destroyed, or gone with a login");
        }
        if ((round + self) % 5 == 0)
            expect(may_be(request(&c, MESSAGE_LOGOUT, &s.base), CKR_USER_NOT_LOGGED_IN), "a logout");
        else if (round % 3 != 0) /* the others end with the link */
            expect(request(&c, MESSAGE_CLOSE_SESSION, &s.base) == CKR_OK, "a session is closed");
        rig_disconnect(&c);
    }
    return NULL;
}

/* Each with its own application, and pairs, which let go of the lock. */
static void *alone(void *arg)
{
    struct rig_client c;

    (void)arg;
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        Ks__Object object = KS__OBJECT__INIT;
        struct rig_template t;
        static const uint8_t digest[32];
        uint64_t public, private;

        rig_attach(&rig, &rig.user, &c);
        object.session = rig_session(&c, true);
        expect(rig_login(&c, object.session, CKU_USER, RIG_PIN) == CKR_OK, "a login");
        rig_template_init(&t);
        rig_bool(&t, CKA_SIGN, true);
        rig_bool(&t, CKA_TOKEN, round % 2 == 0);
        expect(rig_generate_ec(&c, object.session, &t, &public, &private) == CKR_OK, "a pair is made");
        expect(rig_compute(&c, object.session, OPERATION_SIGN, CKM_ECDSA, private, span_of(digest, sizeof digest),
                           span_of(NULL, 0), NULL) == CKR_OK,
               "it signs");
        object.object = private;
        expect(request(&c, MESSAGE_DESTROY_OBJECT, &object.base) == CKR_OK, "it is destroyed");
        object.object = public;
        expect(request(&c, MESSAGE_DESTROY_OBJECT, &object.base) == CKR_OK, "its public half, too");
        rig_disconnect(&c);
    }
    return NULL;
}

/* The owner looks, and makes and deletes a partition beside. */
static void *administrate(void *arg)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__AuditRead read = KS__AUDIT_READ__INIT;
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__PartitionId *id, gone = KS__PARTITION_ID__INIT;
    struct rig_client c;

    (void)arg;
    partition.name = (char *)(uintptr_t) "beside";
    partition.policy = (char *)(uintptr_t) "compatible";
    expect(rig_connect(&rig, &rig.owner, &c) == ST_OK, "the owner's link");
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect(rig_call(&c, MESSAGE_PARTITION_CREATE, &partition.base, &id) == CKR_OK, "a partition is made");
        gone.id = id->id;
        expect(request(&c, MESSAGE_PARTITION_LIST, &empty.base) == CKR_OK, "the list");
        expect(request(&c, MESSAGE_AUDIT_READ, &read.base) == CKR_OK, "the audit");
        expect(request(&c, MESSAGE_STATUS, &empty.base) == CKR_OK, "the status");
        expect(request(&c, MESSAGE_PARTITION_DELETE, &gone.base) == CKR_OK, "a partition is deleted");
    }
    rig_disconnect(&c);
    return NULL;
}

/* Under the lock: an answer arrives before its job has let go of the partition. */
static unsigned links_of(struct partition *p)
{
    unsigned links;

    pthread_mutex_lock(&p->lock);
    links = p->links;
    pthread_mutex_unlock(&p->lock);
    return links;
}

static void many_clients_at_once(void)
{
    pthread_t threads[2 * THREADS + 1];
    unsigned numbers[THREADS];
    struct partition *p = rig.ks->partitions[0];
    struct rig_client first;

    rig_attach(&rig, &rig.user, &first);
    (void)rig_ready_session(&first);
    memcpy(application, p->applications->id, sizeof application);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, share, &numbers[i]) == 0);
        CU_ASSERT_FATAL(pthread_create(&threads[THREADS + i], NULL, alone, NULL) == 0);
    }
    CU_ASSERT_FATAL(pthread_create(&threads[2 * THREADS], NULL, administrate, NULL) == 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&failures), 0);
    CU_ASSERT_EQUAL(links_of(p), 1);
    rig_disconnect(&first);
    slow_stop(&rig.ks->slow_pins); /* they let go of the application */
    slow_stop(&rig.ks->slow_keys);
    CU_ASSERT_EQUAL(p->links, 0);
    CU_ASSERT_EQUAL(p->refs, 0);
    CU_ASSERT_EQUAL(p->sessions, 0);
    CU_ASSERT_EQUAL(p->rw_sessions, 0);
    CU_ASSERT_EQUAL(p->session_objects, 0);
    CU_ASSERT_EQUAL(p->operations, 0);
    CU_ASSERT_PTR_NULL(p->applications);
    CU_ASSERT_EQUAL(p->objects.count, p->token_objects);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->peers), 0);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_OPERATIONAL);
}

struct worker {
    struct rig_client client;
    uint64_t session;
};

static void *until_refused(void *arg)
{
    struct worker *w = arg;
    struct rig_client *c = &w->client;
    struct rig_template t;
    uint64_t session = w->session, public, private;
    CK_RV rv;

    do {
        rig_template_init(&t);
        rig_bool(&t, CKA_SIGN, true);
        rig_bool(&t, CKA_TOKEN, true);
        rv = rig_generate_ec(c, session, &t, &public, &private);
    } while (rv == CKR_OK || rv == CKR_DEVICE_MEMORY);
    expect(rv == CKR_DEVICE_ERROR || rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_SESSION_HANDLE_INVALID,
           "it ends with the keystore or the partition");
    return NULL;
}

/* The end comes while everybody works: nothing crashes, no key stays in memory. */
static void the_end_comes_in_the_middle(uint16_t kind, ProtobufCMessage *m)
{
    struct ceremony_approvals approvals;
    struct worker workers[THREADS];
    struct rig_client owner;
    struct partition *p = rig.ks->partitions[0]; /* the workers' links keep it */
    Ks__Empty empty = KS__EMPTY__INIT;
    pthread_t threads[THREADS];
    struct object *o;
    size_t at = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        rig_attach(&rig, &rig.user, &workers[i].client);
        workers[i].session = i == 0 ? rig_ready_session(&workers[i].client) : rig_session(&workers[i].client, true);
        if (i > 0)
            CU_ASSERT_EQUAL(rig_login(&workers[i].client, workers[i].session, CKU_USER, RIG_PIN), CKR_OK);
    }
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, until_refused, &workers[i]) == 0);
    for (unsigned i = 0; i < 30; i++)
        (void)request(&owner, MESSAGE_STATUS, &empty.base);
    if (act_kind_is_dangerous(kind))
        ceremony_approve(rig_link(&owner), kind, m, BIT(1) | BIT(2), &approvals);
    CU_ASSERT_EQUAL(rig_call(&owner, kind, m, NULL), CKR_OK);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&failures), 0);
    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        CU_ASSERT(o->attributes.count == 0 && o->key == NULL);
    for (unsigned i = 0; i < THREADS; i++)
        rig_disconnect(&workers[i].client);
    rig_disconnect(&owner);
}

static void zeroised_in_the_middle(void)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;

    the_end_comes_in_the_middle(MESSAGE_ZEROISE, &m.base);
}

static void reset_in_the_middle(void)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;

    the_end_comes_in_the_middle(MESSAGE_FACTORY_RESET, &m.base);
    rig_restart(&rig);
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        CU_ASSERT_PTR_NULL(rig.ks->partitions[i]);
    CU_ASSERT_FALSE(rig.ks->domain.exists);
}

static void deleted_in_the_middle(void)
{
    Ks__PartitionId id = KS__PARTITION_ID__INIT;

    id.id = 1;
    the_end_comes_in_the_middle(MESSAGE_PARTITION_DELETE, &id.base);
    rig_restart(&rig);
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        CU_ASSERT_PTR_NULL(rig.ks->partitions[i]);
}

static CU_TestInfo cases[] = {
    { "many clients at once", many_clients_at_once },
    { "zeroised in the middle", zeroised_in_the_middle },
    { "deleted in the middle", deleted_in_the_middle },
    { "a factory reset in the middle of everybody's work", reset_in_the_middle },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "stress", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

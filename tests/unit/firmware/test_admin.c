/* What the owner does: partitions, who belongs to them, their end; zeroisation; and what a failed start answers. */
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client owner;
static Ks__Empty empty = KS__EMPTY__INIT;

static void open_rig(void)
{
    pin_cost = 2;
    rig_open(&rig);
    rig_provision(&rig, "strict");
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static void close_rig(void)
{
    rig_disconnect(&owner);
    rig_close(&rig);
}

struct ask {
    Ks__Partition m;
    Ks__Identity identities[PARTITION_IDENTITIES_MAX], *list[PARTITION_IDENTITIES_MAX];
};

static void ask_init(struct ask *a, const char *name)
{
    ks__partition__init(&a->m);
    a->m.name = (char *)(uintptr_t)name;
    a->m.policy = (char *)(uintptr_t) "strict";
    a->m.identities = a->list;
}

static void ask_for(struct ask *a, const uint8_t *fingerprint, uint32_t role)
{
    Ks__Identity *id = &a->identities[a->m.n_identities];

    ks__identity__init(id);
    id->fingerprint = (ProtobufCBinaryData){ LINK_FINGERPRINT_LEN, (uint8_t *)(uintptr_t)fingerprint };
    id->role = role;
    a->list[a->m.n_identities++] = id;
}

static CK_RV create(const struct ask *a, uint64_t *id)
{
    Ks__PartitionId *answer;
    CK_RV rv = rig_call(&owner, MESSAGE_PARTITION_CREATE, &a->m.base, &answer);

    if (rv == CKR_OK && id != NULL)
        *id = answer->id;
    return rv;
}

static CK_RV set(struct ask *a, uint64_t id)
{
    a->m.id = id;
    return rig_call(&owner, MESSAGE_PARTITION_SET, &a->m.base, NULL);
}

static CK_RV delete_partition(uint64_t id)
{
    Ks__PartitionId m = KS__PARTITION_ID__INIT;

    m.id = id;
    return rig_call(&owner, MESSAGE_PARTITION_DELETE, &m.base, NULL);
}

static unsigned partitions(void)
{
    Ks__PartitionList *list;

    CU_ASSERT_FATAL(rig_call(&owner, MESSAGE_PARTITION_LIST, &empty.base, &list) == CKR_OK);
    return (unsigned)list->n_partitions;
}

static void restart(void)
{
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

/* --- making --- */

static void a_name_is_given_once(void)
{
    struct ask a;
    uint64_t second = 0;

    ask_init(&a, "one");
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_ACTION_PROHIBITED);
    ask_init(&a, "two");
    CU_ASSERT_EQUAL(create(&a, &second), CKR_OK);
    ask_init(&a, "one");
    CU_ASSERT_EQUAL(set(&a, second), CKR_ACTION_PROHIBITED);
    ask_init(&a, "two");
    CU_ASSERT_EQUAL(set(&a, second), CKR_OK); /* its own name is not taken */
    CU_ASSERT_EQUAL(partitions(), 2);
    restart();
    CU_ASSERT_EQUAL(partitions(), 2);
}

static void names_are_plain(void)
{
    static const char *const bad[] = { "", "a b", "a/b", ".a", "-a", "a\n", "\xc3\xa4" };
    struct ask a;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ask_init(&a, bad[i]);
        CU_ASSERT_EQUAL(create(&a, NULL), CKR_ARGUMENTS_BAD);
    }
    ask_init(&a, "A-name_of.32-characters-no-more-");
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_OK);
}

static void a_key_is_one_role_in_one_place(void)
{
    struct ask a;

    ask_init(&a, "two");
    ask_for(&a, rig.user.fingerprint, PEER_CLIENT); /* of partition one */
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_ACTION_PROHIBITED);
    ask_init(&a, "two");
    ask_for(&a, rig.owner.fingerprint, PEER_CLIENT);
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_ACTION_PROHIBITED);
    ask_init(&a, "two");
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_ACTION_PROHIBITED);
    for (enum peer_role role = PEER_STRANGER; role <= PEER_AUDITOR; role++) {
        ask_init(&a, "two"); /* an auditor is made by ROLE_SET, with a quorum */
        ask_for(&a, rig.other.fingerprint, role);
        if (role != PEER_CLIENT)
            CU_ASSERT_EQUAL(create(&a, NULL), CKR_ARGUMENTS_BAD);
    }
    rig.ks->device.auditors[0] = (struct auditor){ .name = "otto" };
    memcpy(rig.ks->device.auditors[0].fingerprint, rig.other.fingerprint, LINK_FINGERPRINT_LEN);
    rig.ks->device.auditor_count = 1;
    ask_init(&a, "two");
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_ACTION_PROHIBITED);
    ask_init(&a, "one");
    ask_for(&a, rig.user.fingerprint, PEER_CLIENT);
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    CU_ASSERT_EQUAL(set(&a, 1), CKR_ACTION_PROHIBITED);
    rig.ks->device.auditor_count = 0;
    CU_ASSERT_EQUAL(partitions(), 1);
}

static void partitions_are_counted(void)
{
    char name[8];
    struct ask a;

    for (unsigned i = 1; i < PARTITIONS_MAX; i++) {
        snprintf(name, sizeof name, "p%u", i);
        ask_init(&a, name);
        CU_ASSERT_EQUAL(create(&a, NULL), CKR_OK);
    }
    ask_init(&a, "more");
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_DEVICE_MEMORY);
    CU_ASSERT_EQUAL(delete_partition(7), CKR_OK);
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(partitions(), PARTITIONS_MAX);
}

static void numbers_are_never_used_twice(void)
{
    struct ask a;
    uint64_t first = 0, second = 0;

    ask_init(&a, "two");
    CU_ASSERT_EQUAL(create(&a, &first), CKR_OK);
    CU_ASSERT_EQUAL(delete_partition(first), CKR_OK);
    restart();
    ask_init(&a, "two");
    CU_ASSERT_EQUAL(create(&a, &second), CKR_OK);
    CU_ASSERT(second > first);
}

/* The new terms are in memory and flash, or in neither. */
static void a_failing_flash_changes_no_terms(void)
{
    Ks__PartitionList *list;
    struct ask a;

    ask_init(&a, "renamed");
    a.m.policy = (char *)(uintptr_t) "compatible";
    rig.hal->fail_counter = 1;
    CU_ASSERT_EQUAL(set(&a, 1), CKR_DEVICE_ERROR);
    rig.hal->fail_counter = 0;
    CU_ASSERT_FATAL(rig_call(&owner, MESSAGE_PARTITION_LIST, &empty.base, &list) == CKR_OK);
    CU_ASSERT_STRING_EQUAL(list->partitions[0]->name, "one");
    CU_ASSERT_STRING_EQUAL(list->partitions[0]->policy, "strict");
    CU_ASSERT_EQUAL(list->partitions[0]->n_identities, 1);
    ask_init(&a, "two");
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(partitions(), 1);
}

/* --- identities --- */

static CK_RV random_bytes(struct rig_client *c)
{
    Ks__Random m = KS__RANDOM__INIT;

    m.length = 16;
    return rig_call(c, MESSAGE_RANDOM, &m.base, NULL);
}

static void who_is_taken_out_is_out_with_the_next_request(void)
{
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    struct rig_client client, other;
    struct ask a;

    ask_init(&a, "one");
    ask_for(&a, rig.user.fingerprint, PEER_CLIENT);
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    CU_ASSERT_FATAL(set(&a, 1) == CKR_OK);
    rig_attach(&rig, &rig.user, &client);
    rig_attach(&rig, &rig.other, &other);
    CU_ASSERT_EQUAL(random_bytes(&client), CKR_OK);
    CU_ASSERT_EQUAL(random_bytes(&other), CKR_OK);

    ask_init(&a, "one");
    ask_for(&a, rig.other.fingerprint, PEER_CLIENT);
    CU_ASSERT_FATAL(set(&a, 1) == CKR_OK);
    CU_ASSERT_EQUAL(random_bytes(&client), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_OPEN_SESSION, &open.base, NULL), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(random_bytes(&other), CKR_OK);
    rig_disconnect(&client);
    rig_disconnect(&other);
}

/* --- the end of a partition --- */

static uint64_t token_key(struct rig_client *c, uint64_t session)
{
    struct rig_template t;
    uint64_t key = 0;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    CU_ASSERT_EQUAL(rig_generate_aes(c, session, 32, &t, &key), CKR_OK);
    return key;
}

static void a_partition_in_use_is_deleted(void)
{
    struct rig_client client;
    uint64_t session;
    struct ask a;

    rig_attach(&rig, &rig.user, &client);
    session = rig_ready_session(&client);
    for (unsigned i = 0; i < 10; i++)
        (void)token_key(&client, session);
    CU_ASSERT_EQUAL(delete_partition(1), CKR_OK);
    CU_ASSERT_EQUAL(delete_partition(1), CKR_SLOT_ID_INVALID);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(random_bytes(&client), CKR_TOKEN_NOT_PRESENT);
    rig_disconnect(&client);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.user, &client), ST_UNAUTHENTICATED);
    rig_disconnect(&client);
    restart();
    CU_ASSERT_EQUAL(partitions(), 0);
    ask_init(&a, "again");
    ask_for(&a, rig.user.fingerprint, PEER_CLIENT); /* the key is free for another one */
    CU_ASSERT_EQUAL(create(&a, NULL), CKR_OK);
}

/* A login, a new PIN, a key pair: they let go of the lock, and the partition may be gone when they take it again. */
static void what_is_at_work_does_not_bring_it_back(void)
{
    struct partition *p = rig.ks->partitions[0];
    struct rig_client client;

    rig_attach(&rig, &rig.user, &client);
    (void)rig_ready_session(&client);
    CU_ASSERT_EQUAL(delete_partition(1), CKR_OK);
    pthread_mutex_lock(&p->lock);
    CU_ASSERT_EQUAL(partition_pin_result(p, &rig.ks->storage, &p->user_pin, true), CKR_TOKEN_NOT_PRESENT);
    pthread_mutex_unlock(&p->lock);
    rig_disconnect(&client);
    restart();
    CU_ASSERT_EQUAL(partitions(), 0);
}

/* Whenever the power is cut: all of it is there, or nothing. */
static void a_deletion_may_be_cut_anywhere(void)
{
    struct memory_hal *whole = rig.hal;
    struct rig_client client;
    uint64_t session;
    size_t first, last;

    rig_attach(&rig, &rig.user, &client);
    session = rig_ready_session(&client);
    for (unsigned i = 0; i < 20; i++)
        (void)token_key(&client, session);
    rig_disconnect(&client);
    first = rig.hal->event_count;
    CU_ASSERT_EQUAL(delete_partition(1), CKR_OK);
    last = whole->event_count;
    for (size_t events = first; events <= last; events++) {
        const struct partition *p;

        rig_disconnect(&owner);
        keystore_close(rig.ks);
        if (rig.hal != whole)
            memory_hal_free(rig.hal);
        rig.hal = memory_hal_cut(whole, events, CUT_LOSES, 1);
        rig_reopen(&rig);
        CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
        p = rig.ks->partitions[0];
        CU_ASSERT(p == NULL || p->token_objects == 20);
        CU_ASSERT(events < last || p == NULL);
    }
    memory_hal_free(whole);
}

/* --- states --- */

static uint32_t state_of(struct rig_client *c)
{
    Ks__Status *s;

    CU_ASSERT_FATAL(rig_call(c, MESSAGE_STATUS, &empty.base, &s) == CKR_OK);
    return s->state;
}

static void a_domain_is_made_once(void)
{
    Ks__DomainCreate m = KS__DOMAIN_CREATE__INIT;

    m.name = (char *)(uintptr_t) "other";
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_DOMAIN_CREATE, &m.base, NULL), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(state_of(&owner), KEYSTORE_OPERATIONAL);
}

static void zeroisation_leaves_nothing(void)
{
    struct keystore_config config = { .hal = &rig.hal->hal, .version = "0.1.0", .owner = rig.owner.fingerprint };
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    struct ceremony_approvals approvals;
    struct partition *p = rig.ks->partitions[0];
    struct keystore *again;
    struct rig_client client;
    uint64_t session;

    rig_attach(&rig, &rig.user, &client);
    session = rig_ready_session(&client);
    (void)token_key(&client, session);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_ZEROISE, &m.base, NULL), CKR_APPROVALS_MISSING);
    ceremony_approve(rig_link(&owner), MESSAGE_ZEROISE, &m.base, BIT(0) | BIT(2), &approvals);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_ZEROISE, &m.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(state_of(&owner), KEYSTORE_ZEROISED);
    CU_ASSERT_EQUAL(state_of(&client), KEYSTORE_ZEROISED); /* whoever is there is told */
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(random_bytes(&client), CKR_DEVICE_ERROR);
    CU_ASSERT(rig.hal->root_destroyed);
    CU_ASSERT_EQUAL(p->sessions, 0);
    CU_ASSERT_PTR_NULL(p->seal);
    CU_ASSERT_FALSE(p->user_pin.set);
    for (unsigned region = HAL_REGION_STORE_A; region <= HAL_REGION_STORE_B; region++)
        for (size_t i = 0; i < rig.hal->size[region]; i++)
            if (rig.hal->flash[region][i] != 0xff)
                CU_FAIL_FATAL("something is left in the flash");
    rig_disconnect(&client);
    CU_ASSERT_EQUAL(keystore_open(&config, &again), ST_NOT_FOUND); /* for good: no new root key, no new owner */
}

static void a_fault_does_not_undo_a_zeroisation(void)
{
    keystore_enter(rig.ks, KEYSTORE_ZEROISED);
    keystore_fail(rig.ks, "something");
    keystore_enter(rig.ks, KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(state_of(&owner), KEYSTORE_ZEROISED);
}

static void a_fault_ends_all_work(void)
{
    struct rig_client client;
    Ks__Status *s;

    rig_attach(&rig, &rig.user, &client);
    (void)rig_ready_session(&client);
    keystore_fail(rig.ks, "a test's fault");
    CU_ASSERT_EQUAL(random_bytes(&client), CKR_DEVICE_ERROR);
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_STATUS, &empty.base, &s) == CKR_OK);
    CU_ASSERT_EQUAL(s->state, KEYSTORE_ERROR);
    CU_ASSERT_STRING_EQUAL(s->fault, "a test's fault");
    rig_disconnect(&client);
}

static enum status stuck(void *self, unsigned source, uint8_t *out, size_t len)
{
    (void)self;
    memset(out, 0x55, len);
    return source == 0 ? ST_OK : ST_NOT_FOUND;
}

/* Somebody must be able to ask what it is, also when there are partitions and keys. */
static void a_keystore_without_entropy_starts_and_says_so(void)
{
    enum status (*sound)(void *, unsigned, uint8_t *, size_t) = rig.hal->hal.entropy;
    struct rig_client client;
    Ks__Status *s;

    rig_attach(&rig, &rig.user, &client);
    (void)token_key(&client, rig_ready_session(&client));
    rig_disconnect(&client);
    rig.hal->hal.entropy = stuck;
    restart();
    CU_ASSERT_FATAL(rig_call(&owner, MESSAGE_STATUS, &empty.base, &s) == CKR_OK);
    CU_ASSERT_EQUAL(s->state, KEYSTORE_ERROR);
    CU_ASSERT_STRING_EQUAL(s->fault, "test");
    CU_ASSERT_EQUAL(rig.ks->partitions[0]->objects.count, 0); /* keys stay in the flash */
    CU_ASSERT_EQUAL(s->partitions, 1);
    rig.hal->hal.entropy = sound;
    restart();
    CU_ASSERT_EQUAL(state_of(&owner), KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(rig.ks->partitions[0]->objects.count, 1);
}

static void a_source_that_fails_later_ends_all_work(void)
{
    struct rig_client client;
    CK_RV rv = CKR_OK;

    rig_attach(&rig, &rig.user, &client);
    rig.hal->hal.entropy = stuck;
    for (unsigned i = 0; i < 5000 && rv == CKR_OK; i++)
        rv = random_bytes(&client);
    CU_ASSERT_EQUAL(rv, CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(state_of(&client), KEYSTORE_ERROR);
    rig_disconnect(&client);
}

static CU_TestInfo cases[] = {
    { "a name is given once", a_name_is_given_once },
    { "names are plain", names_are_plain },
    { "a key is one role in one place", a_key_is_one_role_in_one_place },
    { "partitions are counted", partitions_are_counted },
    { "numbers are never used twice", numbers_are_never_used_twice },
    { "a failing flash changes no terms", a_failing_flash_changes_no_terms },
    { "who is taken out is out with the next request", who_is_taken_out_is_out_with_the_next_request },
    { "a partition in use is deleted", a_partition_in_use_is_deleted },
    { "what is at work does not bring it back", what_is_at_work_does_not_bring_it_back },
    { "a deletion may be cut anywhere", a_deletion_may_be_cut_anywhere },
    { "a domain is made once", a_domain_is_made_once },
    { "zeroisation leaves nothing", zeroisation_leaves_nothing },
    { "a fault does not undo a zeroisation", a_fault_does_not_undo_a_zeroisation },
    { "a fault ends all work", a_fault_ends_all_work },
    { "a keystore without entropy starts and says so", a_keystore_without_entropy_starts_and_says_so },
    { "a source that fails later ends all work", a_source_that_fails_later_ends_all_work },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "administration", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

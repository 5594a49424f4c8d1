/* Who may use an initialised partition, and what may be done with its keys, is not for the owner alone. */
#include "tests/unit/firmware/carrier.h"

static struct rig rig;
static struct rig_client owner, user;

static void open_rig(void)
{
    (void)rig_open_ready(&rig, &user);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static void close_rig(void)
{
    rig_disconnect(&user);
    rig_disconnect(&owner);
    rig_close(&rig);
}

struct ask {
    Ks__Partition m;
    Ks__Identity items[PARTITION_IDENTITIES_MAX], *list[PARTITION_IDENTITIES_MAX];
    struct ceremony_approvals approvals;
};

static void also(struct ask *a, const uint8_t *fingerprint, uint32_t role, const char *name)
{
    Ks__Identity *id = &a->items[a->m.n_identities];

    ks__identity__init(id);
    id->fingerprint = (ProtobufCBinaryData){ LINK_FINGERPRINT_LEN, (uint8_t *)(uintptr_t)fingerprint };
    id->role = role;
    id->name = (char *)(uintptr_t)name;
    a->list[a->m.n_identities++] = id;
}

/* The partition as rig_provision() made it. */
static void as_it_is(struct ask *a)
{
    ks__partition__init(&a->m);
    a->m.id = 1;
    a->m.name = (char *)(uintptr_t) "one";
    a->m.policy = (char *)(uintptr_t) "strict";
    a->m.identities = a->list;
    also(a, rig.user.fingerprint, PEER_CLIENT, "user");
}

static CK_RV set(const struct ask *a)
{
    return rig_call(&owner, MESSAGE_PARTITION_SET, &a->m.base, NULL);
}

static CK_RV set_approved(struct ask *a, unsigned who)
{
    ceremony_approve(rig_link(&owner), MESSAGE_PARTITION_SET, &a->m.base, who, &a->approvals);
    return set(a);
}

static const struct partition_terms *terms(void)
{
    return &rig.ks->partitions[0]->terms;
}

static void quotas_and_names_do_not_need_one(void)
{
    struct ask a;

    as_it_is(&a);
    a.m.objects_max = 5;
    a.m.session_objects_max = 6;
    a.m.name = (char *)(uintptr_t) "renamed";
    a.items[0].name = (char *)(uintptr_t) "her";
    CU_ASSERT_EQUAL(set(&a), CKR_OK);
    CU_ASSERT_STRING_EQUAL(terms()->name, "renamed");
    CU_ASSERT_STRING_EQUAL(terms()->identities[0].name, "her");
    CU_ASSERT_EQUAL(terms()->objects_max, 5);
}

static void refused(struct ask *a)
{
    struct partition_terms before = *terms();
    uint64_t counter = rig.hal->counter;

    CU_ASSERT_EQUAL(set(a), CKR_APPROVALS_MISSING);
    CU_ASSERT_EQUAL(set_approved(a, BIT(1)), CKR_APPROVALS_MISSING);
    CU_ASSERT_EQUAL(memcmp(&before, terms(), sizeof before), 0);
    CU_ASSERT_EQUAL(rig.hal->counter, counter);
}

static void identities_need_one(void)
{
    struct ask a;

    as_it_is(&a); /* one more */
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    refused(&a);
    as_it_is(&a); /* one less */
    a.m.n_identities = 0;
    refused(&a);
    as_it_is(&a); /* another one */
    a.items[0].fingerprint.data = rig.other.fingerprint;
    refused(&a);
    CU_ASSERT_EQUAL(set_approved(&a, BIT(1) | BIT(2)), CKR_OK);
    CU_ASSERT_EQUAL(memcmp(terms()->identities[0].fingerprint, rig.other.fingerprint, LINK_FINGERPRINT_LEN), 0);
}

/* Who initialises a token can see that somebody else has a key to it. */
static void a_client_is_told_how_many_there_are(void)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__TokenInfo *info = NULL;
    struct ask a;

    CU_ASSERT_FATAL(rig_call(&user, MESSAGE_TOKEN_INFO, &empty.base, &info) == CKR_OK);
    CU_ASSERT_EQUAL(info->link_keys, 1);
    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_FATAL(rig_call(&user, MESSAGE_TOKEN_INFO, &empty.base, &info) == CKR_OK);
    CU_ASSERT_EQUAL(info->link_keys, 2);
}

/* Who reads the audit is said by ROLE_SET, with its own quorum. */
static void a_partition_has_clients_alone(void)
{
    struct ask a;

    as_it_is(&a);
    a.items[0].role = PEER_AUDITOR;
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_ARGUMENTS_BAD);
    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_AUDITOR, "");
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(terms()->identity_count, 1);
    CU_ASSERT_EQUAL(terms()->identities[0].role, PEER_CLIENT);
}

static void a_looser_policy_needs_one(void)
{
    struct ask a;

    as_it_is(&a);
    a.m.policy = (char *)(uintptr_t) "compatible";
    refused(&a);
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_EQUAL(terms()->policy, POLICY_COMPATIBLE);
    as_it_is(&a); /* and a stricter one none */
    CU_ASSERT_EQUAL(set(&a), CKR_OK);
    CU_ASSERT_EQUAL(terms()->policy, POLICY_STRICT);
}

static void order_is_no_change(void)
{
    uint64_t act = rig.ks->act_sequence;
    struct ask a;

    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, act + 1);
    as_it_is(&a);
    a.m.n_identities = 0;
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    also(&a, rig.user.fingerprint, PEER_CLIENT, "user");
    CU_ASSERT_EQUAL(set(&a), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, act + 1);
}

/* Until the first C_InitToken. One that was interrupted leaves a partition that is not initialised and has an SO. */
static void without_a_token_the_owner_is_enough(void)
{
    struct partition *p = rig.ks->partitions[0];
    struct ask a;

    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    a.m.policy = (char *)(uintptr_t) "compatible";
    p->initialised = false;
    refused(&a);
    p->initialised = true;
    p->so_pin.set = false;
    refused(&a);
    p->initialised = false;
    CU_ASSERT_EQUAL(set(&a), CKR_OK);
}

/* What is wrong with the request is said first: it costs no approval. Nor does one that nobody needed to approve. */
static void what_needs_none_uses_none_up(void)
{
    uint64_t act = rig.ks->act_sequence;
    struct ask a;

    as_it_is(&a);
    also(&a, rig.owner.fingerprint, PEER_CLIENT, "");
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_ACTION_PROHIBITED);
    as_it_is(&a);
    a.m.objects_max = 7;
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, act);
}

static void an_approval_is_for_one_change(void)
{
    struct ask a, b;

    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    as_it_is(&b);
    b.m.policy = (char *)(uintptr_t) "compatible";
    also(&b, rig.other.fingerprint, PEER_CLIENT, "");
    ceremony_approve(rig_link(&owner), MESSAGE_PARTITION_SET, &a.m.base, BIT(0) | BIT(1), &a.approvals);
    ceremony_attach(MESSAGE_PARTITION_SET, &b.m.base, &a.approvals);
    CU_ASSERT_EQUAL(set(&b), CKR_APPROVAL_INVALID);
    CU_ASSERT_EQUAL(set(&a), CKR_OK);
    b.m.authorisation = NULL;
    CU_ASSERT_EQUAL(set(&b), CKR_APPROVALS_MISSING);
    as_it_is(&b);
    CU_ASSERT_EQUAL(set_approved(&b, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_EQUAL(set(&a), CKR_APPROVAL_USED);
}

/* As a power cut after any event leaves it: changed and used up, or neither. */
static void change_and_use_are_one_commit(void)
{
    struct memory_hal *whole = rig.hal;
    uint64_t act = rig.ks->act_sequence;
    unsigned before = 0, after = 0;
    struct ask a;
    size_t first;

    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    first = whole->event_count;
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, act + 1);
    rig_disconnect(&user);
    rig_disconnect(&owner);
    keystore_close(rig.ks);
    for (size_t events = first; events <= whole->event_count; events++) {
        rig.hal = memory_hal_cut(whole, events, CUT_LOSES, events);
        rig_reopen(&rig);
        CU_ASSERT_EQUAL(terms()->identity_count == 2, rig.ks->act_sequence == act + 1);
        before += terms()->identity_count == 1;
        after += terms()->identity_count == 2;
        keystore_close(rig.ks);
        memory_hal_free(rig.hal);
    }
    CU_ASSERT(before > 0 && after > 0);
    rig.hal = whole;
    rig_reopen(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &user) == ST_OK);
}

static void a_failing_flash_uses_nothing_up(void)
{
    uint64_t act = rig.ks->act_sequence;
    struct ask a;

    as_it_is(&a);
    also(&a, rig.other.fingerprint, PEER_CLIENT, "");
    rig.hal->fail_counter = 1;
    CU_ASSERT_EQUAL(set_approved(&a, BIT(0) | BIT(1)), CKR_DEVICE_ERROR);
    rig.hal->fail_counter = 0;
    CU_ASSERT_EQUAL(terms()->identity_count, 1);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, act);
}

static CU_TestInfo cases[] = {
    { "quotas and names need no quorum", quotas_and_names_do_not_need_one },
    { "identities need one", identities_need_one },
    { "a partition has clients alone", a_partition_has_clients_alone },
    { "a client is told how many there are", a_client_is_told_how_many_there_are },
    { "a looser policy needs one", a_looser_policy_needs_one },
    { "their order is no change", order_is_no_change },
    { "without a token the owner is enough", without_a_token_the_owner_is_enough },
    { "what needs no approval uses none up", what_needs_none_uses_none_up },
    { "an approval is for one change", an_approval_is_for_one_change },
    { "the change and the use of its number are one commit", change_and_use_are_one_commit },
    { "a failing flash uses nothing up", a_failing_flash_uses_nothing_up },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "partition set", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

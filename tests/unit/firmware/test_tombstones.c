/* What was deleted here stays deleted here: in memory, after a start, and when no more of them can be remembered. */
#include "firmware/base/big_endian.h"
#include "tests/unit/firmware/carrier.h"

static struct tombstones t;
static struct partition *p;

static void set_up(void)
{
    t = (struct tombstones){ 0 };
    p = partition_new(5);
    CU_ASSERT_FATAL(p != NULL);
}

static void tear_down(void)
{
    tombstones_clear(&t);
    partition_free(p);
}

/* The n-th of many seal ids. */
static struct span seal_id(uint64_t n)
{
    static uint8_t id[PARTITION_SEAL_ID_LEN];

    be_put(id + 3, n, 8);
    return span_of(id, sizeof id);
}

static void forbids_what_it_has_and_no_other(void)
{
    for (unsigned n = 1; n < 100; n += 2)
        CU_ASSERT_FATAL(tombstones_load(&t, seal_id(n)) == ST_OK);
    for (unsigned n = 0; n < 101; n++)
        CU_ASSERT_EQUAL(tombstones_forbid(&t, seal_id(n).p), n % 2 == 1);
}

static void a_record_of_another_length_is_damage(void)
{
    static const uint8_t longer[PARTITION_SEAL_ID_LEN + 1];

    CU_ASSERT_EQUAL(tombstones_load(&t, span_of(longer, sizeof longer)), ST_CORRUPT);
    CU_ASSERT_EQUAL(tombstones_load(&t, span_of(longer, PARTITION_SEAL_ID_LEN - 1)), ST_CORRUPT);
    CU_ASSERT_EQUAL(tombstones_load(&t, span_of(NULL, 0)), ST_CORRUPT);
    CU_ASSERT_EQUAL(t.count, 0);
}

/* The change alone forbids nothing: its commit may fail. */
static void it_counts_when_its_commit_is_made(void)
{
    struct flash_change change;
    unsigned count = 9;

    memcpy(p->seal_id, seal_id(7).p, sizeof p->seal_id);
    CU_ASSERT_EQUAL(tombstones_change(&t, p, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT(change.key.kind == RECORD_TOMBSTONE && change.key.partition == 5 && !change.remove);
    CU_ASSERT(span_equal(change.value, seal_id(7)));
    CU_ASSERT_FALSE(tombstones_forbid(&t, p->seal_id));
    tombstones_add(&t, p);
    CU_ASSERT(tombstones_forbid(&t, p->seal_id));
    CU_ASSERT_FALSE(tombstones_forbid(&t, seal_id(8).p));
}

static void a_full_memory_forbids_everything(void)
{
    struct flash_change change;
    unsigned count = 9;

    for (unsigned n = 0; n < TOMBSTONES_MAX - 1; n++)
        CU_ASSERT_FATAL(tombstones_load(&t, seal_id(n)) == ST_OK);
    CU_ASSERT_FALSE(tombstones_forbid(&t, seal_id(1000000).p));
    CU_ASSERT_EQUAL(tombstones_change(&t, p, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 1);
    tombstones_add(&t, p);
    CU_ASSERT_EQUAL(t.count, TOMBSTONES_MAX);
    CU_ASSERT(tombstones_forbid(&t, seal_id(1000000).p)); /* it may be the next one that is deleted */
    CU_ASSERT_EQUAL(tombstones_change(&t, p, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 0);
    tombstones_add(&t, p);
    CU_ASSERT_EQUAL(t.count, TOMBSTONES_MAX);
    CU_ASSERT_EQUAL(tombstones_load(&t, seal_id(1)), ST_CORRUPT);
}

/* --- on a board --- */

static CK_RV delete_partition(struct rig_client *owner, uint64_t id)
{
    Ks__PartitionId m = KS__PARTITION_ID__INIT;

    m.id = id;
    return rig_call(owner, MESSAGE_PARTITION_DELETE, &m.base, NULL);
}

static void a_board_with_a_full_memory_still_deletes(void)
{
    struct parts parts;
    struct carrier k;

    carrier_open(&k);
    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    for (unsigned n = 0; n < TOMBSTONES_MAX; n++)
        CU_ASSERT_FATAL(tombstones_load(&k.a.ks->tombstones, seal_id(n + 1)) == ST_OK &&
                        tombstones_load(&k.b.ks->tombstones, seal_id(n + 1)) == ST_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_PURGED);
    CU_ASSERT_EQUAL(delete_partition(&k.a_owner, 1), CKR_OK);
    CU_ASSERT_EQUAL(partition_count(&k.a), 0);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &parts), CKR_BACKUP_PURGED);
    parts_clear(&parts);
    carrier_close(&k);
}

/* Whenever the power is cut: the partition is there and may be restored, or it is gone for good. */
static void deletion_and_tombstone_are_one_commit(void)
{
    struct memory_hal *whole;
    unsigned there = 0, gone = 0;
    struct carrier k;
    size_t first;

    carrier_open(&k);
    (void)carrier_key(&k);
    whole = k.a.hal;
    first = whole->event_count;
    CU_ASSERT_FATAL(delete_partition(&k.a_owner, 1) == CKR_OK);
    rig_disconnect(&k.a_user);
    rig_disconnect(&k.a_owner);
    keystore_close(k.a.ks);
    for (size_t events = first; events <= whole->event_count; events++) {
        k.a.hal = memory_hal_cut(whole, events, CUT_LOSES, events);
        rig_reopen(&k.a);
        CU_ASSERT_EQUAL(partition_count(&k.a) + k.a.ks->tombstones.count, 1);
        there += partition_count(&k.a);
        gone += k.a.ks->tombstones.count;
        keystore_close(k.a.ks);
        memory_hal_free(k.a.hal);
    }
    CU_ASSERT(there > 0 && gone > 0);
    k.a.hal = whole;
    rig_reopen(&k.a);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_owner) == ST_OK);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_user) == ST_OK);
    carrier_close(&k);
}

static void a_deletion_that_fails_buries_nobody(void)
{
    struct carrier k;

    carrier_open(&k);
    k.a.hal->fail_counter = 1;
    CU_ASSERT_EQUAL(delete_partition(&k.a_owner, 1), CKR_DEVICE_ERROR);
    k.a.hal->fail_counter = 0;
    CU_ASSERT_EQUAL(partition_count(&k.a), 1);
    CU_ASSERT_EQUAL(k.a.ks->tombstones.count, 0);
    carrier_close(&k);
}

static CU_TestInfo cases[] = {
    { "it forbids what it has and no other", forbids_what_it_has_and_no_other },
    { "a record of another length is damage", a_record_of_another_length_is_damage },
    { "it counts when its commit is made", it_counts_when_its_commit_is_made },
    { "a full memory forbids everything", a_full_memory_forbids_everything },
    { "a board with a full memory still deletes", a_board_with_a_full_memory_still_deletes },
    { "deletion and tombstone are one commit", deletion_and_tombstone_are_one_commit },
    { "a deletion that fails buries nobody", a_deletion_that_fails_buries_nobody },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "tombstones", NULL, NULL, set_up, tear_down, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

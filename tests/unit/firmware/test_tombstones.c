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

static bool forbids(uint64_t family, uint64_t generation)
{
    memcpy(p->family, seal_id(family).p, sizeof p->family);
    p->generation = generation;
    return tombstones_forbid(&t, p);
}

static struct span record(uint64_t family, uint64_t generation)
{
    static struct tombstone end;

    memcpy(p->family, seal_id(family).p, sizeof p->family);
    end = tombstone_of(p, generation);
    return span_of(end.packed, sizeof end.packed);
}

static void forbids_what_it_has_and_no_other(void)
{
    for (unsigned n = 1; n < 100; n += 2)
        CU_ASSERT_FATAL(tombstones_load(&t, record(n, n)) == ST_OK);
    for (unsigned n = 0; n < 101; n++)
        for (unsigned g = 0; g < 101; g++)
            CU_ASSERT_EQUAL(forbids(n, g), n % 2 == 1 && g <= n);
}

/* What firmware of before has written: a seal id alone, of a partition that was deleted. */
static void an_old_record_forbids_all_of_its_family(void)
{
    CU_ASSERT_FATAL(tombstones_load(&t, seal_id(3)) == ST_OK);
    CU_ASSERT(forbids(3, 0) && forbids(3, 1000));
    CU_ASSERT_FALSE(forbids(4, 0));
}

static void a_record_of_another_length_is_damage(void)
{
    static const uint8_t longer[TOMBSTONE_LEN + 1];

    for (size_t len = 0; len <= sizeof longer; len++)
        if (len != TOMBSTONE_LEN && len != PARTITION_SEAL_ID_LEN)
            CU_ASSERT_EQUAL(tombstones_load(&t, span_of(longer, len)), ST_CORRUPT);
    CU_ASSERT_EQUAL(t.count, 0);
}

/* The change alone forbids nothing: its commit may fail. */
static void it_counts_when_its_commit_is_made(void)
{
    struct flash_change change;
    struct tombstone end;
    unsigned count = 9;

    memcpy(p->family, seal_id(7).p, sizeof p->family);
    end = tombstone_of(p, 2);
    CU_ASSERT_EQUAL(tombstones_change(&t, &end, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT(change.key.kind == RECORD_TOMBSTONE && change.key.partition == 5 && !change.remove);
    CU_ASSERT(span_equal(change.value, record(7, 2)));
    CU_ASSERT_FALSE(forbids(7, 2));
    tombstones_add(&t, &end);
    CU_ASSERT(forbids(7, 2));
    CU_ASSERT_FALSE(forbids(7, 3));
    CU_ASSERT_FALSE(forbids(8, 0));
}

/* A client that initialises its token again and again uses up nobody's room. */
static void a_partition_has_one(void)
{
    struct flash_change change;
    struct tombstone end;
    unsigned count;

    for (uint64_t g = 0; g < 100; g++) {
        memcpy(p->family, seal_id(7).p, sizeof p->family);
        end = tombstone_of(p, g);
        CU_ASSERT_EQUAL(tombstones_change(&t, &end, &change, &count), CKR_OK);
        CU_ASSERT_EQUAL(count, 1);
        tombstones_add(&t, &end);
        CU_ASSERT_EQUAL(t.count, 1);
        CU_ASSERT(forbids(7, g));
        CU_ASSERT_FALSE(forbids(7, g + 1));
    }
}

static void a_full_memory_forbids_everything(void)
{
    struct flash_change change;
    struct tombstone end;
    unsigned count = 9;

    for (unsigned n = 0; n < TOMBSTONES_MAX - 1; n++)
        CU_ASSERT_FATAL(tombstones_load(&t, record(n, 0)) == ST_OK);
    CU_ASSERT_FALSE(forbids(1000000, 0));
    end = tombstone_of(p, TOMBSTONE_WHOLE);
    CU_ASSERT_EQUAL(tombstones_change(&t, &end, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 1);
    tombstones_add(&t, &end);
    CU_ASSERT_EQUAL(t.count, TOMBSTONES_MAX);
    CU_ASSERT(forbids(2000000, 0)); /* it may be the next one that is deleted */
    end = tombstone_of(p, TOMBSTONE_WHOLE);
    CU_ASSERT_EQUAL(tombstones_change(&t, &end, &change, &count), CKR_OK);
    CU_ASSERT_EQUAL(count, 0);
    tombstones_add(&t, &end);
    CU_ASSERT_EQUAL(t.count, TOMBSTONES_MAX);
    CU_ASSERT_EQUAL(tombstones_load(&t, record(1, 0)), ST_CORRUPT);
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
        CU_ASSERT_FATAL(tombstones_load(&k.a.ks->tombstones, record(n + 1, 0)) == ST_OK &&
                        tombstones_load(&k.b.ks->tombstones, record(n + 1, 0)) == ST_OK);
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

/* A flash that cannot be read is not one without tombstones. */
static void a_start_that_cannot_read_them_is_none(void)
{
    struct memory_hal *whole;
    unsigned failed = 0;
    struct carrier k;

    carrier_open(&k);
    CU_ASSERT_FATAL(delete_partition(&k.a_owner, 1) == CKR_OK);
    rig_disconnect(&k.a_user);
    rig_disconnect(&k.a_owner);
    keystore_close(k.a.ks);
    whole = k.a.hal;
    for (unsigned n = 1;; n++) {
        struct keystore_config config = { .version = "0" };
        struct keystore *ks = NULL;
        enum status st;

        k.a.hal = memory_hal_copy(whole);
        config.hal = &k.a.hal->hal;
        k.a.hal->fail_read = n;
        if ((st = keystore_open(&config, &ks)) == ST_OK)
            CU_ASSERT_EQUAL(ks->tombstones.count, 1);
        failed += st != ST_OK;
        keystore_close(ks);
        memory_hal_free(k.a.hal);
        if (st == ST_OK && n > 100)
            break;
    }
    CU_ASSERT(failed > 0);
    k.a.hal = whole;
    rig_reopen(&k.a);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_owner) == ST_OK);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_user) == ST_OK);
    carrier_close(&k);
}

static CK_RV init_token(struct carrier *k, const char *so_pin)
{
    Ks__InitToken m = KS__INIT_TOKEN__INIT;
    uint8_t label[LABEL_LEN];

    memset(label, ' ', sizeof label);
    m.so_pin = (ProtobufCBinaryData){ strlen(so_pin), (uint8_t *)(uintptr_t)so_pin };
    m.label = (ProtobufCBinaryData){ sizeof label, label };
    return rig_call(&k->a_user, MESSAGE_INIT_TOKEN, &m.base, NULL);
}

static void close_sessions(struct carrier *k)
{
    Ks__Session all = KS__SESSION__INIT;

    CU_ASSERT_FATAL(rig_call(&k->a_user, MESSAGE_CLOSE_SESSION, &all.base, NULL) == CKR_OK);
}

/* Not in place of the one that is there, nor when that is deleted, nor with what was sealed outside. */
static void a_token_of_before_does_not_come_back(void)
{
    struct parts before, after;
    struct partition *one;
    uint8_t first[PARTITION_SEAL_ID_LEN];
    struct carrier k;

    carrier_open(&k);
    (void)carrier_key(&k);
    one = k.a.ks->partitions[0];
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &before) == CKR_OK);
    memcpy(first, one->seal_id, sizeof first);
    close_sessions(&k);
    CU_ASSERT_EQUAL(init_token(&k, "wrong-so-pin"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(memcmp(first, one->seal_id, sizeof first), 0);
    CU_ASSERT_EQUAL(k.a.ks->tombstones.count, 0);
    CU_ASSERT_EQUAL_FATAL(init_token(&k, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_NOT_EQUAL(memcmp(first, one->seal_id, sizeof first), 0);
    CU_ASSERT_EQUAL(k.a.ks->tombstones.count, 1);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &before), CKR_BACKUP_PURGED);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &after) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &after), CKR_PARTITION_EXISTS);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &after), CKR_OK); /* it has never been there */
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &before), CKR_PARTITION_EXISTS);
    rig_disconnect(&k.a_user);
    rig_disconnect(&k.a_owner);
    rig_restart(&k.a);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_owner) == ST_OK);
    rig_attach(&k.a, &k.a.user, &k.a_user);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &before), CKR_BACKUP_PURGED);
    CU_ASSERT_EQUAL(delete_partition(&k.a_owner, 1), CKR_OK);
    CU_ASSERT_EQUAL(k.a.ks->tombstones.count, 1);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &before), CKR_BACKUP_PURGED);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &after), CKR_BACKUP_PURGED);
    parts_clear(&before);
    parts_clear(&after);
    carrier_close(&k);
}

/* It would have the objects of before, and the PINs of now. */
static void a_backup_that_is_being_made_ends(void)
{
    struct bytes part = { 0 };
    struct carrier k;
    bool last;

    carrier_open(&k);
    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_begin(&k.a_owner, 1, &part) == CKR_OK);
    close_sessions(&k);
    CU_ASSERT_EQUAL(init_token(&k, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_NOT_EQUAL(backup_part(&k.a_owner, &part, &last), CKR_OK);
    bytes_clear(&part);
    carrier_close(&k);
}

static CU_TestInfo cases[] = {
    { "it forbids what it has and no other", forbids_what_it_has_and_no_other },
    { "an old record forbids all of its family", an_old_record_forbids_all_of_its_family },
    { "a record of another length is damage", a_record_of_another_length_is_damage },
    { "it counts when its commit is made", it_counts_when_its_commit_is_made },
    { "a partition has one", a_partition_has_one },
    { "a full memory forbids everything", a_full_memory_forbids_everything },
    { "a board with a full memory still deletes", a_board_with_a_full_memory_still_deletes },
    { "deletion and tombstone are one commit", deletion_and_tombstone_are_one_commit },
    { "a deletion that fails buries nobody", a_deletion_that_fails_buries_nobody },
    { "a start that cannot read them is none", a_start_that_cannot_read_them_is_none },
    { "a token of before does not come back", a_token_of_before_does_not_come_back },
    { "a backup that is being made ends", a_backup_that_is_being_made_ends },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "tombstones", NULL, NULL, set_up, tear_down, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

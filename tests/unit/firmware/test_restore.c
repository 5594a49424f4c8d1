/* A partition restored from its backup: all of it, or no trace. */
#include "tests/unit/firmware/carrier.h"

static struct carrier k;
static struct parts parts;

static void open_boards(void)
{
    carrier_open(&k);
    parts = (struct parts){ 0 };
}

static void close_boards(void)
{
    parts_clear(&parts);
    carrier_close(&k);
}

/* As many parts as are asked for, beyond the first; none of the objects is like another. */
static void take_backup(unsigned count)
{
    static uint8_t large[100000];

    for (unsigned i = 0; i < count; i++) {
        memset(large, (int)i + 1, sizeof large);
        CU_ASSERT_EQUAL_FATAL(carrier_put(&k, "large", large, count > 1 ? ATTRIBUTE_LARGE_MAX : 100), CKR_OK);
    }
    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_FATAL(parts.count == count + 1);
}

static bool leaves_no_trace(void)
{
    return k.b.ks->restore == NULL && partition_count(&k.b) == 0 && objects_in_flash(&k.b) == 0;
}

static bool has_all_of(const struct partition *p, const struct partition *other)
{
    const struct object *o, *found;
    size_t at = 0;

    while ((o = handle_table_next(&p->objects, &at)) != NULL) {
        size_t there = 0;
        bool same = false;

        while ((found = handle_table_next(&other->objects, &there)) != NULL && !same) {
            same = memcmp(o->unique, found->unique, sizeof o->unique) == 0 &&
                   o->attributes.count == found->attributes.count;
            for (unsigned i = 0; same && i < o->attributes.count; i++)
                same = span_equal(span_of(o->attributes.items[i].p, o->attributes.items[i].len),
                                  attributes_get(&found->attributes, o->attributes.items[i].type));
        }
        if (!same)
            return false;
    }
    return p->token_objects == other->token_objects && p->bytes == other->bytes;
}

static bool same_pin(const struct pin *x, const struct pin *y)
{
    return x->set == y->set && x->tries == y->tries && x->cost == y->cost &&
           memcmp(x->salt, y->salt, sizeof x->salt) == 0 && memcmp(x->hash, y->hash, sizeof x->hash) == 0;
}

/* All but the number. */
static bool is_like(const struct partition *p, const struct partition *other)
{
    return memcmp(&p->terms, &other->terms, sizeof p->terms) == 0 &&
           memcmp(p->seal_id, other->seal_id, sizeof p->seal_id) == 0 &&
           memcmp(p->family, other->family, sizeof p->family) == 0 && p->generation == other->generation &&
           memcmp(p->serial, other->serial, sizeof p->serial) == 0 &&
           memcmp(p->label, other->label, sizeof p->label) == 0 && p->initialised == other->initialised &&
           same_pin(&p->so_pin, &other->so_pin) && same_pin(&p->user_pin, &other->user_pin) && has_all_of(p, other);
}

/* --- all of it --- */

static void it_is_the_same_partition(void)
{
    k.a.ks->partitions[0]->user_pin.tries = 3;
    take_backup(3);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(partition_count(&k.b), 1);
    CU_ASSERT(is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
    CU_ASSERT_EQUAL(k.b.ks->partitions[0]->user_pin.tries, 3);
    CU_ASSERT_PTR_NULL(k.b.ks->restore);
    carrier_restart_b(&k);
    CU_ASSERT_EQUAL_FATAL(partition_count(&k.b), 1);
    CU_ASSERT(is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
}

static uint64_t find_key(struct rig_client *c, uint64_t session)
{
    Ks__FindObjects m = KS__FIND_OBJECTS__INIT;
    struct rig_template t;
    Ks__Handles *found;

    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    m.session = session;
    m.template_ = &t.t;
    CU_ASSERT_FATAL(rig_call(c, MESSAGE_FIND_OBJECTS, &m.base, &found) == CKR_OK);
    CU_ASSERT_FATAL(found->n_handles == 1);
    return found->handles[0];
}

static Ks__Mechanism *sealing(void)
{
    static Ks__Mechanism mechanism;

    ks__mechanism__init(&mechanism);
    mechanism.type = CKM_STRONGROOM_SEAL;
    mechanism.has_parameter = true;
    mechanism.aad = (ProtobufCBinaryData){ 7, (uint8_t *)(uintptr_t) "context" };
    return &mechanism;
}

static CK_RV seal(struct rig_client *c, uint64_t session, uint64_t key, struct bytes *blob)
{
    Ks__WrapKey m = KS__WRAP_KEY__INIT;
    Ks__Data *data;
    CK_RV rv;

    m.session = session;
    m.mechanism = sealing();
    m.key = key;
    if ((rv = rig_call(c, MESSAGE_WRAP_KEY, &m.base, &data)) == CKR_OK)
        CU_ASSERT_FATAL(bytes_set(blob, span_of(data->data.data, data->data.len)) == ST_OK);
    return rv;
}

static CK_RV open_sealed(struct rig_client *c, uint64_t session, const struct bytes *blob, uint64_t *key)
{
    Ks__UnwrapKey m = KS__UNWRAP_KEY__INIT;
    struct rig_template t;
    Ks__Handle *handle;
    CK_RV rv;

    rig_template_init(&t);
    m.session = session;
    m.mechanism = sealing();
    m.wrapped = (ProtobufCBinaryData){ blob->len, blob->p };
    m.template_ = &t.t;
    if ((rv = rig_call(c, MESSAGE_UNWRAP_KEY, &m.base, &handle)) == CKR_OK)
        *key = handle->handle;
    return rv;
}

/* PINs, keys, and what the service has sealed. */
static void its_client_works_on(void)
{
    struct bytes mac = { 0 }, blob = { 0 };
    struct rig_client client;
    uint64_t session, key;

    take_backup(1);
    key = find_key(&k.a_user, k.session);
    CU_ASSERT_EQUAL(seal(&k.a_user, k.session, key, &blob), CKR_OK);
    CU_ASSERT_EQUAL(
        rig_compute(&k.a_user, k.session, OPERATION_SIGN, CKM_AES_CMAC, key, span_text("text"), span_of(NULL, 0), &mac),
        CKR_OK);
    CU_ASSERT_EQUAL_FATAL(restore_all(&k.b_owner, &parts), CKR_OK);
    rig_attach(&k.b, &k.a.user, &client);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "another-pin"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL_FATAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    key = find_key(&client, session);
    CU_ASSERT_EQUAL(
        rig_compute(&client, session, OPERATION_SIGN, CKM_AES_CMAC, key, span_text("text"), span_of(NULL, 0), &blob),
        CKR_OK);
    CU_ASSERT(span_equal(bytes_span(&mac), bytes_span(&blob)));
    CU_ASSERT_EQUAL(seal(&k.a_user, k.session, find_key(&k.a_user, k.session), &blob), CKR_OK);
    CU_ASSERT_EQUAL(open_sealed(&client, session, &blob, &key), CKR_OK);
    rig_disconnect(&client);
    bytes_clear(&mac);
    bytes_clear(&blob);
}

/* Where the attested key came to be; a device's fingerprint. */
static bool says_origin(struct rig_client *c, uint64_t session, uint64_t key, const struct keystore *where)
{
    Ks__Attest m = KS__ATTEST__INIT;
    uint8_t nonce[NONCE_MIN] = { 1 };
    Ks__SignedStatement *answer;
    struct span origin = { 0 };
    Ks__Statement *s;
    bool same;

    m.session = session;
    m.key = key;
    m.nonce = (ProtobufCBinaryData){ sizeof nonce, nonce };
    CU_ASSERT_FATAL(rig_call(c, MESSAGE_ATTEST, &m.base, &answer) == CKR_OK);
    s = ks__statement__unpack(NULL, answer->statement.len, answer->statement.data);
    CU_ASSERT_FATAL(s != NULL && s->key != NULL);
    for (size_t i = 0; i < s->key->n_attributes; i++)
        if (s->key->attributes[i]->type == CKA_STRONGROOM_ORIGIN)
            origin = span_of(s->key->attributes[i]->value.data, s->key->attributes[i]->value.len);
    same = span_equal(origin, span_of(where->device.fingerprint, sizeof where->device.fingerprint));
    ks__statement__free_unpacked(s, NULL);
    return same;
}

static uint64_t copy_key(struct rig_client *c, uint64_t session, uint64_t key)
{
    Ks__CopyObject m = KS__COPY_OBJECT__INIT;
    Ks__Handle *copy;

    m.session = session;
    m.object = key;
    CU_ASSERT_FATAL(rig_call(c, MESSAGE_COPY_OBJECT, &m.base, &copy) == CKR_OK);
    return copy->handle;
}

/* Local and never extractable it may be: it was not made here, and its attestation does not let that be thought. Nor do
 * its copies, and what was sealed there. */
static void a_key_says_where_it_was_made(void)
{
    struct bytes blob = { 0 };
    struct rig_client client;
    struct rig_template t;
    uint64_t session, key;

    take_backup(1);
    key = find_key(&k.a_user, k.session);
    CU_ASSERT(says_origin(&k.a_user, k.session, key, k.a.ks));
    CU_ASSERT_EQUAL(seal(&k.a_user, k.session, key, &blob), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(restore_all(&k.b_owner, &parts), CKR_OK);
    carrier_restart_b(&k);
    rig_attach(&k.b, &k.a.user, &client);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL_FATAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    key = find_key(&client, session);
    CU_ASSERT(says_origin(&client, session, key, k.a.ks));
    CU_ASSERT(says_origin(&client, session, copy_key(&client, session, key), k.a.ks));
    CU_ASSERT_EQUAL(open_sealed(&client, session, &blob, &key), CKR_OK);
    CU_ASSERT(says_origin(&client, session, key, k.a.ks));
    rig_template_init(&t);
    CU_ASSERT_EQUAL(rig_generate_aes(&client, session, 32, &t, &key), CKR_OK);
    CU_ASSERT(says_origin(&client, session, key, k.b.ks));
    rig_disconnect(&client);
    bytes_clear(&blob);
}

static void not_initialised_comes_back_as_that(void)
{
    k.a.ks->partitions[0]->initialised = false;
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT(is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
}

/* The quota may have been set lower than what is there: no key is lost for that, and none is added. */
static void more_than_the_quota_comes_back(void)
{
    struct partition *p = k.a.ks->partitions[0];

    take_backup(2);
    parts_clear(&parts);
    p->terms.objects_max = 1;
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT(is_like(k.b.ks->partitions[0], p));
    CU_ASSERT_EQUAL(k.b.ks->partitions[0]->terms.objects_max, 1);
    CU_ASSERT_EQUAL(carrier_put(&k, "more", "1", 1), CKR_DEVICE_MEMORY);
}

/* --- parts that do not fit --- */

static void another_domain_refuses(void)
{
    struct security_domain other = k.a.ks->domain;

    take_backup(1);
    other.key[0] ^= 1;
    other.id[0] ^= 1;
    carrier_exchange_b(&k, 512 * 1024, &other);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_INVALID);
    other.id[0] ^= 1; /* another key that says it were the same domain's */
    carrier_exchange_b(&k, 512 * 1024, &other);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_INVALID);
    CU_ASSERT(leaves_no_trace());
}

/* All bytes: test_backup.c. Here, what becomes of the restore. */
static void an_edited_part_ends_it(void)
{
    take_backup(2);
    for (unsigned i = 0; i < parts.count; i++) {
        const size_t places[] = { 0, 8, 9, 10, 18, 37, 38, 50, parts.part[i].len / 2, parts.part[i].len - 1 };

        for (size_t n = 0; n < ARRAY_LEN(places); n++) {
            parts.part[i].p[places[n]] ^= 1;
            CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_INVALID);
            CU_ASSERT(leaves_no_trace());
            parts.part[i].p[places[n]] ^= 1;
        }
        parts.part[i].len--;
        CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_INVALID);
        parts.part[i].len++;
    }
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[1]), CKR_OPERATION_NOT_INITIALIZED); /* it is over */
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
}

static void begin_and(const unsigned *order, unsigned count)
{
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    for (unsigned i = 0; i < count; i++)
        CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[order[i]]), i < count - 1 ? CKR_OK : CKR_BACKUP_INVALID);
    CU_ASSERT(leaves_no_trace());
}

static void parts_come_in_their_order(void)
{
    take_backup(3);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[1]), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_EQUAL(restore_first(&k.b_owner, &parts.part[1]), CKR_BACKUP_INVALID);
    begin_and((const unsigned[]){ 0 }, 1);    /* the first one twice */
    begin_and((const unsigned[]){ 2 }, 1);    /* one left out */
    begin_and((const unsigned[]){ 1, 1 }, 2); /* one twice */
    begin_and((const unsigned[]){ 1, 3 }, 2); /* two exchanged */
    begin_and((const unsigned[]){ 1, 2, 2 }, 3);
    begin_and((const unsigned[]){ 3 }, 1); /* the end at once */
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[3]), CKR_OPERATION_NOT_INITIALIZED);
}

static void parts_of_two_backups_do_not_mix(void)
{
    struct parts other;

    take_backup(2);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &other) == CKR_OK);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &other.part[1]), CKR_BACKUP_INVALID);
    CU_ASSERT(leaves_no_trace());
    parts_clear(&other);
}

/* --- given up --- */

static void a_new_begin_takes_its_place(void)
{
    take_backup(3);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    CU_ASSERT(objects_in_flash(&k.b) > 0);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_EQUAL(objects_in_flash(&k.b), 0);
    CU_ASSERT_EQUAL(restore_first(&k.b_owner, &parts.part[2]), CKR_BACKUP_INVALID); /* refused: the other one goes on */
    for (unsigned i = 1; i < parts.count; i++)
        CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[i]), CKR_OK);
    CU_ASSERT(is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
    CU_ASSERT_EQUAL(objects_in_flash(&k.b), k.a.ks->partitions[0]->token_objects);
}

static void it_ends_with_its_link(void)
{
    struct rig_client second;

    take_backup(3);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    CU_ASSERT_FATAL(rig_connect(&k.b, &k.b.owner, &second) == ST_OK);
    CU_ASSERT_EQUAL(restore_part(&second, &parts.part[2]), CKR_OPERATION_NOT_INITIALIZED);
    rig_disconnect(&second);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[2]) == CKR_OK);
    rig_disconnect(&k.b_owner);
    CU_ASSERT(leaves_no_trace());
    CU_ASSERT_FATAL(rig_connect(&k.b, &k.b.owner, &k.b_owner) == ST_OK);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[3]), CKR_OPERATION_NOT_INITIALIZED);
}

static void it_ends_with_a_restart(void)
{
    uint32_t number;

    take_backup(2);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    number = k.b.ks->device.next_partition;
    carrier_restart_b(&k);
    CU_ASSERT(leaves_no_trace());
    CU_ASSERT_EQUAL(k.b.ks->device.next_partition, number); /* used up */
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL(k.b.ks->partitions[0]->id, number);
}

/* The board as a power cut after any event leaves it: nothing, or all of it and the approvals used up. */
static void it_may_be_cut_anywhere(void)
{
    static const enum memory_cut cuts[] = { CUT_LOSES, CUT_TEARS, CUT_KEEPS };
    struct memory_hal *whole = k.b.hal;
    unsigned none = 0, all = 0;
    size_t first, last;
    uint64_t act;

    take_backup(2);
    act = k.b.ks->act_sequence;
    first = whole->event_count;
    CU_ASSERT_FATAL(restore_all(&k.b_owner, &parts) == CKR_OK);
    last = whole->event_count;
    rig_disconnect(&k.b_owner);
    keystore_close(k.b.ks);
    for (size_t events = first; events <= last; events++) {
        k.b.hal = memory_hal_cut(whole, events, cuts[events % ARRAY_LEN(cuts)], events);
        rig_reopen(&k.b);
        if (partition_count(&k.b) == 0) {
            none++;
            CU_ASSERT_EQUAL(objects_in_flash(&k.b), 0);
            CU_ASSERT_EQUAL(k.b.ks->act_sequence, act);
        } else {
            all++;
            CU_ASSERT(is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
            CU_ASSERT_EQUAL(k.b.ks->act_sequence, act + 1);
        }
        keystore_close(k.b.ks);
        memory_hal_free(k.b.hal);
    }
    CU_ASSERT(none > 5 && all > 0);
    k.b.hal = whole;
    rig_reopen(&k.b);
    CU_ASSERT_FATAL(rig_connect(&k.b, &k.b.owner, &k.b_owner) == ST_OK);
}

/* Writes of the audit fail among them, after which the board is in state error: what counts is the next start. */
static void a_failing_flash_leaves_all_or_nothing(void)
{
    bool done = false;
    unsigned n;

    take_backup(1);
    for (n = 1; !done; n++) {
        CK_RV rv;

        k.b.hal->fail_write = n;
        rv = restore_all(&k.b_owner, &parts);
        done = rv == CKR_OK;
        k.b.hal->fail_write = 0;
        CU_ASSERT(done || rv == CKR_DEVICE_ERROR);
        carrier_restart_b(&k);
        CU_ASSERT(partition_count(&k.b) == 0 ? objects_in_flash(&k.b) == 0
                                             : is_like(k.b.ks->partitions[0], k.a.ks->partitions[0]));
        carrier_exchange_b(&k, 512 * 1024, NULL);
    }
    CU_ASSERT(n > 5);
}

static void a_full_flash_refuses_all_of_it(void)
{
    take_backup(3);
    carrier_exchange_b(&k, 160 * 1024, NULL);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_DEVICE_MEMORY);
    CU_ASSERT(leaves_no_trace());
}

/* --- what is there already --- */

static CK_RV delete_partition(struct rig_client *owner, uint64_t id)
{
    Ks__PartitionId m = KS__PARTITION_ID__INIT;

    m.id = id;
    return rig_call(owner, MESSAGE_PARTITION_DELETE, &m.base, NULL);
}

static CK_RV create(struct rig_client *owner, const char *name, const uint8_t *fingerprint)
{
    Ks__Partition m = KS__PARTITION__INIT;
    Ks__Identity id = KS__IDENTITY__INIT, *ids[] = { &id };

    m.name = (char *)(uintptr_t)name;
    m.policy = (char *)(uintptr_t) "strict";
    m.identities = ids;
    m.n_identities = fingerprint != NULL;
    id.fingerprint = (ProtobufCBinaryData){ LINK_FINGERPRINT_LEN, (uint8_t *)(uintptr_t)fingerprint };
    id.role = PEER_CLIENT;
    return rig_call(owner, MESSAGE_PARTITION_CREATE, &m.base, NULL);
}

static void nothing_is_restored_over_what_is_there(void)
{
    uint8_t taken[LINK_FINGERPRINT_LEN];

    take_backup(1);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &parts), CKR_PARTITION_EXISTS); /* itself */
    memcpy(k.a.ks->partitions[0]->terms.name, "two", sizeof "two");
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &parts), CKR_PARTITION_EXISTS); /* by its seal id */
    CU_ASSERT_FATAL(create(&k.b_owner, "one", NULL) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_PARTITION_EXISTS); /* by its name */
    CU_ASSERT_FATAL(delete_partition(&k.b_owner, 1) == CKR_OK);
    memcpy(taken, k.a.user.fingerprint, sizeof taken);
    CU_ASSERT_FATAL(create(&k.b_owner, "other", taken) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_ACTION_PROHIBITED); /* its client is another's */
    CU_ASSERT_FATAL(delete_partition(&k.b_owner, 2) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_PARTITION_EXISTS);
}

/* It may have come while the parts were carried. */
static void what_came_meanwhile_is_looked_at_again(void)
{
    take_backup(1);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(create(&k.b_owner, "one", NULL) == CKR_OK);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[1]), CKR_PARTITION_EXISTS);
    CU_ASSERT_EQUAL(partition_count(&k.b), 1);
    CU_ASSERT_EQUAL(objects_in_flash(&k.b), 0);
    CU_ASSERT_PTR_NULL(k.b.ks->restore);
}

static void deleted_is_deleted(void)
{
    take_backup(1);
    CU_ASSERT_FATAL(delete_partition(&k.a_owner, 1) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &parts), CKR_BACKUP_PURGED);
    rig_disconnect(&k.a_owner);
    rig_disconnect(&k.a_user);
    rig_restart(&k.a);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_owner) == ST_OK);
    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &k.a_user) == ST_OK);
    CU_ASSERT_EQUAL(restore_all(&k.a_owner, &parts), CKR_BACKUP_PURGED);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK); /* on another board it was not */
}

static void its_place_is_kept(void)
{
    char name[8];

    take_backup(1);
    for (unsigned i = 1; i < PARTITIONS_MAX; i++) {
        snprintf(name, sizeof name, "p%u", i);
        CU_ASSERT_FATAL(create(&k.b_owner, name, NULL) == CKR_OK);
    }
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_EQUAL(create(&k.b_owner, "more", NULL), CKR_DEVICE_MEMORY);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[1]), CKR_OK);
    CU_ASSERT_EQUAL(partition_count(&k.b), PARTITIONS_MAX);
    CU_ASSERT_FATAL(delete_partition(&k.b_owner, k.b.ks->partitions[63]->id) == CKR_OK);
    CU_ASSERT_FATAL(create(&k.b_owner, "more", NULL) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_BACKUP_PURGED);
    carrier_restart_b(&k);
    CU_ASSERT_EQUAL(partition_count(&k.b), PARTITIONS_MAX);
}

static void there_must_be_a_place(void)
{
    char name[8];

    take_backup(1);
    for (unsigned i = 0; i < PARTITIONS_MAX; i++) {
        snprintf(name, sizeof name, "p%u", i);
        CU_ASSERT_FATAL(create(&k.b_owner, name, NULL) == CKR_OK);
    }
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_DEVICE_MEMORY);
}

/* --- approvals --- */

static void nothing_is_done_without_a_quorum(void)
{
    uint64_t counter;

    take_backup(1);
    counter = k.b.hal->counter;
    approvers = BIT(1);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_APPROVALS_MISSING);
    approvers = BIT(0) | BIT(HOLDERS_MIN);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_APPROVAL_STRANGER);
    CU_ASSERT(leaves_no_trace());
    CU_ASSERT_EQUAL(k.b.hal->counter, counter);
    approvers = BIT(1) | BIT(0);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
}

static void approvals_are_for_one_backup(void)
{
    Ks__RestoreBegin m = KS__RESTORE_BEGIN__INIT;
    struct ceremony_approvals approvals;
    struct parts other;

    take_backup(1);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &other) == CKR_OK);
    m.part = (ProtobufCBinaryData){ parts.part[0].len, parts.part[0].p };
    ceremony_approve(rig_link(&k.b_owner), MESSAGE_RESTORE_BEGIN, &m.base, approvers, &approvals);
    m.part = (ProtobufCBinaryData){ other.part[0].len, other.part[0].p };
    CU_ASSERT_EQUAL(rig_call(&k.b_owner, MESSAGE_RESTORE_BEGIN, &m.base, NULL), CKR_APPROVAL_INVALID);
    CU_ASSERT(leaves_no_trace());
    parts_clear(&other);
}

static void approvals_are_used_up_at_the_end(void)
{
    uint64_t act = k.b.ks->act_sequence;

    take_backup(2);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    CU_ASSERT_EQUAL(k.b.ks->act_sequence, act);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[2]) == CKR_OK);
    CU_ASSERT_EQUAL(k.b.ks->act_sequence, act + 1);
    carrier_restart_b(&k);
    CU_ASSERT_EQUAL(k.b.ks->act_sequence, act + 1);
}

/* Another act done meanwhile has used the number up. */
static void no_number_is_used_twice(void)
{
    Ks__AuditSinkSet m = KS__AUDIT_SINK_SET__INIT;
    struct ceremony_approvals approvals;
    uint64_t act = k.b.ks->act_sequence;

    take_backup(2);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    ceremony_approve(rig_link(&k.b_owner), MESSAGE_AUDIT_SINK_SET, &m.base, approvers, &approvals);
    CU_ASSERT_FATAL(rig_call(&k.b_owner, MESSAGE_AUDIT_SINK_SET, &m.base, NULL) == CKR_OK);
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[2]), CKR_APPROVAL_USED);
    CU_ASSERT_EQUAL(k.b.ks->act_sequence, act + 1);
    CU_ASSERT(leaves_no_trace());
}

static void approvals_must_not_run_out_before_the_end(void)
{
    take_backup(2);
    CU_ASSERT_FATAL(restore_first(&k.b_owner, &parts.part[0]) == CKR_OK);
    CU_ASSERT_FATAL(restore_part(&k.b_owner, &parts.part[1]) == CKR_OK);
    k.b.hal->time_ms += CEREMONY_HOUR_MS + 1000;
    CU_ASSERT_EQUAL(restore_part(&k.b_owner, &parts.part[2]), CKR_APPROVAL_EXPIRED);
    CU_ASSERT(leaves_no_trace());
}

static CU_TestInfo cases[] = {
    { "it is the same partition", it_is_the_same_partition },
    { "its client works on: PINs, keys, sealed keys", its_client_works_on },
    { "a key says where it was made", a_key_says_where_it_was_made },
    { "what was not initialised is not", not_initialised_comes_back_as_that },
    { "more than the quota comes back", more_than_the_quota_comes_back },
    { "another domain refuses", another_domain_refuses },
    { "an edited part ends it", an_edited_part_ends_it },
    { "parts come in their order", parts_come_in_their_order },
    { "parts of two backups do not mix", parts_of_two_backups_do_not_mix },
    { "a new begin takes its place", a_new_begin_takes_its_place },
    { "it ends with its link", it_ends_with_its_link },
    { "it ends with a restart", it_ends_with_a_restart },
    { "it may be cut anywhere", it_may_be_cut_anywhere },
    { "a failing flash leaves all of it or nothing", a_failing_flash_leaves_all_or_nothing },
    { "a full flash refuses all of it", a_full_flash_refuses_all_of_it },
    { "nothing is restored over what is there", nothing_is_restored_over_what_is_there },
    { "what came meanwhile is looked at again", what_came_meanwhile_is_looked_at_again },
    { "deleted is deleted", deleted_is_deleted },
    { "its place is kept", its_place_is_kept },
    { "there must be a place", there_must_be_a_place },
    { "nothing is done without a quorum", nothing_is_done_without_a_quorum },
    { "approvals are for one backup", approvals_are_for_one_backup },
    { "approvals are used up at the end", approvals_are_used_up_at_the_end },
    { "no number is used twice", no_number_is_used_twice },
    { "approvals must not run out before the end", approvals_must_not_run_out_before_the_end },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "restore", NULL, NULL, open_boards, close_boards, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

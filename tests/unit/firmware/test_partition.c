/* A partition on a flash that fails: whatever happens, memory and flash tell the same, or nothing was acknowledged.
 * And its quotas, PIN tries and end. */
#include "firmware/application.h"
#include "firmware/tombstones.h"

#include "firmware/crypto/entropy.h"
#include "tests/unit/firmware/log_search.h"
#include "tests/unit/firmware/rig.h"

static const uint8_t pepper[32] = { 7 };
static const uint8_t peer[LINK_FINGERPRINT_LEN] = { 9 };
static const uint8_t label_one[LABEL_LEN + 1] = "one                             ";
static const uint8_t label_two[LABEL_LEN + 1] = "two                             ";

static const struct security_domain domain = { .exists = true, .open = true, .key = { 3, 1, 4 }, .id = { 1, 5 } };

struct bench {
    struct memory_hal *hal;
    struct storage storage;
    struct tombstones tombstones;
    struct partition *p;
};

static struct bench b;

static enum status ignore(void *arg, const struct flash_key *key, struct span value)
{
    (void)arg;
    (void)key;
    (void)value;
    return ST_OK;
}

static void open_bench(void)
{
    const char *why;

    b = (struct bench){ .hal = memory_hal_new(128 * 1024, 64 * 1024) };
    CU_ASSERT_FATAL(entropy_start(&b.hal->hal, &why) == ST_OK);
    pthread_mutex_init(&b.storage.lock, NULL);
    b.storage.next_object = 1;
    CU_ASSERT_FATAL(flash_open(&b.hal->hal, b.hal->root_key, ignore, NULL, &b.storage.flash, &why) == ST_OK);
    b.p = partition_new(1);
    CU_ASSERT_FATAL(b.p != NULL);
    CU_ASSERT_FATAL(partition_unlock(b.p, &domain) == ST_OK);
    b.p->terms = (struct partition_terms){ .name = "one", .objects_max = 40, .session_objects_max = 4 };
    pin_cost = 2;
    CU_ASSERT_FATAL(pin_make(&b.p->so_pin, span_text(RIG_SO_PIN), pepper) == ST_OK);
    CU_ASSERT_FATAL(pin_make(&b.p->user_pin, span_text(RIG_PIN), pepper) == ST_OK);
    memcpy(b.p->label, label_one, LABEL_LEN);
    b.p->initialised = true;
    CU_ASSERT_FATAL(partition_store(b.p, &b.storage, true) == CKR_OK);
}

static void close_bench(void)
{
    partition_free(b.p);
    tombstones_clear(&b.tombstones);
    flash_close(b.storage.flash);
    pthread_mutex_destroy(&b.storage.lock);
    memory_hal_free(b.hal);
}

static struct object *make(const char *label, bool token)
{
    struct attributes a = { 0 };
    struct object *o = NULL;

    CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_CLASS, CKO_DATA) == CKR_OK &&
                    attributes_set_bool(&a, CKA_TOKEN, token) == CKR_OK &&
                    attributes_set(&a, CKA_LABEL, span_text(label)) == CKR_OK && object_new(&a, &o) == CKR_OK);
    return o;
}

static CK_RV add(const char *label)
{
    struct object *o = make(label, true);
    CK_RV rv = partition_add_objects(b.p, &b.storage, &o, 1);

    object_unref(o);
    return rv;
}

/* --- what the flash has --- */

static enum status load(void *arg, const struct flash_key *key, struct span value)
{
    struct partition *p = arg;

    return key->kind == RECORD_PARTITION   ? partition_unpack(p, value)
           : key->kind == RECORD_OBJECT    ? partition_load_object(p, key->id, value)
           : key->kind == RECORD_TOMBSTONE ? ST_OK
                                           : ST_CORRUPT;
}

static struct partition *restarted(void)
{
    struct memory_hal *copy = memory_hal_copy(b.hal);
    struct partition *p = partition_new(1);
    struct flash *f;
    const char *why = "";

    CU_ASSERT_FATAL(p != NULL);
    CU_ASSERT_EQUAL_FATAL(flash_open(&copy->hal, copy->root_key, load, p, &f, &why), ST_OK);
    CU_ASSERT_FATAL(partition_unlock(p, &domain) == ST_OK);
    flash_close(f);
    memory_hal_free(copy);
    return p;
}

/* Does the board start with the flash of `before`, now that its counter is where it is? */
static bool starts_with_flash_of(const struct memory_hal *before)
{
    struct memory_hal *copy = memory_hal_copy(before);
    struct partition *p = partition_new(1);
    struct flash *f = NULL;
    enum status st;
    const char *why;

    CU_ASSERT_FATAL(p != NULL);
    copy->counter = b.hal->counter;
    st = flash_open(&copy->hal, copy->root_key, load, p, &f, &why);
    CU_ASSERT(st == ST_OK || st == ST_CORRUPT);
    flash_close(f);
    partition_free(p);
    memory_hal_free(copy);
    return st == ST_OK;
}

static bool same_labels(const struct partition *x, const struct partition *y)
{
    const struct object *o, *other;
    size_t at = 0;

    while ((o = handle_table_next(&x->objects, &at)) != NULL) {
        size_t there = 0;
        bool found = false;

        while ((other = handle_table_next(&y->objects, &there)) != NULL)
            found = found || (memcmp(o->unique, other->unique, sizeof o->unique) == 0 &&
                              span_equal(attributes_get(&o->attributes, CKA_LABEL),
                                         attributes_get(&other->attributes, CKA_LABEL)));
        if (!found)
            return false;
    }
    return x->objects.count == y->objects.count;
}

static bool flash_agrees(void)
{
    struct partition *p = restarted();
    bool same = same_labels(b.p, p) && p->initialised == b.p->initialised &&
                memcmp(p->label, b.p->label, LABEL_LEN) == 0 && p->generation == b.p->generation &&
                memcmp(p->seal_id, b.p->seal_id, sizeof p->seal_id) == 0 && p->user_pin.set == b.p->user_pin.set &&
                memcmp(p->so_pin.hash, b.p->so_pin.hash, sizeof p->so_pin.hash) == 0 &&
                p->token_objects == b.p->token_objects && p->bytes == b.p->bytes;

    partition_free(p);
    return same;
}

/* --- each act with each of its writes failing --- */

static struct object *any(void)
{
    size_t at = 0;

    return handle_table_next(&b.p->objects, &at);
}

static CK_RV add_one(void)
{
    return add("new");
}

static CK_RV add_pair(void)
{
    struct object *pair[] = { make("public", true), make("private", true) };
    CK_RV rv = partition_add_objects(b.p, &b.storage, pair, 2);

    object_unref(pair[0]);
    object_unref(pair[1]);
    return rv;
}

static CK_RV remove_one(void)
{
    return partition_remove_object(b.p, &b.storage, any());
}

static CK_RV change_one(void)
{
    struct attributes changes = { 0 };
    CK_RV rv;

    CU_ASSERT_FATAL(attributes_set(&changes, CKA_LABEL, span_text("a longer label")) == CKR_OK);
    rv = partition_change_object(b.p, &b.storage, any(), &changes);
    attributes_clear(&changes);
    return rv;
}

static CK_RV initialise(void)
{
    struct pin made;

    CU_ASSERT_FATAL(pin_make(&made, span_text("another-so-pin"), pepper) == ST_OK);
    return partition_initialise(
        b.p, &b.storage,
        &(struct partition_start){
            .label = label_two, .so_pin = &made, .domain = &domain, .tombstones = &b.tombstones });
}

static const struct {
    CK_RV (*act)(void);
    const char *name;
} acts[] = {
    { add_one, "add" },       { add_pair, "add a pair" },   { remove_one, "remove" },
    { change_one, "change" }, { initialise, "initialise" },
};

enum { WRITE, SYNC, COUNTER };

static unsigned *fault(unsigned kind)
{
    return kind == WRITE ? &b.hal->fail_write : kind == SYNC ? &b.hal->fail_sync : &b.hal->fail_counter;
}

/* A write that fails has done nothing, so memory must be as before. One whose sync or counter fails may be there or
 * not: it was not acknowledged, and the flash opens. */
static void flash_fails_at_each_write(void)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        for (unsigned kind = WRITE; kind <= COUNTER; kind++)
            for (unsigned n = 1; n < 12; n++) {
                CK_RV rv;

                close_bench();
                open_bench();
                for (unsigned k = 0; k < 12; k++)
                    CU_ASSERT_FATAL(add("old") == CKR_OK);
                *fault(kind) = n;
                rv = acts[i].act();
                *fault(kind) = 0;
                if (rv == CKR_OK) {
                    CU_ASSERT(n > 1 || kind == COUNTER);
                    CU_ASSERT(flash_agrees());
                    break;
                }
                CU_ASSERT_EQUAL(rv, CKR_DEVICE_ERROR);
                if (kind == WRITE && !flash_agrees())
                    printf("%s, write %u\n", acts[i].name, n);
                CU_ASSERT(kind != WRITE || flash_agrees());
                if (kind != WRITE)
                    partition_free(restarted());
                CU_ASSERT_EQUAL(add("after"), CKR_DEVICE_ERROR); /* nothing is written before the next start */
            }
}

static void initialising_leaves_nothing(void)
{
    for (unsigned k = 0; k < 20; k++)
        CU_ASSERT_FATAL(add("old") == CKR_OK);
    CU_ASSERT_EQUAL(initialise(), CKR_OK);
    CU_ASSERT_EQUAL(b.p->objects.count, 0);
    CU_ASSERT_EQUAL(b.p->bytes, 0);
    CU_ASSERT_FALSE(b.p->user_pin.set);
    CU_ASSERT(b.p->initialised && memcmp(b.p->label, label_two, LABEL_LEN) == 0);
    CU_ASSERT(flash_agrees());
    CU_ASSERT_EQUAL(add("new"), CKR_OK); /* under the new seal */
    CU_ASSERT(flash_agrees());
}

/* As a power cut after each event leaves it: as before, not initialised, or done; never initialised with old objects or
 * an old user PIN. */
static void initialising_may_be_cut_anywhere(void)
{
    unsigned as_before = 0, between = 0, done = 0;
    size_t first;

    for (unsigned k = 0; k < 20; k++)
        CU_ASSERT_FATAL(add("old") == CKR_OK);
    first = b.hal->event_count;
    CU_ASSERT_EQUAL(initialise(), CKR_OK);
    for (size_t events = first; events <= b.hal->event_count; events++) {
        struct memory_hal *cut = memory_hal_cut(b.hal, events, CUT_LOSES, 1);
        struct partition *p = partition_new(1);
        struct flash *f;
        const char *why;

        CU_ASSERT_FATAL(p != NULL);
        CU_ASSERT_EQUAL_FATAL(flash_open(&cut->hal, cut->root_key, load, p, &f, &why), ST_OK);
        if (p->initialised && memcmp(p->label, label_one, LABEL_LEN) == 0) {
            CU_ASSERT(p->user_pin.set && p->token_objects == 20 && p->generation == 0);
            as_before++;
        } else if (!p->initialised) {
            CU_ASSERT(!p->user_pin.set && p->so_pin.set && p->token_objects <= 20 && p->generation == 0);
            between++;
        } else {
            CU_ASSERT(!p->user_pin.set && p->token_objects == 0 && p->generation == 1);
            done++;
        }
        CU_ASSERT_EQUAL(partition_unlock(p, &domain), ST_OK); /* what is there opens, by the seal id that is there */
        flash_close(f);
        partition_free(p);
        memory_hal_free(cut);
    }
    CU_ASSERT(as_before > 0 && between > 0 && done > 0);
}

static uint64_t counter_cost(CK_RV (*act)(void))
{
    uint64_t before = b.hal->counter;

    CU_ASSERT_EQUAL(act(), CKR_OK);
    return b.hal->counter - before;
}

/* An older flash would loosen it again. */
static void a_changed_right_cannot_be_rolled_back(void)
{
    static const CK_ATTRIBUTE_TYPE rights[] = { CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED,
                                                CKA_COPYABLE,  CKA_DESTROYABLE, CKA_TRUSTED,
                                                CKA_SIGN,      CKA_DECRYPT,     CKA_WRAP };
    struct attributes a = { 0 };
    struct object *o = NULL;

    CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_CLASS, CKO_SECRET_KEY) == CKR_OK &&
                    attributes_set_bool(&a, CKA_TOKEN, true) == CKR_OK && object_new(&a, &o) == CKR_OK &&
                    partition_add_objects(b.p, &b.storage, &o, 1) == CKR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        struct memory_hal *before = memory_hal_copy(b.hal);
        struct attributes change = { 0 };

        CU_ASSERT_FATAL(attributes_set_bool(&change, rights[i], true) == CKR_OK);
        CU_ASSERT_EQUAL(partition_change_object(b.p, &b.storage, o, &change), CKR_OK);
        CU_ASSERT_FALSE(starts_with_flash_of(before));
        attributes_clear(&change);
        memory_hal_free(before);
    }
    b.hal->fail_counter = 1; /* one that fails is not acknowledged, and leaves what it was in memory */
    CU_ASSERT_FATAL(attributes_set_bool(&a, CKA_VERIFY, true) == CKR_OK);
    CU_ASSERT_EQUAL(partition_change_object(b.p, &b.storage, o, &a), CKR_DEVICE_ERROR);
    CU_ASSERT_FALSE(attributes_has(&o->attributes, CKA_VERIFY));
    attributes_clear(&a);
    object_unref(o);
}

/* The counter of a TPM is slow and wears out. */
static void the_counter_moves_for_acts_not_for_objects(void)
{
    CU_ASSERT_EQUAL(counter_cost(add_one), 0);
    CU_ASSERT_EQUAL(counter_cost(change_one), 0);
    CU_ASSERT_EQUAL(counter_cost(remove_one), 1);
    for (unsigned k = 0; k < 30; k++)
        CU_ASSERT_FATAL(add("old") == CKR_OK);
    CU_ASSERT(counter_cost(initialise) <= 3); /* the third forgets */
}

/* --- quotas --- */

static void quotas_hold(void)
{
    while (b.p->token_objects < b.p->terms.objects_max)
        CU_ASSERT_FATAL(add("old") == CKR_OK);
    CU_ASSERT_EQUAL(add("one too many"), CKR_DEVICE_MEMORY);
    CU_ASSERT_EQUAL(add_pair(), CKR_DEVICE_MEMORY);
    CU_ASSERT_EQUAL(remove_one(), CKR_OK);
    CU_ASSERT_EQUAL(add_pair(), CKR_DEVICE_MEMORY); /* half of it would fit */
    CU_ASSERT_EQUAL(b.p->token_objects, b.p->terms.objects_max - 1);
    CU_ASSERT(flash_agrees());
    CU_ASSERT_EQUAL(add("the last"), CKR_OK);
}

static void memory_is_counted(void)
{
    size_t empty;

    CU_ASSERT_EQUAL(add("old"), CKR_OK);
    empty = b.p->bytes;
    CU_ASSERT_EQUAL(change_one(), CKR_OK);
    CU_ASSERT_EQUAL(b.p->bytes, empty + strlen("a longer label") - strlen("old"));
    b.p->bytes = PARTITION_BYTES_MAX - 10;
    CU_ASSERT_EQUAL(add("old"), CKR_DEVICE_MEMORY);
    b.p->bytes = PARTITION_BYTES_MAX;
    CU_ASSERT_EQUAL(remove_one(), CKR_OK);
}

/* A flash full of objects still takes a PIN's tries and a deletion. */
static void a_full_flash_locks_nobody_out(void)
{
    struct attributes a = { 0 };
    static const uint8_t large[8000];
    struct object *o;
    CK_RV rv;

    do {
        CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_CLASS, CKO_DATA) == CKR_OK &&
                        attributes_set_bool(&a, CKA_TOKEN, true) == CKR_OK &&
                        attributes_set(&a, CKA_VALUE, span_of(large, sizeof large)) == CKR_OK &&
                        object_new(&a, &o) == CKR_OK);
        rv = partition_add_objects(b.p, &b.storage, &o, 1);
        object_unref(o);
    } while (rv == CKR_OK);
    CU_ASSERT_EQUAL(rv, CKR_DEVICE_MEMORY);
    CU_ASSERT(b.p->token_objects < b.p->terms.objects_max);
    for (unsigned i = 0; i < 500; i++) {
        CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->user_pin), CKR_OK);
        CU_ASSERT_EQUAL(partition_pin_result(b.p, &b.storage, &b.p->user_pin, true), CKR_OK);
    }
    CU_ASSERT_EQUAL(remove_one(), CKR_OK);
    CU_ASSERT(flash_agrees());
}

/* --- sealed in the flash --- */

struct kept {
    uint64_t id;
    uint8_t record[1024];
    size_t len;
};

static enum status keep_one(void *arg, const struct flash_key *key, struct span value)
{
    struct kept *k = arg;

    if (key->kind == RECORD_OBJECT && value.len <= sizeof k->record) {
        k->id = key->id;
        k->len = value.len;
        memcpy(k->record, value.p, value.len);
    }
    return ST_OK;
}

/* The only token object, as the flash has it. */
static struct kept only_record(void)
{
    struct memory_hal *copy = memory_hal_copy(b.hal);
    struct kept k = { 0 };
    struct flash *f;
    const char *why;

    CU_ASSERT_EQUAL_FATAL(flash_open(&copy->hal, copy->root_key, keep_one, &k, &f, &why), ST_OK);
    flash_close(f);
    memory_hal_free(copy);
    CU_ASSERT_FATAL(k.len > 0);
    return k;
}

static enum status opens(const struct kept *k, uint32_t partition, uint64_t id, const struct security_domain *d)
{
    struct partition *p = partition_new(partition);
    enum status st;

    CU_ASSERT_FATAL(p != NULL);
    memcpy(p->seal_id, b.p->seal_id, sizeof p->seal_id);
    CU_ASSERT_FATAL(partition_load_object(p, id, span_of(k->record, k->len)) == ST_OK);
    st = partition_unlock(p, d);
    CU_ASSERT_EQUAL(p->objects.count, st == ST_OK ? 1 : 0);
    CU_ASSERT_EQUAL(p->sealed == NULL, st == ST_OK);
    partition_free(p);
    return st;
}

static void a_record_opens_in_its_place_alone(void)
{
    struct security_domain other_domain = domain;
    struct kept k;

    other_domain.key[31] ^= 1;
    CU_ASSERT_FATAL(add("a label that is looked for") == CKR_OK);
    k = only_record();
    CU_ASSERT_PTR_NULL(memmem(k.record, k.len, "a label", 7));
    CU_ASSERT_EQUAL(opens(&k, 1, k.id, &domain), ST_OK);
    CU_ASSERT_EQUAL(opens(&k, 2, k.id, &domain), ST_CORRUPT);
    CU_ASSERT_EQUAL(opens(&k, 1, k.id + 1, &domain), ST_CORRUPT);
    CU_ASSERT_EQUAL(opens(&k, 1, k.id, &other_domain), ST_CORRUPT);
    for (size_t i = 0; i < k.len; i++) {
        k.record[i] ^= 0x40;
        CU_ASSERT_EQUAL(opens(&k, 1, k.id, &domain), ST_CORRUPT);
        k.record[i] ^= 0x40;
    }
    k.len--;
    CU_ASSERT_EQUAL(opens(&k, 1, k.id, &domain), ST_CORRUPT);
    k.len = 0;
    CU_ASSERT_EQUAL(opens(&k, 1, k.id, &domain), ST_CORRUPT);
}

/* The largest object that the link lets in is one that a start opens. */
static void large_objects_open_again(void)
{
    static uint8_t value[ATTRIBUTE_LARGE_MAX];
    struct attributes a = { 0 };
    struct partition *p;
    struct object *o = NULL;

    CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_CLASS, CKO_DATA) == CKR_OK &&
                    attributes_set_bool(&a, CKA_TOKEN, true) == CKR_OK &&
                    attributes_set(&a, CKA_VALUE, span_of(value, sizeof value)) == CKR_OK &&
                    attributes_set(&a, CKA_OBJECT_ID, span_of(value, ATTRIBUTE_VALUE_MAX)) == CKR_OK &&
                    object_new(&a, &o) == CKR_OK);
    CU_ASSERT_EQUAL(partition_add_objects(b.p, &b.storage, &o, 1), CKR_OK);
    object_unref(o);
    p = restarted();
    CU_ASSERT_EQUAL(p->objects.count, 1);
    CU_ASSERT_EQUAL(p->bytes, b.p->bytes);
    partition_free(p);
}

/* The objects of a token that was initialised anew are gone for who has the root key and the domain key, too. */
static void initialising_forgets(void)
{
    struct kept k;

    CU_ASSERT_FATAL(add("old") == CKR_OK);
    k = only_record();
    CU_ASSERT_TRUE(log_has(b.hal, span_of(k.record, k.len)));
    CU_ASSERT_EQUAL(initialise(), CKR_OK);
    CU_ASSERT_FALSE(log_has(b.hal, span_of(k.record, k.len)));
    CU_ASSERT(flash_agrees());
}

/* What an interrupted deletion left behind is removed without the domain key. */
static void what_is_not_open_can_be_dropped(void)
{
    const char *why;

    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_FATAL(add("old") == CKR_OK);
    flash_close(b.storage.flash);
    partition_free(b.p);
    b.p = partition_new(1);
    CU_ASSERT_EQUAL_FATAL(flash_open(&b.hal->hal, b.hal->root_key, load, b.p, &b.storage.flash, &why), ST_OK);
    CU_ASSERT_EQUAL(b.p->token_objects, 20);
    CU_ASSERT_EQUAL(b.p->objects.count, 0);
    CU_ASSERT_EQUAL(add("new"), CKR_TOKEN_NOT_PRESENT); /* there is nothing to seal it with */
    CU_ASSERT_EQUAL(partition_drop_objects(b.p, &b.storage), CKR_OK);
    CU_ASSERT_EQUAL(b.p->token_objects, 0);
    CU_ASSERT_PTR_NULL(b.p->sealed);
    CU_ASSERT_FATAL(partition_unlock(b.p, &domain) == ST_OK);
    CU_ASSERT(flash_agrees());
}

/* --- PIN tries --- */

static void a_try_is_stored_before_the_compare(void)
{
    struct partition *p;

    CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->user_pin), CKR_OK);
    p = restarted();
    CU_ASSERT_EQUAL(p->user_pin.tries, 1);
    partition_free(p);
    CU_ASSERT_EQUAL(partition_pin_result(b.p, &b.storage, &b.p->user_pin, true), CKR_OK);
    p = restarted();
    CU_ASSERT_EQUAL(p->user_pin.tries, 0);
    partition_free(p);
}

static void the_last_wrong_try_locks(void)
{
    for (unsigned i = 1; i <= PIN_TRIES_MAX; i++) {
        CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->so_pin), CKR_OK);
        CU_ASSERT_EQUAL(partition_pin_result(b.p, &b.storage, &b.p->so_pin, false),
                        i < PIN_TRIES_MAX ? CKR_PIN_INCORRECT : CKR_PIN_LOCKED);
    }
    CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->so_pin), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->user_pin), CKR_OK); /* each its own */
}

static CK_RV log_in(struct pin *pin, bool right)
{
    CK_RV rv = partition_try_pin(b.p, &b.storage, pin);

    return rv == CKR_OK ? partition_pin_result(b.p, &b.storage, pin, right) : rv;
}

/* A flash from before a try gives it back to nobody: not the first one, not after a right one, and not one of the SO's
 * after the user has logged in. */
static void tries_cannot_be_rolled_back(void)
{
    static const struct {
        bool so, right;
    } tries[] = { { false, false }, { false, true }, { false, false }, { false, true }, { true, false },
                  { true, false },  { true, true },  { true, false },  { false, true }, { false, true } };

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct memory_hal *before = memory_hal_copy(b.hal);

        CU_ASSERT(starts_with_flash_of(before));
        CU_ASSERT_EQUAL(log_in(tries[i].so ? &b.p->so_pin : &b.p->user_pin, tries[i].right),
                        tries[i].right ? CKR_OK : CKR_PIN_INCORRECT);
        CU_ASSERT_FALSE(starts_with_flash_of(before));
        memory_hal_free(before);
    }
}

static void no_try_without_the_flash(void)
{
    b.hal->fail_write = 1;
    CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->user_pin), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(b.p->user_pin.tries, 0); /* and no compare */
}

/* --- the end --- */

static void a_closed_partition_keeps_nothing(void)
{
    CU_ASSERT_FATAL(add("old") == CKR_OK);
    b.p->closed = true;
    CU_ASSERT_EQUAL(partition_store(b.p, &b.storage, true), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(partition_try_pin(b.p, &b.storage, &b.p->user_pin), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(add("new"), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(initialise(), CKR_TOKEN_NOT_PRESENT);
    CU_ASSERT_EQUAL(b.p->token_objects, 1);
}

static void forgetting_wipes_values_in_memory(void)
{
    struct object *o = make("secret", false);
    struct application *a;
    struct session *s;

    CU_ASSERT_FATAL(application_new(b.p, peer, &a) == CKR_OK);
    a->links = 1;
    CU_ASSERT_FATAL(session_open(a, true, &s) == CKR_OK);
    CU_ASSERT_FATAL(application_add_objects(s, &b.storage, &o, 1) == CKR_OK);
    partition_forget(b.p);
    CU_ASSERT_EQUAL(o->attributes.count, 0);
    CU_ASSERT_FALSE(b.p->user_pin.set);
    CU_ASSERT(b.p->closed);
    object_unref(o);
    application_leave(a, &b.storage, true);
    CU_ASSERT_EQUAL(b.p->objects.count, 0);
}

static CU_TestInfo cases[] = {
    { "the flash fails at each write, sync and move of the counter", flash_fails_at_each_write },
    { "initialising leaves nothing", initialising_leaves_nothing },
    { "initialising forgets", initialising_forgets },
    { "initialising may be cut anywhere", initialising_may_be_cut_anywhere },
    { "the counter moves for acts, not for objects", the_counter_moves_for_acts_not_for_objects },
    { "a changed right cannot be rolled back", a_changed_right_cannot_be_rolled_back },
    { "quotas hold", quotas_hold },
    { "memory is counted", memory_is_counted },
    { "a record opens in its own place alone", a_record_opens_in_its_place_alone },
    { "the largest object opens again", large_objects_open_again },
    { "what is not open can be dropped", what_is_not_open_can_be_dropped },
    { "a full flash locks nobody out", a_full_flash_locks_nobody_out },
    { "a try is stored before the compare", a_try_is_stored_before_the_compare },
    { "the last wrong try locks", the_last_wrong_try_locks },
    { "tries cannot be rolled back", tries_cannot_be_rolled_back },
    { "no try without the flash", no_try_without_the_flash },
    { "a closed partition keeps nothing", a_closed_partition_keeps_nothing },
    { "forgetting wipes values in memory", forgetting_wipes_values_in_memory },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "partition", NULL, NULL, open_bench, close_bench, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

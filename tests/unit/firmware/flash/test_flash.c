/* The flash store in use: commits, limits, a full flash, failing boards. Power cuts and attacks: test_flash_cuts.c. */
#include "firmware/flash/flash.h"

#include <stdlib.h>

#include "tests/unit/firmware/flash/model.h"
#include "tests/unit/harness.h"

#define BANK  (64u * 1024)
#define AUDIT (16u * 1024)

static struct flash *open_or_fail(struct memory_hal *m, struct model *seen)
{
    struct flash *f = NULL;
    const char *why;

    if (model_open(m, &f, seen, &why) != ST_OK)
        CU_FAIL_FATAL("the store does not open");
    return f;
}

static void an_empty_flash_is_formatted(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);

    CU_ASSERT(flash_was_empty(f));
    CU_ASSERT(flash_free_bytes(f) > BANK / 10 * 9 && flash_free_bytes(f) < BANK);
    flash_close(f);
    f = open_or_fail(m, &seen); /* the power went before anything was put into it */
    CU_ASSERT(flash_was_empty(f));
    CU_ASSERT(model_put(f, 1, 5, false) == ST_OK);
    flash_close(f);
    f = open_or_fail(m, &seen);
    CU_ASSERT(!flash_was_empty(f) && seen.version[1] == 5);
    CU_ASSERT(model_put(f, 1, 0, true) == ST_OK);
    flash_close(f);
    f = open_or_fail(m, &seen);
    CU_ASSERT(!flash_was_empty(f) && seen.version[1] == 0);
    flash_close(f);
    memory_hal_free(m);
}

static void a_commit_is_one_write_and_one_sync(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);
    size_t writes = m->writes, syncs = m->syncs;
    uint64_t counter = m->counter;

    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK);
    CU_ASSERT(m->writes == writes + 1 && m->syncs == syncs + 1 && m->counter == counter);
    CU_ASSERT(m->events[m->event_count - 1].kind == MEMORY_SYNC);
    CU_ASSERT(model_put(f, 1, 2, true) == ST_OK);
    CU_ASSERT(m->writes == writes + 2 && m->syncs == syncs + 2 && m->counter == counter + 1);
    CU_ASSERT(m->events[m->event_count - 1].kind == MEMORY_COUNTER);
    flash_close(f);
    memory_hal_free(m);
}

static void the_counter_is_spared(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);

    CU_ASSERT(m->counter == 1); /* the start */
    for (uint32_t i = 1; i <= 2000; i++)
        CU_ASSERT(model_put(f, i % 3, i, false) == ST_OK);
    CU_ASSERT(m->counter > 2 && m->counter < 10); /* and the compactions */
    flash_close(f);
    memory_hal_free(m);
}

static void nothing_is_in_clear(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    static const char text[] = "a value that is easily found";
    struct flash_change change = { .key = { 9, 0x41424344, 0x4142434445464748 }, .value = span_text(text) };
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);

    CU_ASSERT(flash_commit(f, &change, 1, false) == ST_OK);
    CU_ASSERT(memmem(m->flash[0], BANK, text, 8) == NULL && memmem(m->flash[1], BANK, text, 8) == NULL);
    CU_ASSERT(memmem(m->flash[0], BANK, "ABCD", 4) == NULL);
    flash_close(f);
    memory_hal_free(m);
}

static void limits_are_kept(void)
{
    struct memory_hal *m = memory_hal_new(2u << 20, AUDIT);
    uint8_t *value = calloc(1, FLASH_VALUE_MAX + 1);
    struct flash_change changes[FLASH_CHANGES_MAX + 1];
    struct model seen, after;
    struct flash *f = open_or_fail(m, &seen);
    size_t events = m->event_count;

    for (unsigned i = 0; i < ARRAY_LEN(changes); i++) {
        uint32_t version = 1;

        changes[i] = (struct flash_change){ .key = { 1, 1, i }, .value = span_of(value, FLASH_VALUE_MAX) };
        memcpy(value, &version, sizeof version);
    }
    CU_ASSERT(flash_commit(f, changes, FLASH_CHANGES_MAX + 1, false) == ST_TOO_LARGE);
    CU_ASSERT(flash_commit(f, changes, 0, true) == ST_BAD_REQUEST);
    changes[1].key = changes[0].key;
    CU_ASSERT(flash_commit(f, changes, 2, false) == ST_BAD_REQUEST);
    changes[1].key.id = 1;
    changes[1].value.len++;
    CU_ASSERT(flash_commit(f, changes, 2, false) == ST_TOO_LARGE);
    CU_ASSERT(m->event_count == events);
    changes[1].value.len--;
    CU_ASSERT(flash_commit(f, changes, FLASH_CHANGES_MAX, false) == ST_OK); /* 768 KiB at once */
    for (unsigned i = 0; i < FLASH_CHANGES_MAX; i++)
        changes[i].value.len = 0;
    CU_ASSERT(flash_commit(f, changes + 3, 2, false) == ST_OK);
    for (unsigned i = 0; i < FLASH_CHANGES_MAX; i++)
        changes[i].remove = true;
    CU_ASSERT(flash_commit(f, changes, FLASH_CHANGES_MAX, false) == ST_OK);
    CU_ASSERT(flash_commit(f, changes, FLASH_CHANGES_MAX, false) == ST_OK); /* what is gone can be removed */
    flash_close(f);
    CU_ASSERT(model_look(m, &after) == ST_OK && model_equal(&seen, &after));
    free(value);
    memory_hal_free(m);
}

struct sizes {
    size_t records, bytes;
    size_t empty;
};

static enum status add_size(void *arg, const struct flash_key *key, struct span value)
{
    struct sizes *s = arg;

    (void)key;
    s->records++;
    s->bytes += value.len;
    s->empty += value.len == 0;
    return ST_OK;
}

static void put_many(struct flash *f, uint64_t from, uint64_t to, size_t len, bool remove)
{
    static const uint8_t value[2000];

    for (uint64_t id = from; id < to; id++) {
        struct flash_change change = { .key = { 3, 1, id }, .remove = remove, .value = span_of(value, len) };

        CU_ASSERT_FATAL(flash_commit(f, &change, 1, false) == ST_OK);
    }
}

static void many_records_of_all_sizes(void)
{
    struct memory_hal *m = memory_hal_new(8u << 20, AUDIT);
    struct sizes sizes = { 0 };
    struct flash *f;
    const char *why;

    CU_ASSERT(flash_open(&m->hal, m->root_key, add_size, &sizes, &f, &why) == ST_OK);
    put_many(f, 0, 20000, 40, false);
    for (uint64_t id = 0; id < 2000; id++)
        put_many(f, id, id + 1, id, false);
    put_many(f, 10000, 15000, 0, true);
    flash_close(f);
    CU_ASSERT(flash_open(&m->hal, m->root_key, add_size, &sizes, &f, &why) == ST_OK);
    CU_ASSERT(sizes.records == 15000 && sizes.empty == 1);
    CU_ASSERT(sizes.bytes == 1999u * 2000 / 2 + 13000 * 40);
    flash_close(f);
    memory_hal_free(m);
}

static void a_full_flash_stays_as_it_is(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    struct flash_change change = { .key = { 3, 1, 0 } };
    static const uint8_t value[FLASH_VALUE_MAX];
    struct sizes sizes = { 0 };
    struct flash *f;
    const char *why;
    size_t events;
    uint64_t id = 0;

    CU_ASSERT(flash_open(&m->hal, m->root_key, add_size, &sizes, &f, &why) == ST_OK);
    change.value = span_of(value, 1000);
    while (flash_free_bytes(f) >= 1200) {
        change.key.id = id++;
        CU_ASSERT_FATAL(flash_commit(f, &change, 1, false) == ST_OK);
    }
    change.value.len = 1200; /* a new one, and one that grows, with and without others that shrink */
    events = m->event_count;
    change.key.id = id;
    CU_ASSERT(flash_commit(f, &change, 1, true) == ST_TOO_LARGE);
    change.key.id = 3;
    change.value.len = FLASH_VALUE_MAX;
    CU_ASSERT(flash_commit(f, &change, 1, false) == ST_TOO_LARGE);
    CU_ASSERT(m->event_count == events);
    /* what does not grow is always possible: tries of a PIN, starts, removals */
    change.value.len = 1000;
    for (unsigned i = 0; i < 200; i++)
        CU_ASSERT_FATAL(flash_commit(f, &change, 1, i % 2 == 0) == ST_OK);
    for (unsigned i = 0; i < 200; i++) {
        flash_close(f);
        sizes = (struct sizes){ 0 };
        CU_ASSERT_FATAL(flash_open(&m->hal, m->root_key, add_size, &sizes, &f, &why) == ST_OK);
        CU_ASSERT(sizes.records == id && sizes.bytes == id * 1000);
    }
    change.remove = true;
    CU_ASSERT(flash_commit(f, &change, 1, true) == ST_OK);
    change = (struct flash_change){ .key = { 3, 1, id + 1 }, .value = span_of(value, 900) };
    CU_ASSERT(flash_commit(f, &change, 1, true) == ST_OK);
    flash_close(f);
    memory_hal_free(m);
}

/* What was deleted, or changed, cannot be decrypted from the old bank after a compaction: its salt is gone. */
static void compaction_wipes_the_old_header(void)
{
    struct history h;
    unsigned blank = 0;

    history_make(&h, false);
    CU_ASSERT(h.compactions >= 2);
    for (int bank = 0; bank < 2; bank++) {
        blank += h.m->flash[bank][0] == 0xff && memcmp(h.m->flash[bank], h.m->flash[bank] + 1, 511) == 0;
        CU_ASSERT(h.m->flash[bank][600] != 0xff || h.m->flash[bank][601] != 0xff);
    }
    CU_ASSERT(blank == 1);
    memory_hal_free(h.m);
}

/* Whoever has the root key and all that is in the flash finds the old value of no record. */
static void a_forgetting_commit_wipes_the_old_header(void)
{
    struct memory_hal *m = memory_hal_new(12 * 1024, AUDIT), *before;
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);
    struct flash_change removal = { .key = { 77, 0, 0 }, .remove = true };

    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK && model_put(f, 2, 2, false) == ST_OK);
    before = memory_hal_copy(m);
    CU_ASSERT(before->flash[HAL_REGION_STORE_A][0] == 'S');
    CU_ASSERT(flash_commit_forgetting(f, &removal, 1) == ST_OK); /* of nothing: only what was before is forgotten */
    CU_ASSERT(m->flash[HAL_REGION_STORE_A][0] == 0xff && m->flash[HAL_REGION_STORE_B][0] == 'S');
    CU_ASSERT(memcmp(m->flash[HAL_REGION_STORE_A], m->flash[HAL_REGION_STORE_A] + 1, 511) == 0);
    CU_ASSERT(model_put(f, 3, 3, true) == ST_OK);
    CU_ASSERT(flash_commit_forgetting(f, NULL, 0) == ST_OK);
    CU_ASSERT(m->flash[HAL_REGION_STORE_A][0] == 'S' && m->flash[HAL_REGION_STORE_B][0] == 0xff);
    CU_ASSERT(memcmp(m->flash[HAL_REGION_STORE_A], before->flash[HAL_REGION_STORE_A], 512) != 0);
    flash_close(f);
    CU_ASSERT(model_look(m, &seen) == ST_OK && seen.version[1] == 1 && seen.version[2] == 2 && seen.version[3] == 3);
    memory_hal_put_back(m, before);
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    memory_hal_free(before);
    memory_hal_free(m);
}

/* Failing boards */

typedef unsigned *choose_failure(struct memory_hal *m);

static unsigned *in_write(struct memory_hal *m)
{
    return &m->fail_write;
}

static unsigned *in_sync(struct memory_hal *m)
{
    return &m->fail_sync;
}

static unsigned *in_counter(struct memory_hal *m)
{
    return &m->fail_counter;
}

static unsigned *in_read(struct memory_hal *m)
{
    return &m->fail_read;
}

/* The n-th call fails, for each n until none does: the store stops writing, and opens again as before or after. */
static void fail_each_call(choose_failure *which)
{
    unsigned failures = 0;

    for (unsigned n = 1;; n++) {
        struct memory_hal *m = memory_hal_new(12 * 1024, AUDIT), *again;
        struct model_changes *changes = calloc(1, sizeof *changes);
        struct model is, after, seen;
        struct flash *f = open_or_fail(m, &is);
        enum status st = ST_OK;

        *which(m) = n;
        for (unsigned i = 0; st == ST_OK && i < HISTORY_STEPS; i++) {
            model_change(changes, &is, &after, i, 500);
            if ((st = model_commit(f, changes)) == ST_OK)
                is = after;
        }
        CU_ASSERT(st == ST_OK || st == ST_IO);
        CU_ASSERT(st == ST_OK || model_put(f, 1, 1, false) == ST_IO);
        *which(m) = 0;
        CU_ASSERT(st == ST_OK || model_put(f, 1, 1, false) == ST_IO); /* also when the flash works again */
        flash_close(f);
        for (int cut = CUT_KILLED; cut <= CUT_TEARS; cut++) {
            again = memory_hal_cut(m, m->event_count, (enum memory_cut)cut, n);
            CU_ASSERT_FATAL(model_look(again, &seen) == ST_OK);
            CU_ASSERT_FATAL(model_equal(&seen, &is) || (st == ST_IO && model_equal(&seen, &after)));
            memory_hal_free(again);
        }
        memory_hal_free(m);
        free(changes);
        if (st == ST_OK)
            break;
        failures++;
    }
    CU_ASSERT(failures > 3);
}

static void failing_writes(void)
{
    fail_each_call(in_write);
}

static void failing_syncs(void)
{
    fail_each_call(in_sync);
}

static void a_failing_counter(void)
{
    fail_each_call(in_counter);
}

static void failing_reads(void)
{
    fail_each_call(in_read);
}

static void a_start_on_a_failing_board(void)
{
    choose_failure *const all[] = { in_read, in_write, in_sync, in_counter };
    struct history h;
    struct model seen;
    struct flash *f;
    const char *why;

    history_make(&h, true);
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        for (unsigned n = 1;; n++) {
            struct memory_hal *m = memory_hal_copy(h.m);
            enum status st;

            *all[i](m) = n;
            st = model_open(m, &f, &seen, &why);
            CU_ASSERT_FATAL(st == ST_OK || (st == ST_IO && f == NULL));
            flash_close(f);
            *all[i](m) = 0;
            CU_ASSERT_FATAL(model_look(m, &seen) == ST_OK && model_equal(&seen, &h.after[HISTORY_STEPS]));
            memory_hal_free(m);
            if (st == ST_OK) {
                CU_ASSERT(n > 1);
                break;
            }
        }
    memory_hal_free(h.m);
}

static enum status refuse(void *arg, const struct flash_key *key, struct span value)
{
    (void)arg;
    (void)key;
    (void)value;
    return ST_UNSUPPORTED;
}

static void what_visit_returns_is_returned(void)
{
    struct memory_hal *m = memory_hal_new(BANK, AUDIT);
    struct model seen;
    struct flash *f = open_or_fail(m, &seen);
    uint64_t counter;
    const char *why;

    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK);
    flash_close(f);
    counter = m->counter;
    CU_ASSERT(flash_open(&m->hal, m->root_key, refuse, NULL, &f, &why) == ST_UNSUPPORTED && f == NULL);
    CU_ASSERT(m->counter == counter); /* nothing was started */
    memory_hal_free(m);
}

static void a_flash_too_small_is_refused(void)
{
    struct memory_hal *m = memory_hal_new(4096, AUDIT);
    struct model seen;

    CU_ASSERT(model_look(m, &seen) == ST_IO);
    CU_ASSERT(m->writes == 0);
    memory_hal_free(m);
}

/* Zeroisation */

static bool is_blank(const struct memory_hal *m, int region)
{
    return m->flash[region][0] == 0xff && memcmp(m->flash[region], m->flash[region] + 1, m->size[region] - 1) == 0;
}

static void zeroise_overwrites_both_banks(void)
{
    struct history h;
    struct model seen;
    struct flash *f;

    history_make(&h, false);
    f = open_or_fail(h.m, &seen);
    CU_ASSERT(!is_blank(h.m, 0) && !is_blank(h.m, 1));
    CU_ASSERT(flash_zeroise(f) == ST_OK);
    CU_ASSERT(is_blank(h.m, 0) && is_blank(h.m, 1));
    CU_ASSERT(h.m->events[h.m->event_count - 1].kind == MEMORY_SYNC);
    CU_ASSERT(model_put(f, 1, 1, false) == ST_IO);
    flash_close(f);
    f = open_or_fail(h.m, &seen);
    CU_ASSERT(flash_was_empty(f));
    flash_close(f);
    memory_hal_free(h.m);
}

static void a_broken_flash_can_be_erased(void)
{
    struct history h;
    struct model seen;

    history_make(&h, false);
    h.m->root_key[0] ^= 1;
    CU_ASSERT(model_look(h.m, &seen) == ST_CORRUPT);
    h.m->fail_write = 2;
    CU_ASSERT(flash_erase(&h.m->hal) == ST_IO);
    h.m->fail_write = 0;
    CU_ASSERT(flash_erase(&h.m->hal) == ST_OK);
    CU_ASSERT(is_blank(h.m, 0) && is_blank(h.m, 1));
    CU_ASSERT(model_look(h.m, &seen) == ST_OK);
    memory_hal_free(h.m);
}

int main(void)
{
    CU_TestInfo use[] = { { "an empty flash is formatted", an_empty_flash_is_formatted },
                          { "a commit is one write and one sync", a_commit_is_one_write_and_one_sync },
                          { "only starts, irrevocable commits and compactions move the counter",
                            the_counter_is_spared },
                          { "no value and no key is in clear", nothing_is_in_clear },
                          { "limits are kept", limits_are_kept },
                          { "many records of all sizes come back", many_records_of_all_sizes },
                          { "a full flash stays as it is, and lives on", a_full_flash_stays_as_it_is },
                          { "a compaction wipes the old bank's header", compaction_wipes_the_old_header },
                          { "a commit that forgets wipes the old header", a_forgetting_commit_wipes_the_old_header },
                          CU_TEST_INFO_NULL };
    CU_TestInfo failing[] = { { "failing writes end the writing", failing_writes },
                              { "failing syncs end the writing", failing_syncs },
                              { "a failing counter ends the writing", a_failing_counter },
                              { "failing reads end the writing", failing_reads },
                              { "a start on a failing board is refused and harms nothing", a_start_on_a_failing_board },
                              { "what visit returns is returned", what_visit_returns_is_returned },
                              { "a flash that is too small is refused", a_flash_too_small_is_refused },
                              CU_TEST_INFO_NULL };
    CU_TestInfo zeroise[] = { { "zeroise overwrites both banks", zeroise_overwrites_both_banks },
                              { "a flash that does not open can be erased", a_broken_flash_can_be_erased },
                              CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "use", .pTests = use },
                              { .pName = "failing boards", .pTests = failing },
                              { .pName = "zeroisation", .pTests = zeroise },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}

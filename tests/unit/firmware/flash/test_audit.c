/* The audit ring. Its chain is verified here by a reader of its own, that knows only what audit.h says. */
#include "firmware/flash/audit.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "tests/unit/firmware/flash/memory_hal.h"
#include "tests/unit/harness.h"

#define BANK       4096
#define RECORDS_AT 1024
#define PLACES     256
#define SMALL      (RECORDS_AT + PLACES * AUDIT_RECORD_LEN)
#define SLACK      (PLACES / 2) /* of a ring this small */

static const uint8_t mac_key[32] = "the key of the audit's heads";

static uint64_t number_at(const uint8_t *p, unsigned len)
{
    uint64_t v = 0;

    while (len-- > 0)
        v = v << 8 | *p++;
    return v;
}

static struct audit *open_or_fail(struct memory_hal *m)
{
    struct audit *a = NULL;

    if (audit_open(&m->hal, mac_key, &a) != ST_OK)
        CU_FAIL_FATAL("the audit does not open");
    return a;
}

/* Opens with a broken chain, and closes. */
static bool is_refused(struct memory_hal *m)
{
    struct audit *a = NULL;
    enum status st = audit_open(&m->hal, mac_key, &a);

    CU_ASSERT(st == ST_OK || st == ST_CORRUPT);
    CU_ASSERT(a != NULL);
    audit_close(a);
    return st == ST_CORRUPT;
}

static struct audit_entry entry_of(uint64_t n)
{
    struct audit_entry e = { .kind = (uint16_t)(n % 50), .role = (uint8_t)(n % 4), .partition = (uint32_t)n * 3 };

    e.result = (uint32_t)(n % 7);
    e.mechanism = n * 0x10001;
    e.detail = ~n;
    memset(e.object, (int)n, sizeof e.object);
    memset(e.peer, (int)(n >> 8), sizeof e.peer);
    return e;
}

static void append(struct audit *a, uint64_t from, uint64_t count)
{
    for (uint64_t n = from; n < from + count; n++) {
        struct audit_entry e = entry_of(n);

        CU_ASSERT_FATAL(audit_append(a, &e) == ST_OK);
    }
}

/* `count` records from number 1 on, `batch` in a write, the last sync with the last `sync_every`. */
static void write_records(struct audit *a, uint64_t from, uint64_t count, uint64_t batch, uint64_t sync_every)
{
    for (uint64_t n = 0; n < count; n += batch) {
        append(a, from + n, batch);
        CU_ASSERT_FATAL(audit_flush(a, sync_every > 0 && (n / batch + 1) % sync_every == 0) == ST_OK);
    }
}

/* The reader outside: numbers, hashes, the reserved bytes, the head. Returns how many records there are. */
static uint64_t read_and_verify(struct audit *a, uint64_t *first, struct bytes *all)
{
    uint8_t hash[32], head[AUDIT_HASH_LEN], in[32 + 67];
    uint64_t next = 0, from, sequence, count = 0;

    do {
        from = next;
        CU_ASSERT_FATAL(audit_read(a, from, 100, all, &next) == ST_OK);
    } while (next > from && all->len / AUDIT_RECORD_LEN % 100 == 0 && all->len > 0);
    for (const uint8_t *p = all->p; p != NULL && p < all->p + all->len; p += AUDIT_RECORD_LEN, count++) {
        if (count == 0) {
            *first = number_at(p, 8);
            memset(in, 0, 32);
        }
        CU_ASSERT_FATAL(number_at(p, 8) == *first + count);
        memcpy(in + 32, p, 67);
        for (unsigned i = 67; i < 96; i++)
            CU_ASSERT_FATAL(p[i] == 0);
        SHA256(in, sizeof in, hash);
        CU_ASSERT_FATAL((count == 0 && *first != 1) || memcmp(hash, p + 96, 32) == 0);
        memcpy(in, p + 96, 32);
    }
    audit_head(a, &sequence, head);
    CU_ASSERT(count == 0 || (sequence == *first + count - 1 && memcmp(head, in, sizeof head) == 0));
    return count;
}

static uint64_t count_records(struct audit *a, uint64_t *first)
{
    struct bytes all = { 0 };
    uint64_t count = read_and_verify(a, first, &all);

    bytes_clear(&all);
    return count;
}

static uint64_t newest(struct audit *a)
{
    uint8_t hash[AUDIT_HASH_LEN];
    uint64_t sequence;

    audit_head(a, &sequence, hash);
    return sequence;
}

/* In use */

static struct memory_hal *closed_audit(uint64_t records)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);

    write_records(a, 1, records, 5, 1);
    audit_close(a);
    return m;
}

static void records_come_back(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);
    struct audit_entry e = entry_of(77);
    struct bytes all = { 0 };
    uint64_t first = 0, next = 0;
    const uint8_t *p;

    CU_ASSERT(read_and_verify(a, &first, &all) == 0 && newest(a) == 0);
    m->time_ms = 0x0102030405060708;
    CU_ASSERT(audit_append(a, &e) == ST_OK);
    CU_ASSERT(audit_read(a, 0, 10, &all, &next) == ST_OK && next == 2 && all.len == AUDIT_RECORD_LEN);
    p = all.p;
    CU_ASSERT(number_at(p, 8) == 1 && number_at(p + 8, 8) == 0x0102030405060708 && number_at(p + 16, 2) == e.kind);
    CU_ASSERT(p[18] == e.role && number_at(p + 19, 4) == e.partition && number_at(p + 23, 4) == e.result);
    CU_ASSERT(number_at(p + 27, 8) == e.mechanism && memcmp(p + 35, e.object, 16) == 0);
    CU_ASSERT(memcmp(p + 51, e.peer, 8) == 0 && number_at(p + 59, 8) == e.detail);
    bytes_reset(&all);
    CU_ASSERT(audit_read(a, 2, 10, &all, &next) == ST_OK && next == 2 && all.len == 0);
    CU_ASSERT(audit_read(a, 99, 10, &all, &next) == ST_OK && next == 2 && all.len == 0);
    append(a, 2, 9);
    CU_ASSERT(audit_read(a, 4, 3, &all, &next) == ST_OK && next == 7 && all.len == 3 * AUDIT_RECORD_LEN);
    CU_ASSERT(number_at(all.p, 8) == 4);
    bytes_clear(&all);
    audit_close(a);
    memory_hal_free(m);
}

static void the_chain_goes_on_after_a_start(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct bytes all = { 0 };
    struct audit *a;
    uint64_t first = 0;

    for (uint64_t i = 0; i < 8; i++) {
        a = open_or_fail(m);
        write_records(a, i * 20, 20, 4, 2);
        audit_close(a);
    }
    a = open_or_fail(m);
    CU_ASSERT(read_and_verify(a, &first, &all) == 160 && first == 1);
    bytes_clear(&all);
    audit_close(a);
    memory_hal_free(m);
}

static void a_start_that_writes_nothing(void)
{
    for (uint64_t records = 5; records <= 20; records += 5) {
        struct memory_hal *m = closed_audit(records);

        for (unsigned i = 0; i < 4; i++)
            CU_ASSERT(!is_refused(m));
        memory_hal_free(m);
    }
}

static void a_flush_is_one_write(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);
    size_t writes = m->writes, syncs = m->syncs;

    append(a, 1, 40);
    CU_ASSERT(m->writes == writes);
    CU_ASSERT(audit_flush(a, false) == ST_OK);
    CU_ASSERT(m->writes == writes + 1 && m->syncs == syncs);
    CU_ASSERT(audit_flush(a, false) == ST_OK && audit_flush(a, true) == ST_OK);
    CU_ASSERT(m->writes == writes + 2 && m->syncs == syncs + 1); /* the head */
    CU_ASSERT(audit_flush(a, true) == ST_OK);
    CU_ASSERT(m->writes == writes + 2 && m->syncs == syncs + 1); /* nothing is left to do */
    audit_close(a);
    memory_hal_free(m);
}

static void key_uses_are_synced_by_number(void)
{
    struct memory_hal *m = memory_hal_new(BANK, RECORDS_AT + 4 * AUDIT_SYNC_RECORDS * AUDIT_RECORD_LEN);
    struct audit *a = open_or_fail(m);
    size_t syncs = m->syncs;

    write_records(a, 0, AUDIT_SYNC_RECORDS - 8, 8, 0);
    CU_ASSERT(m->syncs == syncs);
    write_records(a, 0, 8, 8, 0);
    CU_ASSERT(m->syncs == syncs + 1);
    append(a, 0, 3 * AUDIT_SYNC_RECORDS); /* without a flush: written when the buffer is full, and then bounded */
    CU_ASSERT(m->syncs == syncs + 2);
    audit_close(a);
    memory_hal_free(m);
}

static void sleep_until(uint64_t ms)
{
    while (clock_monotonic_ms() < ms)
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

/* On a machine that stalls for a second a sync may come early, as it may for a real keystore. */
static void key_uses_are_synced_in_time(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);
    size_t syncs = m->syncs;
    uint64_t before = clock_monotonic_ms(), after;

    write_records(a, 0, 1, 1, 0);
    after = clock_monotonic_ms();
    sleep_until(after + AUDIT_SYNC_MS / 2);
    CU_ASSERT(audit_flush(a, false) == ST_OK);
    CU_ASSERT(m->syncs == syncs || clock_monotonic_ms() - before >= AUDIT_SYNC_MS);
    sleep_until(after + AUDIT_SYNC_MS);
    CU_ASSERT(audit_flush(a, false) == ST_OK);
    CU_ASSERT(m->syncs == syncs + 1);
    before = clock_monotonic_ms();
    write_records(a, 0, 1, 1, 0);
    CU_ASSERT(m->syncs == syncs + 1 || clock_monotonic_ms() - before >= AUDIT_SYNC_MS);
    audit_close(a);
    memory_hal_free(m);
}

static void a_full_ring_drops_the_oldest(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);
    struct bytes all = { 0 };
    uint64_t first = 0;

    write_records(a, 1, PLACES * 3 + 50, 10, 1);
    CU_ASSERT(read_and_verify(a, &first, &all) == PLACES && first == newest(a) + 1 - PLACES);
    audit_close(a);
    a = open_or_fail(m);
    bytes_reset(&all);
    /* the record that the first one's hash stands on is there, but nothing vouches for it */
    CU_ASSERT(read_and_verify(a, &first, &all) == PLACES - 1);
    write_records(a, 1, 5, 5, 1);
    bytes_reset(&all);
    CU_ASSERT(read_and_verify(a, &first, &all) == PLACES);
    bytes_clear(&all);
    audit_close(a);
    memory_hal_free(m);
}

/* Threads: appends and flushes of many, every record once, the chain whole. */
static void *writer(void *arg)
{
    struct audit *a = arg;

    for (unsigned i = 0; i < 2000; i++) {
        struct audit_entry e = entry_of(i);

        if (audit_append(a, &e) != ST_OK || audit_flush(a, i % 50 == 0) != ST_OK)
            return arg;
    }
    return NULL;
}

static void threads_share_the_chain(void)
{
    struct memory_hal *m = memory_hal_new(BANK, RECORDS_AT + 20000 * AUDIT_RECORD_LEN);
    struct audit *a = open_or_fail(m);
    pthread_t threads[4];
    uint64_t first = 0;
    void *failed;

    for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, writer, a) == 0);
    for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &failed);
        CU_ASSERT(failed == NULL);
    }
    CU_ASSERT(count_records(a, &first) == 8000 && first == 1);
    audit_close(a);
    a = open_or_fail(m);
    CU_ASSERT(count_records(a, &first) == 8000 && first == 1);
    audit_close(a);
    memory_hal_free(m);
}

/* 2^17 records are verified in well under a second; an append costs well under a microsecond. The bounds are wide, so
 * that only a mistake in the order of work fails them, not a busy machine; the figures are printed. */
static double seconds_of_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void it_is_fast(void)
{
    struct memory_hal *m = memory_hal_new(BANK, RECORDS_AT + (1u << 17) * AUDIT_RECORD_LEN);
    struct audit *a = open_or_fail(m);
    double begin = seconds_of_cpu(), appended, opened;

    write_records(a, 0, 1u << 18, 64, 0);
    appended = seconds_of_cpu() - begin;
    audit_close(a);
    begin = seconds_of_cpu();
    a = open_or_fail(m);
    opened = seconds_of_cpu() - begin;
    printf("(%.2f us for an append, %.0f ms to verify 2^17) ", appended / (1u << 18) * 1e6, opened * 1e3);
    CU_ASSERT(opened < 5 && appended < 5);
    audit_close(a);
    memory_hal_free(m);
}

/* Power cuts */

/* Opens unbroken, with every record that was durable, and no number used twice for another record. */
static void survives(struct memory_hal *m, uint64_t durable, uint64_t appended)
{
    struct audit *a = open_or_fail(m);
    uint64_t first = 0, now = newest(a), count;

    CU_ASSERT_FATAL(now >= durable && now <= appended);
    count = count_records(a, &first);
    CU_ASSERT_FATAL(now == 0 || first + count - 1 == now);
    CU_ASSERT_FATAL(count >= (now < PLACES - SLACK ? now : PLACES - SLACK - 1));
    write_records(a, 1000, 6, 3, 1);
    CU_ASSERT_FATAL(count_records(a, &first) >= count && newest(a) == now + 6);
    audit_close(a);
    CU_ASSERT_FATAL(!is_refused(m));
}

static void every_torn_prefix_opens(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    uint64_t durable[2000] = { 0 }, appended[2000] = { 0 }, is_durable = 0;
    struct audit *a = NULL;

    for (uint64_t n = 0; n < PLACES * 3; n += 12) {
        if (n % 120 == 0)
            a = open_or_fail(m);
        append(a, n, 12);
        CU_ASSERT(audit_flush(a, n % 36 == 0) == ST_OK);
        CU_ASSERT_FATAL(m->event_count < ARRAY_LEN(durable));
        if (n % 36 == 0)
            is_durable = newest(a);
        durable[m->event_count] = is_durable;
        appended[m->event_count] = newest(a);
        if (n % 120 == 108)
            audit_close(a);
        else if (n + 12 >= PLACES * 3)
            audit_close(a);
    }
    for (size_t i = 1; i < ARRAY_LEN(durable); i++) {
        durable[i] = durable[i] > durable[i - 1] ? durable[i] : durable[i - 1];
        appended[i] = appended[i] > appended[i - 1] ? appended[i] : appended[i - 1];
    }
    for (size_t n = 0; n <= m->event_count; n++)
        for (uint64_t seed = 0; seed < 14; seed++) {
            struct memory_hal *cut =
                memory_hal_cut(m, n, seed < CUT_TEARS ? (enum memory_cut)seed : CUT_TEARS, seed * 7919 + n);

            survives(cut, durable[n], appended[n] + 12);
            memory_hal_free(cut);
        }
    memory_hal_free(m);
}

/* Nobody flushes, the buffer is written whenever it is full, and the ring comes round more than once. */
static void a_kill_without_a_flush(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL), *killed;
    struct audit *a = open_or_fail(m);

    for (uint64_t n = 0; n < 3 * PLACES; n += 7) {
        append(a, n, 7);
        killed = memory_hal_cut(m, m->event_count, CUT_KILLED, 0);
        survives(killed, newest(a) > SLACK / 2 ? newest(a) - SLACK / 2 : 0, newest(a));
        memory_hal_free(killed);
    }
    audit_close(a);
    memory_hal_free(m);
}

static void a_cut_after_a_kill_keeps_what_was_answered(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL), *killed, *cut;
    struct audit *a = open_or_fail(m);

    write_records(a, 1, 30, 10, 0); /* not synced by the first life */
    killed = memory_hal_cut(m, m->event_count, CUT_KILLED, 0);
    audit_close(a);
    a = open_or_fail(killed);
    CU_ASSERT(newest(a) == 30);
    write_records(a, 31, 1, 1, 1); /* an administrative act in the second one */
    cut = memory_hal_cut(killed, killed->event_count, CUT_LOSES, 0);
    audit_close(a);
    a = open_or_fail(cut);
    CU_ASSERT(newest(a) == 31);
    audit_close(a);
    memory_hal_free(cut);
    memory_hal_free(killed);
    memory_hal_free(m);
}

/* Damage and attack */

static uint8_t *record_of(struct memory_hal *m, uint64_t number)
{
    return m->flash[HAL_REGION_AUDIT] + RECORDS_AT + number % PLACES * AUDIT_RECORD_LEN;
}

static void an_edited_record_is_found(void)
{
    struct memory_hal *m = closed_audit(60);

    for (uint64_t number = 1; number <= 60; number++)
        for (unsigned at = 0; at < AUDIT_RECORD_LEN; at++) {
            struct memory_hal *copy = memory_hal_copy(m);

            record_of(copy, number)[at] ^= 0x40;
            CU_ASSERT_FATAL(is_refused(copy));
            memory_hal_free(copy);
        }
    memory_hal_free(m);
}

/* Edited, and all hashes behind it made right again: the head's MAC does not fit then. */
static void a_chain_hashed_anew_is_found(void)
{
    struct memory_hal *m = closed_audit(60);

    record_of(m, 30)[30] ^= 1;
    for (uint64_t number = 30; number <= 60; number++) {
        uint8_t in[32 + 67];

        memcpy(in, record_of(m, number - 1) + 96, 32);
        memcpy(in + 32, record_of(m, number), 67);
        SHA256(in, sizeof in, record_of(m, number) + 96);
    }
    CU_ASSERT(is_refused(m));
    memory_hal_free(m);
}

static void an_edited_record_of_a_full_ring_is_found(void)
{
    struct memory_hal *m = closed_audit(PLACES * 2 + 43);
    uint64_t last = PLACES * 2 + 43, oldest = last + 1 - PLACES, refused = 0;

    for (uint64_t number = oldest; number <= last; number++) {
        struct memory_hal *copy = memory_hal_copy(m);
        bool found;

        record_of(copy, number)[20] ^= 1;
        found = is_refused(copy);
        refused += found;
        /* the oldest ones look like records that a power cut has torn: they are dropped, not shown */
        CU_ASSERT(found == (number > oldest + SLACK));
        memory_hal_free(copy);
    }
    CU_ASSERT(refused == PLACES - SLACK - 1);
    memory_hal_free(m);
}

static void edited_old_records_are_not_shown(void)
{
    struct memory_hal *m = closed_audit(PLACES * 2 + 43);
    uint64_t oldest = PLACES + 44, first = 0;
    struct audit *a;

    record_of(m, oldest + 20)[20] ^= 1;
    a = open_or_fail(m);
    CU_ASSERT(count_records(a, &first) == PLACES - 21 && first == oldest + 21);
    audit_close(a);
    memory_hal_free(m);
}

static void records_cut_back_are_found(void)
{
    struct memory_hal *m = closed_audit(60);

    for (uint64_t number = 1; number <= 60; number++) {
        struct memory_hal *copy = memory_hal_copy(m);

        for (uint64_t n = number; n <= 60; n++)
            memset(record_of(copy, n), 0xff, AUDIT_RECORD_LEN);
        CU_ASSERT(is_refused(copy));
        memory_hal_free(copy);
    }
    memory_hal_free(m);
}

static void a_clean_end_leaves_the_head_durable(void)
{
    struct memory_hal *m = closed_audit(60), *cut = memory_hal_cut(m, m->event_count, CUT_LOSES, 0);

    memset(record_of(cut, 60), 0xff, AUDIT_RECORD_LEN);
    CU_ASSERT(is_refused(cut));
    memory_hal_free(cut);
    memory_hal_free(m);
}

static void a_lost_head_is_found(void)
{
    struct memory_hal *m = closed_audit(60), *one = memory_hal_copy(m);
    uint64_t first = 0;
    struct audit *a;

    for (unsigned slot = 0; slot < 2; slot++) { /* one may be torn; the other is one sync older */
        struct memory_hal *copy = memory_hal_copy(m);

        memset(copy->flash[HAL_REGION_AUDIT] + slot * 512, 0xff, 512);
        a = open_or_fail(copy);
        CU_ASSERT(count_records(a, &first) == 60 && first == 1);
        audit_close(a);
        memory_hal_free(copy);
    }
    memset(one->flash[HAL_REGION_AUDIT], 0xff, RECORDS_AT);
    CU_ASSERT(is_refused(one));
    CU_ASSERT(!is_refused(one)); /* the new chain is whole */
    memory_hal_free(one);
    memory_hal_free(m);
}

static void another_key_is_found(void)
{
    struct memory_hal *m = closed_audit(10);
    static const uint8_t other[32] = "another";
    struct audit *a;

    CU_ASSERT(audit_open(&m->hal, other, &a) == ST_CORRUPT && a != NULL);
    audit_close(a);
    memory_hal_free(m);
}

static void a_broken_chain_begins_anew(void)
{
    struct memory_hal *m = closed_audit(60);
    struct bytes all = { 0 };
    uint64_t next = 0;
    struct audit *a;

    record_of(m, 30)[20] ^= 1;
    CU_ASSERT(audit_open(&m->hal, mac_key, &a) == ST_CORRUPT);
    CU_ASSERT(newest(a) > 60 + SLACK);                        /* no number of the old chain is used again */
    CU_ASSERT(m->events[m->event_count - 1].at < RECORDS_AT); /* its first record is durable, the head written */
    write_records(a, 1, 10, 5, 1);
    CU_ASSERT(audit_read(a, 0, 100, &all, &next) == ST_OK && all.len == 11 * AUDIT_RECORD_LEN);
    CU_ASSERT(number_at(all.p + 16, 2) == AUDIT_EVENT_ROLLBACK && number_at(all.p + 59, 8) == 60);
    audit_close(a);
    a = open_or_fail(m);
    bytes_reset(&all);
    CU_ASSERT(audit_read(a, 0, 100, &all, &next) == ST_OK && all.len == 11 * AUDIT_RECORD_LEN);
    bytes_clear(&all);
    audit_close(a);
    memory_hal_free(m);
}

/* Failing boards */

static void a_failing_flash_refuses(void)
{
    struct memory_hal *m = memory_hal_new(BANK, SMALL);
    struct audit *a = open_or_fail(m);
    struct audit_entry e = entry_of(1);

    append(a, 1, 5);
    m->fail_write = 1;
    CU_ASSERT(audit_flush(a, false) == ST_UNAVAILABLE);
    m->fail_write = 0;
    CU_ASSERT(audit_append(a, &e) == ST_UNAVAILABLE && audit_flush(a, true) == ST_UNAVAILABLE);
    audit_close(a);
    a = open_or_fail(m);
    append(a, 1, 5);
    CU_ASSERT(audit_flush(a, false) == ST_OK);
    m->fail_sync = 1;
    CU_ASSERT(audit_flush(a, true) == ST_UNAVAILABLE);
    m->fail_sync = 0;
    CU_ASSERT(audit_append(a, &e) == ST_UNAVAILABLE && audit_flush(a, false) == ST_UNAVAILABLE);
    audit_close(a);
    a = open_or_fail(m);
    m->fail_write = 1;
    CU_ASSERT(audit_append(a, &e) == ST_OK);
    for (unsigned i = 0; i < 2 * PLACES && audit_append(a, &e) == ST_OK; i++)
        ;
    CU_ASSERT(audit_append(a, &e) == ST_UNAVAILABLE); /* its buffer is full and cannot be written */
    m->fail_write = 0;
    audit_close(a);
    memory_hal_free(m);
}

static void a_start_on_a_failing_board_is_refused(void)
{
    struct memory_hal *m = closed_audit(20), *fresh = memory_hal_new(BANK, SMALL);
    struct memory_hal *small = memory_hal_new(BANK, RECORDS_AT + 10 * AUDIT_RECORD_LEN);
    struct audit *a;

    for (unsigned n = 1; n < 3; n++) {
        m->fail_read = n;
        CU_ASSERT(audit_open(&m->hal, mac_key, &a) == ST_IO && a == NULL);
    }
    fresh->fail_sync = 1;
    CU_ASSERT(audit_open(&fresh->hal, mac_key, &a) == ST_IO && a == NULL);
    CU_ASSERT(audit_open(&small->hal, mac_key, &a) == ST_IO && a == NULL);
    memory_hal_free(small);
    memory_hal_free(fresh);
    memory_hal_free(m);
}

int main(void)
{
    CU_TestInfo use[] = { { "records come back as they were put", records_come_back },
                          { "the chain goes on after a start", the_chain_goes_on_after_a_start },
                          { "a start that writes nothing leaves the chain as it was", a_start_that_writes_nothing },
                          { "a flush is one write", a_flush_is_one_write },
                          { "key uses are synced after so many", key_uses_are_synced_by_number },
                          { "key uses are synced after so long", key_uses_are_synced_in_time },
                          { "a full ring drops the oldest", a_full_ring_drops_the_oldest },
                          { "threads share the chain", threads_share_the_chain },
                          { "it is fast", it_is_fast },
                          CU_TEST_INFO_NULL };
    CU_TestInfo cuts[] = { { "every torn prefix of the writes opens", every_torn_prefix_opens },
                           { "a kill without a flush leaves what was written", a_kill_without_a_flush },
                           { "a cut after a kill keeps what was answered", a_cut_after_a_kill_keeps_what_was_answered },
                           CU_TEST_INFO_NULL };
    CU_TestInfo attacks[] = { { "an edited record is found", an_edited_record_is_found },
                              { "a chain hashed anew is found", a_chain_hashed_anew_is_found },
                              { "an edited record of a full ring is found", an_edited_record_of_a_full_ring_is_found },
                              { "edited records among the oldest are not shown", edited_old_records_are_not_shown },
                              { "records cut back are found", records_cut_back_are_found },
                              { "a clean end leaves no record unprotected", a_clean_end_leaves_the_head_durable },
                              { "lost heads are found", a_lost_head_is_found },
                              { "another key is found", another_key_is_found },
                              { "a broken chain begins anew and says so", a_broken_chain_begins_anew },
                              CU_TEST_INFO_NULL };
    CU_TestInfo failing[] = { { "a failing flash refuses every record", a_failing_flash_refuses },
                              { "a start on a failing board is refused", a_start_on_a_failing_board_is_refused },
                              CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "use", .pTests = use },
                              { .pName = "power cuts", .pTests = cuts },
                              { .pName = "damage and attack", .pTests = attacks },
                              { .pName = "failing boards", .pTests = failing },
                              CU_SUITE_INFO_NULL };

    log_set_level((enum log_level)0); /* the failing boards are on purpose */
    return run_suites(suites);
}

/* The flash store under power cuts, damage and exchanged flash. */
#include "tests/unit/firmware/flash/model.h"
#include "tests/unit/harness.h"

#define LOG_AT     512
#define HEADER_LEN 96
#define COMMIT_MIN 64

static struct history reversible, irrevocable; /* by how their last commit was made */

static uint64_t number_at(const uint8_t *p, unsigned len)
{
    uint64_t v = 0;

    while (len-- > 0)
        v = v << 8 | *p++;
    return v;
}

/* Power cuts */

/* How many commits were done after `events` events; one more may have been in progress. */
static unsigned steps_done(const struct history *h, size_t events)
{
    unsigned done = 0;

    while (done < HISTORY_STEPS && h->end[done + 1] <= events)
        done++;
    return done;
}

static bool is_sealed_commit(const struct memory_event *e)
{
    return e->kind == MEMORY_WRITE && e->region != HAL_REGION_AUDIT && e->at >= LOG_AT &&
           number_at(e->bytes + 24, 4) > 0;
}

/* No commit that `later` wrote has the nonce of one that was written, or begun, in the same bank before the cut. A bank
 * that was begun anew has another key. */
static bool repeats_a_nonce(const struct memory_hal *m, size_t events, const struct memory_hal *later)
{
    bool renewed[HAL_REGION_COUNT_] = { false };

    for (size_t i = 0; i < later->event_count; i++) {
        const struct memory_event *a = &later->events[i];

        if (a->kind == MEMORY_WRITE && a->at == LOG_AT && number_at(a->bytes + 8, 4) == 0)
            renewed[a->region] = true;
        if (!is_sealed_commit(a) || renewed[a->region])
            continue;
        for (size_t j = events; j-- > 0;) {
            const struct memory_event *b = &m->events[j];

            if (is_sealed_commit(b) && b->region == a->region && memcmp(a->bytes, b->bytes, 12) == 0)
                return true;
            if (b->kind == MEMORY_WRITE && b->region == a->region && b->at == 0)
                break; /* the header: what was written before it was under other keys, or a compaction's */
        }
    }
    return false;
}

static bool has_one_header(const struct memory_hal *m)
{
    unsigned headers = 0;

    for (int bank = 0; bank < 2; bank++)
        headers += m->flash[bank][0] != 0xff || memcmp(m->flash[bank], m->flash[bank] + 1, LOG_AT - 1) != 0;
    return headers == 1;
}

/* The board after the cut opens, holds one of two states, and can be used. */
static struct memory_hal *survives(const struct history *h, size_t events, enum memory_cut how, uint64_t seed)
{
    struct memory_hal *cut = memory_hal_cut(h->m, events, how, seed);
    unsigned done = steps_done(h, events);
    const struct model *before = &h->after[done],
                       *after = events > h->end[done] && done < HISTORY_STEPS ? before + 1 : before;
    size_t killed = cut->event_count;
    struct model seen, again;
    struct flash *f;
    const char *why;

    CU_ASSERT_FATAL(model_open(cut, &f, &seen, &why) == ST_OK);
    CU_ASSERT_FATAL(model_equal(&seen, before) || model_equal(&seen, after));
    CU_ASSERT(has_one_header(cut)); /* whatever a compaction had left */
    CU_ASSERT(model_put(f, 1, 7777, false) == ST_OK && model_put(f, 2, 0, true) == ST_OK);
    flash_close(f);
    seen.version[1] = 7777;
    seen.version[2] = 0;
    CU_ASSERT_FATAL(model_look(cut, &again) == ST_OK);
    CU_ASSERT(model_equal(&seen, &again));
    if (killed == 0)
        CU_ASSERT_FATAL(!repeats_a_nonce(h->m, events, cut));
    return cut;
}

static void every_prefix_opens(void)
{
    for (size_t n = 0; n <= reversible.m->event_count; n++) {
        memory_hal_free(survives(&reversible, n, CUT_KEEPS, 0));
        memory_hal_free(survives(&reversible, n, CUT_LOSES, 0));
    }
}

static void every_torn_prefix_opens(void)
{
    for (size_t n = 0; n <= reversible.m->event_count; n++)
        for (uint64_t seed = 0; seed < 8; seed++)
            memory_hal_free(survives(&reversible, n, CUT_TEARS, seed * 1000 + n));
}

/* Killed while it wrote, started again, and only then the power goes, at any moment of the new start. */
static void a_cut_after_a_kill_opens(void)
{
    for (size_t n = 0; n <= reversible.m->event_count; n++) {
        struct memory_hal *killed = survives(&reversible, n, CUT_KILLED, 0);

        for (size_t i = 0; i <= killed->event_count; i++)
            for (uint64_t seed = 0; seed < 2; seed++) {
                struct memory_hal *cut = memory_hal_cut(killed, i, seed == 0 ? CUT_LOSES : CUT_TEARS, seed + n);
                struct model seen;

                CU_ASSERT_FATAL(model_look(cut, &seen) == ST_OK);
                memory_hal_free(cut);
            }
        memory_hal_free(killed);
    }
}

/* Cut again and again in the middle of starting. */
static void cuts_in_a_row_open(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m);
    struct model seen;

    for (uint64_t i = 0; i < 300; i++) {
        struct memory_hal *cut;

        CU_ASSERT_FATAL(model_look(m, &seen) == ST_OK);
        CU_ASSERT_FATAL(model_equal(&seen, &reversible.after[HISTORY_STEPS]));
        cut = memory_hal_cut(m, i % (m->event_count + 1), CUT_TEARS, i);
        memory_hal_free(m);
        m = cut;
    }
    memory_hal_free(m);
}

/* What was cut off is not read as a part of what came after it. */
static void torn_bytes_are_not_continued(void)
{
    struct memory_hal *m = memory_hal_new(16 * 1024, 16 * 1024), *cut;
    struct model seen;
    struct flash *f;
    const char *why;
    size_t before;

    CU_ASSERT_FATAL(model_open(m, &f, &seen, &why) == ST_OK);
    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK);
    before = m->event_count;
    CU_ASSERT(model_put(f, 2, 2, false) == ST_OK);
    flash_close(f);
    cut = memory_hal_cut(m, before + 1, CUT_KEEPS, 0); /* the second commit is there but for its first bytes */
    memset(cut->flash[HAL_REGION_STORE_A] + m->events[before].at, 0xff, 16);
    CU_ASSERT(model_look(cut, &seen) == ST_OK && seen.version[1] == 1 && seen.version[2] == 0);
    CU_ASSERT(model_look(cut, &seen) == ST_OK && seen.version[1] == 1 && seen.version[2] == 0);
    /* nor when someone puts the whole of it back, behind the start that has taken its place */
    memcpy(cut->flash[HAL_REGION_STORE_A] + m->events[before].at, m->events[before].bytes, m->events[before].len);
    CU_ASSERT(model_look(cut, &seen) == ST_CORRUPT);
    memory_hal_free(cut);
    memory_hal_free(m);
}

/* Damage and attack */

static enum hal_region bank_in_use(const struct memory_hal *m)
{
    return m->flash[HAL_REGION_STORE_A][0] == 'S' ? HAL_REGION_STORE_A : HAL_REGION_STORE_B;
}

/* The places of the commits in the bank in use; the last place is the end of the log. */
static unsigned find_commits(const struct memory_hal *m, size_t *places, unsigned max)
{
    const uint8_t *flash = m->flash[bank_in_use(m)];
    unsigned count = 0;
    size_t at = LOG_AT;

    while (count + 1 < max && at + COMMIT_MIN <= m->size[0] && number_at(flash + at + 8, 4) == count) {
        places[count++] = at;
        at += COMMIT_MIN + number_at(flash + at + 12, 4);
    }
    places[count] = at;
    return count;
}

static enum status look_at_copy(const struct memory_hal *m, size_t at, uint8_t flip, struct model *seen)
{
    struct memory_hal *copy = memory_hal_copy(m);
    enum status st;

    copy->flash[bank_in_use(m)][at] ^= flip;
    st = model_look(copy, seen);
    memory_hal_free(copy);
    return st;
}

static void flip_every_byte(const struct history *h, bool last_may_go)
{
    size_t places[256];
    unsigned count = find_commits(h->m, places, ARRAY_LEN(places));
    struct model seen;

    CU_ASSERT_FATAL(count > 10 && count < ARRAY_LEN(places) - 1);
    for (size_t at = 0; at < places[count]; at++) {
        enum status st;

        if (at == HEADER_LEN)
            at = LOG_AT; /* the rest of the header's sector is not used */
        st = look_at_copy(h->m, at, (uint8_t)(1u << at % 8), &seen);
        if (last_may_go && at >= places[count - 1])
            CU_ASSERT_FATAL(st == ST_OK && model_equal(&seen, &h->after[HISTORY_STEPS - 1]))
        else
            CU_ASSERT_FATAL(st == ST_CORRUPT);
    }
    CU_ASSERT(look_at_copy(h->m, places[count], 1, &seen) == ST_OK); /* behind the end nothing is looked at */
    CU_ASSERT(model_equal(&seen, &h->after[HISTORY_STEPS]));
}

static void a_flipped_byte_is_found(void)
{
    flip_every_byte(&reversible, true);
}

static void a_flip_in_an_irrevocable_commit_is_found(void)
{
    flip_every_byte(&irrevocable, false);
}

/* Right after a compaction nothing stands behind the last commit, and the header has named the counter already. */
static void damage_to_a_compacted_log_is_found(void)
{
    size_t places[256], n = reversible.m->event_count - 1;
    struct memory_hal *m;
    struct model seen;
    unsigned count;

    while (reversible.m->events[n].kind != MEMORY_WRITE || reversible.m->events[n].at != 0 ||
           reversible.m->events[n].bytes[0] != 'S')
        n--;
    /* the header, its sync, the counter, the old header and its sync */
    m = memory_hal_cut(reversible.m, n + 5, CUT_LOSES, 0);
    count = find_commits(m, places, ARRAY_LEN(places));
    CU_ASSERT(count > 3);
    CU_ASSERT(look_at_copy(m, places[count], 1, &seen) == ST_OK);
    for (size_t at = places[count - 1]; at < places[count]; at++)
        CU_ASSERT(look_at_copy(m, at, 1, &seen) == ST_CORRUPT);
    memset(m->flash[bank_in_use(m)] + places[count - 1], 0xff, places[count] - places[count - 1]);
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    memory_hal_free(m);
}

static void a_flip_in_a_last_start_is_found(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m);
    size_t places[256];
    struct model seen;
    unsigned count;

    CU_ASSERT(model_look(m, &seen) == ST_OK);
    count = find_commits(m, places, ARRAY_LEN(places));
    CU_ASSERT(places[count] - places[count - 1] == COMMIT_MIN);
    for (size_t at = places[count - 1]; at < places[count]; at++)
        CU_ASSERT(look_at_copy(m, at, 1, &seen) == ST_CORRUPT);
    memory_hal_free(m);
}

/* What is not irrevocable can be undone by putting the flash back. Commits made again in the same places are other
 * messages, and so must have other nonces. */
static void commits_made_again_have_other_nonces(void)
{
    struct memory_hal *m = memory_hal_new(16 * 1024, 16 * 1024), *older, *again;
    const struct memory_event *last;
    struct model seen;
    struct flash *f;
    const char *why;

    CU_ASSERT_FATAL(model_open(m, &f, &seen, &why) == ST_OK);
    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK);
    older = memory_hal_copy(m);
    for (uint32_t i = 2; i < 6; i++)
        CU_ASSERT(model_put(f, i, i, false) == ST_OK);
    flash_close(f);
    again = memory_hal_copy(m);
    memory_hal_put_back(again, older);
    CU_ASSERT_FATAL(model_open(again, &f, &seen, &why) == ST_OK);
    CU_ASSERT(seen.version[1] == 1 && seen.version[2] == 0);
    for (uint32_t i = 2; i < 6; i++)
        CU_ASSERT(model_put(f, i, i + 10, false) == ST_OK);
    flash_close(f);
    CU_ASSERT(!repeats_a_nonce(m, m->event_count, again));
    last = &m->events[m->event_count - 2]; /* the check itself can fail */
    CU_ASSERT(again->hal.flash_write(again, last->region, last->at, last->bytes, last->len) == ST_OK);
    CU_ASSERT(repeats_a_nonce(m, m->event_count, again));
    memory_hal_free(again);
    memory_hal_free(older);
    memory_hal_free(m);
}

/* The store is open, and another commit is laid over the one that the index means, with the tag that goes before it. */
static void a_record_exchanged_while_open_is_found(void)
{
    struct memory_hal *m = memory_hal_new(12 * 1024, 16 * 1024);
    enum status st = ST_OK;
    size_t first, second;
    struct model seen;
    struct flash *f;
    const char *why;

    CU_ASSERT_FATAL(model_open(m, &f, &seen, &why) == ST_OK);
    CU_ASSERT(model_put(f, 1, 1, false) == ST_OK);
    first = m->events[m->event_count - 2].at;
    CU_ASSERT(model_put(f, 5, 2, false) == ST_OK && model_put(f, 1, 3, false) == ST_OK);
    second = m->events[m->event_count - 2].at;
    memmove(m->flash[0] + second - 16, m->flash[0] + first - 16, 16 + m->events[m->event_count - 2].len);
    for (uint32_t i = 4; i < 200 && st == ST_OK; i++)
        st = model_put(f, 5, i, false); /* up to a compaction */
    CU_ASSERT(st == ST_IO);
    flash_close(f);
    memory_hal_free(m);
}

static void a_cut_log_is_found_by_the_counter(void)
{
    size_t places[256];
    unsigned count = find_commits(irrevocable.m, places, ARRAY_LEN(places));
    struct model seen;

    for (unsigned i = 0; i < count; i++) {
        struct memory_hal *m = memory_hal_copy(irrevocable.m);

        memset(m->flash[bank_in_use(m)] + places[i], 0xff, m->size[0] - places[i]);
        CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
        memory_hal_free(m);
    }
}

static void moved_commits_are_found(void)
{
    size_t places[256];
    unsigned count = find_commits(reversible.m, places, ARRAY_LEN(places)), moved = 0;
    struct model seen;

    for (unsigned from = 0; from < count; from++)
        for (unsigned to = 0; to + 1 < count; to++) {
            struct memory_hal *m;

            if (from == to || places[from + 1] - places[from] != places[to + 1] - places[to])
                continue;
            m = memory_hal_copy(reversible.m);
            memmove(m->flash[bank_in_use(m)] + places[to], m->flash[bank_in_use(m)] + places[from],
                    places[from + 1] - places[from]);
            CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
            moved++;
            memory_hal_free(m);
        }
    CU_ASSERT(moved > 2);
}

static void a_doubled_commit_is_not_read(void)
{
    size_t places[256];
    unsigned count = find_commits(reversible.m, places, ARRAY_LEN(places));
    struct memory_hal *m = memory_hal_copy(reversible.m);
    uint8_t *flash = m->flash[bank_in_use(m)];
    struct model seen;

    memcpy(flash + places[count], flash + places[count - 2], places[count - 1] - places[count - 2]);
    CU_ASSERT(model_look(m, &seen) == ST_OK && model_equal(&seen, &reversible.after[HISTORY_STEPS]));
    memory_hal_free(m);
}

static void an_older_flash_is_refused(void)
{
    unsigned refused = 0, allowed = 0;
    struct model seen;

    for (unsigned i = 0; i < HISTORY_STEPS; i++) {
        struct memory_hal *m = memory_hal_copy(reversible.m);
        struct memory_hal *older = memory_hal_cut(reversible.m, reversible.end[i], CUT_KEEPS, 0);
        bool moved = older->counter != m->counter;

        memory_hal_put_back(m, older);
        if (moved)
            CU_ASSERT(model_look(m, &seen) == ST_CORRUPT)
        else /* nothing irrevocable has happened since: that much, and no more, can be undone */
            CU_ASSERT(model_look(m, &seen) == ST_OK && model_equal(&seen, &reversible.after[i]));
        refused += moved;
        allowed += !moved;
        memory_hal_free(older);
        memory_hal_free(m);
    }
    CU_ASSERT(refused > 60 && allowed < 10);
}

static void a_start_makes_copies_too_old(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m), *copy = memory_hal_copy(reversible.m);
    struct model seen;

    CU_ASSERT(model_look(m, &seen) == ST_OK);
    memory_hal_put_back(m, copy);
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    memory_hal_free(copy);
    memory_hal_free(m);
}

static void one_bank_put_back_is_refused(void)
{
    size_t header = 0;
    struct model seen;

    for (size_t n = 1; n < reversible.m->event_count; n++) /* the last moment before each takeover */
        if (reversible.m->events[n].kind == MEMORY_WRITE && reversible.m->events[n].at == 0 && n > 10 &&
            reversible.m->events[n].bytes[0] == 'S') {
            struct memory_hal *older = memory_hal_cut(reversible.m, n, CUT_KEEPS, 0);
            struct memory_hal *m = memory_hal_copy(reversible.m);
            enum hal_region old = bank_in_use(older), now = bank_in_use(m);

            header++;
            memcpy(m->flash[old], older->flash[old], m->size[0]);
            if (old != now) { /* both are there: the newer one is read */
                CU_ASSERT(model_look(m, &seen) == ST_OK && model_equal(&seen, &reversible.after[HISTORY_STEPS]));
                memcpy(m->flash[old], older->flash[old], m->size[0]);
                memset(m->flash[now], 0xff, 512);
            }
            CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
            memory_hal_free(older);
            memory_hal_free(m);
        }
    CU_ASSERT(header >= 2);
}

static void another_counter_is_refused(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m);
    struct model seen;

    m->counter++;
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    m->counter -= 3;
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    m->counter += 1; /* one behind the log: the cut came between the two */
    CU_ASSERT(model_look(m, &seen) == ST_OK && model_equal(&seen, &reversible.after[HISTORY_STEPS]));
    CU_ASSERT(m->counter == reversible.m->counter + 1);
    memory_hal_free(m);
}

static void another_root_key_is_refused(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m), *fresh = memory_hal_new(16 * 1024, 16 * 1024);
    struct model seen;

    m->root_key[31] ^= 1;
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    CU_ASSERT(model_look(fresh, &seen) == ST_OK);
    fresh->root_key[0] ^= 1;
    CU_ASSERT(model_look(fresh, &seen) == ST_CORRUPT); /* although it has no record yet */
    memory_hal_free(fresh);
    memory_hal_free(m);
}

static void a_lost_header_is_not_an_empty_flash(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m);
    struct model seen;

    memset(m->flash[HAL_REGION_STORE_A], 0xff, 512);
    memset(m->flash[HAL_REGION_STORE_B], 0xff, 512);
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    memory_hal_free(m);
}

static void a_bank_does_not_open_in_the_other_place(void)
{
    struct memory_hal *m = memory_hal_copy(reversible.m);
    enum hal_region now = bank_in_use(m), other = now == HAL_REGION_STORE_A ? HAL_REGION_STORE_B : HAL_REGION_STORE_A;
    struct model seen;

    memcpy(m->flash[other], m->flash[now], m->size[0]);
    memset(m->flash[now], 0xff, m->size[0]);
    CU_ASSERT(model_look(m, &seen) == ST_CORRUPT);
    memory_hal_free(m);
}

/* First of all: the others stand on it. */
static void a_life_of_a_store(void)
{
    history_make(&reversible, false);
    history_make(&irrevocable, true);
    CU_ASSERT(reversible.compactions >= 2 && irrevocable.compactions >= 2);
}

int main(void)
{
    CU_TestInfo cuts[] = { { "a life with changes of all kinds, restarts and compactions", a_life_of_a_store },
                           { "every prefix of the writes opens to the state before or after", every_prefix_opens },
                           { "every torn prefix opens to the state before or after", every_torn_prefix_opens },
                           { "a power cut soon after a kill leaves a store that opens", a_cut_after_a_kill_opens },
                           { "power cuts in a row, in the middle of starting, leave a store that opens",
                             cuts_in_a_row_open },
                           { "torn bytes are not read as a continuation", torn_bytes_are_not_continued },
                           CU_TEST_INFO_NULL };
    CU_TestInfo attacks[] = {
        { "a flipped byte is found, or takes the last commit back", a_flipped_byte_is_found },
        { "a flipped byte in an irrevocable commit is found", a_flip_in_an_irrevocable_commit_is_found },
        { "damage to a compacted log is found", damage_to_a_compacted_log_is_found },
        { "a flipped byte in a start at the end is found", a_flip_in_a_last_start_is_found },
        { "commits made again have other nonces", commits_made_again_have_other_nonces },
        { "a record exchanged while the store is open is found", a_record_exchanged_while_open_is_found },
        { "a log cut before an irrevocable commit is refused", a_cut_log_is_found_by_the_counter },
        { "a commit in another's place is found", moved_commits_are_found },
        { "a doubled commit is not read", a_doubled_commit_is_not_read },
        { "an older flash is refused once the counter has moved", an_older_flash_is_refused },
        { "each start makes older copies useless", a_start_makes_copies_too_old },
        { "one bank put back is refused", one_bank_put_back_is_refused },
        { "another counter is refused, one step behind is made good", another_counter_is_refused },
        { "another root key is refused", another_root_key_is_refused },
        { "a flash without headers is not taken for an empty one", a_lost_header_is_not_an_empty_flash },
        { "a bank is not read in the other's place", a_bank_does_not_open_in_the_other_place },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { .pName = "power cuts", .pTests = cuts },
                              { .pName = "damage and attack", .pTests = attacks },
                              CU_SUITE_INFO_NULL };
    int result = run_suites(suites);

    memory_hal_free(reversible.m);
    memory_hal_free(irrevocable.m);
    return result;
}

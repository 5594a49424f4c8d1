/* memory_hal.h - a board in memory: flash, counter, root key, clock and attestation key, for tests of what stands on
 * the HAL. It remembers every write, sync and move of the counter, so a test can have the board as a power cut after
 * any of them would have left it. Thread-safe, but for the fields that the test sets. */
#ifndef STRONGROOM_TESTS_MEMORY_HAL_H
#define STRONGROOM_TESTS_MEMORY_HAL_H

#include <openssl/evp.h>
#include <pthread.h>

#include "board/hal.h"

struct memory_event {
    enum { MEMORY_WRITE, MEMORY_SYNC, MEMORY_COUNTER } kind;
    enum hal_region region;
    size_t at, len;
    uint8_t *bytes;
};

struct memory_hal {
    struct hal hal;
    pthread_mutex_t lock;
    size_t size[HAL_REGION_COUNT_];
    uint8_t *flash[HAL_REGION_COUNT_];  /* as it reads now */
    uint8_t *before[HAL_REGION_COUNT_]; /* before the first event */
    uint64_t counter, counter_before;
    uint64_t time_ms; /* what the clock says: set it as you like; advances by one with each question */
    uint8_t root_key[HAL_ROOT_KEY_LEN];
    bool root_destroyed;
    struct bytes identity, destruction; /* what was published */
    EVP_PKEY *quote_key;                /* of its own to each memory_hal_new(), kept over cuts and copies */
    bool no_quote;                      /* a board without a TPM */
    struct memory_event *events;
    size_t event_count, event_cap;
    size_t writes, syncs; /* events of these kinds */
    /* The n-th call from now fails with ST_IO (and every one after it); 0: none does. A failing write does nothing, nor
     * does a failing publish_destruction(). Quotes, and their key, fail with ST_UNAVAILABLE. */
    unsigned fail_read, fail_write, fail_sync, fail_counter, fail_destruction, fail_quote;
};

/* What becomes of writes that were not synced. */
enum memory_cut {
    CUT_KILLED, /* the process was killed, the power stayed on: they can be read, and are still not synced */
    CUT_KEEPS,  /* all of them are there */
    CUT_LOSES,  /* none is */
    CUT_TEARS,  /* any of their pieces is there or not, as `seed` has it; pieces of 1 to 512 bytes */
};

/* Blank banks and audit region of these sizes, counter 0. Never NULL. */
struct memory_hal *memory_hal_new(size_t bank, size_t audit);
void memory_hal_free(struct memory_hal *m);
/* The board as it is after the first `events` events and a cut. */
struct memory_hal *memory_hal_cut(const struct memory_hal *m, size_t events, enum memory_cut how, uint64_t seed);
/* As it is now, all synced. */
struct memory_hal *memory_hal_copy(const struct memory_hal *m);
/* The flash (all regions) as `older` has it; the counter stays what it is. */
void memory_hal_put_back(struct memory_hal *m, const struct memory_hal *older);

#endif

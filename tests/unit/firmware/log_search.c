#include "tests/unit/firmware/log_search.h"

#include "firmware/flash/bank.h"

static bool bank_has(struct bank *b, const uint8_t *flash, struct span needle)
{
    uint8_t tag[COMMIT_TAG_LEN], *copy;
    struct commit c;
    bool found = false;
    size_t len;

    memcpy(tag, b->tag, sizeof tag);
    for (size_t at = BANK_LOG_AT; commit_read_header(&b->keys, flash + at, b->size - at, &c); at += len) {
        len = COMMIT_LEN_MIN + c.length;
        copy = malloc(len);
        INVARIANT(copy != NULL);
        memcpy(copy, flash + at, len);
        INVARIANT(commit_open(&b->keys, &c, tag, copy) == ST_OK);
        found = found || memmem(copy + COMMIT_HEADER_LEN, c.length, needle.p, needle.len) != NULL;
        free(copy);
    }
    return found;
}

bool log_has(const struct memory_hal *m, struct span needle)
{
    static const enum hal_region banks[] = { HAL_REGION_STORE_A, HAL_REGION_STORE_B };
    uint8_t store_key[BANK_KEY_LEN];
    bool found = false;
    struct bank b;

    INVARIANT(bank_store_key(m->root_key, store_key) == ST_OK);
    for (size_t i = 0; i < 2; i++)
        if (bank_load(&b, &m->hal, banks[i], store_key) == ST_OK)
            found = bank_has(&b, m->flash[banks[i]], needle) || found;
    return found;
}

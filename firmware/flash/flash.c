#include <openssl/crypto.h>

#include "firmware/flash/flash_inside.h"
#include "firmware/flash/replay.h"

#define RESERVE_PART 16 /* of a bank: growth leaves it to starts, removals, PIN tries and the like */

static size_t capacity(const struct flash *f)
{
    return f->bank.size - BANK_LOG_AT;
}

static size_t reserve(const struct flash *f)
{
    return capacity(f) / RESERVE_PART;
}

/* Opening */

static enum status format(struct flash *f, const char **why)
{
    bool a = false, b = false;
    uint64_t counter;
    enum status st;

    /* Nothing is ever written behind a header that is not whole, so a header torn while formatting has blank logs. */
    if ((st = bank_is_blank(f->hal, HAL_REGION_STORE_A, &a)) != ST_OK ||
        (st = bank_is_blank(f->hal, HAL_REGION_STORE_B, &b)) != ST_OK)
        return st;
    if (!a || !b) {
        *why = "no bank authenticates: it was damaged, or written under another root key";
        return ST_CORRUPT;
    }
    if (f->hal->counter_read(f->hal->self, &counter) != ST_OK)
        return ST_IO;
    if ((st = bank_init(&f->bank, f->hal, HAL_REGION_STORE_A, f->store_key, 1, counter, 0)) != ST_OK) {
        *why = "no random bytes";
        return st;
    }
    return bank_write_header(&f->bank);
}

/* What a process that was killed had written can be read, and yet be lost when the power goes: nothing may build on it
 * before it is durable. */
static enum status sync_banks(const struct flash *f)
{
    if (f->hal->flash_sync(f->hal->self, HAL_REGION_STORE_A) != ST_OK ||
        f->hal->flash_sync(f->hal->self, HAL_REGION_STORE_B) != ST_OK)
        return ST_IO;
    return ST_OK;
}

/* Into f->bank the one in use. */
static enum status choose_bank(struct flash *f, const char **why)
{
    struct bank other;
    enum status a = bank_load(&f->bank, f->hal, HAL_REGION_STORE_A, f->store_key);
    enum status b = bank_load(&other, f->hal, HAL_REGION_STORE_B, f->store_key);
    enum status st = ST_OK;

    if (f->bank.size < BANK_SIZE_MIN) {
        *why = "the banks are too small";
        st = ST_IO;
    } else if ((a != ST_OK && a != ST_NOT_FOUND) || (b != ST_OK && b != ST_NOT_FOUND))
        st = a != ST_OK && a != ST_NOT_FOUND ? a : b;
    else if (a != ST_OK && b != ST_OK)
        st = format(f, why);
    else if (a != ST_OK || (b == ST_OK && other.epoch > f->bank.epoch))
        f->bank = other;
    f->epoch = f->bank.epoch;
    secret_wipe(&other, sizeof other);
    return st;
}

enum status flash_move_counter(struct flash *f, uint64_t named)
{
    uint64_t is = 0;

    if (f->hal->counter_increment(f->hal->self, &is) != ST_OK || is != named)
        return ST_IO;
    return ST_OK;
}

/* The log is written before the counter moves, so it may be one ahead; never behind. */
static enum status check_counter(struct flash *f, const char **why)
{
    uint64_t is = 0;

    if (f->hal->counter_read(f->hal->self, &is) != ST_OK)
        return ST_IO;
    if (f->bank.counter == is)
        return ST_OK;
    if (f->bank.counter == is + 1)
        return flash_move_counter(f, f->bank.counter);
    *why = f->bank.counter < is ? "the flash is older than the counter" : "the counter is older than the flash";
    return ST_CORRUPT;
}

static enum status visit_records(const struct flash *f, flash_visit *visit, void *arg, const char **why)
{
    const struct record *r;
    enum status st = ST_OK;

    for (size_t at = 0; st == ST_OK && (r = record_index_next(&f->index, &at)) != NULL;) {
        uint8_t *memory;
        struct span value;
        size_t len;

        if ((st = bank_read_record(&f->bank, r, &memory, &len, &value)) != ST_OK) {
            *why = "a record changed while it was read";
            return st;
        }
        st = visit(arg, &r->key, value);
        OPENSSL_clear_free(memory, len);
    }
    return st;
}

/* Take a boot number: see commit.h. A full bank is compacted instead, which moves the counter as well. */
static enum status start(struct flash *f)
{
    uint32_t place;
    enum status st;

    f->bank.boot = f->bank.counter + 1;
    if (bank_room(&f->bank) < COMMIT_LEN_MIN)
        return flash_rewrite(f, NULL, 0);
    f->bank.counter++;
    if ((st = bank_append(&f->bank, NULL, 0, &place)) != ST_OK)
        return st;
    if (f->hal->flash_sync(f->hal->self, f->bank.region) != ST_OK)
        return ST_IO;
    return flash_move_counter(f, f->bank.counter);
}

/* What an interrupted compaction has left: a header that is torn, or one that has been taken over from. */
static enum status tidy_other_bank(const struct flash *f)
{
    return bank_wipe_header(f->hal, f->bank.region == HAL_REGION_STORE_A ? HAL_REGION_STORE_B : HAL_REGION_STORE_A);
}

enum status flash_open(const struct hal *hal, const uint8_t root_key[HAL_ROOT_KEY_LEN], flash_visit *visit, void *arg,
                       struct flash **out, const char **why)
{
    struct flash *f = OPENSSL_secure_zalloc(sizeof *f);
    enum status st;

    *out = NULL;
    *why = NULL;
    if (f == NULL)
        return ST_NO_MEMORY;
    f->hal = hal;
    if ((st = bank_store_key(root_key, f->store_key)) != ST_OK || (st = sync_banks(f)) != ST_OK ||
        (st = choose_bank(f, why)) != ST_OK || (st = replay(&f->bank, &f->index, why)) != ST_OK ||
        (st = check_counter(f, why)) != ST_OK)
        goto fail;
    /* also when the power went before anything was put into it: a log of starts only, each of the least length */
    f->was_empty = f->epoch == 1 && f->bank.end - BANK_LOG_AT == (size_t)f->bank.sequence * COMMIT_LEN_MIN;
    if ((st = visit_records(f, visit, arg, why)) != ST_OK || (st = start(f)) != ST_OK ||
        (st = tidy_other_bank(f)) != ST_OK)
        goto fail;
    *out = f;
    return ST_OK;
fail:
    flash_close(f);
    return st;
}

void flash_close(struct flash *f)
{
    if (f == NULL)
        return;
    record_index_clear(&f->index);
    OPENSSL_secure_clear_free(f, sizeof *f);
}

bool flash_was_empty(const struct flash *f)
{
    return f->was_empty;
}

/* Committing */

static enum status check_changes(const struct flash_change *changes, unsigned count)
{
    if (count > FLASH_CHANGES_MAX)
        return ST_TOO_LARGE;
    for (unsigned i = 0; i < count; i++) {
        if (!changes[i].remove && changes[i].value.len > FLASH_VALUE_MAX)
            return ST_TOO_LARGE;
        for (unsigned j = 0; j < i; j++)
            if (flash_key_equal(&changes[i].key, &changes[j].key))
                return ST_BAD_REQUEST;
    }
    return ST_OK;
}

static size_t live_after(const struct flash *f, const struct flash_change *changes, unsigned count)
{
    size_t live = f->index.live;

    for (unsigned i = 0; i < count; i++) {
        const struct record *r = record_index_find(&f->index, &changes[i].key);

        if (r != NULL)
            live -= commit_len_of_record(r->len);
        if (!changes[i].remove)
            live += commit_len_of_record(changes[i].value.len);
    }
    return live;
}

static bool may_grow(const struct flash *f, size_t live)
{
    return live <= f->index.live || live + reserve(f) <= capacity(f);
}

/* Room at the end of the log, by a compaction if it must be. */
static enum status make_room(struct flash *f, const struct flash_change *changes, unsigned count)
{
    size_t need = commit_len(changes, count);

    if (!may_grow(f, live_after(f, changes, count)))
        return ST_TOO_LARGE;
    if (need <= bank_room(&f->bank))
        return ST_OK;
    return f->index.live + need <= capacity(f) ? flash_rewrite(f, NULL, 0) : ST_TOO_LARGE;
}

static enum status append(struct flash *f, const struct flash_change *changes, unsigned count, bool irrevocable)
{
    uint32_t place = 0, sequence = f->bank.sequence;
    enum status st;

    f->bank.counter += irrevocable;
    if ((st = bank_append(&f->bank, changes, count, &place)) != ST_OK) {
        f->bank.counter -= irrevocable;
        return st;
    }
    if (f->hal->flash_sync(f->hal->self, f->bank.region) != ST_OK ||
        (irrevocable && flash_move_counter(f, f->bank.counter) != ST_OK))
        return ST_IO;
    record_index_apply_all(&f->index, changes, count, place, sequence);
    return ST_OK;
}

/* After a failure whose cause is not the request or the memory nobody knows what is durable. */
static enum status settle(struct flash *f, enum status st)
{
    if (st == ST_INTERNAL)
        st = ST_NO_MEMORY; /* libcrypto had none; nothing was written */
    if (st == ST_OK || st == ST_NO_MEMORY || st == ST_TOO_LARGE || st == ST_BAD_REQUEST)
        return st;
    f->failed = true;
    return ST_IO;
}

enum status flash_commit(struct flash *f, const struct flash_change *changes, unsigned count, bool irrevocable)
{
    enum status st;

    if (f->failed)
        return ST_IO;
    if (count == 0)
        return ST_BAD_REQUEST;
    if ((st = check_changes(changes, count)) != ST_OK || (st = record_index_reserve(&f->index, count)) != ST_OK ||
        (st = make_room(f, changes, count)) != ST_OK)
        return settle(f, st);
    /* a compaction leaves an index that is as full as it may be */
    if ((st = record_index_reserve(&f->index, count)) == ST_OK)
        st = append(f, changes, count, irrevocable);
    return settle(f, st);
}

enum status flash_commit_forgetting(struct flash *f, const struct flash_change *changes, unsigned count)
{
    enum status st;

    if (f->failed)
        return ST_IO;
    if ((st = check_changes(changes, count)) == ST_OK)
        st = may_grow(f, live_after(f, changes, count)) ? flash_rewrite(f, changes, count) : ST_TOO_LARGE;
    return settle(f, st);
}

size_t flash_free_bytes(const struct flash *f)
{
    size_t used = f->index.live + reserve(f);

    return used < capacity(f) ? capacity(f) - used : 0;
}

enum status flash_erase(const struct hal *hal)
{
    static const enum hal_region banks[] = { HAL_REGION_STORE_A, HAL_REGION_STORE_B };
    uint8_t *blank = malloc(BANK_STEP);
    enum status st = ST_OK;

    if (blank == NULL)
        return ST_NO_MEMORY;
    memset(blank, BANK_BLANK, BANK_STEP);
    for (size_t i = 0; i < ARRAY_LEN(banks); i++) {
        size_t size = hal->flash_size(hal->self, banks[i]), len;

        for (size_t at = 0; at < size; at += len) { /* the header, and with it the salt, first */
            len = size - at < BANK_STEP ? size - at : BANK_STEP;
            if (hal->flash_write(hal->self, banks[i], at, blank, len) != ST_OK)
                st = ST_IO; /* go on: the more is overwritten, the better */
        }
        if (hal->flash_sync(hal->self, banks[i]) != ST_OK)
            st = ST_IO;
    }
    free(blank);
    return st;
}

enum status flash_zeroise(struct flash *f)
{
    f->failed = true;
    secret_wipe(f->store_key, sizeof f->store_key);
    secret_wipe(&f->bank.keys, sizeof f->bank.keys);
    return flash_erase(f->hal);
}

#include <openssl/crypto.h>

#include "firmware/flash/flash_inside.h"

static enum status copy_record(const struct bank *from, struct bank *to, const struct record *r,
                               struct record_index *moved)
{
    struct flash_change change = { .key = r->key };
    uint8_t *memory;
    uint32_t place = 0, sequence = to->sequence;
    size_t len;
    enum status st;

    if ((st = bank_read_record(from, r, &memory, &len, &change.value)) != ST_OK)
        return st;
    if ((st = bank_append(to, &change, 1, &place)) == ST_OK)
        record_index_apply(moved, &change, place, sequence, 0);
    OPENSSL_clear_free(memory, len);
    return st;
}

/* What is written by a rewrite: the records that the changes leave alone, one commit each, and then what they put. */
struct rewrite {
    const struct flash_change *changes;
    unsigned count;
    struct flash_change puts[FLASH_CHANGES_MAX];
    unsigned put_count;
    size_t kept; /* records */
};

static bool is_changed(const struct rewrite *w, const struct record *r)
{
    for (unsigned i = 0; i < w->count; i++)
        if (flash_key_equal(&w->changes[i].key, &r->key))
            return true;
    return false;
}

static void plan(const struct flash *f, struct rewrite *w)
{
    const struct record *r;

    for (unsigned i = 0; i < w->count; i++)
        if (!w->changes[i].remove)
            w->puts[w->put_count++] = w->changes[i];
    for (size_t at = 0; (r = record_index_next(&f->index, &at)) != NULL;)
        w->kept += !is_changed(w, r);
}

static enum status write_puts(struct bank *to, const struct rewrite *w, struct record_index *moved)
{
    uint32_t place = 0, sequence = to->sequence;
    enum status st;

    if (w->put_count == 0)
        return ST_OK;
    if ((st = bank_append(to, w->puts, w->put_count, &place)) == ST_OK)
        record_index_apply_all(moved, w->puts, w->put_count, place, sequence);
    return st;
}

static enum status write_records(const struct flash *f, const struct rewrite *w, struct bank *to,
                                 struct record_index *moved)
{
    const struct record *r;
    enum status st;

    if ((st = record_index_reserve(moved, w->kept + w->put_count)) != ST_OK)
        return st;
    for (size_t at = 0; (r = record_index_next(&f->index, &at)) != NULL;)
        if (!is_changed(w, r) && (st = copy_record(&f->bank, to, r, moved)) != ST_OK)
            return st;
    if ((st = write_puts(to, w, moved)) != ST_OK)
        return st;
    return f->hal->flash_sync(f->hal->self, to->region) == ST_OK ? ST_OK : ST_IO;
}

/* Up to its header the new bank does not exist, so a power cut leaves the old one as it was. With the header both hold
 * the same; the new one has the higher epoch. Once the counter has moved the old one is too old to be started from, and
 * its header goes, so that what was deleted cannot be decrypted from it any more. */
static enum status take_over(struct flash *f, const struct bank *to)
{
    enum hal_region old = f->bank.region;

    if (bank_write_header(to) != ST_OK || flash_move_counter(f, to->counter) != ST_OK ||
        bank_wipe_header(f->hal, old) != ST_OK)
        return ST_IO;
    return ST_OK;
}

enum status flash_rewrite(struct flash *f, const struct flash_change *changes, unsigned count)
{
    enum hal_region other = f->bank.region == HAL_REGION_STORE_A ? HAL_REGION_STORE_B : HAL_REGION_STORE_A;
    struct rewrite w = { .changes = changes, .count = count };
    struct record_index moved = { 0 };
    struct bank to;
    enum status st;

    plan(f, &w);
    /* an epoch is not tried twice: its nonces stay its own even if the salt were to repeat */
    if ((st = bank_init(&to, f->hal, other, f->store_key, ++f->epoch, f->bank.counter + 1,
                        (uint32_t)(w.kept + (w.put_count > 0)))) != ST_OK)
        goto done;
    to.boot = f->bank.boot;
    if ((st = write_records(f, &w, &to, &moved)) != ST_OK || (st = take_over(f, &to)) != ST_OK)
        goto done;
    f->bank = to;
    record_index_clear(&f->index);
    f->index = moved;
    moved = (struct record_index){ 0 };
done:
    if (st == ST_IO)
        f->failed = true;
    record_index_clear(&moved);
    secret_wipe(&to, sizeof to);
    return st;
}

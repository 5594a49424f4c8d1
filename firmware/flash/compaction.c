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

static enum status copy_records(const struct flash *f, struct bank *to, struct record_index *moved)
{
    const struct record *r;
    enum status st;

    if ((st = record_index_reserve(moved, f->index.count)) != ST_OK)
        return st;
    for (size_t at = 0; (r = record_index_next(&f->index, &at)) != NULL;)
        if ((st = copy_record(&f->bank, to, r, moved)) != ST_OK)
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

enum status flash_compact(struct flash *f)
{
    enum hal_region other = f->bank.region == HAL_REGION_STORE_A ? HAL_REGION_STORE_B : HAL_REGION_STORE_A;
    struct record_index moved = { 0 };
    struct bank to;
    enum status st;

    /* an epoch is not tried twice: its nonces stay its own even if the salt were to repeat */
    if ((st = bank_init(&to, f->hal, other, f->store_key, ++f->epoch, f->bank.counter + 1, (uint32_t)f->index.count)) !=
        ST_OK)
        goto done;
    to.boot = f->bank.boot;
    if ((st = copy_records(f, &to, &moved)) != ST_OK || (st = take_over(f, &to)) != ST_OK)
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

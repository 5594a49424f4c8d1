#include "firmware/flash/replay.h"

#include <openssl/crypto.h>

static enum status read_bank(const struct bank *b, uint8_t *image)
{
    for (size_t at = 0, len; at < b->size; at += len) {
        len = b->size - at < BANK_STEP ? b->size - at : BANK_STEP;
        if (b->hal->flash_read(b->hal->self, b->region, at, image + at, len) != ST_OK)
            return ST_IO;
    }
    return ST_OK;
}

static enum status index_commit(const struct commit *c, const uint8_t *opened, uint32_t place,
                                struct record_index *index)
{
    size_t at = 0, here;
    struct flash_change change;
    enum status st;

    if ((st = record_index_reserve(index, c->count)) != ST_OK)
        return st;
    for (uint32_t i = 0; i < c->count; i++) {
        here = at;
        if ((st = commit_next(c, opened, &at, &change)) != ST_OK)
            return st;
        record_index_apply(index, &change, place, c->sequence, here);
    }
    return ST_OK;
}

/* The commit at the end of the log as far as it is read. ST_NOT_FOUND: there is none that is whole. */
static enum status replay_one(struct bank *b, uint8_t *image, struct record_index *index, const char **why)
{
    uint8_t *p = image + b->end;
    struct commit c;
    enum status st;

    if (!commit_read_header(&b->keys, p, bank_room(b), &c) || c.sequence != b->sequence)
        return ST_NOT_FOUND;
    if ((st = commit_open(&b->keys, &c, b->tag, p)) != ST_OK)
        return st == ST_CORRUPT ? ST_NOT_FOUND : st;
    if ((st = index_commit(&c, p, (uint32_t)b->end, index)) != ST_OK) {
        *why = "a commit is malformed";
        return st;
    }
    b->boot = c.boot;
    b->counter = c.counter;
    b->end += COMMIT_LEN_MIN + c.length;
    b->sequence++;
    return ST_OK;
}

/* Was a commit begun after the one that is broken at the end? Then that one was durable, and was changed since. Nothing
 * that a torn write leaves looks like it: marks cannot be guessed, the broken commit has no later number than its own,
 * and what an earlier use of the bank has left was marked under another key. */
static bool has_later_commit(const struct bank *b, const uint8_t *image)
{
    struct commit c;

    for (size_t at = b->end + COMMIT_ALIGN; at + COMMIT_LEN_MIN <= b->size; at += COMMIT_ALIGN)
        if (commit_read_header(&b->keys, image + at, b->size - at, &c) && c.sequence > b->sequence)
            return true;
    return false;
}

enum status replay(struct bank *b, struct record_index *index, const char **why)
{
    uint8_t *image = OPENSSL_malloc(b->size);
    enum status st;

    if (image == NULL)
        return ST_NO_MEMORY;
    if ((st = read_bank(b, image)) == ST_OK)
        while ((st = replay_one(b, image, index, why)) == ST_OK)
            ;
    if (st == ST_NOT_FOUND) {
        st = ST_OK;
        if (b->sequence < b->base || has_later_commit(b, image)) {
            *why = "a commit in the middle of the log does not authenticate";
            st = ST_CORRUPT;
        }
    }
    OPENSSL_clear_free(image, b->size); /* its commits were opened in place */
    return st;
}

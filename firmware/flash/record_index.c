#include "firmware/flash/record_index.h"

#include "firmware/flash/commit.h"

#define MIN_CAP 64

/* Keys come from the firmware's own numbering, not from a peer, so a plain mix is enough (the finaliser of splitmix64).
 */
static size_t home_of(const struct record_index *x, const struct flash_key *key)
{
    uint64_t h = key->id ^ (uint64_t)key->partition << 32 ^ (uint64_t)key->kind << 16;

    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return (size_t)(h ^ h >> 31) & (x->cap - 1);
}

/* The entry of `key`, or the free one where it would go. The table is never full. */
static struct record *entry_of(const struct record_index *x, const struct flash_key *key)
{
    size_t i = home_of(x, key);

    while (x->table[i].place != 0 && !flash_key_equal(&x->table[i].key, key))
        i = (i + 1) & (x->cap - 1);
    return &x->table[i];
}

void record_index_clear(struct record_index *x)
{
    free(x->table);
    *x = (struct record_index){ 0 };
}

enum status record_index_reserve(struct record_index *x, size_t more)
{
    struct record_index wider = { .cap = x->cap == 0 ? MIN_CAP : x->cap };
    const struct record *r;

    while (wider.cap / 4 * 3 < x->count + more)
        wider.cap *= 2;
    if (wider.cap == x->cap)
        return ST_OK;
    if ((wider.table = calloc(wider.cap, sizeof *wider.table)) == NULL)
        return ST_NO_MEMORY;
    for (size_t at = 0; (r = record_index_next(x, &at)) != NULL;)
        record_index_put(&wider, r);
    record_index_clear(x);
    *x = wider;
    return ST_OK;
}

const struct record *record_index_find(const struct record_index *x, const struct flash_key *key)
{
    const struct record *r = x->cap == 0 ? NULL : entry_of(x, key);

    return r != NULL && r->place != 0 ? r : NULL;
}

void record_index_put(struct record_index *x, const struct record *r)
{
    struct record *entry = entry_of(x, &r->key);

    INVARIANT(r->place != 0 && x->count < x->cap);
    if (entry->place == 0)
        x->count++;
    else
        x->live -= commit_len_of_record(entry->len);
    x->live += commit_len_of_record(r->len);
    *entry = *r;
}

/* Knuth, The Art of Computer Programming 3, 6.4, algorithm R: what follows moves up, so no entry is left as "deleted".
 */
void record_index_remove(struct record_index *x, const struct flash_key *key)
{
    struct record *gone = x->cap == 0 ? NULL : entry_of(x, key);
    size_t hole, i;

    if (gone == NULL || gone->place == 0)
        return;
    x->live -= commit_len_of_record(gone->len);
    hole = i = (size_t)(gone - x->table);
    for (;;) {
        i = (i + 1) & (x->cap - 1);
        if (x->table[i].place == 0)
            break;
        if (((i - home_of(x, &x->table[i].key)) & (x->cap - 1)) >= ((i - hole) & (x->cap - 1))) {
            x->table[hole] = x->table[i];
            hole = i;
        }
    }
    x->table[hole] = (struct record){ 0 };
    x->count--;
}

void record_index_apply(struct record_index *x, const struct flash_change *change, uint32_t place, uint32_t sequence,
                        size_t at)
{
    struct record r = { .key = change->key, .place = place, .sequence = sequence, .at = (uint32_t)at };

    r.len = (uint32_t)change->value.len;
    if (change->remove)
        record_index_remove(x, &change->key);
    else
        record_index_put(x, &r);
}

void record_index_apply_all(struct record_index *x, const struct flash_change *changes, unsigned count, uint32_t place,
                            uint32_t sequence)
{
    size_t at = 0;

    for (unsigned i = 0; i < count; i++) {
        record_index_apply(x, &changes[i], place, sequence, at);
        at += CHANGE_HEADER_LEN + (changes[i].remove ? 0 : changes[i].value.len);
    }
}

const struct record *record_index_next(const struct record_index *x, size_t *at)
{
    while (*at < x->cap)
        if (x->table[(*at)++].place != 0)
            return &x->table[*at - 1];
    return NULL;
}

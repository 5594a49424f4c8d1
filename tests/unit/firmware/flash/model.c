#include "tests/unit/firmware/flash/model.h"

#include <stdlib.h>

#include "tests/unit/harness.h"

#define BANK      (12u * 1024)
#define VALUE_LEN 500

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static struct flash_key key_of(unsigned record)
{
    return (struct flash_key){ .kind = (uint16_t)(1 + record % 3), .partition = record % 5, .id = record };
}

/* Any length is right; the bytes follow from record, version and length. */
static void fill(uint8_t *value, size_t len, unsigned record, uint32_t version)
{
    for (size_t i = 0; i < len; i++)
        value[i] = (uint8_t)mix((uint64_t)record << 40 ^ (uint64_t)version << 8 ^ len ^ i << 50);
    memcpy(value, &version, sizeof version);
}

bool model_equal(const struct model *a, const struct model *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static enum status see(void *arg, const struct flash_key *key, struct span value)
{
    struct model *seen = arg;
    struct flash_key right = key_of((unsigned)key->id);
    uint8_t *expected = malloc(value.len + 1);
    uint32_t version;

    if (key->id >= MODEL_RECORDS || value.len < sizeof version)
        CU_FAIL_FATAL("a record that nobody has made");
    memcpy(&version, value.p, sizeof version);
    fill(expected, value.len, (unsigned)key->id, version);
    CU_ASSERT(memcmp(expected, value.p, value.len) == 0);
    CU_ASSERT(key->kind == right.kind && key->partition == right.partition);
    CU_ASSERT(seen->version[key->id] == 0);
    seen->version[key->id] = version;
    free(expected);
    return ST_OK;
}

enum status model_open(struct memory_hal *m, struct flash **f, struct model *seen, const char **why)
{
    *seen = (struct model){ 0 };
    return flash_open(&m->hal, m->root_key, see, seen, f, why);
}

enum status model_look(struct memory_hal *m, struct model *seen)
{
    struct flash *f;
    const char *why;
    enum status st = model_open(m, &f, seen, &why);

    CU_ASSERT((st == ST_OK) == (f != NULL));
    CU_ASSERT(st != ST_CORRUPT || why != NULL);
    flash_close(f);
    return st;
}

void model_change(struct model_changes *out, const struct model *is, struct model *after, uint64_t seed, size_t len)
{
    *after = *is;
    out->count = 1 + (unsigned)(mix(seed) % 3);
    out->irrevocable = mix(seed + 1) % 5 == 0;
    out->forgetting = seed % 17 == 16;
    for (unsigned i = 0; i < out->count; i++) {
        uint64_t r = mix(seed * 4 + i + 1000);
        unsigned record = (unsigned)(r % (MODEL_RECORDS / 3)) * 3 + i; /* no record twice in one commit */
        size_t value_len = 4 + (r >> 20) % (len - 4);

        out->change[i] =
            (struct flash_change){ .key = key_of(record), .remove = is->version[record] != 0 && r >> 60 < 5 };
        after->version[record] = out->change[i].remove ? 0 : (uint32_t)(seed + 1);
        if (out->change[i].remove)
            continue;
        fill(out->values[i], value_len, record, after->version[record]);
        out->change[i].value = span_of(out->values[i], value_len);
    }
}

enum status model_commit(struct flash *f, const struct model_changes *c)
{
    return c->forgetting ? flash_commit_forgetting(f, c->change, c->count)
                         : flash_commit(f, c->change, c->count, c->irrevocable);
}

enum status model_put(struct flash *f, unsigned record, uint32_t version, bool irrevocable)
{
    uint8_t value[100];
    struct flash_change change = { .key = key_of(record),
                                   .remove = version == 0,
                                   .value = span_of(value, sizeof value) };

    fill(value, sizeof value, record, version);
    return flash_commit(f, &change, 1, irrevocable);
}

static bool is_compaction(const struct memory_event *e)
{
    return e->kind == MEMORY_WRITE && e->at == 0 && e->region != HAL_REGION_AUDIT && e->bytes[0] == 'S';
}

void history_make(struct history *h, bool last_irrevocable)
{
    struct model_changes *changes = calloc(1, sizeof *changes);
    struct model seen;
    struct flash *f;
    const char *why;

    *h = (struct history){ .m = memory_hal_new(BANK, 16 * 1024) };
    if (model_open(h->m, &f, &seen, &why) != ST_OK)
        CU_FAIL_FATAL("the store does not open");
    h->end[0] = h->m->event_count;
    for (unsigned i = 0; i < HISTORY_STEPS; i++) {
        if (i % 31 == 30) {
            flash_close(f);
            CU_ASSERT(model_open(h->m, &f, &seen, &why) == ST_OK);
            CU_ASSERT(model_equal(&seen, &h->after[i]));
        }
        model_change(changes, &h->after[i], &h->after[i + 1], i, VALUE_LEN);
        if (i + 1 == HISTORY_STEPS)
            changes->irrevocable = last_irrevocable;
        CU_ASSERT(model_commit(f, changes) == ST_OK);
        h->end[i + 1] = h->m->event_count;
    }
    flash_close(f);
    free(changes);
    for (size_t i = 0; i < h->m->event_count; i++)
        h->compactions += is_compaction(&h->m->events[i]);
    h->compactions--; /* the first header is the format's */
}

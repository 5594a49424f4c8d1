#include "service/vault/vault_table.h"

#include <stdatomic.h>

struct vault_table {
    atomic_uint references;
    size_t count;
    size_t mask;     /* the index has mask + 1 places, at least twice as many as there are vaults */
    uint32_t *index; /* position + 1, 0: free; collisions go to the next place */
    struct vault_entry entries[];
};

/* FNV-1a: short names, chosen by people who may create vaults. */
static uint64_t hash_key(const char *key, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)key[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

bool vault_entry_key(struct vault_entry *e, struct span name)
{
    if (name.len == 0 || name.len > VAULT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        e->key[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
    e->key[name.len] = '\0';
    e->key_len = (uint8_t)name.len;
    e->hash = hash_key(e->key, name.len);
    return true;
}

/* An empty table with room for `count` entries. */
static struct vault_table *table_alloc(size_t count)
{
    struct vault_table *t = calloc(1, sizeof *t + count * sizeof t->entries[0]);
    size_t places = 16;

    if (t == NULL)
        return NULL;
    while (places < count * 2)
        places *= 2;
    t->mask = places - 1;
    atomic_init(&t->references, 1);
    if ((t->index = calloc(places, sizeof *t->index)) == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

static void table_append(struct vault_table *t, const struct vault_entry *e, const struct vault *v)
{
    size_t place = e->hash & t->mask;

    while (t->index[place] != 0)
        place = (place + 1) & t->mask;
    t->entries[t->count] = *e;
    t->entries[t->count].vault = vault_ref(v);
    t->index[place] = (uint32_t)++t->count;
}

struct vault_table *vault_table_new(const struct vault_entry *entries, size_t count)
{
    struct vault_table *t = table_alloc(count);

    for (size_t i = 0; t != NULL && i < count; i++)
        table_append(t, &entries[i], entries[i].vault);
    return t;
}

struct vault_table *vault_table_ref(struct vault_table *t)
{
    atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void vault_table_unref(struct vault_table *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < t->count; i++)
        vault_unref(t->entries[i].vault);
    free(t->index);
    free(t);
}

const struct vault_entry *vault_table_entries(const struct vault_table *t, size_t *count)
{
    *count = t->count;
    return t->entries;
}

const struct vault *vault_table_find(const struct vault_table *t, struct span name)
{
    struct vault_entry wanted;

    if (!vault_entry_key(&wanted, name))
        return NULL;
    for (size_t place = wanted.hash & t->mask; t->index[place] != 0; place = (place + 1) & t->mask) {
        const struct vault_entry *e = &t->entries[t->index[place] - 1];

        if (e->hash == wanted.hash && e->key_len == wanted.key_len && memcmp(e->key, wanted.key, e->key_len) == 0)
            return e->vault;
    }
    return NULL;
}

size_t vault_table_position(const struct vault_table *t, const struct vault_entry *e, bool behind)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(t->entries[middle].key, e->key);

        if (order < 0 || (order == 0 && behind))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vault_table *vault_table_with(const struct vault_table *t, const struct vault_entry *key, const struct vault *v)
{
    struct vault_table *next = table_alloc(t->count + 1);
    size_t at = vault_table_position(t, key, false), behind = vault_table_position(t, key, true);

    if (next == NULL)
        return NULL;
    for (size_t i = 0; i < at; i++)
        table_append(next, &t->entries[i], t->entries[i].vault);
    if (v != NULL)
        table_append(next, key, v);
    for (size_t i = behind; i < t->count; i++)
        table_append(next, &t->entries[i], t->entries[i].vault);
    return next;
}

#include "firmware/handle_table.h"

#define CAP_FIRST 16

/* Numbers are random already, but a client chooses those that it asks for: the multiplication spreads both. */
static size_t home_of(const struct handle_table *t, uint64_t handle)
{
    return (size_t)((handle * 0x9e3779b97f4a7c15u) >> 20) & (t->cap - 1);
}

static struct handle_slot *find(const struct handle_table *t, uint64_t handle)
{
    size_t at;

    if (t->cap == 0 || handle == 0)
        return NULL;
    for (at = home_of(t, handle); t->slots[at].handle != 0; at = (at + 1) & (t->cap - 1))
        if (t->slots[at].handle == handle)
            return &t->slots[at];
    return NULL;
}

static void place(struct handle_table *t, struct handle_slot s)
{
    size_t at = home_of(t, s.handle);

    while (t->slots[at].handle != 0)
        at = (at + 1) & (t->cap - 1);
    t->slots[at] = s;
    t->count++;
}

/* At most half full, so that searches stay short. */
static enum status grow(struct handle_table *t)
{
    struct handle_table larger = { .cap = t->cap == 0 ? CAP_FIRST : t->cap * 2 };

    if (t->cap != 0 && (t->count + 1) * 2 <= t->cap)
        return ST_OK;
    if ((larger.slots = calloc(larger.cap, sizeof *larger.slots)) == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].handle != 0)
            place(&larger, t->slots[i]);
    free(t->slots);
    *t = larger;
    return ST_OK;
}

enum status handle_table_put(struct handle_table *t, uint64_t handle, void *thing)
{
    enum status st;

    INVARIANT(handle != 0);
    if (find(t, handle) != NULL)
        return ST_EXISTS;
    if ((st = grow(t)) == ST_OK)
        place(t, (struct handle_slot){ handle, thing });
    return st;
}

void *handle_table_get(const struct handle_table *t, uint64_t handle)
{
    struct handle_slot *s = find(t, handle);

    return s != NULL ? s->thing : NULL;
}

void *handle_table_take(struct handle_table *t, uint64_t handle)
{
    struct handle_slot *s = find(t, handle);
    void *thing;
    size_t at;

    if (s == NULL)
        return NULL;
    thing = s->thing;
    *s = (struct handle_slot){ 0 };
    t->count--;
    /* What stands behind may have wanted the place that is now free. */
    for (at = ((size_t)(s - t->slots) + 1) & (t->cap - 1); t->slots[at].handle != 0; at = (at + 1) & (t->cap - 1)) {
        struct handle_slot moved = t->slots[at];

        t->slots[at] = (struct handle_slot){ 0 };
        t->count--;
        place(t, moved);
    }
    return thing;
}

void *handle_table_next(const struct handle_table *t, size_t *at)
{
    while (*at < t->cap) {
        struct handle_slot *s = &t->slots[(*at)++];

        if (s->handle != 0)
            return s->thing;
    }
    return NULL;
}

void handle_table_clear(struct handle_table *t)
{
    free(t->slots);
    *t = (struct handle_table){ 0 };
}

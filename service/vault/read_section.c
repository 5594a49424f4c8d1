#include "service/vault/read_section.h"

#include <sched.h>

void read_sections_init(struct read_sections *s)
{
    for (unsigned i = 0; i < READ_SLOTS; i++) {
        atomic_init(&s->slots[i].active[0], 0);
        atomic_init(&s->slots[i].active[1], 0);
    }
    atomic_init(&s->phase, 0);
}

static unsigned slot_of_thread(void)
{
    static atomic_uint next;
    static _Thread_local unsigned slot = READ_SLOTS;

    if (slot == READ_SLOTS)
        slot = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % READ_SLOTS;
    return slot;
}

atomic_uint *read_enter(struct read_sections *s)
{
    atomic_uint *section = &s->slots[slot_of_thread()].active[atomic_load(&s->phase) & 1];

    atomic_fetch_add(section, 1);
    return section;
}

/* Readers come and go, so a slot need never be empty; but those of one phase run dry once newcomers count themselves in
 * the other. Both phases are waited for: a reader may have been told the old phase and count itself only now. */
void read_sections_wait(struct read_sections *s)
{
    for (unsigned round = 0; round < 2; round++) {
        unsigned leaving = atomic_fetch_xor(&s->phase, 1) & 1;

        for (unsigned i = 0; i < READ_SLOTS; i++)
            while (atomic_load(&s->slots[i].active[leaving]) != 0)
                sched_yield();
    }
}

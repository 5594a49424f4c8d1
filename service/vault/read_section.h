/* read_section.h - readers that never wait, and a writer that waits until those who may still hold what it has
 * unpublished have left (sleepable RCU in small). A reader counts itself in a slot of its thread, so readers on
 * different cores share no cache line. Sections are short and do not block.
 *
 *   reader: enter, load the published pointer (atomically), use it or take a reference, leave
 *   writer: store the new pointer (atomically), wait, free the old one
 *
 * All operations are sequentially consistent: either the reader sees the new pointer or the writer sees the reader. */
#ifndef STRONGROOM_VAULT_READ_SECTION_H
#define STRONGROOM_VAULT_READ_SECTION_H

#include <stdatomic.h>

#define READ_SLOTS 64

struct read_slot {
    _Alignas(64) atomic_uint active[2];
};
struct read_sections {
    struct read_slot slots[READ_SLOTS];
    _Alignas(64) atomic_uint phase;
};

void read_sections_init(struct read_sections *s);
/* The result is for read_leave(), by the same section. */
atomic_uint *read_enter(struct read_sections *s);
static inline void read_leave(atomic_uint *section)
{
    atomic_fetch_sub(section, 1);
}
/* Until every section that was entered before the call has been left. One writer at a time; not from a section. */
void read_sections_wait(struct read_sections *s);

#endif

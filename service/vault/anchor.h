/* anchor.h - a record that is written again, unchanged, together with something that rests on it: so the commit fails
 * if the record has gone or changed meanwhile, and whoever removes it notices the newcomer. Internal to service/vault.
 */
#ifndef STRONGROOM_VAULT_ANCHOR_H
#define STRONGROOM_VAULT_ANCHOR_H

#include "service/store/store.h"

/* How often a change is tried again when only its anchor was in the way, or when it changes what it has just read. */
#define ANCHOR_TRIES 32

struct anchor {
    struct bytes key, value;
    uint64_t revision; /* 0: there is none */
};

/* Read the record whose key stands in a->key. Errors: as store_get. */
MUST_CHECK enum status anchor_read(struct store *s, struct anchor *a);
struct store_write anchor_touch(const struct anchor *a);
void anchor_clear(struct anchor *a);

#endif

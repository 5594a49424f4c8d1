/* vault_index.h - the catalog's half that knows the vaults: a table published by pointer. Readers enter a section, load
 * the pointer, take what they need and leave (read_section.h); the watcher makes the next table, publishes it and frees
 * the old one when its readers are gone. A table is copied for each change: changes of vaults are rare, look-ups are
 * each request's. Internal to the catalog. */
#ifndef STRONGROOM_VAULT_VAULT_INDEX_H
#define STRONGROOM_VAULT_VAULT_INDEX_H

#include "service/vault/catalog.h"

struct vault_index;

/* Errors: as catalog_open. */
MUST_CHECK enum status vault_index_open(struct store *store, struct vault_index **out);
void vault_index_close(struct vault_index *c);
/* Live or deleted; referenced; NULL when there is none. */
const struct vault *vault_index_find(struct vault_index *c, struct span name);
/* From behind `after`; empty: all. */
void vault_index_visit(struct vault_index *c, struct span after, vault_visitor *visit, void *arg);
void vault_index_subscribe(struct vault_index *c, catalog_on_change *on_change, void *arg);

#endif

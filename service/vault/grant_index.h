/* grant_index.h - the catalog's half that knows the role assignments in force: a table published by pointer, as in
 * vault_index.h. Internal to the catalog. */
#ifndef STRONGROOM_VAULT_GRANT_INDEX_H
#define STRONGROOM_VAULT_GRANT_INDEX_H

#include "service/store/store.h"
#include "service/vault/grant_table.h"

struct grant_index;

/* Errors: as catalog_open. */
MUST_CHECK enum status grant_index_open(struct store *store, struct grant_index **out);
void grant_index_close(struct grant_index *c);
/* grant_table_any() of the newest table. `ask` must not block. */
bool grant_index_any(struct grant_index *c, const struct principal *who, grant_question *ask, const void *arg);

#endif

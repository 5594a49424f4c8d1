/* grant_table.h - an immutable table of the role assignments in force, sorted by principal so that one request looks
 * only at those of its own. Internal to the catalog, which publishes it and frees it once no reader is left. */
#ifndef STRONGROOM_VAULT_GRANT_TABLE_H
#define STRONGROOM_VAULT_GRANT_TABLE_H

#include "service/policy/policy.h"
#include "service/vault/role_store.h"

struct grant {
    struct guid id;
    uint64_t revision;
    struct role_assignment assignment; /* scope borrowed from whoever made the grant */
};
struct grant_table;

/* Copies what `grants` holds, in any order. NULL when out of memory. */
struct grant_table *grant_table_new(const struct grant *grants, size_t count);
void grant_table_free(struct grant_table *t);
/* The table with this grant in place of the one with its id, if there is one; `g->assignment.scope` NULL: without it.
 * NULL when out of memory. */
struct grant_table *grant_table_with(const struct grant_table *t, const struct grant *g);
/* 0: not there. */
uint64_t grant_table_revision(const struct grant_table *t, const struct guid *id);
/* Call `ask` with each run of assignments that are the principal's own or of one of its groups, until it says true. */
typedef bool grant_question(const struct role_assignment *assignments, size_t count, const void *arg);
bool grant_table_any(const struct grant_table *t, const struct principal *who, grant_question *ask, const void *arg);

#endif

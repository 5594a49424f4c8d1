/* vault_table.h - an immutable table of vaults: found by name through a hash index, visited in order of name. Shared by
 * reference count. Internal to the catalog. */
#ifndef STRONGROOM_VAULT_VAULT_TABLE_H
#define STRONGROOM_VAULT_VAULT_TABLE_H

#include "service/vault/vault.h"

struct vault_entry {
    const struct vault *vault; /* referenced */
    uint64_t hash;             /* of the key */
    uint8_t key_len;
    char key[VAULT_NAME_MAX + 1]; /* the name in lower case */
};
struct vault_table;

/* A table of entries[0..count), which are sorted by key. Takes a reference to each vault. NULL when out of memory. */
struct vault_table *vault_table_new(const struct vault_entry *entries, size_t count);
struct vault_table *vault_table_ref(struct vault_table *t);
void vault_table_unref(struct vault_table *t);
const struct vault_entry *vault_table_entries(const struct vault_table *t, size_t *count);
/* Key and hash of a name of any case. false: no vault can be called so. */
bool vault_entry_key(struct vault_entry *e, struct span name);
/* Borrowed from the table; NULL when it is not there. */
const struct vault *vault_table_find(const struct vault_table *t, struct span name);
/* Position of the first entry whose key is not below (`behind`: is above) that of `e`. */
size_t vault_table_position(const struct vault_table *t, const struct vault_entry *e, bool behind);
/* The table with `v` put in, or in place of the one of that name; `v` NULL: without the one of that name.
 * NULL when out of memory. */
struct vault_table *vault_table_with(const struct vault_table *t, const struct vault_entry *key, const struct vault *v);

#endif

/* resource_group.h - subscriptions and resource groups: what vaults lie in. Records of the management store. Everything
 * here reads and commits in the caller's thread. Changes are conditional writes, so that of two writers, in one process
 * or two, neither overwrites what it has not seen. */
#ifndef STRONGROOM_VAULT_RESOURCE_GROUP_H
#define STRONGROOM_VAULT_RESOURCE_GROUP_H

#include "firmware/base/guid.h"
#include "service/store/store.h"
#include "service/vault/admin_fault.h"

#define SUBSCRIPTION_NAME_MAX 120
#define GROUP_NAME_MAX        90
#define LOCATION_MAX          64

struct subscription {
    struct guid id;
    char display_name[SUBSCRIPTION_NAME_MAX + 1];
    int64_t created_at;
    uint64_t revision;
};
/* Errors: ST_EXISTS; ST_BAD_REQUEST the name is empty; ST_IO ... */
MUST_CHECK enum status subscription_create(struct store *s, const struct subscription *wanted);
/* Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO. */
MUST_CHECK enum status subscription_find(struct store *s, const struct guid *id, struct subscription *out);
typedef bool subscription_visitor(const struct subscription *s, void *arg);
MUST_CHECK enum status subscription_list(struct store *s, subscription_visitor *visit, void *arg);

struct resource_group {
    struct guid subscription_id;
    char name[GROUP_NAME_MAX + 1]; /* as created */
    char location[LOCATION_MAX + 1];
    char *tags_json; /* an object of texts; owned */
    int64_t created_at;
    uint64_t revision;
};
void resource_group_clear(struct resource_group *g);
/* 1..90 letters, digits and -_.() without a dot at the end. */
bool group_name_valid(struct span name);
/* Create it, or set the tags of the one that is there. `wanted`: subscription_id, name, location, tags_json (borrowed;
 * NULL: none). *out is what is there now, the caller's. */
bool group_put(struct store *s, const struct resource_group *wanted, struct resource_group *out, bool *created,
               struct admin_fault *f);
/* Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO. */
MUST_CHECK enum status group_find(struct store *s, const struct guid *subscription, struct span name,
                                  struct resource_group *out);
typedef bool group_visitor(const struct resource_group *g, void *arg);
/* In order of name, behind `after` (any case; empty: from the start). */
MUST_CHECK enum status group_list(struct store *s, const struct guid *subscription, struct span after,
                                  group_visitor *visit, void *arg);
/* With its role assignments. Soft-deleted vaults do not hold it; live ones do. */
bool group_delete(struct store *s, const struct guid *subscription, struct span name, struct admin_fault *f);

#endif

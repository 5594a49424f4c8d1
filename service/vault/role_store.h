/* role_store.h - role assignments: records of the management store under "assignment/<id>". Reads and commits in the
 * caller's thread. An assignment is written together with the record of what it is made on (subscription, group or
 * vault), so it cannot appear on something that is being deleted at that moment. */
#ifndef STRONGROOM_VAULT_ROLE_STORE_H
#define STRONGROOM_VAULT_ROLE_STORE_H

#include "firmware/base/guid.h"
#include "service/store/store.h"
#include "service/vault/admin_fault.h"

#define ASSIGNMENT_SCOPE_MAX       400
#define ASSIGNMENT_DESCRIPTION_MAX 1024
#define ASSIGNMENT_TYPE_MAX        16
#define ASSIGNMENTS_PER_RESOURCE   1000 /* on one subscription, group or vault, with what is below it in a vault */

struct assignment {
    struct guid id;
    struct guid principal_id;
    char principal_type[ASSIGNMENT_TYPE_MAX + 1]; /* "User", "Group", "ServicePrincipal", "ForeignGroup", "Device" */
    struct guid role_id;                          /* of a built-in role */
    char scope[ASSIGNMENT_SCOPE_MAX + 1];         /* "/", "/subscriptions/<id>", "../resourceGroups/<name>",
                                                   * "../providers/Microsoft.KeyVault/vaults/<name>", "../keys/<name>" */
    char description[ASSIGNMENT_DESCRIPTION_MAX + 1];
    int64_t created_at, updated_at;
    char created_by[GUID_LEN + 1], updated_by[GUID_LEN + 1]; /* may be empty: made at the console */
    uint64_t revision;
};

/* Make it. `wanted`: id, principal_id, principal_type, role_id, scope (any case; stored as the things were created),
 * description, created_by. When the same one is there already it is left alone and *created is false. */
bool assignment_put(struct store *s, const struct assignment *wanted, struct assignment *out, bool *created,
                    struct admin_fault *f);
/* Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO. */
MUST_CHECK enum status assignment_find(struct store *s, const struct guid *id, struct assignment *out);
/* Delete just the one that was found. Errors: ST_CONFLICT it has changed since; ST_IO. */
MUST_CHECK enum status assignment_delete(struct store *s, const struct assignment *found);
typedef bool assignment_visitor(const struct assignment *a, void *arg);
/* In order of id. */
MUST_CHECK enum status assignment_list(struct store *s, assignment_visitor *visit, void *arg);
/* Is `scope` the same as `root` or below it? Case does not count. */
bool assignment_scope_within(const char *scope, const char *root);
/* Read a record. Errors: ST_CORRUPT. */
MUST_CHECK enum status assignment_unpack(struct span record, uint64_t revision, struct assignment *out);

#endif

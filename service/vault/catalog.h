/* catalog.h - the vaults as every request needs them: immutable snapshots found by name, kept true by the store's
 * watch. Both daemons have one: managementd over the store it writes, vaultd over the same store opened for reading. */
#ifndef STRONGROOM_VAULT_CATALOG_H
#define STRONGROOM_VAULT_CATALOG_H

#include "service/policy/policy.h"
#include "service/store/store.h"

/* Kept and returned; grants nothing here. */
struct virtual_network_rule {
    char *id;
    bool ignore_missing_endpoint;
};

/* One vault, live or soft-deleted. Immutable once published; shared by reference count. */
struct vault {
    struct guid id; /* a vault made again under an old name has a new one */
    char name[25];  /* as created */
    struct guid subscription_id;
    char resource_group[91]; /* as the group was created */
    char location[65];
    struct guid tenant_id;
    char *resource_id; /* "/subscriptions/../vaults/<name>", casing of creation */
    bool premium;      /* sku */
    bool rbac;         /* enableRbacAuthorization */
    bool rbac_set;     /* was it ever said? (null otherwise) */
    bool enabled_for_deployment, enabled_for_disk_encryption, enabled_for_template_deployment;
    bool purge_protection;
    unsigned retention_days;   /* 7..90 */
    bool network_bypass_azure; /* networkAcls.bypass */
    bool network_acls_set;     /* was networkAcls ever said? */
    struct network_rules network;
    bool secured_by_perimeter; /* publicNetworkAccess was said so; network.public_access_disabled is set, too */
    struct virtual_network_rule *virtual_networks;
    size_t virtual_network_count;
    struct access_policy *policies;
    size_t policy_count;
    char *tags_json;                /* a JSON object of texts */
    char *network_json;             /* networkAcls as returned, or NULL */
    int64_t created_at, updated_at; /* unix seconds */
    char created_by[GUID_LEN + 1], updated_by[GUID_LEN + 1];
    bool created_by_user, updated_by_user; /* an application otherwise */
    int64_t deleted_at, purge_at;          /* 0 while live */
    uint64_t revision;                     /* of its record */
};

struct catalog;

/* Watches and reads "vault/" and "assignment/". Errors: ST_IO; ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status catalog_open(struct store *management_store, struct catalog **out);
void catalog_close(struct catalog *c);
/* The live vault of that name (any case), referenced; NULL when there is none or it is deleted. Takes no lock that a
 * writer holds for long: hot path. */
const struct vault *catalog_find(struct catalog *c, struct span name);
/* Also soft-deleted ones. */
const struct vault *catalog_find_any(struct catalog *c, struct span name);
void vault_unref(const struct vault *v);
/* Visit all vaults in order of name in lower case (referenced during the visit only), until `visit` says false. */
typedef bool vault_visitor(const struct vault *v, void *arg);
void catalog_visit(struct catalog *c, vault_visitor *visit, void *arg);
/* As catalog_visit, from behind `name` (any case; it need not be there). */
void catalog_visit_after(struct catalog *c, struct span name, vault_visitor *visit, void *arg);
/* Told after each change of a vault, on the watcher's thread; v->deleted_at tells deletion; purged: v is the last
 * state. One subscriber. Set it before anything can change. After catalog_subscribe(c, NULL, NULL) no call is running
 * or begins; not from within one. */
typedef void catalog_on_change(const struct vault *v, bool purged, void *arg);
void catalog_subscribe(struct catalog *c, catalog_on_change *on_change, void *arg);

/* RBAC over the assignments in force. `scope`: the resource's own id. */
bool catalog_control_allows(struct catalog *c, const struct principal *who, const char *action, const char *scope);
bool catalog_data_allows(struct catalog *c, const struct principal *who, const char *data_action, const char *scope);
/* As policy_assignment_allows. */
bool catalog_assignment_allows(struct catalog *c, const struct principal *who, const char *action, const char *scope,
                               const struct guid *assigned_role);
/* Has he any role at, above or below `scope`? Who has none does not learn what is there (THREATS.md 4). */
bool catalog_has_role(struct catalog *c, const struct principal *who, const char *scope);

#endif

/* The record of a vault: packing, and unpacking with every field checked. */
#include "service/vault/record.h"
#include "service/vault/resource_group.h"
#include "service/vault/vault.h"
#include "vault.pb-c.h"

typedef Strongroom__Vault__VaultRecord message;
typedef Strongroom__Vault__AccessPolicyRecord policy_message;
typedef Strongroom__Vault__VirtualNetworkRecord network_message;

/* The lists of a message that is being packed, all in one block. */
struct lists {
    policy_message policy[VAULT_POLICIES_MAX];
    policy_message *policies[VAULT_POLICIES_MAX];
    network_message network[VAULT_NETWORKS_MAX];
    network_message *networks[VAULT_NETWORKS_MAX];
};

static void fill_lists(message *m, const struct vault *v, struct lists *l)
{
    static char none[] = "";

    for (size_t i = 0; i < v->policy_count; i++) {
        struct access_policy *from = &v->policies[i];

        l->policy[i] = (policy_message)STRONGROOM__VAULT__ACCESS_POLICY_RECORD__INIT;
        l->policy[i].tenant_id = from->tenant_id.text;
        l->policy[i].object_id = from->object_id.text;
        l->policy[i].application_id = from->has_application_id ? from->application_id.text : none;
        l->policy[i].permissions = from->permissions;
        l->policy[i].n_permissions = PERMISSION_KIND_COUNT;
        l->policies[i] = &l->policy[i];
    }
    for (size_t i = 0; i < v->virtual_network_count; i++) {
        l->network[i] = (network_message)STRONGROOM__VAULT__VIRTUAL_NETWORK_RECORD__INIT;
        l->network[i].id = v->virtual_networks[i].id;
        l->network[i].ignore_missing_endpoint = v->virtual_networks[i].ignore_missing_endpoint;
        l->networks[i] = &l->network[i];
    }
    m->policies = l->policies;
    m->n_policies = v->policy_count;
    m->virtual_networks = l->networks;
    m->n_virtual_networks = v->virtual_network_count;
    m->ip_rules = (char **)(uintptr_t)v->network.ip_rules;
    m->n_ip_rules = v->network.ip_rule_count;
}

enum status vault_pack(const struct vault *v, struct bytes *out)
{
    struct lists *l = malloc(sizeof *l);
    message m = STRONGROOM__VAULT__VAULT_RECORD__INIT;
    enum status st;

    if (l == NULL)
        return ST_NO_MEMORY;
    INVARIANT(v->policy_count <= VAULT_POLICIES_MAX && v->virtual_network_count <= VAULT_NETWORKS_MAX);
    m.format = RECORD_FORMAT;
    m.id = (char *)(uintptr_t)v->id.text;
    m.name = (char *)(uintptr_t)v->name;
    m.subscription_id = (char *)(uintptr_t)v->subscription_id.text;
    m.resource_group = (char *)(uintptr_t)v->resource_group;
    m.location = (char *)(uintptr_t)v->location;
    m.tenant_id = (char *)(uintptr_t)v->tenant_id.text;
    m.premium = v->premium;
    m.rbac = v->rbac;
    m.rbac_set = v->rbac_set;
    m.enabled_for_deployment = v->enabled_for_deployment;
    m.enabled_for_disk_encryption = v->enabled_for_disk_encryption;
    m.enabled_for_template_deployment = v->enabled_for_template_deployment;
    m.purge_protection = v->purge_protection;
    m.retention_days = v->retention_days;
    m.network_acls_set = v->network_acls_set;
    m.network_bypass_azure = v->network_bypass_azure;
    m.network_deny_by_default = v->network.deny_by_default;
    m.public_access_disabled = v->network.public_access_disabled;
    m.secured_by_perimeter = v->secured_by_perimeter;
    m.tags_json = v->tags_json;
    m.created_at = v->created_at;
    m.updated_at = v->updated_at;
    m.created_by = (char *)(uintptr_t)v->created_by;
    m.updated_by = (char *)(uintptr_t)v->updated_by;
    m.created_by_user = v->created_by_user;
    m.updated_by_user = v->updated_by_user;
    m.deleted_at = v->deleted_at;
    m.purge_at = v->purge_at;
    fill_lists(&m, v, l);
    st = record_pack(&m.base, out);
    free(l);
    return st;
}

/* Are all bits those of permissions we know? */
static bool permissions_valid(enum permission_kind kind, uint32_t bits)
{
    for (unsigned bit = 0; bit < 32; bit++)
        if ((bits & BIT(bit)) != 0 && permission_name(kind, bit) == NULL)
            return false;
    return true;
}

static bool read_policy(struct access_policy *to, const policy_message *from)
{
    if (!record_guid(&to->tenant_id, from->tenant_id) || !record_guid(&to->object_id, from->object_id) ||
        from->n_permissions != PERMISSION_KIND_COUNT)
        return false;
    to->has_application_id = from->application_id[0] != '\0';
    if (to->has_application_id && !record_guid(&to->application_id, from->application_id))
        return false;
    for (unsigned kind = 0; kind < PERMISSION_KIND_COUNT; kind++) {
        if (!permissions_valid((enum permission_kind)kind, from->permissions[kind]))
            return false;
        to->permissions[kind] = from->permissions[kind];
    }
    return true;
}

static enum status read_policies(struct vault *v, const message *m)
{
    if (m->n_policies > VAULT_POLICIES_MAX)
        return ST_CORRUPT;
    if ((v->policies = calloc(m->n_policies > 0 ? m->n_policies : 1, sizeof *v->policies)) == NULL)
        return ST_NO_MEMORY;
    v->policy_count = m->n_policies;
    for (size_t i = 0; i < m->n_policies; i++)
        if (!read_policy(&v->policies[i], m->policies[i]))
            return ST_CORRUPT;
    return ST_OK;
}

static enum status read_network(struct vault *v, const message *m)
{
    struct span rules[VAULT_IP_RULES_MAX];
    enum status st;

    if (m->n_ip_rules > VAULT_IP_RULES_MAX || m->n_virtual_networks > VAULT_NETWORKS_MAX)
        return ST_CORRUPT;
    for (size_t i = 0; i < m->n_ip_rules; i++) {
        rules[i] = span_text(m->ip_rules[i]);
        if (!network_rule_valid(rules[i]))
            return ST_CORRUPT;
    }
    if ((st = vault_set_ip_rules(v, rules, m->n_ip_rules)) != ST_OK)
        return st;
    for (size_t i = 0; i < m->n_virtual_networks; i++) {
        const network_message *n = m->virtual_networks[i];

        if (strlen(n->id) > VAULT_NETWORK_ID_MAX)
            return ST_CORRUPT;
        if ((st = vault_add_virtual_network(v, span_text(n->id), n->ignore_missing_endpoint)) != ST_OK)
            return st;
    }
    v->network_acls_set = m->network_acls_set;
    v->network_bypass_azure = m->network_bypass_azure;
    v->network.deny_by_default = m->network_deny_by_default;
    v->network.public_access_disabled = m->public_access_disabled;
    v->secured_by_perimeter = m->secured_by_perimeter;
    return ST_OK;
}

static bool read_names(struct vault *v, const message *m)
{
    return record_guid(&v->id, m->id) && vault_name_valid(span_text(m->name)) &&
           record_text(v->name, sizeof v->name, m->name) && record_guid(&v->subscription_id, m->subscription_id) &&
           group_name_valid(span_text(m->resource_group)) &&
           record_text(v->resource_group, sizeof v->resource_group, m->resource_group) && m->location[0] != '\0' &&
           record_text(v->location, sizeof v->location, m->location) && record_guid(&v->tenant_id, m->tenant_id) &&
           record_actor(v->created_by, m->created_by) && record_actor(v->updated_by, m->updated_by);
}

static bool numbers_valid(const message *m)
{
    return m->retention_days >= VAULT_RETENTION_MIN && m->retention_days <= VAULT_RETENTION_MAX && m->created_at >= 0 &&
           m->updated_at >= 0 && m->deleted_at >= 0 &&
           (m->deleted_at == 0 ? m->purge_at == 0 : m->purge_at >= m->deleted_at) &&
           strlen(m->tags_json) <= VAULT_TAGS_JSON_MAX;
}

static enum status read_message(struct vault *v, const message *m)
{
    enum status st;

    if (m->format != RECORD_FORMAT || !read_names(v, m) || !numbers_valid(m))
        return ST_CORRUPT;
    v->premium = m->premium;
    v->rbac = m->rbac;
    v->rbac_set = m->rbac_set;
    v->enabled_for_deployment = m->enabled_for_deployment;
    v->enabled_for_disk_encryption = m->enabled_for_disk_encryption;
    v->enabled_for_template_deployment = m->enabled_for_template_deployment;
    v->purge_protection = m->purge_protection;
    v->retention_days = m->retention_days;
    v->created_at = m->created_at;
    v->updated_at = m->updated_at;
    v->created_by_user = m->created_by_user;
    v->updated_by_user = m->updated_by_user;
    v->deleted_at = m->deleted_at;
    v->purge_at = m->purge_at;
    if ((st = read_policies(v, m)) != ST_OK || (st = read_network(v, m)) != ST_OK ||
        (st = vault_set_tags(v, m->tags_json[0] != '\0' ? m->tags_json : "{}")) != ST_OK)
        return st;
    return vault_complete(v);
}

enum status vault_unpack(struct span record, uint64_t revision, struct vault **out)
{
    message *m = strongroom__vault__vault_record__unpack(NULL, record.len, record.p);
    struct vault *v = NULL;
    enum status st = ST_CORRUPT;

    *out = NULL;
    if (m == NULL)
        goto done;
    st = ST_NO_MEMORY;
    if ((v = vault_new()) == NULL)
        goto done;
    v->revision = revision;
    if ((st = read_message(v, m)) == ST_OK) {
        *out = v;
        v = NULL;
    }
done:
    vault_unref(v);
    strongroom__vault__vault_record__free_unpacked(m, NULL);
    return st;
}

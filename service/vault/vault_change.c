#include "service/vault/vault_change.h"

#include "service/vault/vault.h"

void vault_change_clear(struct vault_change *c)
{
    for (size_t i = 0; i < c->virtual_network_count; i++)
        free(c->virtual_networks[i].id);
    free(c->virtual_networks);
    free(c->ip_rules);
    free(c->policies);
    free(c->tags_json);
    *c = (struct vault_change){ 0 };
}

static size_t skip_spaces(struct span s, size_t i)
{
    while (i < s.len && s.p[i] == ' ')
        i++;
    return i;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool location_equal(struct span a, const char *text)
{
    struct span b = span_text(text);
    size_t i = skip_spaces(a, 0), n = skip_spaces(b, 0);

    while (i < a.len && n < b.len && lower(a.p[i]) == lower(b.p[n])) {
        i = skip_spaces(a, i + 1);
        n = skip_spaces(b, n + 1);
    }
    return i == a.len && n == b.len && a.len > 0;
}

/* Order by object, then by application; none comes first. */
static int by_identity(const void *a, const void *b)
{
    const struct access_policy *one = *(const struct access_policy *const *)a;
    const struct access_policy *other = *(const struct access_policy *const *)b;
    int order = memcmp(one->object_id.text, other->object_id.text, GUID_LEN);

    if (order != 0)
        return order;
    if (one->has_application_id != other->has_application_id)
        return one->has_application_id ? 1 : -1;
    return one->has_application_id ? memcmp(one->application_id.text, other->application_id.text, GUID_LEN) : 0;
}

static bool identities_unique(const struct access_policy *policies, size_t count, struct admin_fault *f)
{
    const struct access_policy **sorted = calloc(count > 0 ? count : 1, sizeof(*sorted));
    size_t twice = 0;

    if (sorted == NULL)
        return admin_fault_trouble(f, ST_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &policies[i];
    qsort(sorted, count, sizeof(*sorted), by_identity);
    for (size_t i = 1; i < count && twice == 0; i++)
        if (by_identity(&sorted[i - 1], &sorted[i]) == 0)
            twice = i;
    if (twice != 0)
        admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                        "An invalid value was provided for 'accessPolicies': the object id '%s' comes twice.",
                        sorted[twice]->object_id.text);
    free(sorted);
    return twice == 0;
}

bool vault_policies_valid(const struct access_policy *policies, size_t count, const struct guid *tenant,
                          struct admin_fault *f)
{
    if (count > VAULT_POLICIES_MAX)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "An invalid value was provided for 'accessPolicies': no more than %d entries.",
                               VAULT_POLICIES_MAX);
    for (size_t i = 0; i < count; i++)
        if (!guid_equal(&policies[i].tenant_id, tenant))
            return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                                   "An invalid value was provided for 'accessPolicies': tenantId must be that of the "
                                   "vault.");
    return identities_unique(policies, count, f);
}

static bool network_valid(const struct vault_change *c, struct admin_fault *f)
{
    if (c->ip_rule_count > VAULT_IP_RULES_MAX)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "networkAcls.ipRules has more than %d entries.",
                               VAULT_IP_RULES_MAX);
    if (c->virtual_network_count > VAULT_NETWORKS_MAX)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "networkAcls.virtualNetworkRules has more than %d entries.",
                               VAULT_NETWORKS_MAX);
    for (size_t i = 0; i < c->ip_rule_count; i++)
        if (!network_rule_valid(c->ip_rules[i]))
            return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                                   "The value of networkAcls.ipRules[%zu] is no IP address or address range in CIDR "
                                   "notation.",
                                   i);
    return true;
}

bool vault_change_valid(const struct vault_change *c, const struct guid *tenant, const char *location,
                        struct admin_fault *f)
{
    if (c->location.p != NULL && !location_equal(c->location, location))
        return admin_fault_set(f, ADMIN_FAULT_REGION, "The location is not available here; the one there is: '%s'.",
                               location);
    if (c->has_tenant && !guid_equal(&c->tenant_id, tenant))
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "An invalid value was provided for 'tenantId': it must be '%s'.", tenant->text);
    if (c->has_retention && (c->retention_days < VAULT_RETENTION_MIN || c->retention_days > VAULT_RETENTION_MAX))
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "The parameter softDeleteRetentionInDays has an invalid value: it must be %d to %d.",
                               VAULT_RETENTION_MIN, VAULT_RETENTION_MAX);
    if (c->soft_delete == SAID_NO)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "The property \"enableSoftDelete\" can be set to false for no vault.");
    if (c->purge_protection == SAID_NO)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge "
                               "protection for a vault is an irreversible action.");
    return network_valid(c, f) && vault_policies_valid(c->policies, c->policy_count, tenant, f);
}

static void apply_flag(bool *to, enum said said)
{
    if (said != UNSAID)
        *to = said == SAID_YES;
}

/* Single addresses come back as a range of one, as Azure writes them. */
static enum status apply_ip_rules(const struct vault_change *c, struct vault *v)
{
    struct span rules[VAULT_IP_RULES_MAX];
    struct bytes texts = { 0 };
    size_t ends[VAULT_IP_RULES_MAX];
    enum status st;

    INVARIANT(c->ip_rule_count <= VAULT_IP_RULES_MAX);
    for (size_t i = 0; i < c->ip_rule_count; i++) {
        bytes_append_span(&texts, c->ip_rules[i]);
        if (memchr(c->ip_rules[i].p, '/', c->ip_rules[i].len) == NULL)
            bytes_append_text(&texts, memchr(c->ip_rules[i].p, ':', c->ip_rules[i].len) != NULL ? "/128" : "/32");
        ends[i] = texts.len;
    }
    for (size_t i = 0, from = 0; i < c->ip_rule_count; from = ends[i++])
        rules[i] = span_of(texts.p + from, ends[i] - from);
    if ((st = bytes_status(&texts)) == ST_OK)
        st = vault_set_ip_rules(v, rules, c->ip_rule_count);
    bytes_clear(&texts);
    return st;
}

static enum status apply_network(const struct vault_change *c, struct vault *v)
{
    enum status st = c->has_ip_rules ? apply_ip_rules(c, v) : ST_OK;

    if (c->has_virtual_networks)
        vault_clear_virtual_networks(v);
    for (size_t i = 0; st == ST_OK && i < c->virtual_network_count; i++)
        st = vault_add_virtual_network(v, span_text(c->virtual_networks[i].id),
                                       c->virtual_networks[i].ignore_missing_endpoint);
    v->network_acls_set = true;
    apply_flag(&v->network_bypass_azure, c->network_bypass_azure);
    apply_flag(&v->network.deny_by_default, c->network_deny);
    return st;
}

enum status vault_change_apply(const struct vault_change *c, struct vault *v)
{
    enum status st = ST_OK;

    if (c->has_sku)
        v->premium = c->premium;
    apply_flag(&v->enabled_for_deployment, c->for_deployment);
    apply_flag(&v->enabled_for_disk_encryption, c->for_disk_encryption);
    apply_flag(&v->enabled_for_template_deployment, c->for_template_deployment);
    apply_flag(&v->purge_protection, c->purge_protection);
    apply_flag(&v->rbac, c->rbac);
    v->rbac_set = v->rbac_set || c->rbac != UNSAID;
    if (c->has_retention)
        v->retention_days = (unsigned)c->retention_days;
    if (c->public_access != PUBLIC_ACCESS_UNSAID) {
        v->network.public_access_disabled = c->public_access != PUBLIC_ACCESS_ENABLED;
        v->secured_by_perimeter = c->public_access == PUBLIC_ACCESS_PERIMETER;
    }
    if (c->has_network && (st = apply_network(c, v)) != ST_OK)
        return st;
    if (c->has_policies && (st = vault_set_policies(v, c->policies, c->policy_count)) != ST_OK)
        return st;
    return c->tags_json != NULL ? vault_set_tags(v, c->tags_json) : ST_OK;
}

#include "service/management/vault_json.h"
#include "service/vault/vault.h"

#define TAGS_MAX      50
#define TAG_NAME_MAX  512
#define TAG_VALUE_MAX 256

static bool bad(struct admin_fault *f, const char *name)
{
    return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "An invalid value was provided for '%s'.", name);
}

/* Members: each reads one, leaves `*out` alone when it is absent, and is false when it is of another kind. */

static bool read_said(const json_t *o, const char *name, enum said *out, struct admin_fault *f)
{
    bool value;
    enum status st = json_get_bool(o, name, &value);

    if (st == ST_OK)
        *out = value ? SAID_YES : SAID_NO;
    return st != ST_BAD_REQUEST || bad(f, name);
}

/* One of two words, any case. */
static bool read_choice(const json_t *o, const char *name, const char *yes, const char *no, enum said *out,
                        struct admin_fault *f)
{
    struct span text;
    enum status st = json_get_text(o, name, &text);

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, name);
    if (!span_is_nocase(text, yes) && !span_is_nocase(text, no))
        return bad(f, name);
    *out = span_is_nocase(text, yes) ? SAID_YES : SAID_NO;
    return true;
}

static bool read_guid(const json_t *o, const char *name, bool *has, struct guid *out, struct admin_fault *f)
{
    struct span text;
    enum status st = json_get_text(o, name, &text);

    *has = st == ST_OK && guid_parse(out, text) == ST_OK;
    return st == ST_NOT_FOUND || *has || bad(f, name);
}

static bool read_sku(const json_t *properties, struct vault_change *c, struct admin_fault *f)
{
    struct span family, name;
    json_t *sku = NULL;
    enum status st = json_get_object(properties, "sku", &sku);

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "sku");
    if ((st = json_get_text(sku, "family", &family)) == ST_BAD_REQUEST || (st == ST_OK && !span_is_nocase(family, "A")))
        return admin_fault_set(f, ADMIN_FAULT_SKU, "The sku family is not supported; it must be 'A'.");
    if (json_get_text(sku, "name", &name) != ST_OK ||
        (!span_is_nocase(name, "standard") && !span_is_nocase(name, "premium")))
        return admin_fault_set(f, ADMIN_FAULT_SKU,
                               "The sku name is not supported; it must be 'standard' or 'premium'.");
    c->has_sku = true;
    c->premium = span_is_nocase(name, "premium");
    return true;
}

static bool read_mode(const json_t *properties, struct vault_change *c, struct admin_fault *f)
{
    enum said recover = UNSAID;

    if (!read_choice(properties, "createMode", "recover", "default", &recover, f))
        return false;
    c->recover = recover == SAID_YES;
    return true;
}

static bool read_public_access(const json_t *properties, struct vault_change *c, struct admin_fault *f)
{
    static const struct {
        const char *name;
        enum public_access access;
    } names[] = {
        { "Enabled", PUBLIC_ACCESS_ENABLED },
        { "Disabled", PUBLIC_ACCESS_DISABLED },
        { "SecuredByPerimeter", PUBLIC_ACCESS_PERIMETER },
    };
    struct span text;
    enum status st = json_get_text(properties, "publicNetworkAccess", &text);

    if (st == ST_NOT_FOUND)
        return true;
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(names); i++)
        if (span_is_nocase(text, names[i].name)) {
            c->public_access = names[i].access;
            return true;
        }
    return bad(f, "publicNetworkAccess");
}

/* networkAcls */

static bool read_ip_rules(const json_t *acls, struct vault_change *c, struct admin_fault *f)
{
    json_t *rules = NULL;
    enum status st = json_get_array(acls, "ipRules", &rules);
    size_t n;

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "networkAcls.ipRules");
    c->has_ip_rules = true;
    n = json_array_size(rules);
    if (n > VAULT_IP_RULES_MAX)
        return bad(f, "networkAcls.ipRules");
    if ((c->ip_rules = calloc(n > 0 ? n : 1, sizeof *c->ip_rules)) == NULL)
        return admin_fault_trouble(f, ST_NO_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const json_t *rule = json_array_get(rules, i);

        if (!json_is_object(rule) || json_get_text(rule, "value", &c->ip_rules[i]) != ST_OK)
            return bad(f, "networkAcls.ipRules");
        c->ip_rule_count++;
    }
    return true;
}

/* Ids come back in lower case. */
static char *lower_text(struct span s)
{
    char *text = span_dup_text(s);

    for (char *p = text; p != NULL && *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    return text;
}

static bool read_virtual_networks(const json_t *acls, struct vault_change *c, struct admin_fault *f)
{
    json_t *rules = NULL;
    enum status st = json_get_array(acls, "virtualNetworkRules", &rules);
    size_t n;

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "networkAcls.virtualNetworkRules");
    c->has_virtual_networks = true;
    n = json_array_size(rules);
    if (n > VAULT_NETWORKS_MAX)
        return bad(f, "networkAcls.virtualNetworkRules");
    if ((c->virtual_networks = calloc(n > 0 ? n : 1, sizeof *c->virtual_networks)) == NULL)
        return admin_fault_trouble(f, ST_NO_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const json_t *rule = json_array_get(rules, i);
        struct virtual_network_rule *to = &c->virtual_networks[i];
        struct span id;

        if (!json_is_object(rule) || json_get_text(rule, "id", &id) != ST_OK || id.len == 0 ||
            id.len > VAULT_NETWORK_ID_MAX ||
            json_get_bool(rule, "ignoreMissingVnetServiceEndpoint", &to->ignore_missing_endpoint) == ST_BAD_REQUEST)
            return bad(f, "networkAcls.virtualNetworkRules");
        if ((to->id = lower_text(id)) == NULL)
            return admin_fault_trouble(f, ST_NO_MEMORY);
        c->virtual_network_count++;
    }
    return true;
}

static bool read_network(const json_t *properties, struct vault_change *c, struct admin_fault *f)
{
    json_t *acls = NULL;
    enum status st = json_get_object(properties, "networkAcls", &acls);

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "networkAcls");
    c->has_network = true;
    return read_choice(acls, "bypass", "AzureServices", "None", &c->network_bypass_azure, f) &&
           read_choice(acls, "defaultAction", "Deny", "Allow", &c->network_deny, f) && read_ip_rules(acls, c, f) &&
           read_virtual_networks(acls, c, f);
}

/* accessPolicies */

static bool read_permissions(const json_t *permissions, const char *name, enum permission_kind kind, uint32_t *out,
                             struct admin_fault *f)
{
    json_t *list = NULL;
    enum status st = json_get_array(permissions, name, &list);

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *word = json_array_get(list, i);
        uint32_t bits;

        if (!json_is_string(word) ||
            !permission_by_name(kind, span_of(json_string_value(word), json_string_length(word)), &bits))
            return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                                   "An invalid value was provided for 'accessPolicies.permissions.%s'.", name);
        *out |= bits;
    }
    return true;
}

static bool read_policy(const json_t *entry, struct access_policy *to, struct admin_fault *f)
{
    json_t *permissions = NULL;
    bool has_tenant, has_object;

    if (!json_is_object(entry))
        return bad(f, "accessPolicies");
    if (!read_guid(entry, "tenantId", &has_tenant, &to->tenant_id, f) ||
        !read_guid(entry, "objectId", &has_object, &to->object_id, f) ||
        !read_guid(entry, "applicationId", &to->has_application_id, &to->application_id, f))
        return false;
    if (!has_tenant || !has_object || json_get_object(entry, "permissions", &permissions) != ST_OK)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "An access policy needs tenantId, objectId and permissions.");
    return read_permissions(permissions, "keys", PERMISSION_KEYS, &to->permissions[PERMISSION_KEYS], f) &&
           read_permissions(permissions, "secrets", PERMISSION_SECRETS, &to->permissions[PERMISSION_SECRETS], f) &&
           read_permissions(permissions, "certificates", PERMISSION_CERTIFICATES,
                            &to->permissions[PERMISSION_CERTIFICATES], f) &&
           read_permissions(permissions, "storage", PERMISSION_STORAGE, &to->permissions[PERMISSION_STORAGE], f);
}

static bool read_policies(const json_t *properties, struct vault_change *c, struct admin_fault *f)
{
    json_t *list = NULL;
    enum status st = json_get_array(properties, "accessPolicies", &list);
    size_t n;

    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "accessPolicies");
    n = json_array_size(list);
    if (n > VAULT_POLICIES_MAX)
        return bad(f, "accessPolicies");
    if ((c->policies = calloc(n > 0 ? n : 1, sizeof *c->policies)) == NULL)
        return admin_fault_trouble(f, ST_NO_MEMORY);
    for (; c->policy_count < n; c->policy_count++)
        if (!read_policy(json_array_get(list, c->policy_count), &c->policies[c->policy_count], f))
            return false;
    c->has_policies = true;
    return true;
}

/* tags */

static bool write_tags(json_t *tags, struct bytes *out, struct admin_fault *f)
{
    struct json_writer w;
    const char *name;
    json_t *value;

    json_begin(&w, out);
    json_open_object(&w, NULL);
    json_object_foreach(tags, name, value)
    {
        if (name[0] == '\0' || strlen(name) > TAG_NAME_MAX || !json_is_string(value) ||
            json_string_length(value) > TAG_VALUE_MAX)
            return bad(f, "tags");
        json_put_text(&w, name, span_of(json_string_value(value), json_string_length(value)));
    }
    json_close_object(&w);
    return true;
}

bool tags_json_read(const json_t *body, char **out, struct admin_fault *f)
{
    struct bytes text = { 0 };
    json_t *tags = NULL;
    enum status st = json_get_object(body, "tags", &tags);

    *out = NULL;
    if (st != ST_OK)
        return st == ST_NOT_FOUND || bad(f, "tags");
    if (json_object_size(tags) > TAGS_MAX)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "A resource has no more than %d tags.", TAGS_MAX);
    if (!write_tags(tags, &text, f) || text.len > VAULT_TAGS_JSON_MAX || bytes_status(&text) != ST_OK) {
        bool too_long = text.len > VAULT_TAGS_JSON_MAX, no_memory = bytes_status(&text) != ST_OK;

        bytes_clear(&text);
        return no_memory ? admin_fault_trouble(f, ST_NO_MEMORY) : too_long ? bad(f, "tags") : false;
    }
    *out = (char *)text.p;
    return true;
}

/* Bodies */

static bool read_properties(const json_t *p, struct vault_change *c, struct admin_fault *f)
{
    enum status st;

    if (!read_guid(p, "tenantId", &c->has_tenant, &c->tenant_id, f) || !read_sku(p, c, f) || !read_mode(p, c, f) ||
        !read_said(p, "enabledForDeployment", &c->for_deployment, f) ||
        !read_said(p, "enabledForDiskEncryption", &c->for_disk_encryption, f) ||
        !read_said(p, "enabledForTemplateDeployment", &c->for_template_deployment, f) ||
        !read_said(p, "enableSoftDelete", &c->soft_delete, f) ||
        !read_said(p, "enablePurgeProtection", &c->purge_protection, f) ||
        !read_said(p, "enableRbacAuthorization", &c->rbac, f) || !read_public_access(p, c, f) ||
        !read_network(p, c, f) || !read_policies(p, c, f))
        return false;
    st = json_get_int(p, "softDeleteRetentionInDays", INT32_MIN, INT32_MAX, &c->retention_days);
    c->has_retention = st == ST_OK;
    return st != ST_BAD_REQUEST || bad(f, "softDeleteRetentionInDays");
}

bool vault_json_read(const json_t *body, struct vault_change *out, struct admin_fault *f)
{
    json_t *properties = NULL;
    enum status st;

    *out = (struct vault_change){ 0 };
    if (json_get_text(body, "location", &out->location) == ST_BAD_REQUEST)
        return bad(f, "location");
    if ((st = json_get_object(body, "properties", &properties)) == ST_BAD_REQUEST)
        return bad(f, "properties");
    return tags_json_read(body, &out->tags_json, f) && (st == ST_NOT_FOUND || read_properties(properties, out, f));
}

bool vault_json_read_policies(const json_t *body, struct vault_change *out, struct admin_fault *f)
{
    json_t *properties = NULL;

    *out = (struct vault_change){ 0 };
    if (json_get_object(body, "properties", &properties) != ST_OK)
        return bad(f, "properties");
    return read_policies(properties, out, f) && (out->has_policies || bad(f, "accessPolicies"));
}

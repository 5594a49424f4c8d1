#include "service/management/vault_json.h"

#include <time.h>

void json_put_time(struct json_writer *w, const char *name, int64_t unix_s)
{
    time_t t = (time_t)unix_s;
    char text[sizeof "2026-01-01T00:00:00.000Z" + 8];
    struct tm tm;
    size_t n = gmtime_r(&t, &tm) != NULL ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &tm) : 0;

    json_put_text(w, name, span_of(text, n));
}

/* https://<name>.vault.<domain>[:port]/ */
static void put_uri(struct json_writer *w, const struct config *config, const struct vault *v)
{
    struct bytes uri = { 0 };

    bytes_append_text(&uri, "https://");
    for (const char *p = v->name; *p != '\0'; p++)
        bytes_append_char(&uri, (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p));
    bytes_printf(&uri, ".vault.%s", config->domain);
    if (config->data_port != 443)
        bytes_printf(&uri, ":%u", config->data_port);
    bytes_append_char(&uri, '/');
    json_put_text(w, "vaultUri", bytes_span(&uri));
    bytes_clear(&uri);
}

static void put_permissions(struct json_writer *w, const char *name, enum permission_kind kind, uint32_t bits)
{
    json_open_array(w, name);
    for (unsigned bit = 0; permission_name(kind, bit) != NULL; bit++)
        if ((bits & BIT(bit)) != 0)
            json_put_text(w, NULL, span_text(permission_name(kind, bit)));
    json_close_array(w);
}

void vault_json_write_policies(struct json_writer *w, const struct access_policy *entries, size_t count)
{
    json_open_array(w, "accessPolicies");
    for (size_t i = 0; i < count; i++) {
        const struct access_policy *p = &entries[i];

        json_open_object(w, NULL);
        json_put_text(w, "tenantId", span_text(p->tenant_id.text));
        json_put_text(w, "objectId", span_text(p->object_id.text));
        if (p->has_application_id)
            json_put_text(w, "applicationId", span_text(p->application_id.text));
        json_open_object(w, "permissions");
        put_permissions(w, "keys", PERMISSION_KEYS, p->permissions[PERMISSION_KEYS]);
        put_permissions(w, "secrets", PERMISSION_SECRETS, p->permissions[PERMISSION_SECRETS]);
        put_permissions(w, "certificates", PERMISSION_CERTIFICATES, p->permissions[PERMISSION_CERTIFICATES]);
        if (p->permissions[PERMISSION_STORAGE] != 0)
            put_permissions(w, "storage", PERMISSION_STORAGE, p->permissions[PERMISSION_STORAGE]);
        json_close_object(w);
        json_close_object(w);
    }
    json_close_array(w);
}

static void put_system_data(struct json_writer *w, const struct vault *v)
{
    json_open_object(w, "systemData");
    json_put_text(w, "createdBy", span_text(v->created_by));
    json_put_text(w, "createdByType", span_text(v->created_by_user ? "User" : "Application"));
    json_put_time(w, "createdAt", v->created_at);
    json_put_text(w, "lastModifiedBy", span_text(v->updated_by));
    json_put_text(w, "lastModifiedByType", span_text(v->updated_by_user ? "User" : "Application"));
    json_put_time(w, "lastModifiedAt", v->updated_at);
    json_close_object(w);
}

static void put_properties(struct json_writer *w, const struct config *config, const struct vault *v)
{
    const char *public_access = v->secured_by_perimeter             ? "SecuredByPerimeter"
                                : v->network.public_access_disabled ? "Disabled"
                                                                    : "Enabled";

    json_open_object(w, "properties");
    json_open_object(w, "sku");
    json_put_text(w, "family", span_text("A"));
    json_put_text(w, "name", span_text(v->premium ? "premium" : "standard"));
    json_close_object(w);
    json_put_text(w, "tenantId", span_text(v->tenant_id.text));
    if (v->network_json != NULL)
        json_put_raw(w, "networkAcls", span_text(v->network_json));
    vault_json_write_policies(w, v->policies, v->policy_count);
    json_put_bool(w, "enabledForDeployment", v->enabled_for_deployment);
    json_put_bool(w, "enabledForDiskEncryption", v->enabled_for_disk_encryption);
    json_put_bool(w, "enabledForTemplateDeployment", v->enabled_for_template_deployment);
    json_put_bool(w, "enableSoftDelete", true);
    json_put_int(w, "softDeleteRetentionInDays", (int64_t)v->retention_days);
    json_put_bool(w, "enableRbacAuthorization", v->rbac);
    if (v->purge_protection) /* left out when unset: false is a value that no client may send back */
        json_put_bool(w, "enablePurgeProtection", true);
    put_uri(w, config, v);
    json_put_text(w, "provisioningState", span_text("Succeeded"));
    json_put_text(w, "publicNetworkAccess", span_text(public_access));
    json_close_object(w);
}

void vault_json_write_short(struct json_writer *w, const struct vault *v)
{
    json_put_text(w, "id", span_text(v->resource_id));
    json_put_text(w, "name", span_text(v->name));
    json_put_text(w, "type", span_text("Microsoft.KeyVault/vaults"));
    json_put_text(w, "location", span_text(v->location));
    json_put_raw(w, "tags", span_text(v->tags_json));
}

void vault_json_write(struct json_writer *w, const struct config *config, const struct vault *v)
{
    vault_json_write_short(w, v);
    put_system_data(w, v);
    put_properties(w, config, v);
}

void vault_json_write_deleted(struct json_writer *w, const struct vault *v)
{
    struct bytes id = { 0 };

    bytes_printf(&id, "/subscriptions/%s/providers/Microsoft.KeyVault/locations/%s/deletedVaults/%s",
                 v->subscription_id.text, v->location, v->name);
    json_put_text(w, "id", bytes_span(&id));
    json_put_text(w, "name", span_text(v->name));
    json_put_text(w, "type", span_text("Microsoft.KeyVault/deletedVaults"));
    json_open_object(w, "properties");
    json_put_text(w, "vaultId", span_text(v->resource_id));
    json_put_text(w, "location", span_text(v->location));
    json_put_raw(w, "tags", span_text(v->tags_json));
    json_put_time(w, "deletionDate", v->deleted_at);
    json_put_time(w, "scheduledPurgeDate", v->purge_at);
    if (v->purge_protection)
        json_put_bool(w, "purgeProtectionEnabled", true);
    json_close_object(w);
    bytes_clear(&id);
}

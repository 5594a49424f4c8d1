/* Subscriptions, tenants, locations and the resource provider: what clients ask before they ask for vaults. */
#include "service/management/page.h"
#include "service/vault/resource_group.h"

static void put_id(struct json_writer *w, const char *before, const char *id, const char *after)
{
    struct bytes text = { 0 };

    bytes_printf(&text, "%s%s%s", before, id, after);
    json_put_text(w, "id", bytes_span(&text));
    bytes_clear(&text);
}

static void write_subscription(struct json_writer *w, const struct call *c, const struct subscription *s)
{
    put_id(w, "/subscriptions/", s->id.text, "");
    json_put_text(w, "authorizationSource", span_text("RoleBased"));
    json_put_text(w, "subscriptionId", span_text(s->id.text));
    json_put_text(w, "tenantId", span_text(c->m->config->tenant_id.text));
    json_put_text(w, "displayName", span_text(s->display_name));
    json_put_text(w, "state", span_text("Enabled"));
}

struct listing {
    struct json_writer w;
    struct call *call;
};

/* Those on which, or on something in which, the caller has a role. */
static bool list_one(const struct subscription *s, void *arg)
{
    struct listing *l = arg;
    struct bytes scope = { 0 };

    bytes_printf(&scope, "/subscriptions/%s", s->id.text);
    if (catalog_has_role(l->call->m->catalog, &l->call->x->principal, bytes_text(&scope))) {
        json_open_object(&l->w, NULL);
        write_subscription(&l->w, l->call, s);
        json_close_object(&l->w);
    }
    bytes_clear(&scope);
    return true;
}

void subscription_list_route(struct call *c)
{
    struct listing l = { .call = c };
    enum status st;

    call_begin_object(c, &l.w);
    json_open_array(&l.w, "value");
    st = subscription_list(c->m->store, list_one, &l);
    json_close_array(&l.w);
    call_end_object(&l.w);
    if (st != ST_OK)
        exchange_trouble(c->x, st);
}

void subscription_get_route(struct call *c)
{
    struct subscription s;
    struct json_writer w;
    enum status st = subscription_find(c->m->store, &c->subscription_id, &s);

    if (st == ST_NOT_FOUND) {
        exchange_error(c->x, 404, "SubscriptionNotFound", NULL, "The subscription '%s' could not be found.",
                       c->subscription_id.text);
    } else if (st != ST_OK) {
        exchange_trouble(c->x, st);
    } else {
        call_begin_object(c, &w);
        write_subscription(&w, c, &s);
        call_end_object(&w);
    }
}

void tenant_list_route(struct call *c)
{
    const char *tenant = c->m->config->tenant_id.text;
    struct json_writer w;

    call_begin_object(c, &w);
    json_open_array(&w, "value");
    json_open_object(&w, NULL);
    put_id(&w, "/tenants/", tenant, "");
    json_put_text(&w, "tenantId", span_text(tenant));
    json_put_text(&w, "tenantCategory", span_text("Home"));
    json_put_text(&w, "displayName", span_text("Strongroom"));
    json_put_text(&w, "defaultDomain", span_text(c->m->config->domain));
    json_close_object(&w);
    json_close_array(&w);
    call_end_object(&w);
}

void location_list_route(struct call *c)
{
    const char *location = c->m->config->location;
    struct bytes before = { 0 };
    struct json_writer w;

    bytes_printf(&before, "/subscriptions/%s/locations/", c->subscription_id.text);
    call_begin_object(c, &w);
    json_open_array(&w, "value");
    json_open_object(&w, NULL);
    put_id(&w, bytes_text(&before), location, "");
    json_put_text(&w, "name", span_text(location));
    json_put_text(&w, "displayName", span_text(location));
    json_put_text(&w, "regionalDisplayName", span_text(location));
    json_close_object(&w);
    json_close_array(&w);
    call_end_object(&w);
    bytes_clear(&before);
}

static void write_type(struct json_writer *w, const struct call *c, const char *type, bool located)
{
    const char *const *versions = arm_versions(ARM_KEY_VAULT);

    json_open_object(w, NULL);
    json_put_text(w, "resourceType", span_text(type));
    json_open_array(w, "locations");
    if (located)
        json_put_text(w, NULL, span_text(c->m->config->location));
    json_close_array(w);
    json_open_array(w, "apiVersions");
    for (size_t i = 0; versions[i] != NULL; i++)
        json_put_text(w, NULL, span_text(versions[i]));
    json_close_array(w);
    json_put_text(w, "capabilities", span_text(located ? "SupportsTags, SupportsLocation" : "None"));
    json_close_object(w);
}

static void write_provider(struct json_writer *w, const struct call *c)
{
    put_id(w, "/subscriptions/", c->subscription_id.text, "/providers/Microsoft.KeyVault");
    json_put_text(w, "namespace", span_text("Microsoft.KeyVault"));
    json_open_array(w, "resourceTypes");
    write_type(w, c, "vaults", true);
    write_type(w, c, "vaults/accessPolicies", false);
    write_type(w, c, "deletedVaults", false);
    write_type(w, c, "locations", false);
    write_type(w, c, "locations/deletedVaults", false);
    write_type(w, c, "checkNameAvailability", false);
    write_type(w, c, "operations", false);
    json_close_array(w);
    json_put_text(w, "registrationState", span_text("Registered")); /* always: there is nothing to register */
    json_put_text(w, "registrationPolicy", span_text("RegistrationFree"));
}

void provider_get_route(struct call *c)
{
    struct json_writer w;

    call_begin_object(c, &w);
    write_provider(&w, c);
    call_end_object(&w);
}

void provider_list_route(struct call *c)
{
    struct json_writer w;

    call_begin_object(c, &w);
    json_open_array(&w, "value");
    json_open_object(&w, NULL);
    write_provider(&w, c);
    json_close_object(&w);
    json_close_array(&w);
    call_end_object(&w);
}

void operation_list_route(struct call *c)
{
    static const struct {
        const char *name, *resource, *operation, *description;
    } operations[] = {
        { "Microsoft.KeyVault/register/action", "Subscription", "Register Subscription", "Registers a subscription" },
        { "Microsoft.KeyVault/operations/read", "Operation", "List operations", "Lists operations" },
        { "Microsoft.KeyVault/checkNameAvailability/read", "Vault name", "Check name availability",
          "Checks that a name is valid and not in use" },
        { "Microsoft.KeyVault/vaults/read", "Vault", "View key vault", "View the properties of a vault" },
        { "Microsoft.KeyVault/vaults/write", "Vault", "Update key vault",
          "Create a new vault or update the properties of an existing one" },
        { "Microsoft.KeyVault/vaults/delete", "Vault", "Delete key vault", "Delete a vault" },
        { "Microsoft.KeyVault/vaults/accessPolicies/write", "Access policy", "Update access policy",
          "Change the access policies of a vault" },
        { "Microsoft.KeyVault/deletedVaults/read", "Deleted vault", "View deleted vaults",
          "View the properties of soft-deleted vaults" },
        { "Microsoft.KeyVault/locations/deletedVaults/read", "Deleted vault", "View a deleted vault",
          "View the properties of a soft-deleted vault" },
        { "Microsoft.KeyVault/locations/deletedVaults/purge/action", "Deleted vault", "Purge a deleted vault",
          "Purge a soft-deleted vault" },
    };
    struct json_writer w;

    call_begin_object(c, &w);
    json_open_array(&w, "value");
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        json_open_object(&w, NULL);
        json_put_text(&w, "name", span_text(operations[i].name));
        json_put_bool(&w, "isDataAction", false);
        json_open_object(&w, "display");
        json_put_text(&w, "provider", span_text("Strongroom"));
        json_put_text(&w, "resource", span_text(operations[i].resource));
        json_put_text(&w, "operation", span_text(operations[i].operation));
        json_put_text(&w, "description", span_text(operations[i].description));
        json_close_object(&w);
        json_close_object(&w);
    }
    json_close_array(&w);
    call_end_object(&w);
}

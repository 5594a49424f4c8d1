/* GET /metadata/endpoints: what az and Terraform ask of a cloud that they do not know yet (spec: clients.md 15). */
#include "service/management/management.h"

static void put_suffix(struct json_writer *w, const struct config *config, const char *name, const char *label)
{
    struct bytes suffix = { 0 };

    bytes_printf(&suffix, "%s.%s", label, config->domain);
    if (config->data_port != 443)
        bytes_printf(&suffix, ":%u", config->data_port);
    json_put_text(w, name, bytes_span(&suffix));
    bytes_clear(&suffix);
}

/* The authority under its alias: clients then do not ask Microsoft whether it exists (clients.md 13.1). */
static void put_login(struct json_writer *w, const struct management *m)
{
    struct bytes login = { 0 };

    bytes_printf(&login, "%s/adfs", m->login_url);
    json_put_text(w, "loginEndpoint", bytes_span(&login));
    json_open_array(w, "audiences");
    json_put_text(w, NULL, span_text(m->management_url));
    json_close_array(w);
    bytes_clear(&login);
}

static void write_cloud(struct json_writer *w, const struct management *m)
{
    static const char *const absent[] = { "media",
                                          "batch",
                                          "vmImageAliasDoc",
                                          "activeDirectoryDataLake",
                                          "sqlManagement",
                                          "appInsightsResourceId",
                                          "attestationResourceId",
                                          "synapseAnalyticsResourceId",
                                          "logAnalyticsResourceId",
                                          "ossrDbmsResourceId" };

    json_open_object(w, NULL);
    json_put_text(w, "name", span_text("Strongroom"));
    json_put_text(w, "portal", span_text(m->management_url));
    json_open_object(w, "authentication");
    put_login(w, m);
    json_put_text(w, "tenant", span_text("adfs"));
    json_put_text(w, "identityProvider", span_text("ADFS"));
    json_close_object(w);
    json_put_text(w, "resourceManager", span_text(m->management_url));
    json_put_text(w, "graphAudience", span_text(m->management_url));
    json_put_text(w, "graph", span_text(m->management_url));
    json_put_text(w, "microsoftGraphResourceId", span_text(m->management_url));
    json_put_text(w, "gallery", span_text(m->management_url));
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        json_put_text(w, absent[i], span_text(""));
    json_open_object(w, "suffixes");
    put_suffix(w, m->config, "keyVaultDns", "vault");
    put_suffix(w, m->config, "mhsmDns", "managedhsm");
    put_suffix(w, m->config, "storage", "storage");
    put_suffix(w, m->config, "acrLoginServer", "acr");
    put_suffix(w, m->config, "sqlServerHostname", "sql");
    json_close_object(w);
    json_close_object(w);
}

static void write_2015(struct json_writer *w, const struct management *m)
{
    json_open_object(w, NULL);
    json_put_text(w, "galleryEndpoint", span_text(m->management_url));
    json_put_text(w, "graphEndpoint", span_text(m->management_url));
    json_put_text(w, "portalEndpoint", span_text(m->management_url));
    json_open_object(w, "authentication");
    put_login(w, m);
    json_close_object(w);
    json_close_object(w);
}

/* Three shapes: of 2015; an array of clouds, 2018 to 2021; one cloud, from 2022. */
void metadata_route(struct call *c)
{
    struct span version = target_param(&c->x->target, "api-version");
    struct json_writer w;

    c->x->api_version = version;
    if (version.p == NULL) {
        exchange_error(c->x, 400, "MissingApiVersionParameter", NULL,
                       "The api-version query parameter (?api-version=) is required for all requests.");
        return;
    }
    if (!arm_version_known(ARM_RESOURCES, version)) {
        exchange_error(c->x, 400, "InvalidApiVersionParameter", NULL,
                       "The api-version is invalid. The supported versions are '2022-09-01,2019-05-01,2015-01-01'.");
        return;
    }
    c->x->status = 200;
    json_begin(&w, &c->x->body);
    if (memcmp(version.p, "2018", 4) < 0) {
        write_2015(&w, c->m);
    } else if (memcmp(version.p, "2022", 4) < 0) {
        json_open_array(&w, NULL);
        write_cloud(&w, c->m);
        json_close_array(&w);
    } else {
        write_cloud(&w, c->m);
    }
}

/* vaultd - the data plane. This file only wires the parts together. */
#include "firmware/base/log.h"
#include "service/daemon/config.h"
#include "service/daemon/lifecycle.h"
#include "service/data/data_plane.h"
#include "service/identity/issuer_keys.h"

#define DRAIN_MS 20000

struct vaultd {
    struct config config;
    struct token *token;
    struct store *management, *vaults;
    struct audit *audit;
    struct catalog *catalog;
    struct issuer_keys *issuer_keys;
    struct verifier *verifier;
    struct keys *keys;
    struct http_server *server;
    EVP_PKEY *tls_key, *audit_key;
    char *resource, *login;
    struct bytes issuer, challenge;
    struct data_plane plane;
    bool pin_refused; /* by the token */
};

/* Say which part would not start. */
static enum status report(const char *part, enum status st)
{
    if (st != ST_OK)
        log_error("%s: %s", part, status_name(st));
    return st;
}

static enum status open_token(struct vaultd *d)
{
    const struct config *c = &d->config;
    struct token_config tc = {
        .module = c->token_module,
        .label = c->token_label,
        .pin_file = c->token_pin_file,
        .module_config = c->token_config[0] != '\0' ? c->token_config : NULL,
        .workers = c->token_workers,
        .cache_limit = c->key_cache,
        .pin_refused = &d->pin_refused,
    };
    enum status st;

    if ((st = report("token", token_open(&tc, &d->token))) != ST_OK ||
        (st = report("TLS key in the token", token_private_key(d->token, TOKEN_LABEL_TLS, &d->tls_key))) != ST_OK ||
        (st = report("audit key in the token", token_private_key(d->token, TOKEN_LABEL_AUDIT, &d->audit_key))) != ST_OK)
        return st;
    return ST_OK;
}

static enum status open_stores(struct vaultd *d)
{
    struct audit_config ac = {
        .directory = d->config.audit_directory,
        .source = "vaultd",
        .signing_key = d->audit_key,
    };
    enum status st;

    if ((st = report("audit trail", audit_open(&ac, &d->audit))) != ST_OK ||
        (st = report("vault store", store_open_sqlite(d->config.vault_store, STORE_READ_WRITE, &d->vaults))) != ST_OK ||
        (st = report("management store",
                     store_open_sqlite(d->config.management_store, STORE_READ_ONLY, &d->management))) != ST_OK ||
        (st = report("vault catalog", catalog_open(d->management, &d->catalog))) != ST_OK)
        return st;
    return report("keys", keys_open(d->vaults, d->token, d->management, &d->keys));
}

static enum status open_identity(struct vaultd *d)
{
    struct verifier_config vc = { .tenant_id = d->config.tenant_id };
    enum status st;

    d->resource = config_vault_resource(&d->config);
    d->login = config_login_url(&d->config);
    if (d->resource == NULL || d->login == NULL)
        return ST_NO_MEMORY;
    bytes_printf(&d->issuer, "%s/%s/v2.0", d->login, d->config.tenant_id.text);
    bytes_printf(&d->challenge, "Bearer authorization=\"%s/%s\", resource=\"%s\"", d->login, d->config.tenant_id.text,
                 d->resource);
    if ((st = bytes_status(&d->issuer)) != ST_OK || (st = bytes_status(&d->challenge)) != ST_OK)
        return st;
    vc.issuer = bytes_text(&d->issuer);
    vc.audience = d->resource;
    if ((st = report("token verifier", verifier_new(&vc, &d->verifier))) != ST_OK)
        return st;
    return report("issuer's keys", issuer_keys_watch(d->management, d->verifier, &d->issuer_keys));
}

/* What the requests of one batch ask of the token goes there together. */
static void on_batch(void *arg, bool begins)
{
    struct data_plane *plane = arg;

    if (begins)
        token_hold();
    else
        token_release(plane->token);
}

static enum status serve(struct vaultd *d)
{
    struct http_server_config hc = {
        .addresses = (const char *const *)d->config.listen,
        .port = (uint16_t)d->config.data_port,
        .threads = d->config.io_threads,
        .certificate_file = d->config.certificate_file,
        .private_key = d->tls_key,
        .handler = data_plane_handle,
        .handler_arg = &d->plane,
        .batch = on_batch,
    };

    d->plane = (struct data_plane){
        .domain = d->config.domain,
        .location = d->config.location,
        .challenge = bytes_text(&d->challenge),
        .audit = d->audit,
        .catalog = d->catalog,
        .keys = d->keys,
        .verifier = d->verifier,
        .token = d->token,
    };
    return report("HTTP server", http_server_start(&hc, &d->server));
}

static void reload(void *arg)
{
    struct vaultd *d = arg;

    report("certificate", http_server_reload(d->server));
}

/* In the reverse order of dependence: nothing is closed that something still open may call. */
static void shut_down(struct vaultd *d)
{
    http_server_stop(d->server, DRAIN_MS);
    issuer_keys_unwatch(d->issuer_keys);
    keys_close(d->keys);
    catalog_close(d->catalog);
    store_close(d->vaults);
    store_close(d->management);
    audit_close(d->audit); /* the token signs its last checkpoint */
    token_close(d->token);
    verifier_free(d->verifier);
    EVP_PKEY_free(d->tls_key);
    EVP_PKEY_free(d->audit_key);
    bytes_clear(&d->issuer);
    bytes_clear(&d->challenge);
    free(d->resource);
    free(d->login);
    config_clear(&d->config);
}

int main(int argc, char **argv)
{
    struct vaultd d = { 0 };
    const char *config_path;
    int code = EXIT_FAILURE;

    if (!lifecycle_arguments(argc, argv, "the data plane of Strongroom: keys behind the Azure Key Vault REST API",
                             &config_path, &code))
        return code;
    code = EXIT_FAILURE;
    if (lifecycle_begin() == ST_OK && config_load(config_path, &d.config) == ST_OK && open_token(&d) == ST_OK &&
        open_stores(&d) == ST_OK && open_identity(&d) == ST_OK && serve(&d) == ST_OK) {
        struct lifecycle_hooks hooks = { reload, &d };

        lifecycle_wait("serving vaults", &hooks);
        code = EXIT_SUCCESS;
    }
    shut_down(&d);
    return d.pin_refused ? EXIT_PIN_REFUSED : code;
}

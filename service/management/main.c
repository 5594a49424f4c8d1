/* managementd - the management plane and the authority. This file only wires the parts together. */
#include <sys/stat.h>

#include "firmware/base/log.h"
#include "service/daemon/lifecycle.h"
#include "service/identity/issuer_keys.h"
#include "service/management/management.h"
#include "service/management/vault_reaper.h"
#include "service/vault/resource_group.h"

#define DRAIN_MS     20000
#define WORK_THREADS 8   /* that wait for the disk or the token */
#define WORK_LIMIT   256 /* requests that wait for one of them */

struct managementd {
    struct config config;
    struct token *token;
    struct store *store;
    struct audit *audit;
    struct catalog *catalog;
    struct authority *authority;
    struct verifier *verifier;
    struct issuer_keys *issuer_keys;
    struct work_queue *work;
    struct vault_reaper *reaper;
    struct http_server *server;
    EVP_PKEY *tls_key, *audit_key;
    char *vault_resource, *management_url, *login_url;
    struct bytes challenge;
    struct management plane;
    bool pin_refused; /* by the token */
};

/* Say which part would not start. */
static enum status report(const char *part, enum status st)
{
    if (st != ST_OK)
        log_error("%s: %s", part, status_name(st));
    return st;
}

static enum status load(const char *path, struct managementd *d)
{
    enum status st = config_load(path, &d->config);

    if (st == ST_OK && strlen(d->config.location) > LOCATION_MAX) {
        log_error("%s: `location` is longer than %d characters", path, LOCATION_MAX);
        return ST_BAD_REQUEST;
    }
    if (st != ST_OK)
        return st;
    d->vault_resource = config_vault_resource(&d->config);
    d->management_url = config_management_url(&d->config);
    d->login_url = config_login_url(&d->config);
    return d->vault_resource != NULL && d->management_url != NULL && d->login_url != NULL ? ST_OK : ST_NO_MEMORY;
}

static enum status open_token(struct managementd *d)
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
        (st = report("TLS key in the token", token_private_key(d->token, TOKEN_LABEL_TLS, &d->tls_key))) != ST_OK)
        return st;
    return report("audit key in the token", token_private_key(d->token, TOKEN_LABEL_AUDIT, &d->audit_key));
}

/* The store is also read by vaultd, which has a user of its own in the same group; everything else is ours alone. */
static enum status open_store(struct managementd *d)
{
    mode_t before = umask(027);
    enum status st = store_open_sqlite(d->config.management_store, STORE_READ_WRITE, &d->store);

    umask(before);
    return report("management store", st);
}

static enum status open_domain(struct managementd *d)
{
    struct audit_config ac = {
        .directory = d->config.audit_directory,
        .source = "managementd",
        .signing_key = d->audit_key,
    };
    enum status st;

    if ((st = report("audit trail", audit_open(&ac, &d->audit))) != ST_OK || (st = open_store(d)) != ST_OK)
        return st;
    return report("vault catalog", catalog_open(d->store, &d->catalog));
}

static enum status open_identity(struct managementd *d)
{
    const char *resources[] = { d->vault_resource, d->management_url, NULL };
    struct authority_config ac = {
        .base_url = d->login_url,
        .tenant_id = d->config.tenant_id,
        .resources = resources,
        .lifetime_s = d->config.token_lifetime_s,
        .store = d->store,
        .token = d->token,
    };
    struct verifier_config vc = { .audience = d->management_url, .tenant_id = d->config.tenant_id };
    enum status st;

    if ((st = report("authority", authority_new(&ac, &d->authority))) != ST_OK)
        return st;
    vc.issuer = authority_issuer(d->authority);
    if ((st = report("token verifier", verifier_new(&vc, &d->verifier))) != ST_OK)
        return st;
    bytes_printf(&d->challenge,
                 "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\", error_description=\"The authentication "
                 "failed because of a missing or invalid token.\"",
                 d->login_url, d->config.tenant_id.text);
    if ((st = bytes_status(&d->challenge)) != ST_OK)
        return st;
    return report("issuer's keys", issuer_keys_watch(d->store, d->verifier, &d->issuer_keys));
}

static enum status serve(struct managementd *d)
{
    struct http_server_config hc = {
        .addresses = (const char *const *)d->config.listen,
        .port = (uint16_t)d->config.management_port,
        .threads = d->config.io_threads,
        .certificate_file = d->config.certificate_file,
        .private_key = d->tls_key,
        .handler = management_handle,
        .handler_arg = &d->plane,
    };
    enum status st;

    if ((st = report("work queue", work_queue_start(WORK_THREADS, WORK_LIMIT, &d->work))) != ST_OK)
        return st;
    d->plane = (struct management){
        .config = &d->config,
        .management_url = d->management_url,
        .login_url = d->login_url,
        .challenge = bytes_text(&d->challenge),
        .audit = d->audit,
        .store = d->store,
        .catalog = d->catalog,
        .verifier = d->verifier,
        .authority = d->authority,
        .token = d->token,
        .work = d->work,
        .admin = { d->store, d->config.tenant_id, d->config.location, NULL },
    };
    st = vault_reaper_start(&d->plane.admin, d->catalog, d->audit, VAULT_REAPER_PERIOD_MS, &d->reaper);
    if ((st = report("reaper of deleted vaults", st)) != ST_OK)
        return st;
    return report("HTTP server", http_server_start(&hc, &d->server));
}

static void reload(void *arg)
{
    struct managementd *d = arg;

    report("certificate", http_server_reload(d->server));
}

/* In the reverse order of dependence: nothing is closed that something still open may call. */
static void shut_down(struct managementd *d)
{
    http_server_stop(d->server, DRAIN_MS);
    work_queue_stop(d->work);
    vault_reaper_stop(d->reaper);
    issuer_keys_unwatch(d->issuer_keys);
    verifier_free(d->verifier);
    authority_free(d->authority);
    catalog_close(d->catalog);
    store_close(d->store);
    audit_close(d->audit); /* signs its last checkpoint: before the token goes */
    EVP_PKEY_free(d->tls_key);
    EVP_PKEY_free(d->audit_key);
    token_close(d->token);
    bytes_clear(&d->challenge);
    free(d->vault_resource);
    free(d->management_url);
    free(d->login_url);
    config_clear(&d->config);
}

int main(int argc, char **argv)
{
    struct managementd d = { 0 };
    const char *config_path;
    int code = EXIT_FAILURE;

    if (!lifecycle_arguments(argc, argv, "the management plane of Strongroom: vaults, access, and the authority",
                             &config_path, &code))
        return code;
    code = EXIT_FAILURE;
    if (lifecycle_begin() == ST_OK && load(config_path, &d) == ST_OK && open_token(&d) == ST_OK &&
        open_domain(&d) == ST_OK && open_identity(&d) == ST_OK && serve(&d) == ST_OK) {
        struct lifecycle_hooks hooks = { reload, &d };

        lifecycle_wait("serving the management plane", &hooks);
        code = EXIT_SUCCESS;
    }
    shut_down(&d);
    return d.pin_refused ? EXIT_PIN_REFUSED : code;
}

/* config.h - a daemon's configuration file: lines of `name = value`, `#` starts a comment.
 * Strict (THREATS.md 5.9): an unknown, repeated or missing name, a value out of range, a file that others may write, a
 * symbolic link: the daemon does not start and says which line. Holds paths, names and numbers; never a secret. */
#ifndef STRONGROOM_DAEMON_CONFIG_H
#define STRONGROOM_DAEMON_CONFIG_H

#include "firmware/base/guid.h"

#define CONFIG_FILE_MAX   (64u * 1024)
#define CONFIG_VALUE_MAX  1024
#define CONFIG_LISTEN_MAX 8

/* What both daemons are told. Texts are owned. */
struct config {
    char *domain; /* "localhost": vaults at <name>.vault.<domain>, management.<domain>, login.<domain> */
    char *listen[CONFIG_LISTEN_MAX + 1]; /* numeric addresses, NULL-terminated; default 127.0.0.1 and ::1 */
    unsigned data_port;                  /* 8443; both daemons know both, they are parts of URLs */
    unsigned management_port;            /* 8444 */
    struct guid tenant_id;
    char *location;         /* "local": the one region there is */
    char *management_store; /* managementd writes it, vaultd reads it */
    char *vault_store;      /* vaultd's alone; empty for managementd */
    char *audit_directory;
    char *certificate_file; /* PEM chain of the TLS certificate */
    char *token_module, *token_label, *token_config;
    char *token_pin_file;      /* where the PIN is: pkcs11/token/pin_source.h */
    unsigned io_threads;       /* 0: as many as cores */
    unsigned token_workers;    /* 0: as many as cores */
    unsigned key_cache;        /* sealed keys kept open */
    unsigned token_lifetime_s; /* of access tokens, managementd */
};

/* On error says the file, the line and the reason in the log. Errors: ST_NOT_FOUND; ST_NOT_PERMITTED; ST_BAD_REQUEST.
 */
MUST_CHECK enum status config_load(const char *path, struct config *out);
void config_clear(struct config *c);

/* "https://vault.localhost:8443": the port is left out when it is 443. Caller frees; NULL when out of memory. */
char *config_vault_resource(const struct config *c);
char *config_management_url(const struct config *c);
char *config_login_url(const struct config *c);

#endif

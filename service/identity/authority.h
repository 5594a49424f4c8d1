/* authority.h - the built-in issuer of access tokens, shaped so that stock MSAL and azure-identity log in
 * (OAuth 2.0 client credentials, RFC 6749 4.4; private_key_jwt, RFC 7523; OpenID Connect Discovery).
 * Runs in managementd; the signing key is a persistent RSA key of its token, so tokens outlive restarts.
 * Knows forms and JSON, no HTTP: the routes are service/management's. Thread-safe. */
#ifndef STRONGROOM_IDENTITY_AUTHORITY_H
#define STRONGROOM_IDENTITY_AUTHORITY_H

#include "firmware/base/guid.h"
#include "pkcs11/token/token.h"
#include "service/store/store.h"

#define AUTHORITY_KEYS_RECORD "issuer/keys" /* the JWK Set as JSON, in the management store: vaultd reads it there */

struct authority;

struct authority_config {
    const char *base_url;         /* "https://login.localhost:8444", no slash at its end */
    struct guid tenant_id;        /* also answers to the alias "adfs" */
    const char *const *resources; /* audiences we issue for, NULL-terminated, no slash at their ends */
    unsigned lifetime_s;          /* of tokens; 0: 3600 */
    struct store *store;          /* applications; gets AUTHORITY_KEYS_RECORD */
    struct token *token;          /* has TOKEN_LABEL_AUTHORITY */
    bool single_use_assertions;   /* refuse even what MSAL for JavaScript does: see replay.h */
    int64_t (*now)(void);         /* NULL: clock_unix_s */
};
/* Publishes the JWK Set in the store, unless it is there already. Errors: ST_NOT_FOUND no signing key; ST_UNSUPPORTED
 * it is not RSA of 2048 bits or more; ST_IO; ST_UNAVAILABLE; ST_NO_MEMORY. */
MUST_CHECK enum status authority_new(const struct authority_config *config, struct authority **out);
/* No grant may be under way: close the token first, which waits for its jobs. NULL does nothing. */
void authority_free(struct authority *a);

/* The `iss` of its tokens: "<base_url>/<tenant>/v2.0". */
const char *authority_issuer(const struct authority *a);
/* Is this path segment our tenant (any case) or an alias? */
bool authority_is_tenant(const struct authority *a, struct span segment);
/* Documents, as JSON, replacing what `out` held. `segment`: the tenant as the client wrote it, repeated in the
 * endpoints; ST_NOT_FOUND when it is not our tenant. */
MUST_CHECK enum status authority_discovery(const struct authority *a, struct span segment, struct bytes *out);
MUST_CHECK enum status authority_jwks(const struct authority *a, struct bytes *out);

/* A token request. */
struct authority_grant {
    struct span form;   /* application/x-www-form-urlencoded body; borrowed until done */
    struct span tenant; /* path segment */
    bool v1;            /* the v1 endpoint: `resource` in place of `scope` */
    struct span basic;  /* value of the Authorization header, or empty: client_secret_basic */
    struct guid correlation_id;
    void (*done)(struct authority_grant *g); /* once, on a thread of the token's or in the call itself */
    void *owner;
    /* results */
    unsigned http_status;  /* 200, 400, 401, 429 (too many failures of this client; the route adds Retry-After), 503 */
    struct secret body;    /* JSON: the token reply or the error; may hold a token, so it wipes */
    struct guid client_id; /* who asked, for the audit; all zero text when not even that could be read */
    struct guid object_id; /* who it was, when authenticated */
    const char *outcome;   /* "issued", or the error's short name, for the audit */
};
void authority_grant(struct authority *a, struct authority_grant *g);
void authority_grant_clear(struct authority_grant *g);

#endif

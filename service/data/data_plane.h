/* data_plane.h - vaultd's HTTP side: from a request to the domain and back. Thin: what is decided here is who asks, for
 * which vault, whether he may, and how the domain's words look on the wire (spec: data-plane-keys.md). */
#ifndef STRONGROOM_DATA_DATA_PLANE_H
#define STRONGROOM_DATA_DATA_PLANE_H

#include "service/daemon/exchange.h"
#include "service/identity/verifier.h"
#include "service/vault/keys.h"

/* What the routes work with; made by main(), outlives every request. */
struct data_plane {
    const char *domain; /* "localhost": a vault answers at <name>.vault.localhost */
    const char *location;
    const char *challenge; /* the whole WWW-Authenticate value */
    struct audit *audit;
    struct catalog *catalog;
    struct keys *keys;
    struct verifier *verifier;
    struct token *token;
};

/* One request to a vault, behind struct exchange.user. */
struct call {
    struct data_plane *plane;
    struct exchange *x;
    const struct vault *vault;     /* referenced */
    struct bytes base_url;         /* "https://demo.vault.localhost:8443": host and port as the client used them */
    struct span name, version;     /* of the route; empty when it has none */
    const struct key_version *key; /* referenced; of operations */
    struct key_change change;
    struct key_operation operation;
    struct key_attestation attestation;
    uint8_t attestation_nonce[32];
    struct secret buffers[5]; /* decoded members of a crypto body: value, digest, iv, aad, tag */
    struct bytes tags;
};

/* The handler for http_server_config; arg is the struct data_plane. */
void data_plane_handle(struct http_request *rq, void *arg);

/* Handlers of routes, called once the caller may: they end in call_finish(), at once or later. */
void key_get(struct call *c);
void key_attestation_route(struct call *c);
void key_list(struct call *c);
void key_list_versions(struct call *c);
void deleted_key_get(struct call *c);
void deleted_key_list(struct call *c);
void key_create_route(struct call *c);
void key_update_route(struct call *c);
void key_delete_route(struct call *c);
void key_recover_route(struct call *c);
void key_purge_route(struct call *c);
void key_encrypt_route(struct call *c);
void key_decrypt_route(struct call *c);
void key_sign_route(struct call *c);
void key_verify_route(struct call *c);
void key_wrap_route(struct call *c);
void key_unwrap_route(struct call *c);

/* Send what has been answered. The call is gone afterwards. */
void call_finish(struct call *c);
/* The domain's refusal on the wire; then finishes. */
void call_refuse(struct call *c, const struct fault *f);
/* keys_find and its kin: ST_NOT_FOUND is 404 with the documented text. Finishes. */
void call_missing(struct call *c, enum status st, bool deleted);
/* 400 BadParameter; finishes. */
void call_bad(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

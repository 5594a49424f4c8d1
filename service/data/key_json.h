/* key_json.h - keys as the REST API writes them: JSON Web Keys, bundles, items (spec: data-plane-keys.md 2). */
#ifndef STRONGROOM_DATA_KEY_JSON_H
#define STRONGROOM_DATA_KEY_JSON_H

#include "service/data/data_plane.h"
#include "service/json/json.h"

/* "RSA-HSM". */
const char *key_json_kty(const struct key_version *v);
/* The versioned identifier, "https://demo.vault.localhost:8443/keys/name/version". */
void key_json_kid(struct bytes *out, const struct call *c, const struct key_version *v, bool versioned);
/* A KeyBundle, or with `head` a DeletedKeyBundle, as the answer's body. Errors: ST_CORRUPT; ST_NO_MEMORY; ST_INTERNAL.
 */
MUST_CHECK enum status key_json_bundle(struct call *c, const struct key_version *v, const struct key_head *head);
/* The same for a live key, with what the token says of it among its attributes. */
struct key_json_attestation {
    struct span certificates, statement; /* PEM; packed */
    const char *version;
};
MUST_CHECK enum status key_json_attested_bundle(struct call *c, const struct key_version *v,
                                                const struct key_json_attestation *about);
/* A KeyItem or DeletedKeyItem as an array element. */
void key_json_item(struct json_writer *w, const struct call *c, const struct key_version *v,
                   const struct key_head *head, bool versioned);

/* Reading what create and update have in common: key_ops, attributes, tags. On failure the call has been answered. */
bool key_json_read_common(struct call *c, const json_t *body);
/* kty, key_size, crv and what goes with them. */
bool key_json_read_create(struct call *c, const json_t *body);

#endif

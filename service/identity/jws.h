/* jws.h - a compact JWS (RFC 7515, 7.1), checked before anything of it is believed. Internal to service/identity.
 * Order: size and shape, header, algorithm, then the signature, and only then the payload. */
#ifndef STRONGROOM_IDENTITY_JWS_H
#define STRONGROOM_IDENTITY_JWS_H

#include "service/identity/jwk.h"

#define JWS_TEXT_MAX   (16u * 1024) /* characters in all */
#define JWS_HEADER_MAX (8u * 1024)  /* characters of the header: a client assertion may carry a chain */

enum jws_kind {
    JWS_ACCESS_TOKEN,
    JWS_CLIENT_ASSERTION, /* may carry `x5c`, which is not looked at: MSAL's sendCertificateChain */
};

struct jws {
    struct span text;    /* borrowed, like all spans here */
    struct span payload; /* base64url, as it came */
    size_t signature_len;
    enum jws_alg alg;
    json_t *header;
};

/* Errors: ST_UNAUTHENTICATED not three parts of strict base64url, or the header is not ours to accept. */
MUST_CHECK enum status jws_parse(struct jws *j, enum jws_kind kind, struct span text);
void jws_clear(struct jws *j);
/* Does `key` verify it? Errors: ST_UNAUTHENTICATED. */
MUST_CHECK enum status jws_verify(const struct jws *j, const struct jwk *key);
/* The payload as a JSON object, to be read after jws_verify only. Caller json_decref()s. Errors: ST_UNAUTHENTICATED;
 * ST_NO_MEMORY. */
MUST_CHECK enum status jws_read_payload(const struct jws *j, json_t **out);

#endif

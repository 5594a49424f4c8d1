/* checkpoint.h - what a checkpoint says, and the bytes that are signed. Private to this folder.
 *
 *   "checkpoint":{"time":"..","seq":16,"sha256":"..","reason":"interval"},"signature":"<base64url, ECDSA P-256 in DER>"
 *
 * is the record of a checkpoint's line. It speaks for line `seq` and, through the chain, for all before it. Signed is
 * the line of text CHECKPOINT_DOMAIN, a line end, and the object behind "checkpoint": as it stands there. */
#ifndef STRONGROOM_AUDIT_CHECKPOINT_H
#define STRONGROOM_AUDIT_CHECKPOINT_H

#include "service/audit/chain.h"

/* Names what is signed, so that no signature made for something else can stand here, nor the other way round. */
#define CHECKPOINT_DOMAIN   "strongroom audit checkpoint v1"
#define CHECKPOINT_TEXT_MAX 224
#define CHECKPOINT_REACH    (1u << 20) /* lines back that a checkpoint may speak for: a verifier keeps so many hashes */

enum checkpoint_reason {
    CHECKPOINT_INTERVAL,  /* while records come */
    CHECKPOINT_SEGMENT,   /* the last line of a segment */
    CHECKPOINT_CLOSE,     /* a clean end; speaks for the line just before it */
    CHECKPOINT_RECOVERED, /* the first after a crash */
    CHECKPOINT_REASON_COUNT_
};

struct checkpoint {
    struct chain_point at;
    enum checkpoint_reason reason;
    struct span text, signature; /* of a parsed one: the object, and base64url; they point into the record */
};

bool checkpoint_is(struct span record);
/* Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status checkpoint_parse(struct span record, struct checkpoint *out);
/* The object, dated now; returns its length. */
size_t checkpoint_write(char out[CHECKPOINT_TEXT_MAX], const struct chain_point *at, enum checkpoint_reason reason);

/* Append the base64url signature of `text`. Errors: ST_UNAVAILABLE the key did not sign (its token is away?). */
MUST_CHECK enum status checkpoint_sign(EVP_PKEY *key, struct span text, struct bytes *signature);
/* Errors: ST_CORRUPT not signed by that key; ST_NO_MEMORY; ST_INTERNAL. */
MUST_CHECK enum status checkpoint_check(EVP_PKEY *key, const struct checkpoint *c);

#endif

/* grant_reply.h - answers of the token endpoint (RFC 6749, 5.1 and 5.2, with Entra's members, which clients show their
 * users). Internal to service/identity. */
#ifndef STRONGROOM_IDENTITY_GRANT_REPLY_H
#define STRONGROOM_IDENTITY_GRANT_REPLY_H

#include "service/identity/authority.h"

/* In the order of the table in grant_reply.c. */
enum grant_error {
    GRANT_MALFORMED, /* the form cannot be read */
    GRANT_WRONG_TENANT,
    GRANT_NO_CLIENT_ID,
    GRANT_NO_GRANT_TYPE,
    GRANT_OTHER_GRANT_TYPE,
    GRANT_TWO_PROOFS, /* more than one way of authenticating */
    GRANT_NO_PROOF,
    GRANT_WRONG_SECRET,    /* or no such client: one answer */
    GRANT_WRONG_ASSERTION, /* or no such client: one answer */
    GRANT_THROTTLED,
    GRANT_NO_RESOURCE, /* neither scope nor resource */
    GRANT_BAD_SCOPE,
    GRANT_UNKNOWN_RESOURCE,
    GRANT_UNAVAILABLE,
    GRANT_ERROR_COUNT
};

/* Fill the results of `g` and call its `done`. */
void grant_fail(struct authority_grant *g, enum grant_error error, int64_t now);
/* `resource`: repeated to clients of version 1. */
void grant_issue(struct authority_grant *g, struct span token, struct span resource, unsigned lifetime_s, int64_t now);

#endif

/* principal.h - who asks: what a verified access token says of its bearer. Plain data, copied freely. */
#ifndef STRONGROOM_POLICY_PRINCIPAL_H
#define STRONGROOM_POLICY_PRINCIPAL_H

#include "firmware/base/guid.h"

#define PRINCIPAL_GROUPS_MAX 16
#define PRINCIPAL_ISSUER_MAX 255

enum principal_kind {
    PRINCIPAL_APPLICATION,      /* application-only: its own rights */
    PRINCIPAL_USER,             /* a user at a public client: application_id is not looked at */
    PRINCIPAL_APPLICATION_USER, /* compound: a user through a confidential client (on-behalf-of) */
};

struct principal {
    enum principal_kind kind;
    struct guid tenant_id;
    struct guid object_id;
    struct guid application_id;
    size_t group_count;
    struct guid groups[PRINCIPAL_GROUPS_MAX]; /* a token with more is refused */
    char issuer[PRINCIPAL_ISSUER_MAX + 1];
    int64_t expires_at; /* unix seconds */
};

#endif

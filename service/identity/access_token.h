/* access_token.h - making an access token: claims, signing in the token, the reply. Internal to service/identity. */
#ifndef STRONGROOM_IDENTITY_ACCESS_TOKEN_H
#define STRONGROOM_IDENTITY_ACCESS_TOKEN_H

#include "service/identity/application.h"
#include "service/identity/authority.h"

/* How the application proved itself: the claim `appidacr`. */
enum proof { PROOF_SECRET = 1, PROOF_CERTIFICATE = 2 };

/* Make a token for `app` and audience `audience` (copied), and answer `g` with it or with an error. */
void access_token_issue(struct authority *a, struct authority_grant *g, const struct application *app, enum proof proof,
                        struct span audience, int64_t now);

#endif

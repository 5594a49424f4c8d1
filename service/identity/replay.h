/* replay.h - client assertions that were used, by the client's id and their `jti`, until they end (RFC 7523, 3 (7)).
 * Internal to service/identity. Bounded: in 64 parts, each client in one of them, so that a client that floods its part
 * is refused there while others go on. In memory only. Thread-safe.
 *
 * An assertion may be shown again, unchanged, for ten minutes from its first use: MSAL for JavaScript makes one for ten
 * minutes and sends the same for every audience and from every parallel first call. `single_use` forbids that too. */
#ifndef STRONGROOM_IDENTITY_REPLAY_H
#define STRONGROOM_IDENTITY_REPLAY_H

#include "firmware/base/guid.h"

#define REPLAY_REUSE_S    600
#define REPLAY_DIGEST_LEN 32

struct replay;

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status replay_new(bool single_use, struct replay **out);
void replay_free(struct replay *r);
/* Use the assertion `text` with this `jti`, which ends at `expires_at` (unix seconds).
 * Errors: ST_UNAUTHENTICATED it was used before; ST_BUSY there is no room to remember it; ST_NO_MEMORY. */
MUST_CHECK enum status replay_use(struct replay *r, const struct guid *client, struct span jti, struct span text,
                                  int64_t now, int64_t expires_at);

#endif

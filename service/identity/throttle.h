/* throttle.h - who has failed to log in how often within the last minute. Internal to service/identity.
 * Bounded: a client that is pushed out by others starts again at nothing. That is harmless, because what is guessed at
 * are 256 random bits; the throttle spares us work and log lines, it is not what keeps guessers out. So whoever
 * presents the right secret is let in however often somebody else failed in his name: nobody can lock a client out.
 * Thread-safe. */
#ifndef STRONGROOM_IDENTITY_THROTTLE_H
#define STRONGROOM_IDENTITY_THROTTLE_H

#include "firmware/base/guid.h"

#define THROTTLE_FAILURES 10 /* within a window, then failures are answered "later" */
#define THROTTLE_WINDOW_S 60

struct throttle;

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status throttle_new(struct throttle **out);
void throttle_free(struct throttle *t);
/* Count a failure of `client` at `now` (unix seconds). True: there were too many, tell it to come back later. */
bool throttle_failed(struct throttle *t, const struct guid *client, int64_t now);

#endif

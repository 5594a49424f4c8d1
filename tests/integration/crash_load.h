/* crash_load.h - the load under which a keystore is killed: processes with threads that make, change and delete token
 * objects, and one that changes the user PIN or tries wrong ones. They live through all rounds with the module as it
 * was loaded at first, so it is the module that must find the keystore again. What they ask, and what was acknowledged,
 * is in memory that the test shares with them, and in a journal for whoever has to find out what went wrong. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CRASH_LOAD_H
#define STRONGROOM_TESTS_INTEGRATION_CRASH_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/integration/crash_object.h"

#define CRASH_WORKERS   3 /* of objects; one more is the PIN's */
#define CRASH_LIVE_MAX  24
#define CRASH_WRONG_MAX 6 /* wrong PINs in one round: of 10 tries some are left for the check */
#define CRASH_PIN_ROOM  40
#define CRASH_PROCESSES 2
#define CRASH_CALL_MS   20000 /* no call may take longer, whatever happens to the keystore */

enum crash_act { ACT_CREATE, ACT_CHANGE, ACT_DELETE, ACT_PIN, ACT_WRONG, ACT_COUNT_ };

struct crash_worker {
    struct crash_object objects[CRASH_LIVE_MAX];
    unsigned next_number;
    uint64_t random;
};

struct crash_load {
    pthread_barrier_t prepare, go, done; /* of the test and all workers, in this order in each round */
    bool end;                            /* read behind `prepare` */
    _Atomic bool killed;                 /* set before the kill: from then on calls may fail */
    bool wrong_tries;                    /* what the PIN's worker does in this round */
    unsigned pin;                        /* number of the PIN that was acknowledged */
    bool pin_changing;                   /* to the next number; that is under way */
    unsigned wrong;                      /* wrong tries that were answered in this round */
    bool wrong_pending;
    _Atomic unsigned long acknowledged[ACT_COUNT_];
    _Atomic bool trouble; /* something failed that must not: `what` says the first such thing */
    char what[200];
    char first_pin[CRASH_PIN_ROOM];
    uint64_t seed;
    int journal;
    struct crash_worker workers[CRASH_WORKERS];
};

/* Shared memory, and the processes. `module` and `label` are the token's, `pin` the user PIN it has now. NULL: failed.
 */
struct crash_load *crash_load_start(const char *module, const char *label, const char *pin, uint64_t seed,
                                    const char *journal);
/* Ends the processes; behind no barrier but the last round's `done`. */
void crash_load_end(struct crash_load *load);
/* The PIN with a number. */
struct span crash_load_pin(const struct crash_load *load, unsigned number, char out[CRASH_PIN_ROOM]);
void crash_load_trouble(struct crash_load *load, const char *what, CK_RV rv);
uint64_t crash_random(uint64_t *state);
uint64_t crash_now_ms(void);

#endif

/* fake_keystore.h - the board's end of the link in a thread of the test, with canned answers. It stands only for faults
 * that the real keystore does not show on demand: stalls, closes in mid-call, wrong answers, restarts. What the module
 * does with right answers to real keys is tested against the real one (tests/conformance).
 *
 * It knows three keys, and its "cryptography" is as follows: a signature is 64 times the first byte of the data; what
 * is encrypted comes back as it was, and the final part is 16 times 'f'; a digest is 32 times 'd'. */
#ifndef STRONGROOM_TESTS_FAKE_KEYSTORE_H
#define STRONGROOM_TESTS_FAKE_KEYSTORE_H

#include <stdatomic.h>

#include "tests/unit/firmware/wire/rig.h"

#define FAKE_EC_KEY    101 /* private, may sign */
#define FAKE_AES_KEY   102 /* may encrypt and decrypt */
#define FAKE_EC_PUBLIC 104 /* may verify */

enum fault {
    FAULT_NONE,
    FAULT_STALL,        /* no answer at all */
    FAULT_LATE,         /* the answer comes with the next one, in front of it */
    FAULT_HALF,         /* half of the answer, then nothing */
    FAULT_CLOSE,        /* the connection closes instead of an answer */
    FAULT_CLOSE_ALL,    /* all connections do */
    FAULT_CLOSE_AFTER,  /* the connection closes after its answer */
    FAULT_OTHER_ID,     /* an answer to nothing */
    FAULT_OTHER_KIND,   /* an answer of another kind */
    FAULT_GARBAGE,      /* an answer that is no protobuf */
    FAULT_TOO_MUCH,     /* more output than the operation can give */
    FAULT_GONE_KEY,     /* CKR_KEY_HANDLE_INVALID */
    FAULT_NO_HANDSHAKE, /* accepts, and says nothing */
};

struct fake_keystore;

/* Answers on `path` as the holder of `c`. Stops the process when it cannot. */
struct fake_keystore *fake_start(const char *path, const struct credential *c);
/* Connections close, the socket's file stays: as a killed process leaves it. */
void fake_stop(struct fake_keystore *f);

/* The next `times` requests of `kind` (0: any) fail so. */
void fake_fail(struct fake_keystore *f, enum fault fault, uint16_t kind, unsigned times);
/* How many requests of this kind there were. */
unsigned fake_count(struct fake_keystore *f, uint16_t kind);
unsigned fake_connections(struct fake_keystore *f);  /* since it started */
unsigned fake_peers(struct fake_keystore *f);        /* now */
unsigned fake_applications(struct fake_keystore *f); /* that were made */

#endif

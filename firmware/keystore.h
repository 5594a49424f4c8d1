/* keystore.h - the firmware as a board runs it: one keystore, and one peer for each link. No I/O but through the HAL.
 *
 * Threads: a board runs any number of loop threads; a peer belongs to one of them at a time. The keystore has slow
 * workers of its own for key generation and the like, started by keystore_open() (so before a board locks itself in);
 * their answers come back through the peer's `wake`. */
#ifndef STRONGROOM_KEYSTORE_H
#define STRONGROOM_KEYSTORE_H

#include "board/hal.h"
#include "firmware/wire/link.h"

struct keystore;

struct keystore_config {
    const struct hal *hal;      /* outlives the keystore */
    const char *version;        /* of the firmware */
    const uint8_t *owner;       /* LINK_FINGERPRINT_LEN bytes: who owns a board in factory state; NULL: none yet */
    const uint8_t *factory;     /* likewise: PEER_FACTORY while it is in factory state; NULL: nobody */
    const char *fail_self_test; /* builds with tests only */
};

/* Self tests, entropy, root key, flash, identity, partitions. A failed self test or health test is not an error here:
 * the keystore is then in state error and answers status and audit. Errors: ST_CORRUPT the flash or the root key (said
 * in the log); ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status keystore_open(const struct keystore_config *config, struct keystore **out);
/* All peers are gone. Waits for slow workers, syncs the audit, wipes. */
void keystore_close(struct keystore *ks);

struct peer;

/* A link has been opened. `wake(arg)` is called, from any thread, when answers of slow workers wait for peer_work(). */
MUST_CHECK enum status peer_new(struct keystore *ks, enum link_framing framing, void (*wake)(void *arg), void *arg,
                                struct peer **out);
/* The link is gone: its outstanding work ends, its application too when it was the last link. */
void peer_free(struct peer *p);
/* Bytes have arrived. Works off the requests in them; their answers are in peer_output(). Anything but ST_OK: close the
 * link (after sending what peer_output() still has). */
MUST_CHECK enum status peer_feed(struct peer *p, struct span in);
/* After `wake`, and after output has been taken while the peer wanted no input: answers of slow workers into the
 * output, and on with the requests that had no room. As peer_feed(). */
MUST_CHECK enum status peer_work(struct peer *p);
struct span peer_output(struct peer *p);
void peer_output_taken(struct peer *p, size_t len);
/* False while the peer does not read its answers: stop reading from it. */
bool peer_wants_input(const struct peer *p);
/* A frame has begun and not ended (LINK_STALL_MS), or the handshake is not done. */
bool peer_is_mid_frame(const struct peer *p);

#endif

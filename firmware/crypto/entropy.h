/* entropy.h - the board's noise, tested and made into the seed of the generator.
 * Each source's raw samples (bytes) go through the repetition-count and the adaptive-proportion test of SP
 * 800-90B, 4.4, always on; at start 1,024 samples of each must pass before anything is drawn. What passes seeds
 * libcrypto's DRBG (its own seeding by the operating system stays underneath), again every 4,096 draws. A failing
 * source takes the whole generator down: other sources do not hide it (THREATS.md 5.9). Thread-safe.
 */
#ifndef STRONGROOM_ENTROPY_H
#define STRONGROOM_ENTROPY_H

#include "board/hal.h"

/* Start-up tests and first seed. Errors: ST_CORRUPT a health test failed (*failed names the source); ST_UNAVAILABLE
 * none. */
MUST_CHECK enum status entropy_start(const struct hal *hal, const char **failed);
/* Has a health test failed since? */
bool entropy_is_healthy(void);
/* Random bytes for keys, nonces, handles. Errors: ST_CORRUPT the generator is down. */
MUST_CHECK enum status entropy_draw(void *out, size_t len);

/* One health test, pure: feed samples, false once it has failed. */
struct health {
    bool started, failed;
    uint8_t last, first;       /* the sample before; the first one of the window */
    unsigned run, seen, equal; /* samples alike in a row; in the window so far; of those alike to its first */
};
void health_init(struct health *h);
bool health_feed(struct health *h, const uint8_t *samples, size_t len);

#endif

/* crypto_fixture.h - what the tests of the mechanisms share: bytes from hexadecimal text, secret keys, and the ways to
 * run one operation. */
#ifndef STRONGROOM_TESTS_CRYPTO_FIXTURE_H
#define STRONGROOM_TESTS_CRYPTO_FIXTURE_H

#include "firmware/crypto/operation.h"
#include "tests/unit/harness.h"

/* Bytes of `text`. Valid until the test ends: fixture_end(). */
struct span hex(const char *text);
struct key *secret_key(CK_KEY_TYPE type, const char *value);
/* Frees what hex() gave. */
void fixture_end(void);

/* Whole, by operation_compute(); the result is compared. Gives the code. */
CK_RV computes(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in, struct span want);
/* Whole by begin and once, and in two parts, for every split, and byte by byte: always `want`. */
void same_in_parts(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in,
                   struct span want);
/* What begin answers; frees the operation. */
CK_RV begins(enum operation_kind kind, const struct mechanism *m, struct key *key);

#endif

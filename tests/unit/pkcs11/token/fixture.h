/* fixture.h - a SoftHSM token of its own for each test program, in the scratch directory, and sealed keys to play with.
 * STRONGROOM_SOFTHSM names the module when it is not where Debian puts it. Started by on_keystore, a program has the
 * keystore that this put up. */
#ifndef STRONGROOM_TESTS_TOKEN_FIXTURE_H
#define STRONGROOM_TESTS_TOKEN_FIXTURE_H

#include "pkcs11/token/token.h"
#include "tests/unit/harness.h"

#define FIXTURE_LABEL "strongroom-test"
#define FIXTURE_PIN   "731905"

/* Initialise a token (once), and say how to open it. Stops the program when it cannot. */
struct token_config fixture_config(void);
bool fixture_is_softhsm(void);
/* One more token in the same directory; before the first is opened, because SoftHSM lists its tokens once. */
void fixture_init_token(const char *label);
/* Open it with sealing provisioned. */
struct token *fixture_open(const struct token_config *config);
/* A file in the scratch directory; the text lives until the next call. */
const char *fixture_path(const char *name);
void fixture_write(const char *path, const char *text, unsigned mode);

/* A sealed key and the memory behind its spans. */
struct test_key {
    struct sealed_key sealed;
    struct bytes blob, public_der, context;
};
/* Generate one; CU_FAIL_FATALs when that fails. */
void test_key_make(struct test_key *k, struct token *t, struct key_spec spec, unsigned uses, const char *context);
void test_key_clear(struct test_key *k);
void test_key_new_id(struct test_key *k); /* a cache_id never used before */

struct key_spec rsa_spec(unsigned bits);
struct key_spec ec_spec(enum key_curve curve);
struct key_spec oct_spec(unsigned bits);

/* Run one job on `k`; clear the job afterwards. */
enum status run_on(struct token *t, struct token_job *job, enum token_op op, enum token_alg alg,
                   const struct test_key *k, struct span input);

#endif

/* conformance.h - what store.h promises, as cases that every engine must pass. */
#ifndef STRONGROOM_TESTS_STORE_CONFORMANCE_H
#define STRONGROOM_TESTS_STORE_CONFORMANCE_H

#include "service/store/store.h"
#include "tests/unit/harness.h"

/* `open_fresh` opens a new, empty store for each case. */
void conformance_use(enum status (*open_fresh)(struct store **out));
extern CU_TestInfo conformance_cases[];

/* One write, committed and waited for; on success *revision (may be NULL) is its revision. */
enum status put(struct store *s, const char *key, const char *value, uint64_t expected, uint64_t *revision);
enum status put_span(struct store *s, struct span key, struct span value, uint64_t expected, uint64_t *revision);
enum status delete_key(struct store *s, const char *key, uint64_t expected);
/* Is the record there with that value? */
bool holds(struct store *s, const char *key, const char *value);

#endif

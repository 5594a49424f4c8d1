/* self_test.h - known-answer tests of every mechanism (FIPS 140-3, IG 10.3.A), at power-on and on demand. */
#ifndef STRONGROOM_SELF_TEST_H
#define STRONGROOM_SELF_TEST_H

#include "firmware/base/bytes.h"

/* All of them. entropy_start() comes first, since signing draws. On failure *failed names the first that failed, "ECDSA
 * P-256". `corrupt`, in builds with tests only (compiled in with STRONGROOM_FAULT_INJECTION), names one whose answer is
 * spoilt first; NULL always otherwise. Errors: ST_CORRUPT. */
MUST_CHECK enum status self_test_run(const char *corrupt, const char **failed);
/* Their names, for the tests; NULL-terminated. */
const char *const *self_test_names(void);

#endif

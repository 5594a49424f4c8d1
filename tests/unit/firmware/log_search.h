/* log_search.h - what somebody finds in a keystore's flash who has the board's root key. */
#ifndef STRONGROOM_TESTS_LOG_SEARCH_H
#define STRONGROOM_TESTS_LOG_SEARCH_H

#include "firmware/base/bytes.h"
#include "tests/unit/firmware/flash/memory_hal.h"

/* Are these bytes in a change of any commit, of either bank, that can still be decrypted: live, replaced or removed? */
bool log_has(const struct memory_hal *m, struct span needle);

#endif

/* random.h - where random bytes come from: the caller says. In the firmware that is entropy_draw(), in tests whatever
 * the test wants. */
#ifndef STRONGROOM_DOMAIN_RANDOM_H
#define STRONGROOM_DOMAIN_RANDOM_H

#include "firmware/base/status.h"

/* Fills `out` with `len` bytes for keys. Any error is passed on as it is. */
typedef enum status random_draw(void *out, size_t len);

#endif

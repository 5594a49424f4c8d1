/* guid.h - GUIDs as text (RFC 9562, 4: lower case, 8-4-4-4-12), random ones by version 4. */
#ifndef STRONGROOM_BASE_GUID_H
#define STRONGROOM_BASE_GUID_H

#include "firmware/base/bytes.h"

#define GUID_LEN 36

struct guid {
    char text[GUID_LEN + 1];
};

/* A random GUID from OpenSSL's generator. */
struct guid guid_random(void);
/* The GUID that `bytes16` makes when read as a version-4 one; for callers with randomness of their own. */
struct guid guid_from_bytes(const uint8_t bytes16[16]);
/* Read a GUID of either case; the result is lower case. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status guid_parse(struct guid *out, struct span text);
static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
    return memcmp(a->text, b->text, GUID_LEN) == 0;
}

#endif

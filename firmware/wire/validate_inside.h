/* validate_inside.h - what the files of validate.h share. Each check takes the status so far, so that checks read as a
 * list; the first failure stays. */
#ifndef STRONGROOM_WIRE_VALIDATE_INSIDE_H
#define STRONGROOM_WIRE_VALIDATE_INSIDE_H

#include <string.h>

#include "firmware/wire/limits.h"
#include "firmware/wire/message.h"
#include "firmware/wire/validate.h"

#define TEXT_MAX 64u

static inline enum status at_most(enum status st, size_t n, size_t max)
{
    return st == ST_OK && n > max ? ST_TOO_LARGE : st;
}

static inline enum status text_at_most(enum status st, const char *text, size_t max)
{
    return at_most(st, strnlen(text, max + 1), max);
}

static inline enum status require(enum status st, bool holds)
{
    return st == ST_OK && !holds ? ST_BAD_REQUEST : st;
}

MUST_CHECK enum status validate_attribute(const Ks__Attribute *m);
/* NULL is fine: there is none. */
MUST_CHECK enum status authorisation(enum status st, const Ks__Authorisation *m);

#endif

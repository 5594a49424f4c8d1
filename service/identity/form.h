/* form.h - application/x-www-form-urlencoded (HTML: URL, "application/x-www-form-urlencoded parsing"), strictly, and
 * the Basic credentials of RFC 6749, 2.3.1. What is decoded may be secret and is wiped. Internal to service/identity.
 */
#ifndef STRONGROOM_IDENTITY_FORM_H
#define STRONGROOM_IDENTITY_FORM_H

#include "firmware/base/secret.h"

#define FORM_TEXT_MAX   (64u * 1024)
#define FORM_FIELDS_MAX 64
#define BASIC_MAX       2048

struct form_field {
    struct span name, value;
};
struct form {
    struct secret text; /* decoded; what the fields point into */
    size_t count;
    struct form_field fields[FORM_FIELDS_MAX];
};

/* Errors, *f being cleared: ST_BAD_REQUEST a bad percent code, NUL, a byte that must have been encoded, an empty field
 * or name, a name that comes twice; ST_TOO_LARGE above 64 KiB or 64 fields; ST_NO_MEMORY. */
MUST_CHECK enum status form_parse(struct form *f, struct span text);
void form_clear(struct form *f);
/* The field's value; an empty span with p == NULL when there is none. */
struct span form_get(const struct form *f, const char *name);

/* "Basic <base64>": client id and secret, each form-encoded before they were joined. Borrowed from *text.
 * Errors: ST_BAD_REQUEST; ST_NO_MEMORY. */
MUST_CHECK enum status basic_parse(struct span header, struct secret *text, struct span *id, struct span *password);

#endif

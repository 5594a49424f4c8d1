/* filter.h - the $filter of lists: what clients send of OData, which is names compared with texts, and functions,
 * joined by "and". Pure. */
#ifndef STRONGROOM_MANAGEMENT_FILTER_H
#define STRONGROOM_MANAGEMENT_FILTER_H

#include "firmware/base/bytes.h"

#define FILTER_TERMS_MAX 8
#define FILTER_TEXT_MAX  2048

/* "name eq 'value'", or "name()", or "name('value')". */
struct filter_term {
    struct span name, value; /* value.p == NULL: of a function without argument */
    bool function;
};
struct filter {
    struct filter_term terms[FILTER_TERMS_MAX];
    size_t count;
    struct bytes storage; /* what the values point into */
};

/* An empty text is a filter without terms. Errors: ST_BAD_REQUEST; ST_TOO_LARGE; ST_NO_MEMORY. */
MUST_CHECK enum status filter_parse(struct filter *f, struct span text);
void filter_clear(struct filter *f);
/* The value of the term of that name (any case); p == NULL when there is none. */
struct span filter_value(const struct filter *f, const char *name);
bool filter_has(const struct filter *f, const char *name);
/* Are all terms among these names (ended by NULL)? */
bool filter_only(const struct filter *f, const char *const *names);

#endif

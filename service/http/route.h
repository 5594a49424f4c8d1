/* route.h - which handler a method and a path belong to. A table of patterns, tried in order. */
#ifndef STRONGROOM_HTTP_ROUTE_H
#define STRONGROOM_HTTP_ROUTE_H

#include "service/http/http.h"
#include "service/http/target.h"

#define ROUTE_CAPTURES_MAX 8

/* Pattern: segments separated by '/', literals compared without regard to ASCII case, `{}` captures one segment.
 * "/keys/{}/{}/sign" */
struct route {
    enum http_method method;
    const char *pattern;
    int id; /* the daemon's own name for it */
};
struct route_match {
    int id;
    struct span captures[ROUTE_CAPTURES_MAX];
    size_t capture_count;
};

/* The first route of the table that fits. Errors: ST_NOT_FOUND no pattern fits the path; ST_UNSUPPORTED patterns fit
 * but not with this method: `allow` then holds the methods for an Allow header, "GET, PATCH". */
MUST_CHECK enum status route_find(const struct route *table, size_t count, enum http_method method,
                                  const struct target *target, struct route_match *match, struct bytes *allow);

#endif

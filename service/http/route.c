#include "service/http/route.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

/* Does `target` fit `pattern`? The captures go to `match`. */
static bool fits(const char *pattern, const struct target *target, struct route_match *match)
{
    size_t i = 0;

    match->capture_count = 0;
    while (*pattern == '/')
        pattern++;
    for (; *pattern != '\0'; i++) {
        size_t len = strcspn(pattern, "/");

        if (i == target->segment_count)
            return false;
        if (len == 2 && pattern[0] == '{' && pattern[1] == '}') {
            INVARIANT(match->capture_count < ROUTE_CAPTURES_MAX);
            match->captures[match->capture_count++] = target->segments[i];
        } else if (!span_equal_nocase(span_of(pattern, len), target->segments[i])) {
            return false;
        }
        pattern += len;
        while (*pattern == '/')
            pattern++;
    }
    return i == target->segment_count;
}

static void add_method(struct bytes *allow, unsigned *seen, enum http_method method)
{
    if (method >= ARRAY_LEN(method_names) || (*seen & BIT(method)) != 0)
        return;
    if (*seen != 0)
        bytes_append_text(allow, ", ");
    bytes_append_text(allow, method_names[method]);
    *seen |= BIT(method);
}

enum status route_find(const struct route *table, size_t count, enum http_method method, const struct target *target,
                       struct route_match *match, struct bytes *allow)
{
    struct route_match other;
    unsigned seen = 0;

    for (size_t i = 0; i < count; i++)
        if (table[i].method == method && fits(table[i].pattern, target, match)) {
            match->id = table[i].id;
            return ST_OK;
        }
    for (size_t i = 0; i < count; i++)
        if (table[i].method != method && fits(table[i].pattern, target, &other))
            add_method(allow, &seen, table[i].method);
    return seen != 0 ? ST_UNSUPPORTED : ST_NOT_FOUND;
}

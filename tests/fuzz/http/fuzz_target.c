/* Request targets: what is taken holds no dots, slashes or control characters, and never more than was given. */
#include "service/http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct route table[] = { { HTTP_GET, "/keys/{}", 1 }, { HTTP_POST, "/keys/{}/{}/sign", 2 } };
    struct bytes allow = { 0 };
    struct route_match m;
    struct target t;
    size_t total = 0;

    if (target_parse(&t, span_of(data, size)) != ST_OK)
        return 0;
    for (size_t i = 0; i < t.segment_count; i++) {
        INVARIANT(t.segments[i].len > 0 && !span_is(t.segments[i], ".") && !span_is(t.segments[i], ".."));
        for (size_t k = 0; k < t.segments[i].len; k++)
            INVARIANT(t.segments[i].p[k] >= 0x20 && strchr("/\\%", t.segments[i].p[k]) == NULL);
        total += t.segments[i].len;
    }
    for (size_t i = 0; i < t.param_count; i++)
        total += t.params[i].name.len + t.params[i].value.len;
    INVARIANT(total <= size);
    (void)!route_find(table, ARRAY_LEN(table), HTTP_GET, &t, &m, &allow);
    bytes_clear(&allow);
    target_clear(&t);
    return 0;
}

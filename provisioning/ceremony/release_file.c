#include "provisioning/ceremony/release_file.h"

#include "provisioning/cli/json_file.h"

static enum status get(const json_t *object, struct release *out)
{
    struct span kind, share;
    enum status st;

    if (json_get_text(object, "kind", &kind) != ST_OK || !span_is(kind, "release") ||
        json_get_text(object, "share", &share) != ST_OK || share.len == 0 || share.len > DOMAIN_JWE_MAX)
        return ST_BAD_REQUEST;
    if ((st = bytes_set(&out->share, share)) != ST_OK)
        return st;
    return approval_get(object, &out->approval);
}

int release_read(const struct invocation *in, const char *path, struct release *out)
{
    enum status st;
    json_t *object;
    int code;

    release_clear(out);
    if ((code = json_file_read(in, path, RELEASE_FILE_MAX, &object)) != EXIT_DONE)
        return code;
    st = get(object, out);
    json_decref(object);
    if (st == ST_OK)
        return EXIT_DONE;
    release_clear(out);
    return json_file_refuse(in, path, "release", st);
}

int release_write(const struct invocation *in, const char *path, const struct release *r)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_file_begin(&w, &text);
    json_put_text(&w, "kind", span_text("release"));
    json_put_text(&w, "share", bytes_span(&r->share));
    approval_put(&w, &r->approval);
    return json_file_end(in, path, 0600, &w, &text);
}

void release_clear(struct release *r)
{
    bytes_clear(&r->share);
    approval_clear(&r->approval);
}

/* vectors.h - reading Wycheproof files for the tests of this folder. */
#ifndef STRONGROOM_TESTS_TOKEN_VECTORS_H
#define STRONGROOM_TESTS_TOKEN_VECTORS_H

#include <jansson.h>

#include "firmware/base/hex.h"
#include "tests/unit/harness.h"

/* The parsed file, or NULL when the vectors are not there. */
static inline json_t *vectors_load(const char *file)
{
    const char *folder = vectors_folder("wycheproof");
    struct bytes text = { 0 };
    char path[640];
    json_t *root;

    if (folder == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    read_file(path, &text);
    root = json_loadb(bytes_text(&text), text.len, 0, NULL);
    bytes_clear(&text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    return root;
}

static inline const char *vector_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* A hexadecimal member, decoded; the caller clears `out`. */
static inline struct span vector_hex(const json_t *object, const char *name, struct bytes *out)
{
    const char *text = vector_text(object, name);
    size_t len = strlen(text) / 2;

    bytes_reset(out);
    INVARIANT(bytes_reserve(out, len) == ST_OK && hex_decode(out->p, len, span_of(text, len * 2)) == ST_OK);
    out->len = len;
    return bytes_span(out);
}

static inline bool vector_has_flag(const json_t *test, const char *flag)
{
    size_t i;
    json_t *value;

    json_array_foreach(json_object_get(test, "flags"), i,
                       value) if (strcmp(json_string_value(value), flag) == 0) return true;
    return false;
}

#endif

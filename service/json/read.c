#include "service/json/json.h"

#include <malloc.h>

/* Bodies hold client secrets, secret values and key material on their way in, so what jansson frees is wiped first.
 * malloc_usable_size() knows the length, so memory from before this was set can be freed too. */
static void wiping_free(void *p)
{
    if (p != NULL)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

/* Before main(), because jansson's allocator is one for the whole process and changing it while threads run is a race.
 */
__attribute__((constructor)) static void wipe_what_jansson_frees(void)
{
    json_set_alloc_funcs(malloc, wiping_free);
}

/* What one pass over the text has seen so far. */
struct scan {
    size_t depth;
    size_t items; /* members and elements */
    bool opened;  /* the last thing seen was `{` or `[` */
    bool quoted;  /* inside a string */
    bool escaped; /* behind a backslash in it */
};

static void scan_quoted(struct scan *s, uint8_t c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->quoted = false;
}

static void scan_plain(struct scan *s, uint8_t c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return;
    if (c == '}' || c == ']') {
        s->depth -= s->depth > 0 ? 1 : 0;
        s->opened = false;
        return;
    }
    if (s->opened || c == ',') /* the first entry of its container, or one more */
        s->items++;
    s->opened = c == '{' || c == '[';
    if (s->opened)
        s->depth++;
    s->quoted = c == '"';
}

/* Depth and count before jansson recurses or takes memory, in one pass and without a stack. Says nothing about whether
 * the text is JSON; of what is, it counts exactly. */
static enum status scan_limits(struct span text)
{
    struct scan s = { 0 };

    for (size_t i = 0; i < text.len; i++) {
        if (s.quoted)
            scan_quoted(&s, text.p[i]);
        else
            scan_plain(&s, text.p[i]);
        if (s.depth > JSON_DEPTH_MAX || s.items > JSON_ITEMS_MAX)
            return ST_TOO_LARGE;
    }
    return ST_OK;
}

static enum status read_text(struct span text, size_t max_bytes, size_t flags, json_t **out)
{
    enum status st;

    *out = NULL;
    if (text.len > max_bytes)
        return ST_TOO_LARGE;
    /* No JSON text holds a NUL byte, and jansson 2.14 loses one that follows a number: `{"a":1<NUL>}` would pass. */
    if (text.len == 0 || memchr(text.p, 0, text.len) != NULL)
        return ST_BAD_REQUEST;
    if ((st = scan_limits(text)) != ST_OK)
        return st;
    /* Where and why it failed is the parser's guess, nothing a caller may be told: no json_error_t. */
    *out = json_loadb((const char *)text.p, text.len, flags | JSON_REJECT_DUPLICATES, NULL);
    return *out != NULL ? ST_OK : ST_BAD_REQUEST;
}

enum status json_read_value(struct span text, size_t max_bytes, json_t **out)
{
    return read_text(text, max_bytes, JSON_DECODE_ANY, out);
}

enum status json_read_object(struct span text, size_t max_bytes, json_t **out)
{
    enum status st = read_text(text, max_bytes, 0, out);

    if (st == ST_OK && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        st = ST_BAD_REQUEST;
    }
    return st;
}

/* The member, or NULL when absent or null. */
static json_t *member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

enum status json_get_text(const json_t *object, const char *name, struct span *out)
{
    const json_t *value = member(object, name);

    if (value == NULL)
        return ST_NOT_FOUND;
    if (!json_is_string(value))
        return ST_BAD_REQUEST;
    *out = span_of(json_string_value(value), json_string_length(value));
    return ST_OK;
}

enum status json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const json_t *value = member(object, name);

    if (value == NULL)
        return ST_NOT_FOUND;
    /* jansson makes a real of whatever has a fraction or an exponent, 1.0 and 1e2 too; an integer too big for 64 bits
     * does not parse at all. */
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return ST_BAD_REQUEST;
    *out = json_integer_value(value);
    return ST_OK;
}

enum status json_get_bool(const json_t *object, const char *name, bool *out)
{
    const json_t *value = member(object, name);

    if (value == NULL)
        return ST_NOT_FOUND;
    if (!json_is_boolean(value))
        return ST_BAD_REQUEST;
    *out = json_is_true(value);
    return ST_OK;
}

enum status json_get_object(const json_t *object, const char *name, json_t **out)
{
    json_t *value = member(object, name);

    if (value == NULL)
        return ST_NOT_FOUND;
    if (!json_is_object(value))
        return ST_BAD_REQUEST;
    *out = value;
    return ST_OK;
}

enum status json_get_array(const json_t *object, const char *name, json_t **out)
{
    json_t *value = member(object, name);

    if (value == NULL)
        return ST_NOT_FOUND;
    if (!json_is_array(value))
        return ST_BAD_REQUEST;
    *out = value;
    return ST_OK;
}

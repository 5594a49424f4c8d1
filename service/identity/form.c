#include "service/identity/form.h"

#include "firmware/base/base64url.h"
#include "firmware/base/hex.h"

/* Decode `in` at *out, which has room, and move *out behind what was written. */
static bool decode(struct span in, uint8_t **out)
{
    uint8_t *to = *out;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.p[i];

        if (c == '%') {
            if (in.len - i < 3 || hex_decode(&c, 1, span_of(in.p + i + 1, 2)) != ST_OK || c == '\0')
                return false;
            i += 2;
        } else if (c == '+') {
            c = ' ';
        } else if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
        *to++ = c;
    }
    *out = to;
    return true;
}

static bool has_name(const struct form *f, struct span name)
{
    for (size_t i = 0; i < f->count; i++)
        if (span_equal(f->fields[i].name, name))
            return true;
    return false;
}

static enum status add_field(struct form *f, struct span text, uint8_t **at)
{
    const uint8_t *equals = text.len > 0 ? memchr(text.p, '=', text.len) : NULL;
    size_t name_len = equals != NULL ? (size_t)(equals - text.p) : text.len;
    struct form_field field = { .name.p = *at };

    if (f->count == FORM_FIELDS_MAX)
        return ST_TOO_LARGE;
    if (!decode(span_of(text.p, name_len), at))
        return ST_BAD_REQUEST;
    field.name.len = (size_t)(*at - field.name.p);
    field.value.p = *at;
    if (equals != NULL && !decode(span_of(equals + 1, text.len - name_len - 1), at))
        return ST_BAD_REQUEST;
    field.value.len = (size_t)(*at - field.value.p);
    if (field.name.len == 0 || has_name(f, field.name)) /* which of the two would be meant? */
        return ST_BAD_REQUEST;
    f->fields[f->count++] = field;
    return ST_OK;
}

enum status form_parse(struct form *f, struct span text)
{
    enum status st = ST_OK;
    uint8_t *at;

    *f = (struct form){ 0 };
    if (text.len > FORM_TEXT_MAX)
        return ST_TOO_LARGE;
    if (text.len == 0)
        return ST_OK;
    if ((st = secret_grow(&f->text, text.len)) != ST_OK) /* decoding never makes it longer */
        return st;
    at = f->text.p;
    while (st == ST_OK) {
        const uint8_t *amp = text.len > 0 ? memchr(text.p, '&', text.len) : NULL;
        size_t len = amp != NULL ? (size_t)(amp - text.p) : text.len;

        st = add_field(f, span_of(text.p, len), &at);
        if (amp == NULL)
            break;
        text = span_of(amp + 1, text.len - len - 1);
    }
    f->text.len = (size_t)(at - f->text.p);
    if (st != ST_OK)
        form_clear(f);
    return st;
}

void form_clear(struct form *f)
{
    secret_clear(&f->text);
    *f = (struct form){ 0 };
}

struct span form_get(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (span_is(f->fields[i].name, name))
            return f->fields[i].value;
    return (struct span){ 0 };
}

/* Standard base64 with its padding into what our strict decoder reads. `out` holds text.len bytes. */
static bool to_base64url(struct span text, uint8_t *out, size_t *len)
{
    size_t n = text.len;

    if (n % 4 != 0)
        return false;
    for (unsigned padding = 0; padding < 2 && n > 0 && text.p[n - 1] == '='; padding++)
        n--;
    for (size_t i = 0; i < n; i++) {
        if (text.p[i] == '-' || text.p[i] == '_')
            return false;
        out[i] = text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i];
    }
    *len = n;
    return true;
}

enum status basic_parse(struct span header, struct secret *text, struct span *id, struct span *password)
{
    static const struct span scheme = { (const uint8_t *)"basic ", 6 };
    uint8_t encoded[BASIC_MAX], *at, *colon;
    struct secret joined = { 0 };
    size_t len = 0;
    enum status st = ST_BAD_REQUEST;

    secret_clear(text);
    if (header.len <= scheme.len || header.len > BASIC_MAX ||
        !span_equal_nocase(span_of(header.p, scheme.len), scheme) ||
        !to_base64url(span_of(header.p + scheme.len, header.len - scheme.len), encoded, &len))
        goto done;
    if ((st = base64url_decode_secret(&joined, span_of(encoded, len))) != ST_OK ||
        (st = secret_grow(text, joined.len + 1)) != ST_OK)
        goto done;
    st = ST_BAD_REQUEST;
    if ((colon = joined.len > 0 ? memchr(joined.p, ':', joined.len) : NULL) == NULL)
        goto done;
    at = text->p;
    if (!decode(span_of(joined.p, (size_t)(colon - joined.p)), &at))
        goto done;
    *id = span_of(text->p, (size_t)(at - text->p));
    password->p = at;
    if (!decode(span_of(colon + 1, joined.len - (size_t)(colon - joined.p) - 1), &at))
        goto done;
    password->len = (size_t)(at - password->p);
    text->len = (size_t)(at - text->p);
    st = ST_OK;
done:
    secret_wipe(encoded, sizeof encoded);
    secret_clear(&joined);
    if (st != ST_OK)
        secret_clear(text);
    return st;
}

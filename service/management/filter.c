#include "service/management/filter.h"

struct reader {
    struct span rest;
    struct filter *f;
};

static void skip_spaces(struct reader *r)
{
    while (r->rest.len > 0 && r->rest.p[0] == ' ')
        r->rest = span_of(r->rest.p + 1, r->rest.len - 1);
}

static bool take_char(struct reader *r, char c)
{
    skip_spaces(r);
    if (r->rest.len == 0 || r->rest.p[0] != (uint8_t)c)
        return false;
    r->rest = span_of(r->rest.p + 1, r->rest.len - 1);
    return true;
}

static bool name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool take_name(struct reader *r, struct span *name)
{
    size_t n = 0;

    skip_spaces(r);
    while (n < r->rest.len && name_byte(r->rest.p[n]))
        n++;
    *name = span_of(r->rest.p, n);
    r->rest = span_of(r->rest.p + n, r->rest.len - n);
    return n > 0;
}

/* 'text' with '' for a quote inside (OData 4.01 URL conventions, 5.1.1.6.1). The storage never grows: it was made large
 * enough for all of the filter. */
static bool take_text(struct reader *r, struct span *value)
{
    struct bytes *to = &r->f->storage;
    size_t from = to->len;

    if (!take_char(r, '\''))
        return false;
    for (size_t i = 0; i < r->rest.len; i++) {
        if (r->rest.p[i] == '\'') {
            if (i + 1 == r->rest.len || r->rest.p[i + 1] != '\'') {
                *value = span_of(to->p + from, to->len - from);
                r->rest = span_of(r->rest.p + i + 1, r->rest.len - i - 1);
                return true;
            }
            i++;
        }
        to->p[to->len++] = r->rest.p[i];
    }
    return false;
}

static bool take_term(struct reader *r, struct filter_term *t)
{
    struct span operator;

    if (!take_name(r, &t->name))
        return false;
    if (take_char(r, '(')) {
        t->function = true;
        return take_char(r, ')') || (take_text(r, &t->value) && take_char(r, ')'));
    }
    return take_name(r, &operator) && span_is_nocase(operator, "eq") && take_text(r, &t->value);
}

enum status filter_parse(struct filter *f, struct span text)
{
    struct reader r = { text, f };
    struct span and;

    *f = (struct filter){ 0 };
    if (text.len > FILTER_TEXT_MAX)
        return ST_TOO_LARGE;
    if (bytes_reserve(&f->storage, text.len + 1) != ST_OK)
        return ST_NO_MEMORY;
    skip_spaces(&r);
    while (r.rest.len > 0) {
        if (f->count == FILTER_TERMS_MAX || !take_term(&r, &f->terms[f->count]))
            return ST_BAD_REQUEST;
        f->count++;
        skip_spaces(&r);
        if (r.rest.len == 0)
            break;
        if (!take_name(&r, &and) || !span_is_nocase(and, "and"))
            return ST_BAD_REQUEST;
        skip_spaces(&r);
        if (r.rest.len == 0) /* nothing behind the "and" */
            return ST_BAD_REQUEST;
    }
    return ST_OK;
}

void filter_clear(struct filter *f)
{
    bytes_clear(&f->storage);
    *f = (struct filter){ 0 };
}

static const struct filter_term *find(const struct filter *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (span_is_nocase(f->terms[i].name, name))
            return &f->terms[i];
    return NULL;
}

struct span filter_value(const struct filter *f, const char *name)
{
    const struct filter_term *t = find(f, name);

    return t != NULL ? t->value : (struct span){ 0 };
}

bool filter_has(const struct filter *f, const char *name)
{
    return find(f, name) != NULL;
}

bool filter_only(const struct filter *f, const char *const *names)
{
    for (size_t i = 0; i < f->count; i++) {
        bool known = false;

        for (size_t n = 0; names[n] != NULL; n++)
            known = known || span_is_nocase(f->terms[i].name, names[n]);
        if (!known)
            return false;
    }
    return true;
}

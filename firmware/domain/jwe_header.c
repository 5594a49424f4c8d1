#include "firmware/domain/jwe_header.h"

#include <stdio.h>

#include "firmware/base/base64url.h"

#define ENC "A256CBC-HS512"

struct reader {
    const uint8_t *p, *end;
};

struct member {
    struct span name, value;
};

static bool is_plain(uint8_t c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

void jwe_header_write(struct bytes *out, const char *alg, const char *kid)
{
    char text[JWE_HEADER_MAX * 3 / 4];
    int len = snprintf(text, sizeof text, "{\"alg\":\"%s\",\"kid\":\"%s\",\"enc\":\"" ENC "\"}", alg, kid);

    for (const char *p = kid; *p != '\0'; p++)
        INVARIANT(is_plain((uint8_t)*p));
    INVARIANT(len > 0 && (size_t)len < sizeof text);
    base64url_append(out, span_of(text, (size_t)len));
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

/* The character, with white space around it. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->p == r->end || *r->p != (uint8_t)c)
        return false;
    r->p++;
    skip_space(r);
    return true;
}

static bool take_text(struct reader *r, struct span *out)
{
    const uint8_t *from;

    skip_space(r);
    if (r->p == r->end || *r->p != '"')
        return false;
    from = ++r->p;
    while (r->p < r->end && is_plain(*r->p))
        r->p++;
    *out = span_of(from, (size_t)(r->p - from));
    return r->p < r->end && *r->p++ == '"';
}

static bool is_new(const struct member *members, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(members[i].name, name))
            return false;
    return true;
}

/* All members, which are at least one. */
static bool take_object(struct reader *r, struct member members[JWE_HEADER_MEMBERS_MAX], size_t *count)
{
    struct member m;

    *count = 0;
    if (!take(r, '{'))
        return false;
    do {
        if (*count == JWE_HEADER_MEMBERS_MAX || !take_text(r, &m.name) || !take(r, ':') || !take_text(r, &m.value) ||
            !is_new(members, *count, m.name))
            return false;
        members[(*count)++] = m;
    } while (take(r, ','));
    return take(r, '}') && r->p == r->end;
}

bool jwe_header_says(struct span encoded, const char *alg)
{
    struct member members[JWE_HEADER_MEMBERS_MAX];
    uint8_t text[JWE_HEADER_MAX];
    bool alg_said = false, enc_said = false;
    size_t len, count;

    if (encoded.len > JWE_HEADER_MAX || base64url_decode_to(text, &len, encoded) != ST_OK ||
        !take_object(&(struct reader){ .p = text, .end = text + len }, members, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (span_is(members[i].name, "zip") || span_is(members[i].name, "crit"))
            return false;
        if (span_is(members[i].name, "alg"))
            alg_said = span_is(members[i].value, alg);
        if (span_is(members[i].name, "enc"))
            enc_said = span_is(members[i].value, ENC);
    }
    return alg_said && enc_said;
}

#include "service/management/page.h"

#include "firmware/base/base64url.h"

static bool parse_top(struct span text, size_t *out)
{
    size_t v = 0;

    if (text.len == 0 || text.len > 6)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (size_t)(text.p[i] - '0');
    }
    *out = v < PAGE_MAX ? v : PAGE_MAX;
    return v > 0;
}

bool page_begin(struct page *p, struct call *c)
{
    struct span top = target_param(&c->x->target, "$top"), token = target_param(&c->x->target, "$skiptoken");

    *p = (struct page){ .call = c, .top = PAGE_DEFAULT };
    if (top.p != NULL && !parse_top(top, &p->top)) {
        call_bad(c, "The value of $top must be a number from 1.");
        return false;
    }
    if (token.p != NULL &&
        (token.len > PAGE_TOKEN_MAX || token.len == 0 || base64url_decode(&p->after, token) != ST_OK)) {
        bytes_clear(&p->after);
        call_bad(c, "The value of $skiptoken is not one of ours.");
        return false;
    }
    call_begin_object(c, &p->w);
    json_open_array(&p->w, "value");
    return true;
}

bool page_take(struct page *p, struct span name)
{
    if (p->count == p->top) {
        p->more = true;
        return false;
    }
    p->count++;
    bytes_reset(&p->last);
    bytes_append_span(&p->last, name);
    return true;
}

/* RFC 3986, 2.3: everything but unreserved characters. */
static void append_escaped(struct bytes *out, struct span s)
{
    static const char digits[16] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c != '\0' && strchr("-._~$", c) != NULL)) {
            bytes_append_char(out, (char)c);
        } else {
            bytes_append_char(out, '%');
            bytes_append_char(out, digits[c >> 4]);
            bytes_append_char(out, digits[c & 15]);
        }
    }
}

/* The same request with another $skiptoken, under our own name: a link made from what the client says of its host would
 * send its token there (clients.md 10). */
static void write_link(const struct page *p, struct bytes *out)
{
    const struct target *t = &p->call->x->target;

    bytes_append_text(out, p->call->m->management_url);
    for (size_t i = 0; i < t->segment_count; i++) {
        bytes_append_char(out, '/');
        append_escaped(out, t->segments[i]);
    }
    bytes_append_char(out, '?');
    for (size_t i = 0; i < t->param_count; i++) {
        if (span_is_nocase(t->params[i].name, "$skiptoken"))
            continue;
        append_escaped(out, t->params[i].name);
        bytes_append_char(out, '=');
        append_escaped(out, t->params[i].value);
        bytes_append_char(out, '&');
    }
    bytes_append_text(out, "$skiptoken=");
    base64url_append(out, bytes_span(&p->last));
}

void page_end(struct page *p)
{
    struct bytes link = { 0 };

    json_close_array(&p->w);
    if (p->more) {
        write_link(p, &link);
        json_put_text(&p->w, "nextLink", bytes_span(&link));
    }
    call_end_object(&p->w);
    if (bytes_status(&link) != ST_OK || bytes_status(&p->last) != ST_OK)
        exchange_trouble(p->call->x, ST_NO_MEMORY);
    bytes_clear(&link);
    bytes_clear(&p->last);
    bytes_clear(&p->after);
}

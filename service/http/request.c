#include "service/http/request.h"

#include "firmware/base/secret.h"

#define BLOCK_MIN     4096
#define FIELD_COST    32 /* RFC 9113, 6.5.2 */
#define LENGTH_LIMIT  (UINT64_C(1) << 53)
#define LENGTH_DIGITS 16

struct request_block {
    struct request_block *older;
    size_t cap;
    size_t used; /* known once a newer one has been added */
    uint8_t space[];
};

struct http_request *request_new(struct request_pool *pool)
{
    struct http_request *rq = pool->free;

    if (rq != NULL) {
        pool->free = rq->next;
        pool->count--;
    } else if ((rq = malloc(sizeof *rq)) == NULL) {
        return NULL;
    }
    memset(rq, 0, offsetof(struct http_request, inline_fields));
    rq->pool = pool;
    rq->fields = rq->inline_fields;
    rq->field_cap = REQUEST_FIELDS_INLINE;
    rq->at = rq->space;
    rq->end = rq->space + sizeof rq->space;
    return rq;
}

static void body_free(struct http_request *rq)
{
    if (rq->body_allocated) {
        secret_wipe(rq->body, rq->body_len);
        free(rq->body);
    }
    rq->body = NULL;
    rq->body_len = rq->body_cap = 0;
    rq->body_allocated = false;
}

/* Everything but the struct itself. */
static void contents_clear(struct http_request *rq)
{
    struct request_block *older;

    if (rq->free_user != NULL && rq->user != NULL)
        rq->free_user(rq->user);
    if (rq->answer.p != NULL)
        secret_wipe(rq->answer.p, rq->answer.len);
    bytes_clear(&rq->answer);
    if (!rq->body_allocated && rq->body != NULL)
        rq->at = rq->body + rq->body_len > rq->at ? rq->body + rq->body_len : rq->at;
    secret_wipe(rq->space, rq->blocks == NULL ? (size_t)(rq->at - rq->space) : rq->space_used);
    body_free(rq);
    for (; rq->blocks != NULL; rq->blocks = older) {
        older = rq->blocks->older;
        secret_wipe(rq->blocks->space, rq->blocks->cap);
        free(rq->blocks);
    }
}

void request_destroy(struct http_request *rq)
{
    if (rq == NULL)
        return;
    contents_clear(rq);
    free(rq);
}

void request_free(struct http_request *rq)
{
    struct request_pool *pool;

    if (rq == NULL)
        return;
    pool = rq->pool;
    if (pool->count >= REQUEST_POOL_MAX) {
        request_destroy(rq);
        return;
    }
    contents_clear(rq);
    rq->next = pool->free;
    pool->free = rq;
    pool->count++;
}

void request_pool_clear(struct request_pool *pool)
{
    struct http_request *rq;

    while ((rq = pool->free) != NULL) {
        pool->free = rq->next;
        free(rq);
    }
    pool->count = 0;
}

void *request_space(struct http_request *rq, size_t len, bool align)
{
    size_t skip = align ? (size_t)(-(uintptr_t)rq->at & (sizeof(void *) - 1)) : 0;
    struct request_block *b;
    void *p;

    if (len + skip > (size_t)(rq->end - rq->at)) {
        size_t cap = len > BLOCK_MIN ? len : BLOCK_MIN;

        if ((b = malloc(sizeof *b + cap)) == NULL)
            return NULL;
        if (rq->blocks == NULL)
            rq->space_used = (size_t)(rq->at - rq->space);
        *b = (struct request_block){ .older = rq->blocks, .cap = cap };
        memset(b->space, 0, cap); /* it is wiped whole, so nothing in it may be undefined */
        rq->blocks = b;
        rq->at = b->space;
        rq->end = b->space + cap;
        skip = 0;
    }
    p = rq->at + skip;
    rq->at += skip + len;
    return p;
}

enum status request_copy(struct http_request *rq, struct span *to, struct span from)
{
    uint8_t *p = request_space(rq, from.len, false);

    if (p == NULL)
        return ST_NO_MEMORY;
    if (from.len > 0)
        memcpy(p, from.p, from.len);
    *to = span_of(p, from.len);
    return ST_OK;
}

enum status request_add_field(struct http_request *rq, const struct http_limits *limits, struct span name,
                              struct span value)
{
    struct request_field *f;
    enum status st;

    rq->head_size += name.len + value.len + FIELD_COST;
    if (rq->head_size > limits->head || rq->field_count >= limits->fields)
        return ST_TOO_LARGE;
    if (rq->field_count == rq->field_cap) {
        if ((f = request_space(rq, limits->fields * sizeof *f, true)) == NULL)
            return ST_NO_MEMORY;
        memcpy(f, rq->fields, rq->field_count * sizeof *f);
        rq->fields = f;
        rq->field_cap = limits->fields;
    }
    f = &rq->fields[rq->field_count];
    if ((st = request_copy(rq, &f->name, name)) != ST_OK || (st = request_copy(rq, &f->value, value)) != ST_OK)
        return st;
    rq->field_count++;
    return ST_OK;
}

/* Memory grows with what has arrived, never with what was announced (THREATS.md, C1). */
enum status request_add_body(struct http_request *rq, struct span part, size_t max)
{
    size_t need, cap;
    uint8_t *p;

    if (part.len > max || rq->body_len > max - part.len)
        return ST_TOO_LARGE;
    need = rq->body_len + part.len;
    if (rq->body == NULL) {
        rq->body = rq->at;
        rq->body_cap = (size_t)(rq->end - rq->at);
    }
    if (need > rq->body_cap) {
        for (cap = rq->body_cap > BLOCK_MIN ? rq->body_cap : BLOCK_MIN; cap < need; cap *= 2)
            ;
        if (cap > max)
            cap = max > need ? max : need;
        if ((p = malloc(cap)) == NULL)
            return ST_NO_MEMORY;
        memcpy(p, rq->body, rq->body_len);
        secret_wipe(rq->body, rq->body_len);
        if (rq->body_allocated)
            free(rq->body);
        rq->body = p;
        rq->body_cap = cap;
        rq->body_allocated = true;
    }
    if (part.len > 0)
        memcpy(rq->body + rq->body_len, part.p, part.len);
    rq->body_len = need;
    return ST_OK;
}

void request_complete(struct http_request *rq, uint64_t now_us)
{
    if (rq->body != NULL && !rq->body_allocated)
        rq->at = rq->body + rq->body_len;
    rq->received_us = now_us;
}

void request_wipe_input(struct http_request *rq, const uint8_t *answer_at, const struct request_block *answer_block)
{
    struct request_block *b = rq->blocks;

    if (rq->free_user != NULL && rq->user != NULL)
        rq->free_user(rq->user);
    rq->user = NULL;
    rq->free_user = NULL;
    body_free(rq);
    while (b != answer_block)
        b = b->older; /* the answer's alone */
    if (b == NULL) {
        secret_wipe(rq->space, (size_t)(answer_at - rq->space));
    } else {
        secret_wipe(b->space, (size_t)(answer_at - b->space));
        for (b = b->older; b != NULL; b = b->older)
            secret_wipe(b->space, b->cap);
        secret_wipe(rq->space, rq->space_used);
    }
    rq->fields = NULL;
    rq->field_count = 0;
    rq->method_text = rq->authority = rq->host = rq->scheme = rq->target = span_of(NULL, 0);
}

enum http_method request_method(struct span text)
{
    static const struct {
        const char *name;
        enum http_method method;
    } known[] = { { "POST", HTTP_POST }, { "GET", HTTP_GET },       { "PUT", HTTP_PUT },        { "PATCH", HTTP_PATCH },
                  { "HEAD", HTTP_HEAD }, { "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS } };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_is(text, known[i].name))
            return known[i].method;
    return HTTP_OTHER;
}

bool request_host_valid(struct span host)
{
    size_t i = 0;

    if (host.len == 0 || host.len > 300)
        return false;
    if (host.p[0] == '[') { /* an IPv6 literal */
        for (i = 1; i < host.len && host.p[i] != ']'; i++)
            if (strchr("0123456789abcdefABCDEF:.", host.p[i]) == NULL || host.p[i] == '\0')
                return false;
        if (i == 1 || i++ == host.len)
            return false;
    } else {
        for (; i < host.len && host.p[i] != ':'; i++) {
            uint8_t c = host.p[i];

            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                  c == '_'))
                return false;
        }
        if (i == 0)
            return false;
    }
    if (i == host.len)
        return true;
    if (host.p[i] != ':' || host.len - i > 6)
        return false;
    for (i++; i < host.len; i++)
        if (host.p[i] < '0' || host.p[i] > '9')
            return false;
    return true;
}

enum status request_content_length(struct span text, uint64_t *out)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > LENGTH_DIGITS)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return ST_BAD_REQUEST;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = n;
    return n <= LENGTH_LIMIT ? ST_OK : ST_BAD_REQUEST;
}

/* What handlers see. */

enum http_method http_method(const struct http_request *rq)
{
    return rq->method;
}

struct span http_method_text(const struct http_request *rq)
{
    return rq->method_text;
}

struct span http_authority(const struct http_request *rq)
{
    return rq->authority;
}

struct span http_target(const struct http_request *rq)
{
    return rq->target;
}

struct span http_body(const struct http_request *rq)
{
    return span_of(rq->body, rq->body_len);
}

struct span http_header(const struct http_request *rq, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < rq->field_count; i++)
        if (rq->fields[i].name.len == len && memcmp(rq->fields[i].name.p, name, len) == 0)
            return rq->fields[i].value;
    return span_of(NULL, 0);
}

unsigned http_header_count(const struct http_request *rq, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < rq->field_count; i++)
        n += span_is(rq->fields[i].name, name);
    return n;
}

int http_version(const struct http_request *rq)
{
    return rq->version;
}

const char *http_tls_version(const struct http_request *rq)
{
    return rq->tls_version;
}

const char *http_peer_address(const struct http_request *rq)
{
    return rq->peer;
}

uint64_t http_received_us(const struct http_request *rq)
{
    return rq->received_us;
}

void http_set_user(struct http_request *rq, void *user, void (*free_fn)(void *))
{
    rq->user = user;
    rq->free_user = free_fn;
}

void *http_user(const struct http_request *rq)
{
    return rq->user;
}

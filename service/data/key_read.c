/* Reading keys: get, list, versions, and the same for soft-deleted ones. */
#include "firmware/base/base64url.h"
#include "service/data/key_json.h"

static void answer_bundle(struct call *c, const struct key_version *v, const struct key_head *head)
{
    enum status st = key_json_bundle(c, v, head);

    if (st != ST_OK)
        exchange_trouble(c->x, st);
    call_finish(c);
}

void key_get(struct call *c)
{
    enum status st = keys_find(c->plane->keys, c->vault, c->name, c->version, &c->key);

    if (st != ST_OK)
        call_missing(c, st, false);
    else
        answer_bundle(c, c->key, NULL);
}

void deleted_key_get(struct call *c)
{
    struct key_head head;
    enum status st = keys_find_deleted(c->plane->keys, c->vault, c->name, &c->key, &head);

    if (st != ST_OK)
        call_missing(c, st, true);
    else
        answer_bundle(c, c->key, &head);
}

/* A list under way. */
struct listing {
    struct call *call;
    struct json_writer w;
    bool versioned;
    size_t limit;
    struct bytes after, next; /* names or versions, behind which a page starts */
};

static void visit(const struct key_version *v, const struct key_head *head, void *arg)
{
    struct listing *l = arg;

    key_json_item(&l->w, l->call, v, head, l->versioned);
}

/* maxresults and $skiptoken; on failure the call has been answered. */
static bool read_paging(struct call *c, struct listing *l)
{
    struct span max = target_param(&c->x->target, "maxresults"), skip = target_param(&c->x->target, "$skiptoken");
    size_t limit = 0;

    for (size_t i = 0; i < max.len && max.len <= 2; i++)
        limit = max.p[i] >= '0' && max.p[i] <= '9' ? limit * 10 + (size_t)(max.p[i] - '0') : KEYS_PAGE_MAX + 1;
    l->limit = max.p == NULL ? KEYS_PAGE_MAX : limit;
    if (l->limit < 1 || l->limit > KEYS_PAGE_MAX) {
        call_bad(c, "Property maxresults has invalid value\r\n");
        return false;
    }
    if (skip.p != NULL && (skip.len == 0 || skip.len > 2 * KEY_NAME_MAX || base64url_decode(&l->after, skip) != ST_OK ||
                           !key_name_valid(bytes_span(&l->after)))) {
        bytes_clear(&l->after);
        call_bad(c, "Property $skiptoken has invalid value\r\n");
        return false;
    }
    return true;
}

static void put_next_link(struct listing *l)
{
    struct call *c = l->call;
    struct span max = target_param(&c->x->target, "maxresults");
    struct bytes link = { 0 };

    if (l->next.len == 0) {
        json_put_null(&l->w, "nextLink");
        return;
    }
    bytes_append_span(&link, bytes_span(&c->base_url));
    for (size_t i = 0; i < c->x->target.segment_count; i++) { /* checked parts: nothing to encode */
        bytes_append_char(&link, '/');
        bytes_append_span(&link, c->x->target.segments[i]);
    }
    bytes_append_text(&link, "?api-version=");
    bytes_append_span(&link, c->x->api_version);
    bytes_append_text(&link, "&$skiptoken=");
    base64url_append(&link, bytes_span(&l->next));
    if (max.p != NULL) {
        bytes_append_text(&link, "&maxresults=");
        bytes_append_span(&link, max);
    }
    json_put_text(&l->w, "nextLink", bytes_span(&link));
    bytes_clear(&link);
}

enum list_kind { LIST_KEYS, LIST_DELETED, LIST_VERSIONS };

static void list(struct call *c, enum list_kind kind)
{
    struct listing l = { .call = c, .versioned = kind == LIST_VERSIONS };
    enum status st;

    if (!read_paging(c, &l))
        return;
    json_begin(&l.w, &c->x->body);
    json_open_object(&l.w, NULL);
    json_open_array(&l.w, "value");
    st = kind == LIST_VERSIONS
             ? keys_list_versions(c->plane->keys, c->vault, c->name, bytes_span(&l.after), l.limit, visit, &l, &l.next)
             : keys_list(c->plane->keys, c->vault, kind == LIST_DELETED, bytes_span(&l.after), l.limit, visit, &l,
                         &l.next);
    json_close_array(&l.w);
    put_next_link(&l);
    json_close_object(&l.w);
    bytes_clear(&l.after);
    bytes_clear(&l.next);
    c->x->status = 200;
    if (st != ST_OK)
        call_missing(c, st, false);
    else
        call_finish(c);
}

void key_list(struct call *c)
{
    list(c, LIST_KEYS);
}

void deleted_key_list(struct call *c)
{
    list(c, LIST_DELETED);
}

void key_list_versions(struct call *c)
{
    list(c, LIST_VERSIONS);
}

/* Lists of vaults. Each shows what the caller may read of it. */
#include "service/management/filter.h"
#include "service/management/page.h"
#include "service/management/vault_json.h"
#include "service/vault/resource_group.h"

#define VAULT_TYPE "Microsoft.KeyVault/vaults"

struct listing {
    struct page page;
    struct call *call;
    struct span group; /* p == NULL: of the whole subscription */
    struct span name;  /* p == NULL: all */
    bool brief;
};

static bool list_one(const struct vault *v, void *arg)
{
    struct listing *l = arg;

    if (v->deleted_at != 0 || !guid_equal(&v->subscription_id, &l->call->subscription_id) ||
        (l->group.p != NULL && !span_is_nocase(l->group, v->resource_group)) ||
        (l->name.p != NULL && !span_is_nocase(l->name, v->name)) ||
        !call_may(l->call, l->call->endpoint->action, v->resource_id))
        return true;
    if (!page_take(&l->page, span_text(v->name)))
        return false;
    json_open_object(&l->page.w, NULL);
    if (l->brief)
        vault_json_write_short(&l->page.w, v);
    else
        vault_json_write(&l->page.w, l->call->m->config, v);
    json_close_object(&l->page.w);
    return true;
}

static void list(struct listing *l)
{
    if (!page_begin(&l->page, l->call))
        return;
    catalog_visit_after(l->call->m->catalog, bytes_span(&l->page.after), list_one, l);
    page_end(&l->page);
}

/* false: the answer has been set. */
static bool need_group(struct call *c)
{
    struct resource_group g;
    struct span name = call_capture(c, 1);
    enum status st = group_find(c->m->store, &c->subscription_id, name, &g);

    resource_group_clear(&g);
    if (st == ST_NOT_FOUND)
        exchange_error(c->x, 404, "ResourceGroupNotFound", NULL, "Resource group '%.*s' could not be found.",
                       (int)name.len, (const char *)name.p);
    else if (st != ST_OK)
        exchange_trouble(c->x, st);
    return st == ST_OK;
}

void vault_list_group_route(struct call *c)
{
    struct listing l = { .call = c, .group = call_capture(c, 1) };

    if (need_group(c))
        list(&l);
}

void vault_list_subscription_route(struct call *c)
{
    struct listing l = { .call = c };

    list(&l);
}

static void answer_nothing(struct call *c)
{
    struct json_writer w;

    call_begin_object(c, &w);
    json_open_array(&w, "value");
    json_close_array(&w);
    call_end_object(&w);
}

void empty_list_route(struct call *c)
{
    if (c->endpoint->shape != SHAPE_GROUP || need_group(c))
        answer_nothing(c);
}

/* The generic list, by which clients find a vault's group: "resourceType eq '..' [and name eq '..']". */
void resource_list_route(struct call *c)
{
    static const char *const known[] = { "resourceType", "name", "resourceGroup", NULL };
    struct listing l = { .call = c, .brief = true };
    struct span type;
    struct filter f;

    if (filter_parse(&f, target_param(&c->x->target, "$filter")) != ST_OK || !filter_only(&f, known)) {
        call_bad(c, "The $filter is not valid; it can be \"resourceType eq '..' and name eq '..'\".");
        filter_clear(&f);
        return;
    }
    type = filter_value(&f, "resourceType");
    l.name = filter_value(&f, "name");
    l.group = c->endpoint->shape == SHAPE_GROUP ? call_capture(c, 1) : filter_value(&f, "resourceGroup");
    if (c->endpoint->shape != SHAPE_GROUP || need_group(c)) {
        if (type.p != NULL && !span_is_nocase(type, VAULT_TYPE))
            answer_nothing(c); /* vaults are all there is */
        else
            list(&l);
    }
    filter_clear(&f);
}

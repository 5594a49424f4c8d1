/* Soft-deleted vaults (spec: management-plane.md 2.3). */
#include "service/management/page.h"
#include "service/management/vault_json.h"

void deleted_vault_get_route(struct call *c)
{
    struct span location = call_capture(c, 1), name = call_capture(c, 2);
    const struct vault *v = catalog_find_any(c->m->catalog, name);
    struct json_writer w;

    if (v != NULL && v->deleted_at != 0 && guid_equal(&v->subscription_id, &c->subscription_id) &&
        location_equal(location, v->location)) {
        call_begin_object(c, &w);
        vault_json_write_deleted(&w, v);
        call_end_object(&w);
    } else {
        exchange_error(c->x, 404, "DeletedVaultNotFound", NULL, "The specified deleted vault '%.*s' does not exist.",
                       (int)name.len, (const char *)name.p);
    }
    vault_unref(v);
}

struct listing {
    struct page page;
    struct call *call;
};

static bool list_one(const struct vault *v, void *arg)
{
    struct listing *l = arg;

    if (v->deleted_at == 0 || !guid_equal(&v->subscription_id, &l->call->subscription_id))
        return true;
    if (!page_take(&l->page, span_text(v->name)))
        return false;
    json_open_object(&l->page.w, NULL);
    vault_json_write_deleted(&l->page.w, v);
    json_close_object(&l->page.w);
    return true;
}

void deleted_vault_list_route(struct call *c)
{
    struct listing l = { .call = c };

    if (!page_begin(&l.page, c))
        return;
    catalog_visit_after(c->m->catalog, bytes_span(&l.page.after), list_one, &l);
    page_end(&l.page);
}

/* Done when answered, so 200 and nothing to poll: clients would take a 204 from a poll as a failure (clients.md 14). */
void deleted_vault_purge_route(struct call *c)
{
    struct admin_fault f = { 0 };

    if (vault_purge(&c->m->admin, &c->subscription_id, call_capture(c, 1), call_capture(c, 2), &f))
        c->x->status = 200;
    else
        call_refuse(c, &f);
}

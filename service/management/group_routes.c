/* Resource groups. */
#include "service/management/page.h"
#include "service/management/vault_json.h"
#include "service/vault/resource_group.h"

static void write_group(struct json_writer *w, const struct resource_group *g)
{
    struct bytes id = { 0 };

    bytes_printf(&id, "/subscriptions/%s/resourceGroups/%s", g->subscription_id.text, g->name);
    json_put_text(w, "id", bytes_span(&id));
    json_put_text(w, "name", span_text(g->name));
    json_put_text(w, "type", span_text("Microsoft.Resources/resourceGroups"));
    json_put_text(w, "location", span_text(g->location));
    json_put_raw(w, "tags", span_text(g->tags_json));
    json_open_object(w, "properties");
    json_put_text(w, "provisioningState", span_text("Succeeded"));
    json_close_object(w);
    bytes_clear(&id);
}

static void answer_group(struct call *c, const struct resource_group *g, bool created)
{
    struct json_writer w;

    call_begin_object(c, &w);
    write_group(&w, g);
    call_end_object(&w);
    c->x->status = created ? 201 : 200;
}

static bool read_group(struct call *c, const json_t *body, struct resource_group *g, struct admin_fault *f)
{
    struct span location = { 0 }, name = call_capture(c, 1);

    if (!group_name_valid(name))
        return admin_fault_set(f, ADMIN_FAULT_GROUP_NAME,
                               "The provided resource group name is not valid: 1 to 90 letters, digits, and -_.() with "
                               "no dot at the end.");
    if (json_get_text(body, "location", &location) != ST_OK)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The location property is required for this definition.");
    if (!location_equal(location, c->m->config->location))
        return admin_fault_set(f, ADMIN_FAULT_REGION, "The location is not available here; the one there is: '%s'.",
                               c->m->config->location);
    g->subscription_id = c->subscription_id;
    memcpy(g->name, name.p, name.len);
    memcpy(g->location, c->m->config->location, strlen(c->m->config->location) + 1); /* its length: main() */
    return tags_json_read(body, &g->tags_json, f);
}

void group_put_route(struct call *c)
{
    struct resource_group wanted = { 0 }, now = { 0 };
    struct admin_fault f = { 0 };
    json_t *body = NULL;
    bool created = false;

    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    if (read_group(c, body, &wanted, &f) && group_put(c->m->store, &wanted, &now, &created, &f))
        answer_group(c, &now, created);
    else
        call_refuse(c, &f);
    resource_group_clear(&wanted);
    resource_group_clear(&now);
    json_decref(body);
}

/* false: the answer has been set. */
static bool find(struct call *c, struct resource_group *g)
{
    struct span name = call_capture(c, 1);
    enum status st = group_find(c->m->store, &c->subscription_id, name, g);

    if (st == ST_NOT_FOUND)
        exchange_error(c->x, 404, "ResourceGroupNotFound", NULL, "Resource group '%.*s' could not be found.",
                       (int)name.len, (const char *)name.p);
    else if (st != ST_OK)
        exchange_trouble(c->x, st);
    return st == ST_OK;
}

void group_get_route(struct call *c)
{
    struct resource_group g;

    if (find(c, &g))
        answer_group(c, &g, false);
    resource_group_clear(&g);
}

/* 204 or 404, and no body with either. */
void group_head_route(struct call *c)
{
    struct resource_group g;

    if (find(c, &g))
        c->x->status = 204;
    bytes_reset(&c->x->body);
    resource_group_clear(&g);
}

void group_delete_route(struct call *c)
{
    struct admin_fault f = { 0 };

    if (group_delete(c->m->store, &c->subscription_id, call_capture(c, 1), &f))
        c->x->status = 200;
    else
        call_refuse(c, &f);
}

struct listing {
    struct page page;
    struct call *call;
};

static bool list_one(const struct resource_group *g, void *arg)
{
    struct listing *l = arg;
    struct bytes scope = { 0 };
    bool visible;

    bytes_printf(&scope, "/subscriptions/%s/resourceGroups/%s", g->subscription_id.text, g->name);
    visible = call_may(l->call, l->call->endpoint->action, bytes_text(&scope));
    bytes_clear(&scope);
    if (!visible)
        return true;
    if (!page_take(&l->page, span_text(g->name)))
        return false;
    json_open_object(&l->page.w, NULL);
    write_group(&l->page.w, g);
    json_close_object(&l->page.w);
    return true;
}

void group_list_route(struct call *c)
{
    struct listing l = { .call = c };
    enum status st;

    if (target_param(&c->x->target, "$filter").len > 0) {
        call_bad(c, "Resource groups cannot be filtered here.");
        return;
    }
    if (!page_begin(&l.page, c))
        return;
    st = group_list(c->m->store, &c->subscription_id, bytes_span(&l.page.after), list_one, &l);
    page_end(&l.page);
    if (st != ST_OK)
        exchange_trouble(c->x, st);
}

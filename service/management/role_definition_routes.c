/* Role definitions: the built-in ones; there are no others. */
#include "service/management/filter.h"
#include "service/management/management.h"

#define TYPE "Microsoft.Authorization/roleDefinitions"

static void put_list(struct json_writer *w, const char *name, const char *const *list)
{
    json_open_array(w, name);
    for (; list != NULL && *list != NULL; list++)
        json_put_text(w, NULL, span_text(*list));
    json_close_array(w);
}

static void write_role(struct json_writer *w, const struct call *c, const struct role *r)
{
    struct bytes id = { 0 };

    if (c->endpoint->shape != SHAPE_ROOT)
        bytes_printf(&id, "/subscriptions/%s", c->subscription_id.text);
    bytes_printf(&id, "/providers/" TYPE "/%s", r->id);
    json_put_text(w, "id", bytes_span(&id));
    json_put_text(w, "name", span_text(r->id));
    json_put_text(w, "type", span_text(TYPE));
    json_open_object(w, "properties");
    json_put_text(w, "roleName", span_text(r->name));
    json_put_text(w, "description", span_text(r->description));
    json_put_text(w, "type", span_text("BuiltInRole"));
    json_open_array(w, "assignableScopes");
    json_put_text(w, NULL, span_text("/"));
    json_close_array(w);
    json_open_array(w, "permissions");
    json_open_object(w, NULL);
    put_list(w, "actions", r->actions);
    put_list(w, "notActions", r->not_actions);
    put_list(w, "dataActions", r->data_actions);
    put_list(w, "notDataActions", NULL);
    json_close_object(w);
    json_close_array(w);
    json_close_object(w);
    bytes_clear(&id);
}

void role_get_route(struct call *c)
{
    struct span name = call_capture(c, c->match.capture_count - 1);
    const struct role *r = NULL;
    struct json_writer w;
    struct guid id;

    if (guid_parse(&id, name) == ST_OK)
        r = role_by_id(&id);
    if (r == NULL) {
        exchange_error(c->x, 404, "RoleDefinitionDoesNotExist", NULL,
                       "The specified role definition with ID '%.*s' does not exist.", (int)name.len,
                       (const char *)name.p);
        return;
    }
    call_begin_object(c, &w);
    write_role(&w, c, r);
    call_end_object(&w);
}

void role_list_route(struct call *c)
{
    static const char *const known[] = { "roleName", "type", "atScopeAndBelow", "atScope", NULL };
    struct span name, type;
    struct json_writer w;
    struct filter f;
    size_t count;
    const struct role *roles = role_table(&count);

    if (filter_parse(&f, target_param(&c->x->target, "$filter")) != ST_OK || !filter_only(&f, known)) {
        call_bad(c, "The $filter is not valid; it can be \"roleName eq '..'\" or \"type eq '..'\".");
        filter_clear(&f);
        return;
    }
    name = filter_value(&f, "roleName");
    type = filter_value(&f, "type");
    call_begin_object(c, &w);
    json_open_array(&w, "value");
    for (size_t i = 0; i < count; i++) {
        if ((name.p != NULL && !span_is_nocase(name, roles[i].name)) ||
            (type.p != NULL && !span_is_nocase(type, "BuiltInRole")))
            continue;
        json_open_object(&w, NULL);
        write_role(&w, c, &roles[i]);
        json_close_object(&w);
    }
    json_close_array(&w);
    call_end_object(&w);
    filter_clear(&f);
}

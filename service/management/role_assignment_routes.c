/* Role assignments (spec: management-plane.md 7). Who changes one is asked twice: here, before the body is read,
 * whether he may change any at this scope; then whether he may change one of this very role. */
#include "service/management/filter.h"
#include "service/management/page.h"
#include "service/management/vault_json.h"
#include "service/vault/role_store.h"

#define TYPE "Microsoft.Authorization/roleAssignments"

/* The part of a scope that ids begin with: nothing for the root, which would double the slash. */
static const char *prefix_of(const char *scope)
{
    return strcmp(scope, "/") == 0 ? "" : scope;
}

/* "/subscriptions/<id>" of a scope in one, "" else: where role definitions are said to be. */
static struct span subscription_of(const char *scope)
{
    size_t len = strlen("/subscriptions/") + GUID_LEN;

    return strlen(scope) >= len ? span_of(scope, len) : (struct span){ 0 };
}

static void write_assignment(struct json_writer *w, const struct assignment *a)
{
    struct bytes text = { 0 };
    struct span subscription = subscription_of(a->scope);

    bytes_printf(&text, "%s/providers/" TYPE "/%s", prefix_of(a->scope), a->id.text);
    json_put_text(w, "id", bytes_span(&text));
    json_put_text(w, "name", span_text(a->id.text));
    json_put_text(w, "type", span_text(TYPE));
    json_open_object(w, "properties");
    bytes_reset(&text);
    bytes_append_span(&text, subscription);
    bytes_printf(&text, "/providers/Microsoft.Authorization/roleDefinitions/%s", a->role_id.text);
    json_put_text(w, "roleDefinitionId", bytes_span(&text));
    json_put_text(w, "principalId", span_text(a->principal_id.text));
    json_put_text(w, "principalType", span_text(a->principal_type));
    json_put_text(w, "scope", span_text(a->scope));
    json_put_null(w, "condition");
    json_put_null(w, "conditionVersion");
    if (a->description[0] != '\0')
        json_put_text(w, "description", span_text(a->description));
    else
        json_put_null(w, "description");
    json_put_null(w, "delegatedManagedIdentityResourceId");
    json_put_time(w, "createdOn", a->created_at);
    json_put_time(w, "updatedOn", a->updated_at);
    json_put_text(w, "createdBy", span_text(a->created_by));
    json_put_text(w, "updatedBy", span_text(a->updated_by));
    json_close_object(w);
    bytes_clear(&text);
}

static void answer_assignment(struct call *c, const struct assignment *a, unsigned status)
{
    struct json_writer w;

    call_begin_object(c, &w);
    write_assignment(&w, a);
    call_end_object(&w);
    c->x->status = status;
}

/* "[..]/providers/Microsoft.Authorization/roleDefinitions/<id>", or the id alone. */
static bool parse_role(struct span text, struct guid *out)
{
    static const char before[] = "/providers/Microsoft.Authorization/roleDefinitions/";
    struct span rest = text;
    size_t len = sizeof before - 1;

    if (text.len > GUID_LEN) {
        if (text.len < GUID_LEN + len || !span_is_nocase(span_of(text.p + text.len - GUID_LEN - len, len), before))
            return false;
        rest = span_of(text.p + text.len - GUID_LEN, GUID_LEN);
    }
    return guid_parse(out, rest) == ST_OK;
}

static bool read_text(const json_t *o, const char *name, char *out, size_t size, struct admin_fault *f)
{
    struct span text;
    enum status st = json_get_text(o, name, &text);

    if (st == ST_NOT_FOUND)
        return true;
    if (st != ST_OK || text.len >= size)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "An invalid value was provided for '%s'.", name);
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_assignment(const json_t *body, struct assignment *a, struct admin_fault *f)
{
    struct span role = { 0 }, principal = { 0 }, condition = { 0 };
    json_t *p = NULL;

    if (json_get_object(body, "properties", &p) != ST_OK || json_get_text(p, "roleDefinitionId", &role) != ST_OK ||
        json_get_text(p, "principalId", &principal) != ST_OK)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST,
                               "The body must have properties.roleDefinitionId and properties.principalId.");
    if (!parse_role(role, &a->role_id))
        return admin_fault_set(f, ADMIN_FAULT_ROLE_NOT_FOUND, "The role definition id '%.*s' is not valid.",
                               (int)role.len, (const char *)role.p);
    if (guid_parse(&a->principal_id, principal) != ST_OK)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The principal id must be a GUID.");
    /* A condition narrows; an assignment that left it out would give more than was asked for. */
    if (json_get_text(p, "condition", &condition) != ST_NOT_FOUND && condition.len > 0)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "Conditions on role assignments are not supported here.");
    return read_text(p, "principalType", a->principal_type, sizeof a->principal_type, f) &&
           read_text(p, "description", a->description, sizeof a->description, f);
}

/* The last capture. false: the answer has been set. */
static bool read_id(struct call *c, struct guid *out)
{
    if (guid_parse(out, call_capture(c, c->match.capture_count - 1)) == ST_OK)
        return true;
    exchange_error(c->x, 400, "InvalidRoleAssignmentId", NULL, "The role assignment id must be a GUID.");
    return false;
}

static bool may_assign(const struct call *c, const char *scope, const struct guid *role)
{
    return catalog_assignment_allows(c->m->catalog, &c->x->principal, c->endpoint->action, scope, role);
}

static bool take_scope(struct call *c, struct assignment *a)
{
    if (c->scope.len > ASSIGNMENT_SCOPE_MAX) {
        call_bad(c, "The scope is too long.");
        return false;
    }
    memcpy(a->scope, bytes_text(&c->scope), c->scope.len + 1);
    return true;
}

void assignment_put_route(struct call *c)
{
    const struct principal *who = &c->x->principal;
    struct assignment wanted = { 0 }, now;
    struct admin_fault f = { 0 };
    json_t *body = NULL;
    bool created = false;

    if (!read_id(c, &wanted.id) || !take_scope(c, &wanted) ||
        exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK)
        return;
    memcpy(wanted.created_by, who->object_id.text, GUID_LEN + 1);
    if (!read_assignment(body, &wanted, &f))
        call_refuse(c, &f);
    else if (role_by_id(&wanted.role_id) != NULL && !may_assign(c, wanted.scope, &wanted.role_id))
        call_forbid(c, c->endpoint->action);
    else if (assignment_put(c->m->store, &wanted, &now, &created, &f))
        answer_assignment(c, &now, created ? 201 : 200);
    else
        call_refuse(c, &f);
    json_decref(body);
}

void assignment_get_route(struct call *c)
{
    struct assignment a;
    struct guid id;
    enum status st;

    if (!read_id(c, &id))
        return;
    st = assignment_find(c->m->store, &id, &a);
    if (st == ST_OK && assignment_scope_within(a.scope, bytes_text(&c->scope)))
        answer_assignment(c, &a, 200);
    else if (st == ST_OK || st == ST_NOT_FOUND)
        exchange_error(c->x, 404, "RoleAssignmentNotFound", NULL, "The role assignment '%s' is not found.", id.text);
    else
        exchange_trouble(c->x, st);
}

static bool same_scope(const struct assignment *a, const struct call *c)
{
    return assignment_scope_within(a->scope, bytes_text(&c->scope)) &&
           assignment_scope_within(bytes_text(&c->scope), a->scope);
}

void assignment_delete_route(struct call *c)
{
    struct assignment a;
    struct guid id;
    enum status st;

    if (!read_id(c, &id))
        return;
    st = assignment_find(c->m->store, &id, &a);
    if (st == ST_NOT_FOUND || (st == ST_OK && !same_scope(&a, c))) {
        c->x->status = 204;
    } else if (st == ST_OK && !may_assign(c, a.scope, &a.role_id)) {
        call_forbid(c, c->endpoint->action);
    } else if (st == ST_OK && (st = assignment_delete(c->m->store, &a)) == ST_OK) {
        answer_assignment(c, &a, 200);
    } else if (st == ST_CONFLICT) {
        exchange_error(c->x, 409, "ConflictError", NULL, "The role assignment is being changed by another request.");
    } else {
        exchange_trouble(c->x, st);
    }
}

struct listing {
    struct page page;
    struct call *call;
    bool at_scope;         /* leave out what is below */
    struct span principal; /* p == NULL: all */
};

static bool list_one(const struct assignment *a, void *arg)
{
    struct listing *l = arg;
    const char *scope = bytes_text(&l->call->scope);
    bool here_or_above = assignment_scope_within(scope, a->scope);

    if (!here_or_above && (l->at_scope || !assignment_scope_within(a->scope, scope)))
        return true;
    if (l->principal.p != NULL && !span_is_nocase(l->principal, a->principal_id.text))
        return true;
    if (l->page.after.len > 0 && strcmp(a->id.text, bytes_text(&l->page.after)) <= 0)
        return true;
    if (!page_take(&l->page, span_text(a->id.text)))
        return false;
    json_open_object(&l->page.w, NULL);
    write_assignment(&l->page.w, a);
    json_close_object(&l->page.w);
    return true;
}

void assignment_list_route(struct call *c)
{
    static const char *const known[] = { "atScope", "principalId", "assignedTo", NULL };
    struct listing l = { .call = c };
    struct filter f;
    enum status st;

    if (filter_parse(&f, target_param(&c->x->target, "$filter")) != ST_OK || !filter_only(&f, known)) {
        call_bad(c, "The $filter is not valid; it can be \"atScope()\", \"principalId eq '..'\" or "
                    "\"assignedTo('..')\".");
    } else {
        l.at_scope = filter_has(&f, "atScope");
        l.principal = filter_value(&f, filter_has(&f, "principalId") ? "principalId" : "assignedTo");
        if (page_begin(&l.page, c)) {
            st = assignment_list(c->m->store, list_one, &l);
            page_end(&l.page);
            if (st != ST_OK)
                exchange_trouble(c->x, st);
        }
    }
    filter_clear(&f);
}

/* What stands before each route: host name, route, token, grant, api-version (THREATS.md 4), in this order. The grant
 * is looked up by the scope as the path spells it, before anybody looks whether there is such a thing: who may nothing
 * gets the same answer whether it exists or not. */
#include "service/management/management.h"

#include <stdio.h>

#include "service/management/management_host.h"

#define VERSION_SHOWN_MAX 32

/* A role for vaults: whoever may assign any role at all may assign this one. */
static const char plainest_role[] = "21090545-7ca7-4776-b22c-e363652d74d2";

struct route_table {
    const struct endpoint *endpoints;
    struct route routes[96];
    size_t count;
};
static struct route_table management_table, login_table;

static void build_table(struct route_table *t, const struct endpoint *endpoints, size_t count)
{
    INVARIANT(count <= ARRAY_LEN(t->routes));
    t->endpoints = endpoints;
    t->count = count;
    for (size_t i = 0; i < count; i++)
        t->routes[i] = (struct route){ endpoints[i].method, endpoints[i].pattern, (int)i };
}

__attribute__((constructor)) static void build_tables(void)
{
    build_table(&management_table, management_endpoints, management_endpoint_count);
    build_table(&login_table, login_endpoints, login_endpoint_count);
}

static void call_free(void *arg)
{
    struct call *c = arg;

    bytes_clear(&c->scope);
    free(c);
}

/* GET /healthz at the management host: for load balancers and scripts, who have no token. Not an operation on anybody's
 * resource, so it leaves no audit record. */
static void answer_health(struct management *m, struct http_request *rq)
{
    bool token = token_is_up(m->token), audit = audit_is_up(m->audit);
    struct http_field type = { "content-type", span_text("application/json; charset=utf-8") };
    struct http_response r = { .status = token && audit ? 200 : 503, .fields = &type, .field_count = 1 };
    struct json_writer w;

    json_begin(&w, &r.body);
    json_open_object(&w, NULL);
    json_put_text(&w, "status", span_text(token && audit ? "ok" : "degraded"));
    json_put_bool(&w, "token", token);
    json_put_bool(&w, "audit", audit);
    json_close_object(&w);
    http_respond(rq, &r);
}

static bool authenticate(struct call *c)
{
    struct exchange *x = c->x;
    struct span header = http_header(x->rq, "authorization");

    if (header.len <= 7 || !span_is_nocase(span_of(header.p, 7), "Bearer ") ||
        http_header_count(x->rq, "authorization") != 1)
        return false;
    x->authenticated = verifier_check(c->m->verifier, span_of(header.p + 7, header.len - 7), &x->principal) == ST_OK;
    return x->authenticated;
}

/* The same for every way in which a token can be missing or wrong. */
static void challenge(struct call *c)
{
    exchange_error(c->x, 401, "AuthenticationFailed", NULL,
                   "Authentication failed. The 'Authorization' header is missing or its token is not valid here.");
    exchange_field(c->x, "www-authenticate", span_text(c->m->challenge));
}

static void append_part(struct call *c, const char *before, size_t capture)
{
    bytes_append_text(&c->scope, before);
    bytes_append_span(&c->scope, call_capture(c, capture));
}

/* Segments hold no slash (target.h), so a scope cannot be talked into another one. */
static enum status make_scope(struct call *c)
{
    enum scope_shape shape = c->endpoint->shape;

    if (shape == SHAPE_ROOT) {
        bytes_append_char(&c->scope, '/');
        return bytes_status(&c->scope);
    }
    append_part(c, "/subscriptions/", 0);
    if (shape == SHAPE_DELETED) {
        append_part(c, "/providers/Microsoft.KeyVault/locations/", 1);
        append_part(c, "/deletedVaults/", 2);
        return bytes_status(&c->scope);
    }
    if (shape >= SHAPE_GROUP)
        append_part(c, "/resourceGroups/", 1);
    if (shape >= SHAPE_VAULT)
        append_part(c, "/providers/Microsoft.KeyVault/vaults/", 2);
    if (shape >= SHAPE_OBJECT) {
        append_part(c, "/", 3);
        append_part(c, "/", 4);
    }
    return bytes_status(&c->scope);
}

static bool authorised(const struct call *c)
{
    const struct principal *who = &c->x->principal;
    const char *scope = bytes_text(&c->scope);
    struct guid role;

    switch (c->endpoint->access) {
    case ACCESS_PUBLIC:
    case ACCESS_TOKEN:
        return true;
    case ACCESS_ANY_ROLE:
        return catalog_has_role(c->m->catalog, who, scope);
    case ACCESS_ACTION:
        return catalog_control_allows(c->m->catalog, who, c->endpoint->action, scope);
    case ACCESS_ASSIGNING:
        memcpy(role.text, plainest_role, sizeof plainest_role);
        return catalog_assignment_allows(c->m->catalog, who, c->endpoint->action, scope, &role);
    }
    return false;
}

/* Parameters we know; others are refused, and repeated ones have been by target_parse(). */
static bool check_parameters(struct call *c)
{
    static const char *const known[] = { "api-version", "$top",     "$skiptoken",        "$filter",
                                         "$expand",     "tenantId", "forceDeletionTypes" };
    const struct target *t = &c->x->target;

    for (size_t i = 0; i < t->param_count; i++) {
        bool found = false;

        for (size_t n = 0; n < ARRAY_LEN(known); n++)
            found = found || span_is_nocase(t->params[i].name, known[n]);
        if (!found) {
            exchange_error(c->x, 400, "InvalidQueryParameter", NULL,
                           "The request has a query parameter that is not known here.");
            return false;
        }
    }
    return true;
}

static void refuse_version(struct call *c)
{
    const char *const *versions = arm_versions(c->endpoint->api);
    struct span v = c->x->api_version;
    struct bytes list = { 0 };

    for (size_t i = 0; versions[i] != NULL; i++)
        bytes_printf(&list, "%s%s", i > 0 ? "," : "", versions[i]);
    exchange_error(c->x, 400, "InvalidApiVersionParameter", NULL,
                   "The api-version '%.*s' is invalid. The supported versions are '%s'.",
                   (int)(v.len < VERSION_SHOWN_MAX ? v.len : VERSION_SHOWN_MAX), (const char *)v.p, bytes_text(&list));
    bytes_clear(&list);
}

static bool check_version(struct call *c)
{
    c->x->api_version = target_param(&c->x->target, "api-version");
    if (c->x->api_version.p == NULL) {
        exchange_error(c->x, 400, "MissingApiVersionParameter", NULL,
                       "The api-version query parameter (?api-version=) is required for all requests.");
        return false;
    }
    if (arm_version_known(c->endpoint->api, c->x->api_version))
        return true;
    refuse_version(c);
    return false;
}

static bool check_subscription(struct call *c)
{
    struct span id;

    if (c->endpoint->shape == SHAPE_ROOT)
        return true;
    id = call_capture(c, 0);
    if (guid_parse(&c->subscription_id, id) == ST_OK)
        return true;
    exchange_error(c->x, 400, "InvalidSubscriptionId", NULL,
                   "The provided subscription identifier '%.*s' is malformed or invalid.",
                   (int)(id.len < 64 ? id.len : 64), (const char *)id.p);
    return false;
}

/* Everything that needs neither store nor token. false: the answer has been set. */
static bool admit(struct call *c)
{
    enum status st;

    if (c->endpoint->access == ACCESS_PUBLIC)
        return true;
    if (!authenticate(c)) {
        challenge(c);
        return false;
    }
    if ((st = make_scope(c)) != ST_OK) {
        exchange_trouble(c->x, st);
        return false;
    }
    call_about(c, bytes_text(&c->scope));
    if (!authorised(c)) {
        call_forbid(c, c->endpoint->action);
        return false;
    }
    return check_parameters(c) && check_version(c) && check_subscription(c);
}

static void run(struct work *w)
{
    struct call *c = (struct call *)w;

    c->endpoint->handle(c);
    exchange_finish(c->x); /* frees the call, too */
}

static void start(struct management *m, struct exchange *x, const struct endpoint *e, const struct route_match *match)
{
    struct call *c = calloc(1, sizeof *c);
    enum status st;

    x->operation = e->operation;
    if (c == NULL) {
        exchange_trouble(x, ST_NO_MEMORY);
        exchange_finish(x);
        return;
    }
    *c = (struct call){ .work.run = run, .m = m, .x = x, .endpoint = e, .match = *match };
    x->user = c;
    x->free_user = call_free;
    if (!admit(c)) {
        exchange_finish(x);
    } else if ((st = work_queue_submit(m->work, &c->work)) != ST_OK) {
        exchange_trouble(x, st);
        exchange_finish(x);
    }
}

static void dispatch(struct management *m, struct exchange *x, const struct route_table *t)
{
    struct bytes allow = { 0 };
    struct route_match match = { 0 };
    enum status st = route_find(t->routes, t->count, http_method(x->rq), &x->target, &match, &allow);

    if (st == ST_OK) {
        start(m, x, &t->endpoints[match.id], &match);
    } else if (st == ST_UNSUPPORTED) {
        exchange_error(x, 405, "MethodNotAllowed", NULL, "The method is not allowed at this path.");
        exchange_field(x, "allow", bytes_span(&allow));
        exchange_finish(x);
    } else {
        exchange_error(x, 404, "NotFound", NULL, "There is nothing at this path.");
        exchange_finish(x);
    }
    bytes_clear(&allow);
}

void management_handle(struct http_request *rq, void *arg)
{
    struct management *m = arg;
    enum management_host host =
        management_host_parse(http_authority(rq), m->config->domain, m->config->management_port);
    struct exchange *x;

    if (host == HOST_MANAGEMENT && http_method(rq) == HTTP_GET && span_is(http_target(rq), "/healthz")) {
        answer_health(m, rq);
        return;
    }
    if ((x = exchange_begin(rq, m->audit)) == NULL)
        return;
    if (host == HOST_FOREIGN) {
        exchange_error(x, 421, "NotFound", NULL, "Nothing is served under this host name.");
        exchange_finish(x);
        return;
    }
    dispatch(m, x, host == HOST_LOGIN ? &login_table : &management_table);
}

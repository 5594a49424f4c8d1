/* management.h - managementd's HTTP side: from a request to the domain and back, for the management plane (ARM) and for
 * the authority. Thin: what is decided here is who asks, for what scope, whether he may, and how things look on the
 * wire.
 *
 * I/O threads find the route, check the token and the grant, and hand the call to the work queue: what follows reads
 * and writes the store, or waits for the token. Handlers fill in c->x and return; the caller finishes the exchange. */
#ifndef STRONGROOM_MANAGEMENT_MANAGEMENT_H
#define STRONGROOM_MANAGEMENT_MANAGEMENT_H

#include "service/daemon/config.h"
#include "service/daemon/exchange.h"
#include "service/http/route.h"
#include "service/identity/authority.h"
#include "service/identity/verifier.h"
#include "service/json/json.h"
#include "service/management/arm_version.h"
#include "service/management/work_queue.h"
#include "service/vault/vault_admin.h"

/* What the routes work with; made by main(), outlives every request. */
struct management {
    const struct config *config;
    const char *management_url, *login_url; /* "https://management.localhost:8444", no slash at the end */
    const char *challenge;                  /* the whole WWW-Authenticate value */
    struct audit *audit;
    struct store *store;
    struct catalog *catalog;
    struct verifier *verifier; /* of tokens for management_url */
    struct authority *authority;
    struct token *token;
    struct work_queue *work;
    struct vault_admin admin;
};

/* The scope at which a route asks for the right to do what it does, made of its first captures. */
enum scope_shape {
    SHAPE_ROOT,
    SHAPE_SUBSCRIPTION, /* captures: subscription */
    SHAPE_GROUP,        /* .., group */
    SHAPE_VAULT,        /* .., vault */
    SHAPE_OBJECT,       /* .., collection, name */
    SHAPE_DELETED,      /* subscription, location, vault */
};
enum access {
    ACCESS_PUBLIC,    /* no token */
    ACCESS_TOKEN,     /* whoever has a valid one */
    ACCESS_ANY_ROLE,  /* any role at, above or below the scope; what is shown is chosen item by item */
    ACCESS_ACTION,    /* `action` at the scope */
    ACCESS_ASSIGNING, /* `action`, a change of role assignments, for at least some role */
};

struct call;
struct endpoint {
    enum http_method method;
    const char *pattern;
    enum scope_shape shape;
    enum access access;
    const char *action;
    enum arm_api api;
    const char *operation; /* in the audit (spec: monitoring.md 2) */
    void (*handle)(struct call *c);
};
/* Tables, one for each host name. */
extern const struct endpoint management_endpoints[], login_endpoints[];
extern const size_t management_endpoint_count, login_endpoint_count;

/* One request, behind struct exchange.user. */
struct call {
    struct work work; /* first: the queue gives it back */
    struct management *m;
    struct exchange *x;
    const struct endpoint *endpoint;
    struct route_match match;
    struct bytes scope;          /* as the request spells it */
    struct guid subscription_id; /* of shapes that have one */
};

/* The handler for http_server_config; arg is the struct management. */
void management_handle(struct http_request *rq, void *arg);

static inline struct span call_capture(const struct call *c, size_t i)
{
    INVARIANT(i < c->match.capture_count);
    return c->match.captures[i];
}
/* A refusal of the domain's, as ARM writes it. */
void call_refuse(struct call *c, const struct admin_fault *f);
/* 403 AuthorizationFailed for c->endpoint->action, or for `action`, at the scope. */
void call_forbid(struct call *c, const char *action);
/* 400 with code BadRequest. */
void call_bad(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 404 for what is not there: ResourceNotFound. */
void call_missing(struct call *c, const char *type, struct span name);
/* May the caller do this there? */
bool call_may(const struct call *c, const char *action, const char *scope);
/* The audit's resource: a scope, in upper case. */
void call_about(struct call *c, const char *scope);
/* A 200 with a JSON object: write between the two. */
void call_begin_object(struct call *c, struct json_writer *w);
void call_end_object(struct json_writer *w);

/* Handlers. vault_routes.c */
void vault_put_route(struct call *c);
void vault_patch_route(struct call *c);
void vault_get_route(struct call *c);
void vault_delete_route(struct call *c);
void vault_policies_route(struct call *c);
void vault_check_name_route(struct call *c);
/* vault_lists.c */
void vault_list_group_route(struct call *c);
void vault_list_subscription_route(struct call *c);
void resource_list_route(struct call *c);
void empty_list_route(struct call *c); /* of kinds that this appliance has none of, and clients ask for all the same */
/* deleted_routes.c */
void deleted_vault_get_route(struct call *c);
void deleted_vault_list_route(struct call *c);
void deleted_vault_purge_route(struct call *c);
/* subscription_routes.c */
void subscription_list_route(struct call *c);
void subscription_get_route(struct call *c);
void tenant_list_route(struct call *c);
void location_list_route(struct call *c);
void provider_get_route(struct call *c);
void provider_list_route(struct call *c);
void operation_list_route(struct call *c);
/* group_routes.c */
void group_put_route(struct call *c);
void group_get_route(struct call *c);
void group_head_route(struct call *c);
void group_list_route(struct call *c);
void group_delete_route(struct call *c);
/* role_assignment_routes.c */
void assignment_put_route(struct call *c);
void assignment_get_route(struct call *c);
void assignment_list_route(struct call *c);
void assignment_delete_route(struct call *c);
/* role_definition_routes.c */
void role_list_route(struct call *c);
void role_get_route(struct call *c);
/* metadata_routes.c */
void metadata_route(struct call *c);
/* login_routes.c */
void discovery_route(struct call *c);
void signing_keys_route(struct call *c);
void instance_route(struct call *c);
void token_v1_route(struct call *c);
void token_v2_route(struct call *c);

#endif

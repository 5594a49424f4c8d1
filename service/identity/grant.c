#include "service/identity/authority.h"

#include "firmware/base/log.h"
#include "service/identity/access_token.h"
#include "service/identity/assertion.h"
#include "service/identity/authority_internal.h"
#include "service/identity/claims.h"
#include "service/identity/form.h"
#include "service/identity/grant_reply.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SCOPE_SUFFIX   "/.default"
#define SCOPES_MAX     8

/* What a request asks and by what right, as far as it was read. */
struct request {
    struct form form;
    struct secret basic;
    struct span client_id, secret, assertion; /* borrowed from the two above */
    struct guid client;
    enum proof proof;
    struct span audience; /* as it will stand in the token */
    struct application app;
    int64_t now;
};

static void request_clear(struct request *r)
{
    form_clear(&r->form);
    secret_clear(&r->basic);
}

/* ---- reading ---- */

/* Exactly one way of proving who one is (RFC 6749, 2.3): Basic, a secret in the form, or an assertion. */
static enum grant_error read_proof(struct request *r, const struct authority_grant *g)
{
    struct span id = { 0 }, password = { 0 }, type = form_get(&r->form, "client_assertion_type");
    unsigned proofs = 0;

    r->client_id = form_get(&r->form, "client_id");
    r->secret = form_get(&r->form, "client_secret");
    r->assertion = form_get(&r->form, "client_assertion");
    proofs += r->secret.p != NULL;
    proofs += r->assertion.p != NULL || type.p != NULL;
    if (g->basic.len > 0) {
        if (basic_parse(g->basic, &r->basic, &id, &password) != ST_OK)
            return GRANT_MALFORMED;
        if (r->client_id.p != NULL && !span_equal_nocase(r->client_id, id))
            return GRANT_TWO_PROOFS;
        r->client_id = id;
        r->secret = password;
        proofs++;
    }
    if (r->client_id.len == 0)
        return GRANT_NO_CLIENT_ID;
    if (proofs > 1)
        return GRANT_TWO_PROOFS;
    if (proofs == 0)
        return GRANT_NO_PROOF;
    if (type.p != NULL && (!span_is(type, ASSERTION_TYPE) || r->assertion.p == NULL))
        return GRANT_NO_PROOF;
    if (r->assertion.p != NULL && type.p == NULL)
        return GRANT_NO_PROOF;
    r->proof = r->assertion.p != NULL ? PROOF_CERTIFICATE : PROOF_SECRET;
    return GRANT_ERROR_COUNT;
}

static enum grant_error read_request(struct request *r, const struct authority *a, struct authority_grant *g)
{
    struct span type;
    struct guid id;
    enum status st;
    enum grant_error error;

    if (!authority_is_tenant(a, g->tenant))
        return GRANT_WRONG_TENANT;
    if ((st = form_parse(&r->form, g->form)) != ST_OK)
        return st == ST_NO_MEMORY ? GRANT_UNAVAILABLE : GRANT_MALFORMED;
    error = read_proof(r, g);
    if (guid_parse(&id, r->client_id) == ST_OK) /* the audit wants to know who asked, also in vain */
        r->client = g->client_id = id;
    if (error != GRANT_ERROR_COUNT)
        return error;
    type = form_get(&r->form, "grant_type");
    if (type.len == 0)
        return GRANT_NO_GRANT_TYPE;
    return span_is(type, "client_credentials") ? GRANT_ERROR_COUNT : GRANT_OTHER_GRANT_TYPE;
}

/* ---- who ---- */

static enum grant_error authenticate(struct request *r, struct authority *a, struct authority_grant *g)
{
    bool by_secret = r->proof == PROOF_SECRET;
    enum status st = ST_UNAUTHENTICATED;

    if (g->client_id.text[0] != '\0') /* else the id is not even one that could be registered: the same answer */
        st = by_secret ? application_check_secret(a->store, &r->client, r->secret, r->now, &r->app)
                       : assertion_check(a, a->store, a->replay, r->assertion, &r->client, r->now, &r->app);
    if (st == ST_OK) {
        g->object_id = r->app.object_id;
        return GRANT_ERROR_COUNT;
    }
    if (st != ST_UNAUTHENTICATED) {
        log_warning("a client could not be authenticated: %s", status_name(st));
        return GRANT_UNAVAILABLE;
    }
    if (throttle_failed(a->throttle, &r->client, r->now))
        return GRANT_THROTTLED;
    return by_secret ? GRANT_WRONG_SECRET : GRANT_WRONG_ASSERTION;
}

/* ---- what for ---- */

/* Our own spelling of the resource, and a slash where one was asked for: clients compare it with what they wanted. */
static bool is_resource(const struct authority *a, struct span text)
{
    for (size_t i = 0; a->resources[i] != NULL; i++)
        if (span_equal(without_slash(text), span_text(a->resources[i])))
            return true;
    return false;
}

/* OpenID Connect's own scopes come along from some clients; in client credentials they mean nothing. */
static bool is_openid_scope(struct span scope)
{
    return span_is(scope, "openid") || span_is(scope, "profile") || span_is(scope, "email") ||
           span_is(scope, "offline_access");
}

/* "<resource>/.default"; with a resource that ends in a slash "<resource>//.default" (spec: clients.md 13.3). */
static bool take_scope(struct span scope, struct span *resource)
{
    struct span suffix = span_text(SCOPE_SUFFIX);

    if (scope.len <= suffix.len || !span_equal(span_of(scope.p + scope.len - suffix.len, suffix.len), suffix) ||
        resource->p != NULL)
        return false;
    *resource = span_of(scope.p, scope.len - suffix.len);
    return true;
}

static enum grant_error read_scope(struct span scopes, struct span *resource)
{
    *resource = (struct span){ 0 };
    for (unsigned n = 0; scopes.len > 0; n++) {
        const uint8_t *space = memchr(scopes.p, ' ', scopes.len);
        struct span one = span_of(scopes.p, space != NULL ? (size_t)(space - scopes.p) : scopes.len);

        if (n == SCOPES_MAX || (one.len > 0 && !is_openid_scope(one) && !take_scope(one, resource)))
            return GRANT_BAD_SCOPE;
        scopes = space != NULL ? span_of(space + 1, scopes.len - one.len - 1) : (struct span){ 0 };
    }
    return resource->p != NULL ? GRANT_ERROR_COUNT : GRANT_BAD_SCOPE;
}

static enum grant_error read_audience(struct request *r, const struct authority *a, const struct authority_grant *g)
{
    struct span scope = form_get(&r->form, "scope"), resource = form_get(&r->form, "resource");
    enum grant_error error;

    /* MSAL in ADFS mode speaks version 2 to an endpoint of version 1. */
    if (!g->v1 || resource.len == 0) {
        if (scope.len == 0)
            return GRANT_NO_RESOURCE;
        if ((error = read_scope(scope, &resource)) != GRANT_ERROR_COUNT)
            return error;
    }
    r->audience = resource;
    return is_resource(a, resource) ? GRANT_ERROR_COUNT : GRANT_UNKNOWN_RESOURCE;
}

/* ---- the grant ---- */

void authority_grant(struct authority *a, struct authority_grant *g)
{
    struct request r = { .now = a->now() };
    enum grant_error error;

    secret_clear(&g->body);
    g->client_id = (struct guid){ 0 };
    g->object_id = (struct guid){ 0 };
    g->outcome = NULL;
    if (g->correlation_id.text[0] == '\0')
        g->correlation_id = guid_random();
    /* Who it is comes before what for: what we issue tokens for is not told to strangers. */
    if ((error = read_request(&r, a, g)) == GRANT_ERROR_COUNT &&
        (error = authenticate(&r, a, g)) == GRANT_ERROR_COUNT && (error = read_audience(&r, a, g)) == GRANT_ERROR_COUNT)
        access_token_issue(a, g, &r.app, r.proof, r.audience, r.now);
    else
        grant_fail(g, error, r.now);
    request_clear(&r);
}

void authority_grant_clear(struct authority_grant *g)
{
    secret_clear(&g->body);
}

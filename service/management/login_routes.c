/* The authority on the wire (spec: clients.md 13). */
#include <pthread.h>

#include "service/management/management.h"

#define RETRY_AFTER_S "5" /* to whoever is told that he fails too often, or that the token is away */

/* OAuth's own shape of an error (RFC 6749, 5.2): MSAL shows nothing of another. */
static void refuse(struct call *c, unsigned status, const char *error, const char *description)
{
    struct json_writer w;

    call_begin_object(c, &w);
    json_put_text(&w, "error", span_text(error));
    json_put_text(&w, "error_description", span_text(description));
    json_put_text(&w, "trace_id", span_text(c->x->request_id.text));
    json_put_text(&w, "correlation_id",
                  c->x->client_id.len > 0 ? bytes_span(&c->x->client_id) : span_text(c->x->request_id.text));
    call_end_object(&w);
    c->x->status = status;
    exchange_describe(c->x, "%s", error);
}

static bool need_tenant(struct call *c)
{
    if (authority_is_tenant(c->m->authority, call_capture(c, 0)))
        return true;
    refuse(c, 400, "invalid_tenant", "AADSTS90002: The tenant of the URL is not one of this authority's.");
    return false;
}

static void answer_document(struct call *c, enum status st)
{
    c->x->status = 200;
    if (st != ST_OK)
        exchange_trouble(c->x, st);
}

void discovery_route(struct call *c)
{
    if (need_tenant(c))
        answer_document(c, authority_discovery(c->m->authority, call_capture(c, 0), &c->x->body));
}

void signing_keys_route(struct call *c)
{
    if (need_tenant(c))
        answer_document(c, authority_jwks(c->m->authority, &c->x->body));
}

/* For clients that were told to ask this host which authorities there are: this one. */
void instance_route(struct call *c)
{
    const char *host = strstr(c->m->login_url, "//") + 2;
    struct bytes text = { 0 };
    struct json_writer w;

    bytes_printf(&text, "%s/%s/v2.0/.well-known/openid-configuration", c->m->login_url, c->m->config->tenant_id.text);
    call_begin_object(c, &w);
    json_put_text(&w, "tenant_discovery_endpoint", bytes_span(&text));
    json_put_text(&w, "api-version", span_text("1.1"));
    json_open_array(&w, "metadata");
    json_open_object(&w, NULL);
    json_put_text(&w, "preferred_network", span_text(host));
    json_put_text(&w, "preferred_cache", span_text(host));
    json_open_array(&w, "aliases");
    json_put_text(&w, NULL, span_text(host));
    json_close_array(&w);
    json_close_object(&w);
    json_close_array(&w);
    call_end_object(&w);
    bytes_clear(&text);
}

/* Waiting for the token: the work queue's threads are there to wait. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void grant_done(struct authority_grant *g)
{
    struct waiter *w = g->owner;

    pthread_mutex_lock(&w->lock);
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

static void run_grant(struct authority *a, struct authority_grant *g)
{
    struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

    g->done = grant_done;
    g->owner = &w;
    authority_grant(a, g);
    pthread_mutex_lock(&w.lock);
    while (!w.finished)
        pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
}

/* Who it was goes into the audit, also when it was nobody: then only what was claimed, in words. */
static void note_grant(struct call *c, const struct authority_grant *g)
{
    struct exchange *x = c->x;

    exchange_describe(x, "%s", g->outcome != NULL ? g->outcome : "failed");
    if (g->object_id.text[0] != '\0') {
        x->authenticated = true;
        x->principal.object_id = g->object_id;
        x->principal.application_id = g->client_id;
        x->principal.tenant_id = c->m->config->tenant_id;
    } else if (g->client_id.text[0] != '\0') {
        exchange_describe(x, " (client id %s)", g->client_id.text);
    }
}

static bool is_form(struct span type)
{
    static const char form[] = "application/x-www-form-urlencoded";

    return type.len >= sizeof form - 1 && span_is_nocase(span_of(type.p, sizeof form - 1), form) &&
           (type.len == sizeof form - 1 || type.p[sizeof form - 1] == ';' || type.p[sizeof form - 1] == ' ');
}

static void answer_token(struct call *c, bool v1)
{
    struct authority_grant g = {
        .form = http_body(c->x->rq),
        .tenant = call_capture(c, 0),
        .v1 = v1,
        .basic = http_header(c->x->rq, "authorization"),
        .correlation_id = c->x->request_id,
    };

    if (!need_tenant(c))
        return;
    if (!is_form(http_header(c->x->rq, "content-type"))) {
        refuse(c, 415, "invalid_request", "AADSTS900144: The request body must be a form.");
        return;
    }
    run_grant(c->m->authority, &g);
    c->x->sensitive = true;
    if (g.body.len == 0 || bytes_reserve(&c->x->body, g.body.len) != ST_OK) { /* room at once: no copy stays behind */
        exchange_trouble(c->x, ST_NO_MEMORY);
    } else {
        c->x->status = g.http_status;
        bytes_append_span(&c->x->body, secret_span(&g.body));
        if (g.http_status == 503 || g.http_status == 429)
            exchange_field(c->x, "retry-after", span_text(RETRY_AFTER_S));
    }
    note_grant(c, &g);
    authority_grant_clear(&g);
}

void token_v1_route(struct call *c)
{
    answer_token(c, true);
}

void token_v2_route(struct call *c)
{
    answer_token(c, false);
}

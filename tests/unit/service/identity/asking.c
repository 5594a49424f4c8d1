#include "tests/unit/service/identity/asking.h"

#include <pthread.h>

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t done_changed;
    unsigned done;
};

static void on_done(struct authority_grant *g)
{
    struct waiting *w = g->owner;

    pthread_mutex_lock(&w->lock);
    w->done++;
    pthread_cond_signal(&w->done_changed);
    pthread_mutex_unlock(&w->lock);
}

void ask_full(struct answer *out, struct authority *a, const char *tenant, bool v1, const char *form, const char *basic)
{
    struct waiting w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    struct authority_grant g = {
        .form = span_text(form), .tenant = span_text(tenant), .v1 = v1, .done = on_done, .owner = &w
    };

    if (basic != NULL)
        g.basic = span_text(basic);
    authority_grant(a, &g);
    pthread_mutex_lock(&w.lock);
    while (w.done == 0)
        pthread_cond_wait(&w.done_changed, &w.lock);
    INVARIANT(w.done == 1);
    pthread_mutex_unlock(&w.lock);
    *out = (struct answer){ .http_status = g.http_status,
                            .json = json_loadb((const char *)g.body.p, g.body.len, JSON_REJECT_DUPLICATES, NULL),
                            .outcome = g.outcome,
                            .client_id = g.client_id,
                            .object_id = g.object_id };
    INVARIANT(out->json != NULL && out->outcome != NULL);
    authority_grant_clear(&g);
    INVARIANT(g.body.p == NULL);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.done_changed);
}

void ask(struct answer *out, struct authority *a, const char *form)
{
    ask_full(out, a, TENANT, false, form, NULL);
}

void ask_v1(struct answer *out, struct authority *a, const char *form)
{
    ask_full(out, a, TENANT, true, form, NULL);
}

void answer_clear(struct answer *a)
{
    json_decref(a->json);
    *a = (struct answer){ 0 };
}

const char *answer_text(const struct answer *a, const char *name)
{
    const char *text = json_string_value(json_object_get(a->json, name));

    return text != NULL ? text : "";
}

int answer_code(const struct answer *a)
{
    const json_t *codes = json_object_get(a->json, "error_codes");

    return json_array_size(codes) == 1 ? (int)json_integer_value(json_array_get(codes, 0)) : -1;
}

#include "service/management/vault_reaper.h"

#include <pthread.h>
#include <time.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "service/json/json.h"
#include "service/vault/vault.h"

#define BATCH 64 /* vaults in one look; the rest are found by the next, which then follows at once */

struct vault_reaper {
    const struct vault_admin *admin;
    struct catalog *catalog;
    struct audit *audit;
    unsigned period_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    bool recorded; /* the audit has said what became of the record */
};

struct due {
    int64_t now;
    const struct vault *vaults[BATCH]; /* referenced */
    size_t count;
};

static bool look_at(const struct vault *v, void *arg)
{
    struct due *d = arg;

    if (v->deleted_at != 0 && v->purge_at <= d->now)
        d->vaults[d->count++] = vault_ref(v);
    return d->count < BATCH;
}

static void write_record(struct bytes *out, const struct vault *v)
{
    char time_text[CLOCK_RFC3339_LEN + 1];
    struct bytes id = { 0 };
    struct json_writer w;

    for (const char *p = v->resource_id; *p != '\0'; p++)
        bytes_append_char(&id, (char)(*p >= 'a' && *p <= 'z' ? *p & ~0x20 : *p));
    clock_format_rfc3339(time_text, clock_unix_100ns());
    json_begin(&w, out);
    json_put_text(&w, "time", span_of(time_text, CLOCK_RFC3339_LEN));
    json_put_text(&w, "resourceId", bytes_span(&id));
    json_put_text(&w, "operationName", span_text("VaultPurge"));
    json_put_text(&w, "category", span_text("AuditEvent"));
    json_put_text(&w, "resultType", span_text("Success"));
    json_put_text(&w, "resultDescription", span_text("the retention of the deleted vault has ended"));
    json_put_text(&w, "correlationId", span_text(v->id.text));
    if (bytes_status(&id) != ST_OK)
        out->failed = true;
    bytes_clear(&id);
}

static void on_recorded(struct audit_entry *e)
{
    struct vault_reaper *r = e->owner;

    pthread_mutex_lock(&r->lock);
    r->recorded = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

static enum status record(struct vault_reaper *r, const struct vault *v)
{
    struct audit_entry e = { .done = on_recorded, .owner = r };
    enum status st;

    write_record(&e.record, v);
    r->recorded = false;
    if ((st = bytes_status(&e.record)) == ST_OK && (st = audit_submit(r->audit, &e)) == ST_OK) {
        pthread_mutex_lock(&r->lock);
        while (!r->recorded)
            pthread_cond_wait(&r->wake, &r->lock);
        pthread_mutex_unlock(&r->lock);
        st = e.status;
    }
    bytes_clear(&e.record);
    return st;
}

static bool purge(struct vault_reaper *r, const struct vault *v)
{
    enum status st = record(r, v);

    if (st == ST_OK)
        st = vault_purge_due(r->admin, v);
    if (st == ST_OK)
        log_notice("the deleted vault %s has been purged: its retention has ended", v->name);
    else if (st != ST_CONFLICT) /* else somebody has recovered or purged it just now */
        log_error("the deleted vault %s could not be purged: %s", v->name, status_name(st));
    return st == ST_OK;
}

/* true: there may be more. */
static bool look(struct vault_reaper *r)
{
    struct due d = { .now = r->admin->now != NULL ? r->admin->now() : clock_unix_s() };
    size_t purged = 0;

    catalog_visit(r->catalog, look_at, &d);
    for (size_t i = 0; i < d.count; i++) {
        purged += purge(r, d.vaults[i]);
        vault_unref(d.vaults[i]);
    }
    return d.count == BATCH && purged == BATCH;
}

/* false: it is time to stop. */
static bool pause_reaper(struct vault_reaper *r, bool again)
{
    struct timespec until;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += again ? 0 : (time_t)(r->period_ms / 1000);
    until.tv_nsec += again ? 0 : (long)(r->period_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&r->lock);
    while (!r->stopping && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0)
        ;
    stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return !stopping;
}

static void *reaper(void *arg)
{
    struct vault_reaper *r = arg;

    while (pause_reaper(r, look(r)))
        ;
    return NULL;
}

enum status vault_reaper_start(const struct vault_admin *admin, struct catalog *catalog, struct audit *audit,
                               unsigned period_ms, struct vault_reaper **out)
{
    struct vault_reaper *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;

    *out = NULL;
    if (r == NULL)
        return ST_NO_MEMORY;
    *r = (struct vault_reaper){ .admin = admin, .catalog = catalog, .audit = audit, .period_ms = period_ms };
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&r->thread, NULL, reaper, r) != 0) {
        pthread_cond_destroy(&r->wake);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return ST_UNAVAILABLE;
    }
    *out = r;
    return ST_OK;
}

void vault_reaper_stop(struct vault_reaper *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Changing keys: create, update, delete, recover, purge. */
#include "service/data/key_json.h"

static void begin(struct call *c, void (*done)(struct key_change *))
{
    c->change.vault = c->vault;
    c->change.name = c->name;
    c->change.version = c->version;
    c->change.done = done;
    c->change.owner = c;
}

/* Every change but purge and delete answers with the bundle. */
static void on_changed(struct key_change *change)
{
    struct call *c = change->owner;
    enum status st;

    if (change->fault.code != FAULT_NONE) {
        call_refuse(c, &change->fault);
        return;
    }
    if ((st = key_json_bundle(c, change->key, NULL)) != ST_OK)
        exchange_trouble(c->x, st);
    call_finish(c);
}

static void on_deleted(struct key_change *change)
{
    struct call *c = change->owner;
    enum status st;

    if (change->fault.code != FAULT_NONE) {
        call_refuse(c, &change->fault);
        return;
    }
    if ((st = key_json_bundle(c, change->key, &change->head)) != ST_OK)
        exchange_trouble(c->x, st);
    call_finish(c);
}

static void on_purged(struct key_change *change)
{
    struct call *c = change->owner;

    if (change->fault.code != FAULT_NONE) {
        call_refuse(c, &change->fault);
        return;
    }
    c->x->status = 204;
    call_finish(c);
}

void key_create_route(struct call *c)
{
    json_t *body = NULL;
    bool ok;

    begin(c, on_changed);
    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK) {
        call_finish(c);
        return;
    }
    ok = key_json_read_create(c, body);
    json_decref(body);
    if (ok)
        key_create(c->plane->keys, &c->change);
}

void key_update_route(struct call *c)
{
    json_t *body = NULL;
    bool ok;

    begin(c, on_changed);
    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK) {
        call_finish(c);
        return;
    }
    ok = key_json_read_common(c, body);
    json_decref(body);
    if (ok)
        key_update(c->plane->keys, &c->change);
}

void key_delete_route(struct call *c)
{
    begin(c, on_deleted);
    key_delete(c->plane->keys, &c->change);
}

void key_recover_route(struct call *c)
{
    begin(c, on_changed);
    key_recover(c->plane->keys, &c->change);
}

void key_purge_route(struct call *c)
{
    begin(c, on_purged);
    key_purge(c->plane->keys, &c->change);
}

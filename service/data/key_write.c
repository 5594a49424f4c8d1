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

/* The answer to a change: the bundle; of a deleted key, with `head`. */
static void answer(struct key_change *change, const struct key_head *head)
{
    struct call *c = change->owner;
    enum status st;

    if (change->fault.code != FAULT_NONE) {
        call_refuse(c, &change->fault);
        return;
    }
    if ((st = key_json_bundle(c, change->key, head)) != ST_OK)
        exchange_trouble(c->x, st);
    call_finish(c);
}

static void on_changed(struct key_change *change)
{
    answer(change, NULL);
}

static void on_deleted(struct key_change *change)
{
    answer(change, &change->head);
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

/* Create and update: a body that `read` understands, then the change. */
static void change_by_body(struct call *c, bool (*read)(struct call *, const json_t *),
                           void (*run)(struct keys *, struct key_change *))
{
    json_t *body = NULL;
    bool ok;

    begin(c, on_changed);
    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK) {
        call_finish(c);
        return;
    }
    ok = read(c, body); /* if not, the call has been answered */
    json_decref(body);
    if (ok)
        run(c->plane->keys, &c->change);
}

void key_create_route(struct call *c)
{
    change_by_body(c, key_json_read_create, key_create);
}

void key_update_route(struct call *c)
{
    change_by_body(c, key_json_read_common, key_update);
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

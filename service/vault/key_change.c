/* What all changes of keys share: collecting writes, committing, taking up again after a conflict; and creation. */
#include "service/vault/keys_internal.h"

#include <openssl/rand.h>

#include "firmware/base/clock.h"
#include "firmware/base/hex.h"

#define TRIES_MAX 64 /* conflicts in a row before the caller is told; in each of them somebody else was done */

static void drop_writes(struct key_change *c)
{
    for (size_t i = 0; i < c->write_count; i++) {
        free((void *)c->writes[i].key.p);
        free((void *)c->writes[i].value.p);
    }
    c->write_count = 0;
}

void key_change_clear(struct key_change *c)
{
    drop_writes(c);
    free(c->writes);
    c->writes = NULL;
    c->write_room = 0;
    token_job_clear(&c->job);
    key_version_unref(c->made);
    key_version_unref(c->key);
    c->made = NULL;
    c->key = NULL;
}

bool change_write(struct key_change *c, struct span path, struct span value, uint64_t expected)
{
    struct store_write *w;

    if (c->write_count == c->write_room) {
        size_t room = c->write_room > 0 ? c->write_room * 2 : 4;

        if ((w = realloc(c->writes, room * sizeof *w)) == NULL)
            return false;
        c->writes = w;
        c->write_room = room;
    }
    w = &c->writes[c->write_count];
    *w = (struct store_write){ .expected = expected };
    if ((w->key.p = (uint8_t *)span_dup_text(path)) == NULL)
        return false;
    w->key.len = path.len;
    c->write_count++;
    if (value.p != NULL) {
        if ((w->value.p = (uint8_t *)span_dup_text(value)) == NULL)
            return false;
        w->value.len = value.len;
    }
    return true;
}

void change_begin(struct keys *k, struct key_change *c)
{
    c->keys = k;
    keys_enter(k);
}

void change_finish(struct key_change *c)
{
    struct keys *k = c->keys;

    drop_writes(c);
    if (c->fault.code == FAULT_NONE && c->key == NULL && c->made != NULL) {
        c->key = c->made;
        c->made = NULL;
    }
    c->done(c); /* `c` may be gone now */
    keys_leave(k);
}

bool change_missing(struct key_change *c, enum status st, bool deleted)
{
    if (st != ST_NOT_FOUND)
        return fault_trouble(&c->fault, st);
    if (deleted)
        return fault_set(&c->fault, FAULT_DELETED_KEY_NOT_FOUND, "Deleted Key not found: %.*s", (int)c->name.len,
                         (const char *)c->name.p);
    return fault_set(
        &c->fault, FAULT_KEY_NOT_FOUND,
        "A key with (name/id) %.*s%s%.*s was not found in this key vault. If you recently deleted this key "
        "you may be able to recover it using the correct recovery command.",
        (int)c->name.len, (const char *)c->name.p, c->version.len > 0 ? "/" : "", (int)c->version.len,
        c->version.len > 0 ? (const char *)c->version.p : "");
}

static void on_committed(struct store_commit *commit)
{
    struct key_change *c = commit->owner;

    if (commit->status == ST_CONFLICT && ++c->tries < TRIES_MAX) {
        drop_writes(c);
        c->step(c);
        return;
    }
    if (commit->status == ST_CONFLICT)
        fault_set(&c->fault, FAULT_CONFLICT, "The key was changed at the same time by another request; try again.");
    else if (commit->status != ST_OK)
        fault_trouble(&c->fault, commit->status);
    change_finish(c);
}

void change_commit(struct key_change *c)
{
    enum status st;

    c->commit = (struct store_commit){
        .writes = c->writes,
        .count = c->write_count,
        .done = on_committed,
        .owner = c,
    };
    if ((st = store_submit(c->keys->store, &c->commit)) != ST_OK) {
        fault_trouble(&c->fault, st);
        change_finish(c);
    }
}

bool change_write_head(struct key_change *c, const struct key_head *head, uint64_t expected)
{
    struct bytes path = { 0 }, record = { 0 };
    bool ok;

    key_head_path(&path, &c->vault->id, span_text(head->name));
    ok = key_head_pack(head, &record) == ST_OK && bytes_status(&path) == ST_OK &&
         change_write(c, bytes_span(&path), bytes_span(&record), expected);
    bytes_clear(&path);
    bytes_clear(&record);
    return ok;
}

/* Creation: generate in the token, then commit the version and the head that points at it, together. */

static bool name_is_free(struct key_change *c, struct key_head *head)
{
    enum status st = keys_read_head(c->keys, &c->vault->id, c->name, head);

    if (st != ST_OK && st != ST_NOT_FOUND)
        return fault_trouble(&c->fault, st);
    if (head->deleted_at != 0)
        return fault_set(
            &c->fault, FAULT_NAME_IS_DELETED,
            "Key %s is currently in a deleted but recoverable state, and its name cannot be reused; in this "
            "state, the key can only be recovered or purged.",
            head->name);
    if (head->versions >= KEY_VERSIONS_MAX)
        return fault_set(&c->fault, FAULT_BAD_PARAMETER, "The key %s has %u versions already, the most there can be.",
                         head->name, KEY_VERSIONS_MAX);
    return true;
}

static bool write_version(struct key_change *c)
{
    struct bytes path = { 0 }, record = { 0 };
    bool ok;

    key_version_path(&path, &c->vault->id, c->name, span_text(c->made->version));
    ok = key_version_pack(c->made, &record) == ST_OK && bytes_status(&path) == ST_OK &&
         change_write(c, bytes_span(&path), bytes_span(&record), STORE_ABSENT);
    bytes_clear(&path);
    bytes_clear(&record);
    return ok;
}

static void commit_created(struct key_change *c)
{
    struct key_head head;
    bool exists;

    if (!name_is_free(c, &head)) {
        change_finish(c);
        return;
    }
    exists = head.revision != 0;
    if (!exists) /* the name keeps the casing of its first creation */
        memcpy(head.name, c->made->name, sizeof head.name);
    memcpy(head.newest, c->made->version, sizeof head.newest);
    head.versions++;
    if (!write_version(c) || !change_write_head(c, &head, exists ? head.revision : STORE_ABSENT)) {
        fault_trouble(&c->fault, ST_NO_MEMORY);
        change_finish(c);
        return;
    }
    c->step = commit_created;
    change_commit(c);
}

static void on_generated(struct token_job *job)
{
    struct key_change *c = job->owner;
    enum status st = job->status;

    if (st == ST_OK) {
        bytes_move(&c->made->blob, &job->sealed);
        bytes_move(&c->made->public_der, &job->public_key);
        st = key_version_bind(c->made);
    }
    token_job_clear(job);
    if (st != ST_OK) {
        fault_trouble(&c->fault, st);
        change_finish(c);
        return;
    }
    commit_created(c);
}

/* Random, not a count: a version's id tells nothing of how many there are. */
static bool new_version_id(char out[KEY_VERSION_LEN + 1])
{
    struct bytes hex = { 0 };
    uint8_t id[KEY_VERSION_LEN / 2];
    bool ok = RAND_bytes(id, sizeof id) == 1;

    hex_append(&hex, span_of(id, sizeof id));
    ok = ok && bytes_status(&hex) == ST_OK;
    if (ok)
        memcpy(out, hex.p, KEY_VERSION_LEN + 1);
    bytes_clear(&hex);
    return ok;
}

static bool fill_made(struct key_change *c, const struct key_head *head)
{
    struct key_version *v = key_version_new();

    if ((c->made = v) == NULL)
        return false;
    v->vault_id = c->vault->id;
    if (head->revision != 0)
        memcpy(v->name, head->name, sizeof v->name);
    else
        memcpy(v->name, c->name.p, c->name.len);
    v->spec = c->spec;
    v->hsm = c->hsm;
    v->ops = c->has_ops ? c->ops : key_ops_default(c->spec.type);
    v->attributes = c->attributes;
    v->attributes.enabled = c->has_enabled ? c->attributes.enabled : true;
    v->attributes.has_not_before = c->has_not_before;
    v->attributes.has_expires = c->has_expires;
    v->created = v->updated = clock_unix_s();
    if (c->tags_json.len > 0 && (v->tags_json = span_dup_text(c->tags_json)) == NULL)
        return false;
    if (!new_version_id(v->version))
        return false;
    key_version_context(v, &v->context);
    return bytes_status(&v->context) == ST_OK;
}

void key_create(struct keys *k, struct key_change *c)
{
    struct key_head head;
    enum status st;

    change_begin(k, c);
    if (!name_is_free(c, &head)) {
        change_finish(c);
        return;
    }
    if (!fill_made(c, &head)) {
        fault_trouble(&c->fault, ST_NO_MEMORY);
        change_finish(c);
        return;
    }
    c->job = (struct token_job){
        .op = TOKEN_GENERATE,
        .spec = c->spec,
        .uses = key_ops_uses(c->spec.type, c->made->ops),
        .context = bytes_span(&c->made->context),
        .done = on_generated,
        .owner = c,
    };
    if ((st = token_submit(k->token, &c->job)) != ST_OK) {
        fault_trouble(&c->fault, st);
        change_finish(c);
    }
}

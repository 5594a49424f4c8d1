/* Changes of what is there: update, delete, recover, purge. */
#include "firmware/base/clock.h"
#include "service/vault/keys_internal.h"

#define SECONDS_PER_DAY 86400

static void refuse(struct key_change *c)
{
    change_finish(c);
}

static void refuse_trouble(struct key_change *c, enum status st)
{
    fault_trouble(&c->fault, st);
    change_finish(c);
}

/* The head, in the wanted state. */
static bool read_head(struct key_change *c, bool deleted, struct key_head *head)
{
    enum status st = keys_read_head(c->keys, &c->vault->id, c->name, head);

    if (st == ST_OK && (head->deleted_at != 0) != deleted)
        st = ST_NOT_FOUND;
    return st == ST_OK || change_missing(c, st, deleted);
}

/* Update: the same key with other attributes. What the seal binds changes only in the token. */

static void update_step(struct key_change *c);

static void commit_update(struct key_change *c, uint64_t revision)
{
    struct bytes path = { 0 }, record = { 0 };
    bool ok;

    key_version_path(&path, &c->vault->id, span_text(c->made->name), span_text(c->made->version));
    ok = key_version_pack(c->made, &record) == ST_OK && bytes_status(&path) == ST_OK &&
         change_write(c, bytes_span(&path), bytes_span(&record), revision);
    bytes_clear(&path);
    bytes_clear(&record);
    if (!ok) {
        refuse_trouble(c, ST_NO_MEMORY);
        return;
    }
    c->step = update_step;
    change_commit(c);
}

static void on_resealed(struct token_job *job)
{
    struct key_change *c = job->owner;
    uint64_t revision = c->key->revision;
    enum status st = job->status;

    if (st == ST_OK) {
        bytes_clear(&c->made->blob);
        bytes_move(&c->made->blob, &job->sealed);
        st = key_version_bind(c->made);
    }
    token_job_clear(job);
    key_version_unref(c->key); /* the version as it was */
    c->key = NULL;
    if (st != ST_OK)
        refuse_trouble(c, st);
    else
        commit_update(c, revision);
}

static void apply(const struct key_change *c, struct key_version *v)
{
    if (c->has_ops)
        v->ops = c->ops;
    if (c->has_enabled)
        v->attributes.enabled = c->attributes.enabled;
    if (c->has_not_before || c->clear_not_before) {
        v->attributes.has_not_before = c->has_not_before;
        v->attributes.not_before = c->has_not_before ? c->attributes.not_before : 0;
    }
    if (c->has_expires || c->clear_expires) {
        v->attributes.has_expires = c->has_expires;
        v->attributes.expires = c->has_expires ? c->attributes.expires : 0;
    }
    v->updated = clock_unix_s();
}

/* `made` becomes the changed copy of `old`. */
static bool copy_changed(struct key_change *c, const struct key_version *old)
{
    struct span tags = c->has_tags              ? c->tags_json
                       : old->tags_json != NULL ? span_text(old->tags_json)
                                                : (struct span){ 0 };
    struct key_version *v = key_version_new();

    if ((c->made = v) == NULL)
        return false;
    v->vault_id = old->vault_id;
    memcpy(v->name, old->name, sizeof v->name);
    memcpy(v->version, old->version, sizeof v->version);
    v->spec = old->spec;
    v->hsm = old->hsm;
    v->ops = old->ops;
    v->attributes = old->attributes;
    v->created = old->created;
    apply(c, v);
    if (tags.len > 0 && (v->tags_json = span_dup_text(tags)) == NULL)
        return false;
    return bytes_set(&v->public_der, bytes_span(&old->public_der)) == ST_OK &&
           bytes_set(&v->blob, bytes_span(&old->blob)) == ST_OK && key_version_bind(v) == ST_OK;
}

static void reseal(struct key_change *c, struct key_version *old)
{
    enum status st;

    c->key = old; /* keep it while the token reads it */
    c->job = (struct token_job){
        .op = TOKEN_RESEAL,
        .key = &old->sealed,
        .uses = c->made->sealed.uses,
        .context = bytes_span(&c->made->context),
        .done = on_resealed,
        .owner = c,
    };
    if ((st = token_submit(c->keys->token, &c->job)) != ST_OK) {
        key_version_unref(c->key);
        c->key = NULL;
        refuse_trouble(c, st);
    }
}

static void update_step(struct key_change *c)
{
    struct key_version *old = NULL;
    struct key_head head;
    enum status st;

    key_version_unref(c->made);
    c->made = NULL;
    if (!read_head(c, false, &head)) {
        refuse(c);
        return;
    }
    st = keys_read_version(c->keys, &c->vault->id, c->name, c->version.len > 0 ? c->version : span_text(head.newest),
                           &old);
    if (st != ST_OK) {
        change_missing(c, st, false);
        refuse(c);
        return;
    }
    if (c->has_ops && !key_ops_fit(old->spec.type, c->ops)) {
        fault_set(&c->fault, FAULT_BAD_PARAMETER, "Property key_ops has invalid value for a key of this type.");
        refuse(c);
    } else if (!copy_changed(c, old)) {
        refuse_trouble(c, ST_NO_MEMORY);
    } else if (!span_equal(bytes_span(&old->context), bytes_span(&c->made->context))) {
        reseal(c, old);
        return; /* `old` is the job's now */
    } else {
        commit_update(c, old->revision);
    }
    key_version_unref(old);
}

void key_update(struct keys *k, struct key_change *c)
{
    change_begin(k, c);
    update_step(c);
}

/* Delete, recover: the head says it, an index finds it. */

static bool write_index(struct key_change *c, const struct key_head *head, bool present)
{
    struct bytes path = { 0 }, record = { 0 };
    bool ok;

    key_deleted_path(&path, &c->vault->id, span_text(head->name));
    ok = key_deleted_pack(head->purge_at, &record) == ST_OK && bytes_status(&path) == ST_OK &&
         change_write(c, bytes_span(&path), present ? bytes_span(&record) : (struct span){ 0 }, STORE_ANY);
    bytes_clear(&path);
    bytes_clear(&record);
    return ok;
}

/* The newest version, for the answer; then the commit. */
static void commit_head(struct key_change *c, const struct key_head *head, void (*step)(struct key_change *))
{
    enum status st;

    key_version_unref(c->made);
    st = keys_read_version(c->keys, &c->vault->id, c->name, span_text(head->newest), &c->made);
    if (st == ST_OK && (!change_write_head(c, head, head->revision) || !write_index(c, head, head->deleted_at != 0)))
        st = ST_NO_MEMORY;
    if (st != ST_OK) {
        refuse_trouble(c, st);
        return;
    }
    c->head = *head;
    c->step = step;
    change_commit(c);
}

static void delete_step(struct key_change *c)
{
    struct key_head head;

    if (!read_head(c, false, &head)) {
        refuse(c);
        return;
    }
    head.deleted_at = clock_unix_s();
    head.purge_at = head.deleted_at + (int64_t)c->vault->retention_days * SECONDS_PER_DAY;
    commit_head(c, &head, delete_step);
}

void key_delete(struct keys *k, struct key_change *c)
{
    change_begin(k, c);
    delete_step(c);
}

static void recover_step(struct key_change *c)
{
    struct key_head head;

    if (!read_head(c, true, &head)) {
        refuse(c);
        return;
    }
    head.deleted_at = head.purge_at = 0;
    commit_head(c, &head, recover_step);
}

void key_recover(struct keys *k, struct key_change *c)
{
    change_begin(k, c);
    recover_step(c);
}

/* Purge: every record of the key goes, in one commit. */

struct purge_paths {
    struct key_change *change;
    bool ok;
};

static bool write_delete(const struct store_record *r, void *arg)
{
    struct purge_paths *p = arg;

    p->ok = change_write(p->change, r->key, (struct span){ 0 }, STORE_ANY);
    return p->ok;
}

bool change_write_purge(struct key_change *c, const struct guid *vault_id, const struct key_head *head)
{
    struct purge_paths p = { c, true };
    struct bytes path = { 0 }, index = { 0 }, versions = { 0 };

    key_head_path(&path, vault_id, span_text(head->name));
    key_deleted_path(&index, vault_id, span_text(head->name));
    key_version_path(&versions, vault_id, span_text(head->name), (struct span){ 0 });
    p.ok = bytes_status(&path) == ST_OK && bytes_status(&index) == ST_OK && bytes_status(&versions) == ST_OK &&
           store_range(c->keys->store, bytes_span(&versions), (struct span){ 0 }, KEY_VERSIONS_MAX, write_delete, &p,
                       NULL) == ST_OK &&
           p.ok && change_write(c, bytes_span(&path), (struct span){ 0 }, head->revision) &&
           change_write(c, bytes_span(&index), (struct span){ 0 }, STORE_ANY);
    bytes_clear(&path);
    bytes_clear(&index);
    bytes_clear(&versions);
    return p.ok;
}

static void purge_step(struct key_change *c)
{
    struct key_head head;

    if (!read_head(c, true, &head)) {
        refuse(c);
        return;
    }
    if (!change_write_purge(c, &c->vault->id, &head)) {
        refuse_trouble(c, ST_NO_MEMORY);
        return;
    }
    c->step = purge_step;
    change_commit(c);
}

void key_purge(struct keys *k, struct key_change *c)
{
    change_begin(k, c);
    if (c->vault->purge_protection) {
        fault_set(&c->fault, FAULT_PURGE_PROTECTED, "Operation \"purge\" is not permitted on this vault.");
        refuse(c);
        return;
    }
    purge_step(c);
}

#include "service/vault/resource_group.h"

#include "firmware/base/clock.h"
#include "service/vault/anchor.h"
#include "service/vault/doomed.h"
#include "service/vault/record.h"
#include "service/vault/vault.h"
#include "vault.pb-c.h"

typedef Strongroom__Vault__SubscriptionRecord subscription_message;
typedef Strongroom__Vault__GroupRecord group_message;

static bool name_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.' || c == '(' || c == ')';
}

bool group_name_valid(struct span name)
{
    if (name.len == 0 || name.len > GROUP_NAME_MAX || name.p[name.len - 1] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!name_byte(name.p[i]))
            return false;
    return true;
}

static enum status subscription_unpack(struct span record, uint64_t revision, struct subscription *out)
{
    subscription_message *m = strongroom__vault__subscription_record__unpack(NULL, record.len, record.p);
    enum status st = ST_CORRUPT;

    *out = (struct subscription){ .revision = revision };
    if (m != NULL && m->format == RECORD_FORMAT && record_guid(&out->id, m->id) && m->display_name[0] != '\0' &&
        record_text(out->display_name, sizeof out->display_name, m->display_name) && m->created_at >= 0) {
        out->created_at = m->created_at;
        st = ST_OK;
    }
    strongroom__vault__subscription_record__free_unpacked(m, NULL);
    return st;
}

enum status subscription_create(struct store *s, const struct subscription *wanted)
{
    subscription_message m = STRONGROOM__VAULT__SUBSCRIPTION_RECORD__INIT;
    struct bytes key = { 0 }, record = { 0 };
    struct store_write write;
    struct store_commit commit = { .writes = &write, .count = 1 };
    struct guid checked;
    enum status st;

    if (wanted->display_name[0] == '\0' || guid_parse(&checked, span_text(wanted->id.text)) != ST_OK)
        return ST_BAD_REQUEST;
    m.format = RECORD_FORMAT;
    m.id = checked.text;
    m.display_name = (char *)(uintptr_t)wanted->display_name;
    m.created_at = wanted->created_at != 0 ? wanted->created_at : clock_unix_s();
    subscription_path(&key, &checked);
    if ((st = record_pack(&m.base, &record)) == ST_OK && (st = bytes_status(&key)) == ST_OK) {
        write = (struct store_write){ bytes_span(&key), bytes_span(&record), STORE_ABSENT };
        st = store_commit(s, &commit);
    }
    bytes_clear(&key);
    bytes_clear(&record);
    return st == ST_CONFLICT ? ST_EXISTS : st;
}

enum status subscription_find(struct store *s, const struct guid *id, struct subscription *out)
{
    struct anchor a = { 0 };
    enum status st;

    *out = (struct subscription){ 0 };
    subscription_path(&a.key, id);
    if ((st = anchor_read(s, &a)) == ST_OK)
        st = subscription_unpack(bytes_span(&a.value), a.revision, out);
    anchor_clear(&a);
    return st;
}

struct listing {
    subscription_visitor *visit_subscription;
    group_visitor *visit_group;
    void *arg;
    enum status status;
};

static bool list_subscription(const struct store_record *r, void *arg)
{
    struct listing *l = arg;
    struct subscription s;

    return (l->status = subscription_unpack(r->value, r->revision, &s)) == ST_OK && l->visit_subscription(&s, l->arg);
}

enum status subscription_list(struct store *s, subscription_visitor *visit, void *arg)
{
    struct listing l = { .visit_subscription = visit, .arg = arg };
    enum status st =
        store_range(s, span_text(SUBSCRIPTION_PREFIX), (struct span){ 0 }, SIZE_MAX, list_subscription, &l, NULL);

    return st == ST_OK ? l.status : st;
}

void resource_group_clear(struct resource_group *g)
{
    free(g->tags_json);
    *g = (struct resource_group){ 0 };
}

static enum status group_unpack(struct span record, uint64_t revision, struct resource_group *out)
{
    group_message *m = strongroom__vault__group_record__unpack(NULL, record.len, record.p);
    enum status st = ST_CORRUPT;

    *out = (struct resource_group){ .revision = revision };
    if (m != NULL && m->format == RECORD_FORMAT && record_guid(&out->subscription_id, m->subscription_id) &&
        group_name_valid(span_text(m->name)) && record_text(out->name, sizeof out->name, m->name) &&
        record_text(out->location, sizeof out->location, m->location) && m->created_at >= 0 &&
        strlen(m->tags_json) <= VAULT_TAGS_JSON_MAX) {
        out->created_at = m->created_at;
        out->tags_json = span_dup_text(span_text(m->tags_json[0] != '\0' ? m->tags_json : "{}"));
        st = out->tags_json != NULL ? ST_OK : ST_NO_MEMORY;
    }
    strongroom__vault__group_record__free_unpacked(m, NULL);
    return st;
}

static enum status group_pack(const struct resource_group *g, struct bytes *out)
{
    group_message m = STRONGROOM__VAULT__GROUP_RECORD__INIT;

    m.format = RECORD_FORMAT;
    m.subscription_id = (char *)(uintptr_t)g->subscription_id.text;
    m.name = (char *)(uintptr_t)g->name;
    m.location = (char *)(uintptr_t)g->location;
    m.tags_json = g->tags_json;
    m.created_at = g->created_at;
    return record_pack(&m.base, out);
}

enum status group_find(struct store *s, const struct guid *subscription, struct span name, struct resource_group *out)
{
    struct anchor a = { 0 };
    enum status st = ST_NOT_FOUND;

    *out = (struct resource_group){ 0 };
    if (!group_name_valid(name))
        return ST_NOT_FOUND;
    group_path(&a.key, subscription, name);
    if ((st = anchor_read(s, &a)) == ST_OK)
        st = group_unpack(bytes_span(&a.value), a.revision, out);
    anchor_clear(&a);
    return st;
}

/* One try. *st: of the commit. */
static bool put_once(struct store *s, const struct resource_group *wanted, struct resource_group *out, bool *created,
                     enum status *st)
{
    struct store_write write;
    struct store_commit commit = { .writes = &write, .count = 1 };
    struct bytes key = { 0 }, record = { 0 };
    char *tags = NULL;

    *st = group_find(s, &wanted->subscription_id, span_text(wanted->name), out);
    *created = *st == ST_NOT_FOUND;
    if (*created) {
        *out = *wanted;
        out->tags_json = NULL;
        out->revision = STORE_ABSENT;
        out->created_at = clock_unix_s();
        *st = ST_OK;
    }
    if (*st != ST_OK)
        goto done;
    *st = ST_NO_MEMORY;
    if ((tags = span_dup_text(span_text(wanted->tags_json != NULL ? wanted->tags_json : "{}"))) == NULL)
        goto done;
    free(out->tags_json);
    out->tags_json = tags;
    group_path(&key, &out->subscription_id, span_text(out->name));
    if ((*st = group_pack(out, &record)) != ST_OK || (*st = bytes_status(&key)) != ST_OK)
        goto done;
    write = (struct store_write){ bytes_span(&key), bytes_span(&record), out->revision };
    *st = store_commit(s, &commit);
    out->revision = commit.revision;
done:
    if (*st != ST_OK)
        resource_group_clear(out);
    bytes_clear(&key);
    bytes_clear(&record);
    return *st == ST_OK;
}

bool group_put(struct store *s, const struct resource_group *wanted, struct resource_group *out, bool *created,
               struct admin_fault *f)
{
    struct subscription subscription;
    enum status st;

    *out = (struct resource_group){ 0 };
    if (!group_name_valid(span_text(wanted->name)))
        return admin_fault_set(f, ADMIN_FAULT_GROUP_NAME,
                               "The resource group name is not valid: 1 to 90 letters, digits, and -_.() with no dot "
                               "at the end.");
    st = subscription_find(s, &wanted->subscription_id, &subscription);
    if (st == ST_NOT_FOUND)
        return admin_fault_set(f, ADMIN_FAULT_SUBSCRIPTION_NOT_FOUND, "The subscription '%s' could not be found.",
                               wanted->subscription_id.text);
    for (unsigned n = 0; st == ST_OK && n < ANCHOR_TRIES; n++) {
        if (put_once(s, wanted, out, created, &st))
            return true;
        if (st == ST_CONFLICT) /* two put it at once: the tags of the later one stay */
            st = ST_OK;
    }
    return st == ST_OK ? admin_fault_set(f, ADMIN_FAULT_CONFLICT, "The resource group is being changed.")
                       : admin_fault_trouble(f, st);
}

static bool list_group(const struct store_record *r, void *arg)
{
    struct listing *l = arg;
    struct resource_group g;
    bool more = (l->status = group_unpack(r->value, r->revision, &g)) == ST_OK && l->visit_group(&g, l->arg);

    resource_group_clear(&g);
    return more;
}

enum status group_list(struct store *s, const struct guid *subscription, struct span after, group_visitor *visit,
                       void *arg)
{
    struct listing l = { .visit_group = visit, .arg = arg };
    struct bytes prefix = { 0 }, from = { 0 };
    enum status st;

    group_prefix(&prefix, subscription);
    if (after.len > 0)
        group_path(&from, subscription, after);
    if ((st = bytes_status(&prefix)) == ST_OK && (st = bytes_status(&from)) == ST_OK &&
        (st = store_range(s, bytes_span(&prefix), bytes_span(&from), SIZE_MAX, list_group, &l, NULL)) == ST_OK)
        st = l.status;
    bytes_clear(&prefix);
    bytes_clear(&from);
    return st;
}

struct search {
    const struct guid *subscription;
    struct span group;
    bool found;
    enum status status;
};

static bool look_for_live_vault(const struct store_record *r, void *arg)
{
    struct search *q = arg;
    struct vault *v;

    if ((q->status = vault_unpack(r->value, r->revision, &v)) != ST_OK)
        return false;
    q->found = v->deleted_at == 0 && guid_equal(&v->subscription_id, q->subscription) &&
               span_is_nocase(q->group, v->resource_group);
    vault_unref(v);
    return !q->found;
}

/* A live vault that comes later has written the group's record again, so the commit below fails. */
static bool delete_once(struct store *s, const struct anchor *group, const struct guid *subscription, struct span name,
                        struct admin_fault *f)
{
    struct search q = { .subscription = subscription, .group = name };
    struct doomed doomed = { 0 };
    struct bytes scope = { 0 };
    enum status st =
        store_range(s, span_text(VAULT_PREFIX), (struct span){ 0 }, SIZE_MAX, look_for_live_vault, &q, NULL);

    if (st == ST_OK && (st = q.status) == ST_OK && q.found)
        return admin_fault_set(f, ADMIN_FAULT_GROUP_NOT_EMPTY,
                               "The resource group '%.*s' still holds vaults; delete them first.", (int)name.len,
                               (const char *)name.p);
    bytes_printf(&scope, "/subscriptions/%s/resourceGroups/%.*s", subscription->text, (int)name.len,
                 (const char *)name.p);
    if (st == ST_OK && (st = bytes_status(&scope)) == ST_OK &&
        (st = doomed_assignments(s, bytes_text(&scope), &doomed)) == ST_OK)
        st = doomed_commit(s, &doomed, &(struct store_write){ bytes_span(&group->key), { 0 }, group->revision });
    doomed_clear(&doomed);
    bytes_clear(&scope);
    if (st == ST_CONFLICT)
        return admin_fault_set(f, ADMIN_FAULT_CONFLICT, "The resource group is being changed.");
    return st == ST_OK || admin_fault_trouble(f, st);
}

bool group_delete(struct store *s, const struct guid *subscription, struct span name, struct admin_fault *f)
{
    bool ok = false;

    if (!group_name_valid(name))
        return admin_fault_set(f, ADMIN_FAULT_GROUP_NOT_FOUND, "The resource group could not be found.");
    for (unsigned n = 0; !ok && n < ANCHOR_TRIES; n++) {
        struct anchor group = { 0 };
        enum status st;

        group_path(&group.key, subscription, name);
        if ((st = anchor_read(s, &group)) == ST_OK)
            ok = delete_once(s, &group, subscription, name, f);
        else if (st == ST_NOT_FOUND)
            admin_fault_set(f, ADMIN_FAULT_GROUP_NOT_FOUND, "Resource group '%.*s' could not be found.", (int)name.len,
                            (const char *)name.p);
        else
            admin_fault_trouble(f, st);
        anchor_clear(&group);
        if (!ok && f->code != ADMIN_FAULT_CONFLICT)
            return false;
    }
    return ok;
}

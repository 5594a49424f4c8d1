#include "service/vault/role_store.h"

#include <stdio.h>

#include "firmware/base/clock.h"
#include "service/policy/policy.h"
#include "service/vault/anchor.h"
#include "service/vault/record.h"
#include "service/vault/resource_group.h"
#include "service/vault/scope.h"
#include "service/vault/vault.h"
#include "vault.pb-c.h"

typedef Strongroom__Vault__AssignmentRecord message;

static const char *const principal_types[] = { "ServicePrincipal", "User", "Group", "ForeignGroup", "Device" };

/* The documented spelling of a type; of none the first. NULL: unknown. */
static const char *type_of(const char *text)
{
    if (text[0] == '\0')
        return principal_types[0];
    for (size_t i = 0; i < ARRAY_LEN(principal_types); i++)
        if (span_is_nocase(span_text(text), principal_types[i]))
            return principal_types[i];
    return NULL;
}

bool assignment_scope_within(const char *scope, const char *root)
{
    size_t root_len = strlen(root), len = strlen(scope);

    while (root_len > 0 && root[root_len - 1] == '/') /* "/" is above everything */
        root_len--;
    return len >= root_len && span_equal_nocase(span_of(scope, root_len), span_of(root, root_len)) &&
           (scope[root_len] == '\0' || scope[root_len] == '/');
}

enum status assignment_unpack(struct span record, uint64_t revision, struct assignment *out)
{
    message *m = strongroom__vault__assignment_record__unpack(NULL, record.len, record.p);
    enum status st = ST_CORRUPT;

    *out = (struct assignment){ .revision = revision };
    if (m != NULL && m->format == RECORD_FORMAT && record_guid(&out->id, m->id) &&
        record_guid(&out->principal_id, m->principal_id) && type_of(m->principal_type) != NULL &&
        record_text(out->principal_type, sizeof out->principal_type, m->principal_type) &&
        record_guid(&out->role_id, m->role_id) && m->scope[0] == '/' &&
        record_text(out->scope, sizeof out->scope, m->scope) &&
        record_text(out->description, sizeof out->description, m->description) && m->created_at >= 0 &&
        m->updated_at >= 0 && record_actor(out->created_by, m->created_by) &&
        record_actor(out->updated_by, m->updated_by)) {
        out->created_at = m->created_at;
        out->updated_at = m->updated_at;
        st = ST_OK;
    }
    strongroom__vault__assignment_record__free_unpacked(m, NULL);
    return st;
}

static enum status assignment_pack(struct assignment *a, struct bytes *out)
{
    message m = STRONGROOM__VAULT__ASSIGNMENT_RECORD__INIT;

    m.format = RECORD_FORMAT;
    m.id = a->id.text;
    m.principal_id = a->principal_id.text;
    m.principal_type = a->principal_type;
    m.role_id = a->role_id.text;
    m.scope = a->scope;
    m.description = a->description;
    m.created_at = a->created_at;
    m.updated_at = a->updated_at;
    m.created_by = a->created_by;
    m.updated_by = a->updated_by;
    return record_pack(&m.base, out);
}

/* What the assignment is made on: its record, and its own id in the casing of creation. */
struct place {
    struct anchor anchor;
    struct bytes root;
    char scope[ASSIGNMENT_SCOPE_MAX + 1];
};

static void place_clear(struct place *p)
{
    anchor_clear(&p->anchor);
    bytes_clear(&p->root);
}

static enum status find_vault(struct store *s, const struct scope *at, struct place *p)
{
    struct vault *v;
    enum status st;

    vault_path(&p->anchor.key, at->vault);
    if (!vault_name_valid(at->vault))
        return ST_NOT_FOUND;
    if ((st = anchor_read(s, &p->anchor)) != ST_OK ||
        (st = vault_unpack(bytes_span(&p->anchor.value), p->anchor.revision, &v)) != ST_OK)
        return st;
    if (v->deleted_at != 0 || !guid_equal(&v->subscription_id, &at->subscription_id) ||
        !span_is_nocase(at->group, v->resource_group))
        st = ST_NOT_FOUND;
    else
        bytes_append_text(&p->root, v->resource_id);
    vault_unref(v);
    return st;
}

static enum status find_group(struct store *s, const struct scope *at, struct place *p)
{
    struct resource_group g;
    enum status st = group_find(s, &at->subscription_id, at->group, &g);

    if (st != ST_OK)
        return st;
    bytes_printf(&p->root, "/subscriptions/%s/resourceGroups/%s", g.subscription_id.text, g.name);
    resource_group_clear(&g);
    group_path(&p->anchor.key, &at->subscription_id, at->group);
    return anchor_read(s, &p->anchor);
}

/* The record the scope rests on must be there. */
static enum status find_place(struct store *s, const struct scope *at, struct place *p)
{
    enum status st = ST_OK;
    int n;

    switch (at->kind) {
    case SCOPE_ROOT:
        break;
    case SCOPE_SUBSCRIPTION:
        bytes_printf(&p->root, "/subscriptions/%s", at->subscription_id.text);
        subscription_path(&p->anchor.key, &at->subscription_id);
        st = anchor_read(s, &p->anchor);
        break;
    case SCOPE_GROUP:
        st = find_group(s, at, p);
        break;
    case SCOPE_VAULT:
    case SCOPE_OBJECT:
        st = find_vault(s, at, p);
        break;
    }
    if (st != ST_OK)
        return st;
    if ((st = bytes_status(&p->root)) != ST_OK)
        return st;
    if (at->kind == SCOPE_OBJECT)
        n = snprintf(p->scope, sizeof p->scope, "%s/%s/%.*s", bytes_text(&p->root), at->collection, (int)at->object.len,
                     (const char *)at->object.p);
    else
        n = snprintf(p->scope, sizeof p->scope, "%s", at->kind == SCOPE_ROOT ? "/" : bytes_text(&p->root));
    return n > 0 && (size_t)n < sizeof p->scope ? ST_OK : ST_NOT_FOUND;
}

struct survey {
    const struct assignment *wanted;
    const struct place *place;
    bool exact; /* count what is on the place itself only */
    size_t on_place;
    bool duplicate;
    struct guid duplicate_id;
};

static bool survey_one(const struct assignment *a, void *arg)
{
    struct survey *s = arg;
    const char *root = s->place->root.len > 0 ? bytes_text(&s->place->root) : "/";

    if (s->exact ? span_is_nocase(span_text(a->scope), root) : assignment_scope_within(a->scope, root))
        s->on_place++;
    if (guid_equal(&a->principal_id, &s->wanted->principal_id) && guid_equal(&a->role_id, &s->wanted->role_id) &&
        span_is_nocase(span_text(a->scope), s->place->scope)) {
        s->duplicate = true;
        s->duplicate_id = a->id;
    }
    return true;
}

/* false with f->code ADMIN_FAULT_CONFLICT: worth another try. */
static bool commit_new(struct store *s, struct assignment *a, const struct place *place, struct admin_fault *f)
{
    struct store_write writes[2];
    struct store_commit commit = { .writes = writes, .count = 1 };
    struct bytes key = { 0 }, record = { 0 };
    enum status st;

    assignment_path(&key, &a->id);
    if ((st = bytes_status(&key)) == ST_OK && (st = assignment_pack(a, &record)) == ST_OK) {
        writes[0] = (struct store_write){ bytes_span(&key), bytes_span(&record), STORE_ABSENT };
        if (place->anchor.revision != 0)
            writes[commit.count++] = anchor_touch(&place->anchor);
        st = store_commit(s, &commit);
        a->revision = commit.revision;
    }
    bytes_clear(&key);
    bytes_clear(&record);
    if (st == ST_CONFLICT)
        return admin_fault_set(f, ADMIN_FAULT_CONFLICT, "The role assignments of this scope are being changed.");
    return st == ST_OK || admin_fault_trouble(f, st);
}

static bool same_assignment(const struct assignment *a, const struct assignment *wanted, const char *scope)
{
    return guid_equal(&a->principal_id, &wanted->principal_id) && guid_equal(&a->role_id, &wanted->role_id) &&
           span_is_nocase(span_text(a->scope), scope);
}

static bool put_once(struct store *s, const struct assignment *wanted, const struct scope *at, struct place *place,
                     struct assignment *out, bool *created, struct admin_fault *f)
{
    struct survey survey = { .wanted = wanted, .place = place, .exact = at->kind < SCOPE_VAULT };
    enum status st = find_place(s, at, place);

    if (st == ST_NOT_FOUND)
        return admin_fault_set(f, ADMIN_FAULT_SCOPE_NOT_FOUND, "The scope '%s' was not found.", wanted->scope);
    if (st != ST_OK)
        return admin_fault_trouble(f, st);
    *created = false;
    if ((st = assignment_find(s, &wanted->id, out)) == ST_OK)
        return same_assignment(out, wanted, place->scope) ||
               admin_fault_set(f, ADMIN_FAULT_ASSIGNMENT_DIFFERS,
                               "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.");
    if (st != ST_NOT_FOUND || (st = assignment_list(s, survey_one, &survey)) != ST_OK)
        return admin_fault_trouble(f, st);
    if (survey.duplicate)
        return admin_fault_set(f, ADMIN_FAULT_ASSIGNMENT_EXISTS,
                               "The role assignment already exists. The ID of the existing role assignment is %s.",
                               survey.duplicate_id.text);
    if (survey.on_place >= ASSIGNMENTS_PER_RESOURCE)
        return admin_fault_set(f, ADMIN_FAULT_ASSIGNMENT_LIMIT, "No more than %d role assignments at this scope.",
                               ASSIGNMENTS_PER_RESOURCE);
    *created = true;
    *out = *wanted;
    record_text(out->scope, sizeof out->scope, place->scope);
    record_text(out->principal_type, sizeof out->principal_type, type_of(wanted->principal_type));
    record_text(out->updated_by, sizeof out->updated_by, wanted->created_by);
    out->created_at = out->updated_at = clock_unix_s();
    return commit_new(s, out, place, f);
}

bool assignment_put(struct store *s, const struct assignment *wanted, struct assignment *out, bool *created,
                    struct admin_fault *f)
{
    struct scope at;
    bool ok = false;

    if (!scope_parse(&at, wanted->scope))
        return admin_fault_set(f, ADMIN_FAULT_SCOPE_NOT_FOUND, "The scope '%s' was not found.", wanted->scope);
    if (role_by_id(&wanted->role_id) == NULL)
        return admin_fault_set(f, ADMIN_FAULT_ROLE_NOT_FOUND,
                               "The specified role definition with ID '%s' does not exist.", wanted->role_id.text);
    if (type_of(wanted->principal_type) == NULL)
        return admin_fault_set(f, ADMIN_FAULT_BAD_REQUEST, "The principal type is not known.");
    f->code = ADMIN_FAULT_CONFLICT;
    for (unsigned n = 0; !ok && f->code == ADMIN_FAULT_CONFLICT && n < ANCHOR_TRIES; n++) {
        struct place place = { 0 };

        ok = put_once(s, wanted, &at, &place, out, created, f);
        place_clear(&place);
    }
    return ok;
}

enum status assignment_find(struct store *s, const struct guid *id, struct assignment *out)
{
    struct anchor a = { 0 };
    enum status st;

    *out = (struct assignment){ 0 };
    assignment_path(&a.key, id);
    if ((st = anchor_read(s, &a)) == ST_OK)
        st = assignment_unpack(bytes_span(&a.value), a.revision, out);
    anchor_clear(&a);
    return st;
}

enum status assignment_delete(struct store *s, const struct assignment *found)
{
    struct bytes key = { 0 };
    struct store_write write;
    struct store_commit commit = { .writes = &write, .count = 1 };
    enum status st;

    assignment_path(&key, &found->id);
    write = (struct store_write){ bytes_span(&key), { 0 }, found->revision };
    if ((st = bytes_status(&key)) == ST_OK)
        st = store_commit(s, &commit);
    bytes_clear(&key);
    return st;
}

struct listing {
    assignment_visitor *visit;
    void *arg;
    enum status status;
};

static bool list_one(const struct store_record *r, void *arg)
{
    struct listing *l = arg;
    struct assignment a;

    return (l->status = assignment_unpack(r->value, r->revision, &a)) == ST_OK && l->visit(&a, l->arg);
}

enum status assignment_list(struct store *s, assignment_visitor *visit, void *arg)
{
    struct listing l = { visit, arg, ST_OK };
    enum status st = store_range(s, span_text(ASSIGNMENT_PREFIX), (struct span){ 0 }, SIZE_MAX, list_one, &l, NULL);

    return st == ST_OK ? l.status : st;
}

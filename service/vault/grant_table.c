#include "service/vault/grant_table.h"

struct grant_table {
    size_t count;
    struct grant *grants;                /* sorted by principal; scopes owned */
    struct role_assignment *assignments; /* the same once more, side by side as service/policy reads them */
};

static int by_principal(const void *a, const void *b)
{
    const struct grant *one = a, *other = b;
    int order = memcmp(one->assignment.principal_id.text, other->assignment.principal_id.text, GUID_LEN);

    return order != 0 ? order : memcmp(one->id.text, other->id.text, GUID_LEN);
}

struct grant_table *grant_table_new(const struct grant *grants, size_t count)
{
    struct grant_table *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->grants = calloc(count > 0 ? count : 1, sizeof *t->grants);
    t->assignments = calloc(count > 0 ? count : 1, sizeof *t->assignments);
    if (t->grants == NULL || t->assignments == NULL)
        goto failed;
    for (size_t i = 0; i < count; i++) {
        t->grants[i] = grants[i];
        if ((t->grants[i].assignment.scope = span_dup_text(span_text(grants[i].assignment.scope))) == NULL)
            goto failed;
        t->count++;
    }
    qsort(t->grants, count, sizeof *t->grants, by_principal);
    for (size_t i = 0; i < count; i++)
        t->assignments[i] = t->grants[i].assignment;
    return t;
failed:
    grant_table_free(t);
    return NULL;
}

void grant_table_free(struct grant_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; t->grants != NULL && i < t->count; i++)
        free((char *)(uintptr_t)t->grants[i].assignment.scope);
    free(t->grants);
    free(t->assignments);
    free(t);
}

struct grant_table *grant_table_with(const struct grant_table *t, const struct grant *g)
{
    struct grant *next = calloc(t->count + 1, sizeof *next);
    struct grant_table *made;
    size_t n = 0;

    if (next == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++)
        if (!guid_equal(&t->grants[i].id, &g->id))
            next[n++] = t->grants[i];
    if (g->assignment.scope != NULL)
        next[n++] = *g;
    made = grant_table_new(next, n);
    free(next);
    return made;
}

uint64_t grant_table_revision(const struct grant_table *t, const struct guid *id)
{
    for (size_t i = 0; i < t->count; i++)
        if (guid_equal(&t->grants[i].id, id))
            return t->grants[i].revision;
    return 0;
}

static size_t first_of(const struct grant_table *t, const struct guid *principal)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(t->assignments[middle].principal_id.text, principal->text, GUID_LEN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool ask_of(const struct grant_table *t, const struct guid *principal, grant_question *ask, const void *arg)
{
    size_t from = first_of(t, principal), to = from;

    while (to < t->count && guid_equal(&t->assignments[to].principal_id, principal))
        to++;
    return to > from && ask(&t->assignments[from], to - from, arg);
}

bool grant_table_any(const struct grant_table *t, const struct principal *who, grant_question *ask, const void *arg)
{
    if (ask_of(t, &who->object_id, ask, arg))
        return true;
    for (size_t i = 0; i < who->group_count && i < PRINCIPAL_GROUPS_MAX; i++)
        if (ask_of(t, &who->groups[i], ask, arg))
            return true;
    return false;
}

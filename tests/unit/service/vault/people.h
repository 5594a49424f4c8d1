/* people.h - a management store with a subscription and groups in it, and who acts on it, for the tests of vaults. */
#ifndef STRONGROOM_TESTS_VAULT_PEOPLE_H
#define STRONGROOM_TESTS_VAULT_PEOPLE_H

#include <stdio.h>

#include "service/vault/resource_group.h"
#include "service/vault/role_store.h"
#include "service/vault/vault_admin.h"
#include "tests/unit/harness.h"

#define TENANT       "11111111-1111-4111-8111-111111111111"
#define SUBSCRIPTION "22222222-2222-4222-8222-222222222222"
#define ELSEWHERE    "33333333-3333-4333-8333-333333333333"
#define READER_ROLE  "21090545-7ca7-4776-b22c-e363652d74d2"
#define OWNER_ROLE   "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

static inline struct guid guid_of(const char *text)
{
    struct guid g;

    CU_ASSERT_EQUAL_FATAL(guid_parse(&g, span_text(text)), ST_OK);
    return g;
}

static inline struct principal application_of(const char *object_id)
{
    struct principal p = { .kind = PRINCIPAL_APPLICATION };

    p.tenant_id = guid_of(TENANT);
    p.object_id = guid_of(object_id);
    p.application_id = guid_of("99999999-9999-4999-8999-999999999999");
    return p;
}

/* SUBSCRIPTION with the groups "Rooms" and "cellar", ELSEWHERE with "Rooms". */
static inline void furnish(struct store *s)
{
    static const struct {
        const char *subscription, *group;
    } groups[] = { { SUBSCRIPTION, "Rooms" }, { SUBSCRIPTION, "cellar" }, { ELSEWHERE, "Rooms" } };
    struct subscription one = { .display_name = "one" };
    struct admin_fault f = { 0 };

    one.id = guid_of(SUBSCRIPTION);
    CU_ASSERT_EQUAL_FATAL(subscription_create(s, &one), ST_OK);
    one.id = guid_of(ELSEWHERE);
    CU_ASSERT_EQUAL_FATAL(subscription_create(s, &one), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct resource_group wanted = { .location = "local" }, out;
        bool created;

        wanted.subscription_id = guid_of(groups[i].subscription);
        snprintf(wanted.name, sizeof wanted.name, "%s", groups[i].group);
        CU_ASSERT_FATAL(group_put(s, &wanted, &out, &created, &f));
        CU_ASSERT_TRUE(created);
        resource_group_clear(&out);
    }
}

static inline struct vault_admin admin_of(struct store *s)
{
    return (struct vault_admin){ .store = s, .tenant_id = guid_of(TENANT), .location = "local" };
}

static inline struct vault_place place(const char *subscription, const char *group, const char *name)
{
    return (struct vault_place){ guid_of(subscription), span_text(group), span_text(name) };
}

/* What a PUT must say at least; an RBAC vault, so without policies. */
static inline struct vault_change least(void)
{
    return (struct vault_change){ .location = span_text("local"),
                                  .has_tenant = true,
                                  .tenant_id = guid_of(TENANT),
                                  .has_sku = true,
                                  .rbac = SAID_YES };
}

/* A vault in Rooms. */
static inline void make_vault(struct store *s, const char *name)
{
    struct vault_admin a = admin_of(s);
    struct vault_place at = place(SUBSCRIPTION, "rooms", name);
    struct vault_change c = least();
    struct principal who = application_of(TENANT);
    struct admin_fault f = { 0 };
    const struct vault *v;

    if (!vault_put(&a, &at, &c, true, &who, &v, &f))
        printf("\n%s: %s\n", name, f.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    vault_unref(v);
}

static inline bool assign(struct store *s, const char *principal, const char *role, const char *scope,
                          struct assignment *out, struct admin_fault *f)
{
    struct assignment wanted = { .id = guid_random() };
    bool created = false;

    wanted.principal_id = guid_of(principal);
    wanted.role_id = guid_of(role);
    snprintf(wanted.scope, sizeof wanted.scope, "%s", scope);
    return assignment_put(s, &wanted, out, &created, f) && created;
}

#endif

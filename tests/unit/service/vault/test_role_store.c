#include "service/vault/role_store.h"

#include "service/vault/scope.h"
#include "tests/unit/service/vault/people.h"

#define ALICE "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define SUB   "/subscriptions/" SUBSCRIPTION
#define VAULT SUB "/resourceGroups/Rooms/providers/Microsoft.KeyVault/vaults/Demo"

static struct store *store;
static struct admin_fault fault;
static struct assignment out;

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(store_open_memory(&store), ST_OK);
    furnish(store);
    make_vault(store, "Demo");
    fault = (struct admin_fault){ 0 };
}

static void tear_down(void)
{
    store_close(store);
}

static void scopes_are_taken_apart(void)
{
    static const char *const bad[] = {
        "",
        "subscriptions",
        "//",
        "/subscriptions",
        "/subscriptions/",
        "/subscriptions/x",
        SUB "/",
        SUB "/resourceGroups",
        SUB "/resourceGroups/",
        SUB "/groups/Rooms",
        SUB "/resourceGroups/Rooms/providers/Microsoft.KeyVault/vaults",
        SUB "/resourceGroups/Rooms/providers/Microsoft.Compute/vaults/Demo",
        VAULT "/",
        VAULT "/keys",
        VAULT "/keys/",
        VAULT "/keys/a/b",
        VAULT "/storage/a",
        VAULT "/keys/a b",
        VAULT "/keys/a_b",
        VAULT "/keys/..",
    };
    struct scope s;

    CU_ASSERT_TRUE(scope_parse(&s, "/") && s.kind == SCOPE_ROOT);
    CU_ASSERT_TRUE(scope_parse(&s, SUB) && s.kind == SCOPE_SUBSCRIPTION);
    CU_ASSERT_TRUE(scope_parse(&s, SUB "/RESOURCEGROUPS/Rooms") && s.kind == SCOPE_GROUP);
    CU_ASSERT_TRUE(scope_parse(&s, VAULT) && s.kind == SCOPE_VAULT && span_is(s.vault, "Demo"));
    CU_ASSERT_TRUE(scope_parse(&s, VAULT "/Keys/k-1") && s.kind == SCOPE_OBJECT && span_is(s.object, "k-1"));
    CU_ASSERT_STRING_EQUAL(s.collection, "keys");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(scope_parse(&s, bad[i]));
}

static void within(void)
{
    CU_ASSERT_TRUE(assignment_scope_within(VAULT, "/"));
    CU_ASSERT_TRUE(assignment_scope_within(VAULT, SUB));
    CU_ASSERT_TRUE(assignment_scope_within(VAULT "/keys/k", VAULT));
    CU_ASSERT_TRUE(assignment_scope_within("/A/B", "/a/b/"));
    CU_ASSERT_FALSE(assignment_scope_within(VAULT "2", VAULT)); /* by whole segments */
    CU_ASSERT_FALSE(assignment_scope_within(SUB, VAULT));
    CU_ASSERT_FALSE(assignment_scope_within("/", SUB));
}

static void is_made_as_things_are_called(void)
{
    struct assignment again;

    CU_ASSERT_TRUE_FATAL(assign(store, ALICE, READER_ROLE,
                                "/SUBSCRIPTIONS/" SUBSCRIPTION
                                "/resourcegroups/rOOMS/PROVIDERS/microsoft.keyvault/VAULTS/dEMO/KEYS/Key1",
                                &out, &fault));
    CU_ASSERT_STRING_EQUAL(out.scope, VAULT "/keys/Key1");
    CU_ASSERT_STRING_EQUAL(out.principal_type, "ServicePrincipal");
    CU_ASSERT_EQUAL(assignment_find(store, &out.id, &again), ST_OK);
    CU_ASSERT_STRING_EQUAL(again.scope, out.scope);
    CU_ASSERT_TRUE(again.created_at > 0);
    CU_ASSERT_TRUE(assign(store, ALICE, OWNER_ROLE, "/", &out, &fault));
    CU_ASSERT_STRING_EQUAL(out.scope, "/");
}

static void needs_something_to_be_on(void)
{
    static const char *const nowhere[] = {
        "/subscriptions/" TENANT,
        SUB "/resourceGroups/attic",
        SUB "/resourceGroups/cellar/providers/Microsoft.KeyVault/vaults/Demo", /* it is in another group */
        VAULT "2",
        "/somewhere",
    };
    struct assignment wanted = { .id = guid_random(), .scope = "/", .principal_type = "Robot" };
    bool created;

    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        CU_ASSERT_FALSE(assign(store, ALICE, READER_ROLE, nowhere[i], &out, &fault));
        CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_SCOPE_NOT_FOUND);
    }
    CU_ASSERT_FALSE(assign(store, ALICE, TENANT, SUB, &out, &fault)); /* no such role */
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_ROLE_NOT_FOUND);
    wanted.principal_id = guid_of(ALICE);
    wanted.role_id = guid_of(READER_ROLE);
    CU_ASSERT_FALSE(assignment_put(store, &wanted, &out, &created, &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_BAD_REQUEST);
}

static void doubles(void)
{
    struct assignment wanted;
    bool created;

    CU_ASSERT_TRUE_FATAL(assign(store, ALICE, READER_ROLE, VAULT, &out, &fault));
    wanted = out;
    CU_ASSERT_TRUE(assignment_put(store, &wanted, &out, &created, &fault)); /* the same once more */
    CU_ASSERT_FALSE(created);
    CU_ASSERT_FALSE(assign(store, ALICE, READER_ROLE, VAULT, &out, &fault)); /* under another id */
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_ASSIGNMENT_EXISTS);
    wanted.role_id = guid_of(OWNER_ROLE);
    CU_ASSERT_FALSE(assignment_put(store, &wanted, &out, &created, &fault)); /* another under the same id */
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_ASSIGNMENT_DIFFERS);
    wanted.role_id = guid_of(READER_ROLE);
    snprintf(wanted.scope, sizeof wanted.scope, "%s", SUB);
    CU_ASSERT_FALSE(assignment_put(store, &wanted, &out, &created, &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_ASSIGNMENT_DIFFERS);
}

static bool count_one(const struct assignment *a, void *arg)
{
    (void)a;
    ++*(unsigned *)arg;
    return true;
}

static void deletes_what_was_found(void)
{
    struct assignment stale;
    unsigned count = 0;

    CU_ASSERT_TRUE_FATAL(assign(store, ALICE, READER_ROLE, SUB, &out, &fault));
    stale = out;
    stale.revision--;
    CU_ASSERT_EQUAL(assignment_delete(store, &stale), ST_CONFLICT);
    CU_ASSERT_EQUAL(assignment_list(store, count_one, &count), ST_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(assignment_delete(store, &out), ST_OK);
    CU_ASSERT_EQUAL(assignment_find(store, &out.id, &stale), ST_NOT_FOUND);
}

static void there_is_a_limit(void)
{
    struct assignment wanted = { 0 };
    bool created;

    wanted.role_id = guid_of(READER_ROLE);
    for (unsigned i = 0; i <= ASSIGNMENTS_PER_RESOURCE; i++) {
        wanted.id = guid_random();
        wanted.principal_id = guid_random();
        snprintf(wanted.scope, sizeof wanted.scope, VAULT "/keys/k%u", i % 7);
        if (!assignment_put(store, &wanted, &out, &created, &fault)) {
            CU_ASSERT_EQUAL(i, ASSIGNMENTS_PER_RESOURCE);
            CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_ASSIGNMENT_LIMIT);
        }
    }
    snprintf(wanted.scope, sizeof wanted.scope, SUB);
    CU_ASSERT_TRUE(assignment_put(store, &wanted, &out, &created, &fault)); /* counted apart */
}

static CU_TestInfo cases[] = {
    { "scopes are taken apart, and what is none is refused", scopes_are_taken_apart },
    { "a scope lies within another by whole segments", within },
    { "an assignment is kept in the spelling of what it is made on", is_made_as_things_are_called },
    { "nothing is assigned on what is not there, nor roles that are none", needs_something_to_be_on },
    { "the same again is fine; under another id, or another under its id, is not", doubles },
    { "only what was found is deleted", deletes_what_was_found },
    { "a vault and what is in it takes 1000 assignments", there_is_a_limit },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "role_store", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

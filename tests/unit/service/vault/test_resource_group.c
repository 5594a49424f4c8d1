#include "service/vault/resource_group.h"

#include "tests/unit/service/vault/people.h"

static struct store *store;
static struct admin_fault fault;

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(store_open_memory(&store), ST_OK);
    furnish(store);
    fault = (struct admin_fault){ 0 };
}

static void tear_down(void)
{
    store_close(store);
}

static bool count_subscription(const struct subscription *s, void *arg)
{
    CU_ASSERT_STRING_EQUAL(s->display_name, "one");
    ++*(unsigned *)arg;
    return true;
}

static void subscriptions(void)
{
    struct subscription s = { .id = guid_of(SUBSCRIPTION), .display_name = "again" }, found;
    unsigned count = 0;

    CU_ASSERT_EQUAL(subscription_create(store, &s), ST_EXISTS);
    s.display_name[0] = '\0';
    CU_ASSERT_EQUAL(subscription_create(store, &s), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(subscription_find(store, &s.id, &found), ST_OK);
    CU_ASSERT_STRING_EQUAL(found.display_name, "one");
    s.id = guid_random();
    CU_ASSERT_EQUAL(subscription_find(store, &s.id, &found), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(subscription_list(store, count_subscription, &count), ST_OK);
    CU_ASSERT_EQUAL(count, 2);
}

static void names_have_rules(void)
{
    static const char *const bad[] = { "", "a.", ".", "a/b", "a b", "a\"b", "gr\xc3\xbc\xc3\x9f" };
    char longest[GROUP_NAME_MAX + 2];

    memset(longest, 'x', sizeof longest);
    CU_ASSERT_TRUE(group_name_valid(span_of(longest, GROUP_NAME_MAX)));
    CU_ASSERT_FALSE(group_name_valid(span_of(longest, GROUP_NAME_MAX + 1)));
    CU_ASSERT_TRUE(group_name_valid(span_text("A-b_c.(d)")));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(group_name_valid(span_text(bad[i])));
}

static void put_again_sets_the_tags(void)
{
    struct resource_group wanted = { .subscription_id = guid_of(SUBSCRIPTION),
                                     .name = "ROOMS",
                                     .location = "local",
                                     .tags_json = (char[]){ "{\"a\":\"b\"}" } },
                          out;
    bool created = true;

    CU_ASSERT_TRUE_FATAL(group_put(store, &wanted, &out, &created, &fault));
    CU_ASSERT_FALSE(created);
    CU_ASSERT_STRING_EQUAL(out.name, "Rooms"); /* as created */
    CU_ASSERT_STRING_EQUAL(out.tags_json, "{\"a\":\"b\"}");
    resource_group_clear(&out);
    wanted.subscription_id = guid_random();
    CU_ASSERT_FALSE(group_put(store, &wanted, &out, &created, &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_SUBSCRIPTION_NOT_FOUND);
    snprintf(wanted.name, sizeof wanted.name, "a/b");
    CU_ASSERT_FALSE(group_put(store, &wanted, &out, &created, &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_GROUP_NAME);
}

static bool note_name(const struct resource_group *g, void *arg)
{
    bytes_append_text(arg, g->name);
    bytes_append_char(arg, ' ');
    return true;
}

static void lists_in_order(void)
{
    struct guid id = guid_of(SUBSCRIPTION);
    struct bytes names = { 0 };

    CU_ASSERT_EQUAL(group_list(store, &id, (struct span){ 0 }, note_name, &names), ST_OK);
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "cellar Rooms ");
    bytes_reset(&names);
    CU_ASSERT_EQUAL(group_list(store, &id, span_text("CELLAR"), note_name, &names), ST_OK);
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "Rooms ");
    bytes_clear(&names);
}

static void only_empty_ones_are_deleted(void)
{
    struct vault_admin a = admin_of(store);
    struct vault_place at = place(SUBSCRIPTION, "Rooms", "demo");
    struct principal who = application_of(TENANT);
    struct guid id = guid_of(SUBSCRIPTION);
    struct assignment on_group, found;
    struct resource_group g;
    bool was_there;

    make_vault(store, "demo");
    CU_ASSERT_TRUE(
        assign(store, TENANT, READER_ROLE, "/subscriptions/" SUBSCRIPTION "/resourceGroups/rooms", &on_group, &fault));
    CU_ASSERT_FALSE(group_delete(store, &id, span_text("ROOMS"), &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_GROUP_NOT_EMPTY);
    CU_ASSERT_EQUAL(assignment_find(store, &on_group.id, &found), ST_OK);
    CU_ASSERT_TRUE(vault_delete(&a, &at, &who, &was_there, &fault));
    CU_ASSERT_TRUE(group_delete(store, &id, span_text("ROOMS"), &fault));
    CU_ASSERT_EQUAL(group_find(store, &id, span_text("rooms"), &g), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(assignment_find(store, &on_group.id, &found), ST_NOT_FOUND);
    CU_ASSERT_FALSE(group_delete(store, &id, span_text("ROOMS"), &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_GROUP_NOT_FOUND);
    id = guid_of(ELSEWHERE);
    CU_ASSERT_EQUAL(group_find(store, &id, span_text("rooms"), &g), ST_OK); /* another subscription's */
    resource_group_clear(&g);
}

static CU_TestInfo cases[] = {
    { "a subscription is made once", subscriptions },
    { "names that break a rule are refused", names_have_rules },
    { "a group put again keeps its name and gets the new tags", put_again_sets_the_tags },
    { "groups are listed in order, from behind a name", lists_in_order },
    { "a group goes when no live vault is in it, with its assignments", only_empty_ones_are_deleted },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "resource_group", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

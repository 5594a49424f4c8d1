#include "service/vault/vault_admin.h"

#include <pthread.h>

#include "service/vault/purged_vault.h"
#include "service/vault/vault.h"
#include "tests/unit/service/vault/people.h"

#define ALICE       "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define BOB         "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define SCOPE(name) "/subscriptions/" SUBSCRIPTION "/resourceGroups/Rooms/providers/Microsoft.KeyVault/vaults/" name

static struct store *store;
static struct vault_admin admin;
static struct principal alice;
static struct admin_fault fault;
static const struct vault *now; /* what the last change made */

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(store_open_memory(&store), ST_OK);
    furnish(store);
    admin = admin_of(store);
    alice = application_of(ALICE);
}

static void tear_down(void)
{
    vault_unref(now);
    now = NULL;
    store_close(store);
}

static bool put_at(const char *subscription, const char *group, const char *name, const struct vault_change *c)
{
    struct vault_place at = place(subscription, group, name);

    vault_unref(now);
    fault = (struct admin_fault){ 0 };
    return vault_put(&admin, &at, c, false, &alice, &now, &fault);
}

static bool put(const char *name, const struct vault_change *c)
{
    return put_at(SUBSCRIPTION, "Rooms", name, c);
}

static bool patch(const char *name, const struct vault_change *c)
{
    struct vault_place at = place(SUBSCRIPTION, "Rooms", name);

    vault_unref(now);
    fault = (struct admin_fault){ 0 };
    return vault_patch(&admin, &at, c, &alice, &now, &fault);
}

static bool drop(const char *name, bool *found)
{
    struct vault_place at = place(SUBSCRIPTION, "Rooms", name);

    fault = (struct admin_fault){ 0 };
    return vault_delete(&admin, &at, &alice, found, &fault);
}

static bool purge(const char *subscription, const char *location, const char *name)
{
    struct guid id = guid_of(subscription);

    fault = (struct admin_fault){ 0 };
    return vault_purge(&admin, &id, span_text(location), span_text(name), &fault);
}

#define REFUSED(call, why)                                                                                             \
    do {                                                                                                               \
        CU_ASSERT_FALSE(call);                                                                                         \
        CU_ASSERT_EQUAL(fault.code, why);                                                                              \
    } while (0)

static void creates(void)
{
    struct vault_change c = least();

    CU_ASSERT_TRUE_FATAL(put_at(SUBSCRIPTION, "ROOMS", "Demo", &c));
    CU_ASSERT_STRING_EQUAL(now->name, "Demo");
    CU_ASSERT_STRING_EQUAL(now->location, "local");
    CU_ASSERT_STRING_EQUAL(now->tags_json, "{}");
    CU_ASSERT_STRING_EQUAL(now->created_by, alice.application_id.text);
    CU_ASSERT_FALSE(now->created_by_user);
    CU_ASSERT_EQUAL(now->retention_days, 90);
    CU_ASSERT_FALSE(now->purge_protection);
    CU_ASSERT_FALSE(now->network.deny_by_default);
    CU_ASSERT_FALSE(now->network.public_access_disabled);
    CU_ASSERT_PTR_NULL(now->network_json);
    CU_ASSERT_TRUE(now->revision > 0);
}

static void names_have_rules(void)
{
    static const char *const good[] = { "abc", "a-b", "A1-b2-C3", "abcdefghijklmnopqrstuvwx" };
    static const char *const bad[] = { "",       "ab",    "1abc", "-abc",    "abc-",
                                       "ab--cd", "a_bcd", "a.cd", "a b c d", "abcdefghijklmnopqrstuvwxy" };
    struct vault_change c = least();

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CU_ASSERT_TRUE(vault_name_valid(span_text(good[i])));
        CU_ASSERT_TRUE(put(good[i], &c));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_FALSE(vault_name_valid(span_text(bad[i])));
        REFUSED(put(bad[i], &c), ADMIN_FAULT_VAULT_NAME);
    }
}

static void a_name_is_taken_everywhere(void)
{
    struct vault_change c = least();
    char live[ADMIN_FAULT_MESSAGE_MAX];
    bool found;

    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    REFUSED(put_at(SUBSCRIPTION, "cellar", "demo", &c), ADMIN_FAULT_VAULT_EXISTS);
    REFUSED(put_at(ELSEWHERE, "Rooms", "DEMO", &c), ADMIN_FAULT_VAULT_EXISTS);
    snprintf(live, sizeof live, "%s", fault.message);
    CU_ASSERT_FALSE(vault_name_free(&admin, span_text("Demo"), &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_VAULT_EXISTS);
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    REFUSED(put("demo", &c), ADMIN_FAULT_VAULT_EXISTS);
    REFUSED(put_at(ELSEWHERE, "Rooms", "DEMO", &c), ADMIN_FAULT_VAULT_EXISTS);
    CU_ASSERT_STRING_EQUAL(fault.message, live); /* whether it lives is nobody else's business */
    CU_ASSERT_FALSE(vault_name_free(&admin, span_text("--"), &fault));
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_VAULT_NAME);
    CU_ASSERT_TRUE(vault_name_free(&admin, span_text("demo2"), &fault));
}

static void a_put_is_complete(void)
{
    struct vault_change c = least();

    c.location = (struct span){ 0 };
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c = least();
    c.has_tenant = false;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c = least();
    c.has_sku = false;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c = least();
    c.rbac = SAID_NO; /* then it must say who may what */
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c.has_policies = true;
    CU_ASSERT_TRUE(put("demo", &c));
    c = least();
    REFUSED(put_at(SUBSCRIPTION, "attic", "demo2", &c), ADMIN_FAULT_GROUP_NOT_FOUND);
    REFUSED(put_at(ELSEWHERE, "cellar", "demo2", &c), ADMIN_FAULT_GROUP_NOT_FOUND);
    CU_ASSERT_TRUE(vault_name_free(&admin, span_text("demo2"), &fault));
}

static void values_have_rules(void)
{
    struct vault_change c = least();
    struct span rule = span_text("10.0.0.0/33");

    c.location = span_text("westus");
    REFUSED(put("demo", &c), ADMIN_FAULT_REGION);
    c = least();
    c.location = span_text(" LO CAL ");
    CU_ASSERT_TRUE(put("demo", &c));
    c = least();
    c.tenant_id = guid_of(ALICE);
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c = least();
    c.has_retention = true;
    c.retention_days = 6;
    REFUSED(put("demo2", &c), ADMIN_FAULT_BAD_REQUEST);
    c.retention_days = 91;
    REFUSED(put("demo2", &c), ADMIN_FAULT_BAD_REQUEST);
    c.retention_days = 7;
    CU_ASSERT_TRUE(put("demo2", &c));
    CU_ASSERT_EQUAL(now->retention_days, 7);
    c = least();
    c.soft_delete = SAID_NO;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c = least();
    c.has_network = c.has_ip_rules = true;
    c.ip_rules = &rule;
    c.ip_rule_count = 1;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c.ip_rule_count = VAULT_IP_RULES_MAX + 1;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
}

static void some_things_never_change_back(void)
{
    struct vault_change c = least();
    bool found;

    c.purge_protection = SAID_YES;
    c.has_retention = true;
    c.retention_days = 10;
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE(now->purge_protection);
    c = least();
    CU_ASSERT_TRUE(put("demo", &c)); /* unsaid: stays */
    CU_ASSERT_TRUE(now->purge_protection);
    CU_ASSERT_EQUAL(now->retention_days, 10);
    c.purge_protection = SAID_NO;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    REFUSED(patch("demo", &(struct vault_change){ .purge_protection = SAID_NO }), ADMIN_FAULT_BAD_REQUEST);
    REFUSED(patch("demo", &(struct vault_change){ .has_retention = true, .retention_days = 11 }),
            ADMIN_FAULT_BAD_REQUEST);
    CU_ASSERT_TRUE(patch("demo", &(struct vault_change){ .has_retention = true, .retention_days = 10 }));
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    REFUSED(purge(SUBSCRIPTION, "local", "demo"), ADMIN_FAULT_PURGE_PROTECTED);
    CU_ASSERT_FALSE(vault_name_free(&admin, span_text("demo"), &fault));
}

static void the_model_of_access_is_never_changed_by_silence(void)
{
    struct vault_place at = place(SUBSCRIPTION, "Rooms", "demo");
    struct vault_change c = least();

    c.rbac = UNSAID;
    c.has_policies = true;
    fault = (struct admin_fault){ 0 };
    CU_ASSERT_TRUE_FATAL(vault_put(&admin, &at, &c, false, &alice, &now, &fault));
    CU_ASSERT_FALSE(now->rbac);
    CU_ASSERT_FALSE(now->rbac_set);
    vault_unref(now);
    CU_ASSERT_TRUE_FATAL(vault_put(&admin, &at, &c, true, &alice, &now, &fault)); /* a newer api-version */
    CU_ASSERT_FALSE(now->rbac);
    at.name = span_text("newer");
    vault_unref(now);
    CU_ASSERT_TRUE_FATAL(vault_put(&admin, &at, &c, true, &alice, &now, &fault));
    CU_ASSERT_TRUE(now->rbac && now->rbac_set);
    CU_ASSERT_TRUE(patch("newer", &(struct vault_change){ .rbac = SAID_NO }));
    CU_ASSERT_FALSE(now->rbac);
    CU_ASSERT_TRUE(now->rbac_set);
}

static void the_firewall_is_not_opened_by_silence(void)
{
    struct vault_change c = least();
    struct span rules[] = { span_text("10.1.2.3"), span_text("192.0.2.0/24"), span_text("2001:db8::1") };
    struct virtual_network_rule network = { (char[]){ "/subscriptions/x" }, true };

    c.has_network = c.has_ip_rules = c.has_virtual_networks = true;
    c.network_deny = SAID_YES;
    c.network_bypass_azure = SAID_NO;
    c.ip_rules = rules;
    c.ip_rule_count = 3;
    c.virtual_networks = &network;
    c.virtual_network_count = 1;
    c.public_access = PUBLIC_ACCESS_DISABLED;
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_STRING_EQUAL(now->network_json, "{\"bypass\":\"None\",\"defaultAction\":\"Deny\",\"ipRules\":["
                                              "{\"value\":\"10.1.2.3/32\"},{\"value\":\"192.0.2.0/24\"},"
                                              "{\"value\":\"2001:db8::1/128\"}],\"virtualNetworkRules\":["
                                              "{\"id\":\"/subscriptions/x\","
                                              "\"ignoreMissingVnetServiceEndpoint\":true}]}");
    c = least();
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE(now->network.deny_by_default);
    CU_ASSERT_TRUE(now->network.public_access_disabled);
    CU_ASSERT_EQUAL(now->network.ip_rule_count, 3);
    CU_ASSERT_TRUE(patch("demo", &(struct vault_change){ .has_network = true, .has_ip_rules = true }));
    CU_ASSERT_EQUAL(now->network.ip_rule_count, 0);
    CU_ASSERT_TRUE(now->network.deny_by_default);
    CU_ASSERT_EQUAL(now->virtual_network_count, 1);
    CU_ASSERT_TRUE(patch("demo", &(struct vault_change){ .public_access = PUBLIC_ACCESS_PERIMETER }));
    CU_ASSERT_TRUE(now->network.public_access_disabled && now->secured_by_perimeter);
    CU_ASSERT_TRUE(patch("demo", &(struct vault_change){ .public_access = PUBLIC_ACCESS_ENABLED }));
    CU_ASSERT_FALSE(now->network.public_access_disabled || now->secured_by_perimeter);
}

static void put_replaces_patch_merges(void)
{
    static char tags[] = "{\"a\":\"b\"}";
    struct vault_change c = least();

    c.premium = true;
    c.for_deployment = SAID_YES;
    c.tags_json = tags;
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE(patch("demo", &(struct vault_change){ .for_disk_encryption = SAID_YES }));
    CU_ASSERT_TRUE(now->premium && now->enabled_for_deployment && now->enabled_for_disk_encryption);
    CU_ASSERT_STRING_EQUAL(now->tags_json, tags);
    c = least();
    CU_ASSERT_TRUE(put("demo", &c));
    CU_ASSERT_FALSE(now->premium || now->enabled_for_deployment || now->enabled_for_disk_encryption);
    CU_ASSERT_STRING_EQUAL(now->tags_json, "{}");
    REFUSED(patch("demo2", &c), ADMIN_FAULT_VAULT_NOT_FOUND);
}

static struct access_policy policy_of(const char *object, uint32_t keys)
{
    struct access_policy p = { .tenant_id = guid_of(TENANT), .object_id = guid_of(object) };

    p.permissions[PERMISSION_KEYS] = keys;
    return p;
}

static void policies_have_rules(void)
{
    struct access_policy *many = calloc(VAULT_POLICIES_MAX + 1, sizeof *many);
    struct vault_change c = least();

    CU_ASSERT_PTR_NOT_NULL_FATAL(many);
    for (size_t i = 0; i < VAULT_POLICIES_MAX + 1; i++) {
        many[i] = policy_of(ALICE, 1);
        many[i].object_id = guid_random();
    }
    c.has_policies = true;
    c.policies = many;
    c.policy_count = VAULT_POLICIES_MAX + 1;
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    c.policy_count = VAULT_POLICIES_MAX;
    CU_ASSERT_TRUE(put("demo", &c));
    CU_ASSERT_EQUAL(now->policy_count, VAULT_POLICIES_MAX);
    c.policy_count = 2;
    many[1] = many[0];
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST); /* one identity twice */
    many[1].has_application_id = true;
    many[1].application_id = guid_random();
    CU_ASSERT_TRUE(put("demo", &c)); /* the same user, through an application: another identity */
    many[1].tenant_id = guid_random();
    REFUSED(put("demo", &c), ADMIN_FAULT_BAD_REQUEST);
    free(many);
}

static bool change_policies(enum policies_change kind, const struct access_policy *entries, size_t count)
{
    struct vault_place at = place(SUBSCRIPTION, "Rooms", "demo");

    vault_unref(now);
    fault = (struct admin_fault){ 0 };
    return vault_change_policies(&admin, &at, kind, entries, count, &alice, &now, &fault);
}

static void policies_are_added_replaced_removed(void)
{
    struct vault_change c = least();
    struct access_policy p[] = { policy_of(ALICE, 3), policy_of(BOB, 4) };

    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE(change_policies(POLICIES_ADD, p, 2));
    CU_ASSERT_EQUAL_FATAL(now->policy_count, 2);
    p[0].permissions[PERMISSION_KEYS] = 8;
    CU_ASSERT_TRUE(change_policies(POLICIES_ADD, p, 1));
    CU_ASSERT_EQUAL(now->policies[0].permissions[PERMISSION_KEYS], 11);
    CU_ASSERT_TRUE(change_policies(POLICIES_REPLACE, p, 1));
    CU_ASSERT_EQUAL(now->policies[0].permissions[PERMISSION_KEYS], 8);
    CU_ASSERT_EQUAL(now->policy_count, 2);
    CU_ASSERT_TRUE(change_policies(POLICIES_REMOVE, p, 1)); /* nothing left: the entry goes */
    CU_ASSERT_EQUAL_FATAL(now->policy_count, 1);
    CU_ASSERT_TRUE(guid_equal(&now->policies[0].object_id, &p[1].object_id));
    CU_ASSERT_TRUE(change_policies(POLICIES_REMOVE, p, 1)); /* not there: fine */
    CU_ASSERT_EQUAL(now->policy_count, 1);
    p[1] = p[0];
    REFUSED(change_policies(POLICIES_ADD, p, 2), ADMIN_FAULT_BAD_REQUEST);
    p[0].tenant_id = guid_random();
    REFUSED(change_policies(POLICIES_ADD, p, 1), ADMIN_FAULT_BAD_REQUEST);
}

static void a_full_list_takes_no_more(void)
{
    struct access_policy *many = calloc(VAULT_POLICIES_MAX, sizeof *many);
    struct access_policy one = policy_of(ALICE, 1);
    struct vault_change c = least();

    CU_ASSERT_PTR_NOT_NULL_FATAL(many);
    for (size_t i = 0; i < VAULT_POLICIES_MAX; i++) {
        many[i] = policy_of(ALICE, 1);
        many[i].object_id = guid_random();
    }
    c.has_policies = true;
    c.policies = many;
    c.policy_count = VAULT_POLICIES_MAX;
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    REFUSED(change_policies(POLICIES_ADD, &one, 1), ADMIN_FAULT_BAD_REQUEST);
    CU_ASSERT_TRUE(change_policies(POLICIES_REMOVE, many, 1));
    CU_ASSERT_TRUE(change_policies(POLICIES_ADD, &one, 1));
    CU_ASSERT_EQUAL(now->policy_count, VAULT_POLICIES_MAX);
    free(many);
}

static void deletion_is_soft(void)
{
    struct vault_change c = least();
    struct bytes mark = { 0 };
    struct guid id;
    bool found;

    CU_ASSERT_TRUE(drop("demo", &found));
    CU_ASSERT_FALSE(found);
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    id = now->id;
    CU_ASSERT_TRUE(drop("DEMO", &found) && found);
    CU_ASSERT_TRUE(drop("demo", &found));
    CU_ASSERT_FALSE(found); /* it is deleted already */
    REFUSED(patch("demo", &(struct vault_change){ 0 }), ADMIN_FAULT_VAULT_NOT_FOUND);
    CU_ASSERT_TRUE_FATAL(put("demo", &(struct vault_change){ .recover = true }));
    CU_ASSERT_TRUE(guid_equal(&now->id, &id));
    CU_ASSERT_EQUAL(now->deleted_at, 0);
    CU_ASSERT_EQUAL(now->purge_at, 0);
    REFUSED(put("demo", &(struct vault_change){ .recover = true }), ADMIN_FAULT_VAULT_EXISTS);
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    CU_ASSERT_TRUE(purge(SUBSCRIPTION, "Local", "DEMO"));
    purged_vault_path(&mark, &id);
    CU_ASSERT_EQUAL(store_get(store, bytes_span(&mark), NULL, NULL), ST_OK); /* by which its keys are found */
    bytes_clear(&mark);
    CU_ASSERT_TRUE(vault_name_free(&admin, span_text("demo"), &fault));
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_FALSE(guid_equal(&now->id, &id)); /* so keys of the old one are nobody's */
}

static void recovering_and_purging_need_the_right_place(void)
{
    struct vault_change c = least(), recover = { .recover = true };
    struct guid id = guid_of(SUBSCRIPTION);
    bool found;

    REFUSED(put("demo", &recover), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    REFUSED(purge(SUBSCRIPTION, "local", "demo"), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND); /* it lives */
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    REFUSED(put_at(ELSEWHERE, "Rooms", "demo", &recover), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    REFUSED(put_at(SUBSCRIPTION, "cellar", "demo", &recover), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    REFUSED(purge(ELSEWHERE, "local", "demo"), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    REFUSED(purge(SUBSCRIPTION, "moon", "demo"), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    REFUSED(purge(SUBSCRIPTION, "local", "../demo"), ADMIN_FAULT_DELETED_VAULT_NOT_FOUND);
    CU_ASSERT_TRUE(group_delete(store, &id, span_text("rooms"), &fault)); /* deleted vaults do not hold it */
    REFUSED(put("demo", &recover), ADMIN_FAULT_GROUP_NOT_FOUND);
    CU_ASSERT_TRUE(purge(SUBSCRIPTION, "local", "demo"));
}

static void a_new_vault_inherits_no_assignments(void)
{
    struct vault_change c = least();
    struct assignment on_vault, on_key, on_other, a;
    bool found;

    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE_FATAL(put("demo2", &c));
    CU_ASSERT_TRUE(assign(store, ALICE, READER_ROLE, SCOPE("demo"), &on_vault, &fault));
    CU_ASSERT_TRUE(assign(store, ALICE, READER_ROLE, SCOPE("demo") "/keys/k", &on_key, &fault));
    CU_ASSERT_TRUE(assign(store, ALICE, READER_ROLE, SCOPE("demo2"), &on_other, &fault));
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    CU_ASSERT_EQUAL(assignment_find(store, &on_vault.id, &a), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(assignment_find(store, &on_key.id, &a), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(assignment_find(store, &on_other.id, &a), ST_OK);
    CU_ASSERT_FALSE(assign(store, ALICE, READER_ROLE, SCOPE("demo"), &a, &fault)); /* nothing on a deleted one */
    CU_ASSERT_EQUAL(fault.code, ADMIN_FAULT_SCOPE_NOT_FOUND);
}

/* Somebody else's write, just before ours: the clock is read between reading and committing. */
static unsigned interruptions;

static int64_t interrupt(void)
{
    struct vault_admin theirs = admin_of(store);
    struct vault_place at = place(SUBSCRIPTION, "Rooms", "demo");
    struct vault_change c = { .for_template_deployment = SAID_YES };
    struct admin_fault f = { 0 };
    const struct vault *v;

    if (interruptions > 0) {
        interruptions--;
        CU_ASSERT_TRUE(vault_patch(&theirs, &at, &c, &alice, &v, &f));
        vault_unref(v);
    }
    return 1700000000;
}

static void two_writers_lose_nothing(void)
{
    struct vault_change c = least();
    struct access_policy p = policy_of(BOB, 1);

    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    admin.now = interrupt;
    interruptions = 1;
    REFUSED(put("demo", &c), ADMIN_FAULT_CONFLICT);
    CU_ASSERT_TRUE(put("demo", &c));
    interruptions = 3;
    CU_ASSERT_TRUE_FATAL(patch("demo", &(struct vault_change){ .for_deployment = SAID_YES }));
    CU_ASSERT_TRUE(now->enabled_for_deployment && now->enabled_for_template_deployment); /* both */
    CU_ASSERT_EQUAL(now->updated_at, 1700000000);
    interruptions = 3;
    CU_ASSERT_TRUE(change_policies(POLICIES_ADD, &p, 1));
    CU_ASSERT_EQUAL(interruptions, 0);
    interruptions = 100000;
    REFUSED(patch("demo", &(struct vault_change){ .for_deployment = SAID_NO }), ADMIN_FAULT_CONFLICT);
    interruptions = 0;
}

/* The group goes just before the vault comes into it. */
static int64_t remove_group(void)
{
    struct guid id = guid_of(SUBSCRIPTION);
    struct admin_fault f = { 0 };

    if (interruptions > 0) {
        interruptions--;
        CU_ASSERT_TRUE(group_delete(store, &id, span_text("Rooms"), &f));
    }
    return 1700000000;
}

static void no_vault_without_its_group(void)
{
    struct vault_change c = least();
    struct guid id = guid_of(SUBSCRIPTION);
    struct resource_group g;

    admin.now = remove_group;
    interruptions = 1;
    REFUSED(put("demo", &c), ADMIN_FAULT_GROUP_NOT_FOUND);
    CU_ASSERT_EQUAL(interruptions, 0);
    CU_ASSERT_TRUE(vault_name_free(&admin, span_text("demo"), &fault));
    CU_ASSERT_EQUAL(group_find(store, &id, span_text("Rooms"), &g), ST_NOT_FOUND); /* nor did it come back */
}

#define WRITERS 8
#define EACH    25

static void *add_policies(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < EACH; i++) {
        struct vault_place at = place(SUBSCRIPTION, "Rooms", "demo");
        struct access_policy p = { .tenant_id = admin.tenant_id, .object_id = guid_random() };
        struct admin_fault f = { 0 };
        const struct vault *v = NULL;

        p.permissions[PERMISSION_KEYS] = 1;
        while (!vault_change_policies(&admin, &at, POLICIES_ADD, &p, 1, &alice, &v, &f))
            if (f.code != ADMIN_FAULT_CONFLICT)
                return &admin;
        vault_unref(v);
    }
    return NULL;
}

static void many_writers_lose_nothing(void)
{
    struct vault_change c = least();
    pthread_t threads[WRITERS];
    void *failed;

    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    for (unsigned i = 0; i < WRITERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, add_policies, NULL), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT_TRUE_FATAL(patch("demo", &(struct vault_change){ 0 }));
    CU_ASSERT_EQUAL(now->policy_count, WRITERS * EACH);
}

static void the_due_are_purged_protected_or_not(void)
{
    struct vault_change c = least();
    struct vault *v;
    struct bytes record = { 0 };
    uint64_t revision;
    bool found;

    c.purge_protection = SAID_YES;
    CU_ASSERT_TRUE_FATAL(put("demo", &c));
    CU_ASSERT_TRUE(drop("demo", &found) && found);
    CU_ASSERT_EQUAL_FATAL(store_get(store, span_text("vault/demo"), &record, &revision), ST_OK);
    CU_ASSERT_EQUAL_FATAL(vault_unpack(bytes_span(&record), revision, &v), ST_OK);
    CU_ASSERT_TRUE(put("demo", &(struct vault_change){ .recover = true }));
    CU_ASSERT_EQUAL(vault_purge_due(&admin, v), ST_CONFLICT); /* recovered in the last moment */
    CU_ASSERT_EQUAL(vault_purge_due(&admin, now), ST_OK);
    CU_ASSERT_TRUE(vault_name_free(&admin, span_text("demo"), &fault));
    vault_unref(v);
    bytes_clear(&record);
}

static CU_TestInfo cases[] = {
    { "a vault is created with what was said and the documented defaults", creates },
    { "names that break a rule are refused, others are not", names_have_rules },
    { "a name is taken in every group and subscription, deleted or not, in the same words",
      a_name_is_taken_everywhere },
    { "a PUT that leaves out what it must say is refused and makes nothing", a_put_is_complete },
    { "values out of range are refused", values_have_rules },
    { "purge protection and retention never change", some_things_never_change_back },
    { "RBAC or policies: never changed by what is not said", the_model_of_access_is_never_changed_by_silence },
    { "the firewall is not opened by what is not said", the_firewall_is_not_opened_by_silence },
    { "PUT replaces, PATCH merges", put_replaces_patch_merges },
    { "lists of policies: of this tenant, each identity once, at most 1024", policies_have_rules },
    { "policies are added, replaced and removed by identity", policies_are_added_replaced_removed },
    { "a full list of policies takes no more", a_full_list_takes_no_more },
    { "a deleted vault comes back by recover, and is gone by purge", deletion_is_soft },
    { "recover and purge need the place where the vault was", recovering_and_purging_need_the_right_place },
    { "a vault made again under an old name has none of its assignments", a_new_vault_inherits_no_assignments },
    { "a PUT over another's change is refused, a PATCH is done over again", two_writers_lose_nothing },
    { "no vault appears in a group that goes at that moment", no_vault_without_its_group },
    { "eight writers add policies and none is lost", many_writers_lose_nothing },
    { "what is due is purged, unless it has been recovered", the_due_are_purged_protected_or_not },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "vault_admin", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

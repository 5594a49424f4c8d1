#include "service/vault/catalog.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "service/vault/record.h"
#include "service/vault/vault.h"
#include "tests/unit/service/vault/people.h"

#define ALICE "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define GROUP "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define VAULT_SCOPE(name)                                                                                              \
    "/subscriptions/" SUBSCRIPTION "/resourceGroups/Rooms/providers/Microsoft.KeyVault/vaults/" name

static struct store *store;
static struct catalog *catalog;

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(store_open_memory(&store), ST_OK);
    furnish(store);
    CU_ASSERT_EQUAL_FATAL(catalog_open(store, &catalog), ST_OK);
}

static void tear_down(void)
{
    catalog_close(catalog);
    store_close(store);
}

static bool is_there(const char *name)
{
    const struct vault *v = catalog_find(catalog, span_text(name));

    vault_unref(v);
    return v != NULL;
}

static void delete_vault(const char *name)
{
    struct vault_admin a = admin_of(store);
    struct vault_place at = place(SUBSCRIPTION, "Rooms", name);
    struct principal who = application_of(ALICE);
    struct admin_fault f = { 0 };
    bool found;

    CU_ASSERT_TRUE(vault_delete(&a, &at, &who, &found, &f));
    CU_ASSERT_TRUE(found);
}

static void purge_vault(const char *name)
{
    struct vault_admin a = admin_of(store);
    struct guid subscription = guid_of(SUBSCRIPTION);
    struct admin_fault f = { 0 };

    CU_ASSERT_TRUE(vault_purge(&a, &subscription, span_text("local"), span_text(name), &f));
}

static void finds(void)
{
    const struct vault *v;

    make_vault(store, "Demo-1");
    v = catalog_find(catalog, span_text("dEMO-1"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_STRING_EQUAL(v->name, "Demo-1");
    CU_ASSERT_STRING_EQUAL(v->resource_id, VAULT_SCOPE("Demo-1"));
    CU_ASSERT_STRING_EQUAL(v->tags_json, "{}");
    CU_ASSERT_TRUE(v->rbac && v->rbac_set);
    CU_ASSERT_EQUAL(v->retention_days, 90);
    vault_unref(v);
    CU_ASSERT_FALSE(is_there("demo-"));
    CU_ASSERT_FALSE(is_there("demo-11"));
    CU_ASSERT_FALSE(is_there(""));
    CU_ASSERT_FALSE(is_there("a-name-that-is-longer-than-any-vault-can-have"));
}

static void deleted_ones_are_hidden(void)
{
    const struct vault *v;

    make_vault(store, "demo");
    delete_vault("demo");
    CU_ASSERT_FALSE(is_there("demo"));
    v = catalog_find_any(catalog, span_text("DEMO"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_TRUE(v->deleted_at > 0);
    CU_ASSERT_EQUAL(v->purge_at, v->deleted_at + 90 * 86400);
    purge_vault("demo");
    CU_ASSERT_STRING_EQUAL(v->name, "demo"); /* what we hold stays as it was */
    vault_unref(v);
    CU_ASSERT_PTR_NULL(catalog_find_any(catalog, span_text("demo")));
}

static bool note_name(const struct vault *v, void *arg)
{
    struct bytes *names = arg;

    bytes_append_text(names, v->name);
    bytes_append_char(names, ' ');
    return names->len < 12;
}

static void visits_in_order(void)
{
    struct bytes names = { 0 };

    make_vault(store, "beta");
    make_vault(store, "Alpha");
    make_vault(store, "gamma");
    catalog_visit(catalog, note_name, &names);
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "Alpha beta gamma ");
    bytes_reset(&names);
    catalog_visit_after(catalog, span_text("BETA"), note_name, &names);
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "gamma ");
    bytes_reset(&names);
    catalog_visit_after(catalog, span_text("b"), note_name, &names); /* which is not there */
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "beta gamma ");
    bytes_reset(&names);
    bytes_append_text(&names, "12345678");
    catalog_visit(catalog, note_name, &names);
    CU_ASSERT_STRING_EQUAL(bytes_text(&names), "12345678Alpha ");
    bytes_clear(&names);
}

static void what_was_there_is_loaded(void)
{
    struct catalog *second;
    const struct vault *v;

    for (unsigned i = 0; i < 200; i++) {
        char name[25];

        snprintf(name, sizeof name, "vault-%u", i);
        make_vault(store, name);
    }
    CU_ASSERT_EQUAL_FATAL(catalog_open(store, &second), ST_OK);
    v = catalog_find(second, span_text("Vault-199"));
    CU_ASSERT_PTR_NOT_NULL(v);
    vault_unref(v);
    catalog_close(second);
}

struct told {
    unsigned changed, deleted, purged;
    struct guid last_purged;
};

static void count_change(const struct vault *v, bool purged, void *arg)
{
    struct told *t = arg;

    if (purged) {
        t->purged++;
        t->last_purged = v->id;
    } else if (v->deleted_at != 0) {
        t->deleted++;
    } else {
        t->changed++;
    }
}

static void subscriber_is_told(void)
{
    struct told t = { 0 };
    const struct vault *v;
    struct guid first;

    catalog_subscribe(catalog, count_change, &t);
    make_vault(store, "demo");
    v = catalog_find(catalog, span_text("demo"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    first = v->id;
    vault_unref(v);
    CU_ASSERT_EQUAL(t.changed, 1);
    make_vault(store, "demo");
    CU_ASSERT_EQUAL(t.changed, 2);
    delete_vault("demo");
    CU_ASSERT_EQUAL(t.deleted, 1);
    CU_ASSERT_EQUAL(t.purged, 0);
    purge_vault("demo");
    CU_ASSERT_EQUAL(t.purged, 1);
    CU_ASSERT_TRUE(guid_equal(&t.last_purged, &first));
    make_vault(store, "demo");
    v = catalog_find(catalog, span_text("demo"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_FALSE(guid_equal(&v->id, &first));
    vault_unref(v);
    catalog_subscribe(catalog, NULL, NULL);
    delete_vault("demo");
    CU_ASSERT_EQUAL(t.deleted, 1);
}

static enum status put_raw(const char *key, struct span value)
{
    struct store_write write = { span_text(key), value, STORE_ANY };
    struct store_commit commit = { .writes = &write, .count = 1 };

    return store_commit(store, &commit);
}

/* A record that cannot be read grants nothing, and is no purge either: keys stay. */
static void unreadable_records(void)
{
    struct told t = { 0 };
    struct catalog *second;
    struct bytes record = { 0 };

    make_vault(store, "demo");
    make_vault(store, "other");
    CU_ASSERT_EQUAL_FATAL(store_get(store, span_text("vault/demo"), &record, NULL), ST_OK);
    catalog_subscribe(catalog, count_change, &t);
    CU_ASSERT_EQUAL_FATAL(put_raw("vault/demo", span_text("rubbish")), ST_OK);
    CU_ASSERT_FALSE(is_there("demo"));
    CU_ASSERT_TRUE(is_there("other"));
    CU_ASSERT_EQUAL(t.purged, 0);
    CU_ASSERT_EQUAL(catalog_open(store, &second), ST_CORRUPT);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_EQUAL_FATAL(put_raw("vault/demo", bytes_span(&record)), ST_OK);
    CU_ASSERT_TRUE(is_there("demo"));
    CU_ASSERT_EQUAL_FATAL(put_raw("vault/other", bytes_span(&record)), ST_OK); /* another vault's record */
    CU_ASSERT_FALSE(is_there("other"));
    CU_ASSERT_TRUE(is_there("demo"));
    bytes_clear(&record);
}

static void roles_hold_where_assigned(void)
{
    struct principal alice = application_of(ALICE), member = application_of(TENANT);
    struct assignment a, b;
    struct admin_fault f = { 0 };
    struct guid reader = guid_of(READER_ROLE);
    const char *read = "Microsoft.KeyVault/vaults/read", *write = "Microsoft.KeyVault/vaults/write";

    member.group_count = 1;
    member.groups[0] = guid_of(GROUP);
    make_vault(store, "demo");
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &alice, read, VAULT_SCOPE("demo")));
    CU_ASSERT_FALSE(catalog_has_role(catalog, &alice, "/subscriptions/" SUBSCRIPTION));
    CU_ASSERT_TRUE_FATAL(assign(store, ALICE, READER_ROLE, VAULT_SCOPE("DEMO"), &a, &f));
    CU_ASSERT_STRING_EQUAL(a.scope, VAULT_SCOPE("demo"));
    CU_ASSERT_TRUE(catalog_control_allows(catalog, &alice, read, VAULT_SCOPE("demo")));
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &alice, write, VAULT_SCOPE("demo")));
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &alice, read, VAULT_SCOPE("demo2")));
    CU_ASSERT_TRUE(
        catalog_data_allows(catalog, &alice, "Microsoft.KeyVault/vaults/keys/read", VAULT_SCOPE("demo") "/keys/k"));
    CU_ASSERT_TRUE(catalog_has_role(catalog, &alice, "/subscriptions/" SUBSCRIPTION));
    CU_ASSERT_TRUE(catalog_has_role(catalog, &alice, VAULT_SCOPE("demo") "/keys/k"));
    CU_ASSERT_FALSE(catalog_has_role(catalog, &alice, "/subscriptions/" ELSEWHERE));
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &member, write, VAULT_SCOPE("demo")));
    CU_ASSERT_TRUE_FATAL(assign(store, GROUP, OWNER_ROLE, "/subscriptions/" SUBSCRIPTION, &b, &f));
    CU_ASSERT_TRUE(catalog_control_allows(catalog, &member, write, VAULT_SCOPE("demo")));
    CU_ASSERT_TRUE(catalog_assignment_allows(catalog, &member, "Microsoft.Authorization/roleAssignments/write",
                                             VAULT_SCOPE("demo"), &reader));
    CU_ASSERT_FALSE(catalog_assignment_allows(catalog, &alice, "Microsoft.Authorization/roleAssignments/write",
                                              VAULT_SCOPE("demo"), &reader));
    CU_ASSERT_EQUAL(assignment_delete(store, &b), ST_OK);
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &member, write, VAULT_SCOPE("demo")));
    delete_vault("demo"); /* its assignments go with it */
    CU_ASSERT_FALSE(catalog_control_allows(catalog, &alice, read, VAULT_SCOPE("demo")));
    alice.kind = PRINCIPAL_APPLICATION_USER;
    CU_ASSERT_FALSE(catalog_has_role(catalog, &alice, "/subscriptions/" SUBSCRIPTION));
}

static bool knows_demo(void *c)
{
    const struct vault *v = catalog_find(c, span_text("demo"));

    vault_unref(v);
    return v != NULL;
}

/* Another process is another store over the same file. */
static void other_processes_are_followed(void)
{
    struct bytes path = { 0 };
    struct store *theirs, *ours;
    struct catalog *c;
    const struct vault *v;

    bytes_printf(&path, "%s/catalog.db", scratch_directory());
    CU_ASSERT_EQUAL_FATAL(store_open_sqlite(bytes_text(&path), STORE_READ_WRITE, &theirs), ST_OK);
    furnish(theirs);
    CU_ASSERT_EQUAL_FATAL(store_open_sqlite(bytes_text(&path), STORE_READ_ONLY, &ours), ST_OK);
    CU_ASSERT_EQUAL_FATAL(catalog_open(ours, &c), ST_OK);
    make_vault(theirs, "demo");
    CU_ASSERT(wait_until(knows_demo, c));
    v = catalog_find(c, span_text("demo"));
    CU_ASSERT_PTR_NOT_NULL(v);
    vault_unref(v);
    catalog_close(c);
    store_close(ours);
    store_close(theirs);
    bytes_clear(&path);
}

/* Readers look up while a writer makes, changes, deletes and purges. What they see is always whole: the retention and
 * the tags of one version belong together. */
#define READERS 8
#define ROUNDS  20

struct race {
    atomic_bool stop;
    atomic_uint seen, torn;
};

static void *reader(void *arg)
{
    struct race *r = arg;
    struct principal alice = application_of(ALICE);

    while (!atomic_load(&r->stop)) {
        const struct vault *v = catalog_find_any(catalog, span_text("racing"));

        catalog_control_allows(catalog, &alice, "Microsoft.KeyVault/vaults/read", VAULT_SCOPE("racing"));
        if (v == NULL) {
            sched_yield();
            continue;
        }
        atomic_fetch_add(&r->seen, 1);
        if (strcmp(v->name, "racing") != 0 || v->policy_count != (v->premium ? 1 : 0) ||
            strcmp(v->tags_json, v->premium ? "{\"a\":\"1\"}" : "{}") != 0)
            atomic_fetch_add(&r->torn, 1);
        vault_unref(v);
        sched_yield();
    }
    return NULL;
}

static void change_racing(bool premium)
{
    static char tags[] = "{\"a\":\"1\"}";
    struct vault_admin a = admin_of(store);
    struct vault_place at = place(SUBSCRIPTION, "rooms", "racing");
    struct access_policy policy = { .tenant_id = guid_of(TENANT), .object_id = guid_of(ALICE) };
    struct vault_change c = least();
    struct principal who = application_of(ALICE);
    struct admin_fault f = { 0 };
    const struct vault *v;

    c.premium = premium;
    c.has_policies = true;
    c.policies = &policy;
    c.policy_count = premium;
    c.tags_json = premium ? tags : NULL;
    CU_ASSERT_TRUE(vault_put(&a, &at, &c, true, &who, &v, &f));
    vault_unref(v);
}

static void readers_and_a_writer(void)
{
    struct race r = { 0 };
    pthread_t threads[READERS];
    struct assignment a;
    struct admin_fault f = { 0 };

    for (unsigned i = 0; i < READERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, reader, &r), 0);
    for (unsigned i = 0; i < ROUNDS || atomic_load(&r.seen) < 100; i++) {
        change_racing(false);
        change_racing(true);
        CU_ASSERT_TRUE(assign(store, ALICE, READER_ROLE, VAULT_SCOPE("racing"), &a, &f));
        change_racing(false);
        delete_vault("racing");
        purge_vault("racing");
    }
    atomic_store(&r.stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&r.torn), 0);
    CU_ASSERT_TRUE(atomic_load(&r.seen) >= 100);
}

static CU_TestInfo cases[] = {
    { "a vault is found by its name in any case, and no other is", finds },
    { "a deleted vault is found only by who asks for it; a purged one is gone", deleted_ones_are_hidden },
    { "vaults are visited in order, from behind a name, until it is enough", visits_in_order },
    { "what the store held before is loaded", what_was_there_is_loaded },
    { "the subscriber is told of changes, deletion and purge, and nothing after it left", subscriber_is_told },
    { "a record that cannot be read serves nobody and is no purge", unreadable_records },
    { "roles hold where they are assigned, and no longer than the vault", roles_hold_where_assigned },
    { "what another process writes is seen", other_processes_are_followed },
    { "eight readers see whole vaults while a writer changes them", readers_and_a_writer },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "catalog", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}

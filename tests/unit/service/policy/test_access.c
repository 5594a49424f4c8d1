#include "tests/unit/service/policy/people.h"

#define K(name) BIT(KEY_PERMISSION_##name)
#define C(name) BIT(CERTIFICATE_PERMISSION_##name)

static struct access_policy entry(const char *tenant, const char *object_id, const char *application_id, uint32_t keys)
{
    struct access_policy e = { .tenant_id = id_of(tenant), .object_id = id_of(object_id) };

    e.permissions[PERMISSION_KEYS] = keys;
    if (application_id != NULL) {
        e.has_application_id = true;
        e.application_id = id_of(application_id);
    }
    return e;
}

static bool allows(const struct access_policy *e, size_t count, struct principal who, enum key_permission bit)
{
    struct guid vault = id_of(TENANT);

    return policy_access_allows(e, count, &vault, &who, PERMISSION_KEYS, bit);
}

static const struct {
    const char *what;
    const char *entry_tenant, *entry_object, *entry_application;
    enum principal_kind kind;
    const char *object, *application, *group;
    bool granted;
} table[] = {
    { "application, its own entry", TENANT, ALICE, NULL, PRINCIPAL_APPLICATION, ALICE, PORTAL, NULL, true },
    { "application, another's entry", TENANT, BOB, NULL, PRINCIPAL_APPLICATION, ALICE, PORTAL, NULL, false },
    { "application, entry names its application id as object", TENANT, PORTAL, NULL, PRINCIPAL_APPLICATION, ALICE,
      PORTAL, NULL, false },
    { "application, entry for it together with a user's client", TENANT, ALICE, PORTAL, PRINCIPAL_APPLICATION, ALICE,
      PORTAL, NULL, false },
    { "user, own entry", TENANT, ALICE, NULL, PRINCIPAL_USER, ALICE, PORTAL, NULL, true },
    { "user, entry with an application", TENANT, ALICE, PORTAL, PRINCIPAL_USER, ALICE, PORTAL, NULL, false },
    { "user, another's entry", TENANT, BOB, NULL, PRINCIPAL_USER, ALICE, PORTAL, NULL, false },
    { "user by group", TENANT, SIGNERS, NULL, PRINCIPAL_USER, ALICE, PORTAL, SIGNERS, true },
    { "user, another group", TENANT, READERS, NULL, PRINCIPAL_USER, ALICE, PORTAL, SIGNERS, false },
    { "compound, entry with both", TENANT, ALICE, PORTAL, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, NULL, true },
    { "compound by group and application", TENANT, SIGNERS, PORTAL, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, SIGNERS,
      true },
    { "compound, entry of the user alone", TENANT, ALICE, NULL, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, NULL,
      false },
    { "compound, entry of the application alone", TENANT, PORTAL, NULL, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, NULL,
      false },
    { "compound, another application", TENANT, ALICE, BACKEND, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, NULL, false },
    { "compound, another user", TENANT, BOB, PORTAL, PRINCIPAL_APPLICATION_USER, ALICE, PORTAL, NULL, false },
    { "entry of another tenant", OTHER_TENANT, ALICE, NULL, PRINCIPAL_APPLICATION, ALICE, PORTAL, NULL, false },
};

static void who_matches(void)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct access_policy e =
            entry(table[i].entry_tenant, table[i].entry_object, table[i].entry_application, K(SIGN));
        struct principal who = person(table[i].kind, table[i].object, table[i].application);

        if (table[i].group != NULL)
            who = member_of(who, table[i].group);
        if (allows(&e, 1, who, KEY_PERMISSION_SIGN) != table[i].granted) {
            printf("\n%s", table[i].what);
            CU_FAIL("a decision differs");
        }
        CU_ASSERT_FALSE(allows(&e, 1, who, KEY_PERMISSION_VERIFY));
    }
}

static void each_bit_alone(void)
{
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);

    for (unsigned held = 0; held < KEY_PERMISSION_COUNT; held++) {
        struct access_policy e = entry(TENANT, ALICE, NULL, BIT(held));

        for (unsigned asked = 0; asked < KEY_PERMISSION_COUNT; asked++)
            CU_ASSERT_EQUAL(allows(&e, 1, alice, asked), held == asked);
    }
}

static void kinds_apart(void)
{
    struct access_policy e = entry(TENANT, ALICE, NULL, 0);
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);
    struct guid vault = id_of(TENANT);

    e.permissions[PERMISSION_SECRETS] = UINT32_MAX;
    e.permissions[PERMISSION_STORAGE] = UINT32_MAX;
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_KEYS, KEY_PERMISSION_GET));
    CU_ASSERT_TRUE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_SECRETS, SECRET_PERMISSION_GET));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_CERTIFICATES, CERTIFICATE_PERMISSION_GET));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_STORAGE, 0));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_SECRETS, SECRET_PERMISSION_COUNT));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_SECRETS, 32));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_KIND_COUNT, 0));
    CU_ASSERT_FALSE(policy_access_allows(NULL, 0, &vault, &alice, PERMISSION_SECRETS, SECRET_PERMISSION_GET));
}

static void issuers(void)
{
    static const unsigned covered[] = { CERTIFICATE_PERMISSION_GET_ISSUERS, CERTIFICATE_PERMISSION_LIST_ISSUERS,
                                        CERTIFICATE_PERMISSION_SET_ISSUERS, CERTIFICATE_PERMISSION_DELETE_ISSUERS };
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);
    struct access_policy e = entry(TENANT, ALICE, NULL, 0);
    struct guid vault = id_of(TENANT);

    e.permissions[PERMISSION_CERTIFICATES] = C(MANAGE_ISSUERS);
    for (size_t i = 0; i < ARRAY_LEN(covered); i++)
        CU_ASSERT_TRUE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_CERTIFICATES, covered[i]));
    CU_ASSERT_FALSE(policy_access_allows(&e, 1, &vault, &alice, PERMISSION_CERTIFICATES, CERTIFICATE_PERMISSION_GET));
    CU_ASSERT_FALSE(
        policy_access_allows(&e, 1, &vault, &alice, PERMISSION_CERTIFICATES, CERTIFICATE_PERMISSION_MANAGE_CONTACTS));
    e.permissions[PERMISSION_CERTIFICATES] = C(GET_ISSUERS) | C(LIST_ISSUERS) | C(SET_ISSUERS) | C(DELETE_ISSUERS);
    CU_ASSERT_FALSE(
        policy_access_allows(&e, 1, &vault, &alice, PERMISSION_CERTIFICATES, CERTIFICATE_PERMISSION_MANAGE_ISSUERS));
    /* The wide bit is one of certificates: among the keys, the same number is another permission. */
    e.permissions[PERMISSION_CERTIFICATES] = 0;
    e.permissions[PERMISSION_KEYS] = C(MANAGE_ISSUERS);
    CU_ASSERT_FALSE(allows(&e, 1, alice, (enum key_permission)CERTIFICATE_PERMISSION_GET_ISSUERS));
}

static void other_tenants_vault(void)
{
    struct access_policy e[2] = { entry(TENANT, ALICE, NULL, UINT32_MAX),
                                  entry(OTHER_TENANT, ALICE, NULL, UINT32_MAX) };
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);
    struct guid theirs = id_of(OTHER_TENANT);

    CU_ASSERT_TRUE(allows(e, 2, alice, KEY_PERMISSION_SIGN));
    CU_ASSERT_FALSE(policy_access_allows(e, 2, &theirs, &alice, PERMISSION_KEYS, KEY_PERMISSION_SIGN));
}

static void union_of_entries(void)
{
    struct access_policy e[3] = { entry(TENANT, BOB, NULL, UINT32_MAX), entry(TENANT, ALICE, NULL, K(GET)),
                                  entry(TENANT, SIGNERS, NULL, K(SIGN)) };
    struct principal alice = member_of(person(PRINCIPAL_USER, ALICE, PORTAL), SIGNERS);

    CU_ASSERT_TRUE(allows(e, 3, alice, KEY_PERMISSION_GET));
    CU_ASSERT_TRUE(allows(e, 3, alice, KEY_PERMISSION_SIGN));
    CU_ASSERT_FALSE(allows(e, 3, alice, KEY_PERMISSION_DELETE));
}

static void empty_ids(void)
{
    struct access_policy e = { .tenant_id = id_of(TENANT) };
    struct principal nobody = { .kind = PRINCIPAL_APPLICATION, .tenant_id = id_of(TENANT) };

    e.permissions[PERMISSION_KEYS] = UINT32_MAX;
    CU_ASSERT_FALSE(allows(&e, 1, nobody, KEY_PERMISSION_GET));
}

static CU_TestInfo cases[] = {
    { "whose entry it is: applications, users, groups, compound identities", who_matches },
    { "each key permission grants itself and nothing else", each_bit_alone },
    { "keys, secrets and certificates are apart; storage grants nothing", kinds_apart },
    { "manageissuers covers the four issuer permissions, not the other way round", issuers },
    { "the right token is nobody in another tenant's vault", other_tenants_vault },
    { "several entries add up", union_of_entries },
    { "an entry without an id is nobody's", empty_ids },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "access policies", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
